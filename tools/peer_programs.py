"""What Towline is compared with, built once: containerd, and the tools of EROFS.

containerd comes from the Go module proxy, the tools of EROFS from Debian's newest source: what
Debian 12 has of both is years old, and a comparison with it would flatter us.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CONTAINERD = "github.com/containerd/containerd/v2/cmd/{}@v2.3.4"
_CONTAINERD_PROGRAMS = ("containerd", "ctr", "containerd-shim-runc-v2")
_EROFS_PROGRAMS = ("mkfs.erofs", "fsck.erofs")
_EROFS_BUILD = """
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} sid main" > list
apt="apt-get -qq -o Dir::Etc::sourcelist=$PWD/list -o Dir::Etc::sourceparts=-"
apt="$apt -o Dir::State::lists=$PWD/lists -o Dir::Cache=$PWD/cache -o APT::Sandbox::User=root"
mkdir -p lists/partial cache/archives/partial
$apt update && $apt --download-only source erofs-utils
apt-get install -qq -y autoconf automake libtool pkg-config uuid-dev zlib1g-dev gcc make
tar xf erofs-utils_*.orig.tar.* --strip-components=1
./autogen.sh
./configure --disable-lz4 --disable-lzma --disable-fuse --without-libdeflate --without-libzstd \\
  --without-selinux --without-libcurl --without-openssl --without-libxml2 --without-json-c
make -s
"""
_MIRROR = "http://deb.debian.org/debian"


def peer_programs(cache: Path) -> Path:
    """The folder of the programs, below this one; the tools of EROFS are missing there when they
    cannot be built.
    """
    programs = (cache / "bin").resolve()
    programs.mkdir(parents=True, exist_ok=True)
    missing = [name for name in _CONTAINERD_PROGRAMS if not (programs / name).exists()]
    if missing:
        from tools.conformance import find_go

        packages = [CONTAINERD.format(name) for name in missing]
        environment = {**os.environ, "GOBIN": str(programs)}
        subprocess.run([find_go(), "install", *packages], check=True, env=environment)
    if not all((programs / name).exists() for name in _EROFS_PROGRAMS):
        _build_erofs(cache / "erofs-utils", programs)
    return programs


def _build_erofs(source: Path, programs: Path) -> None:
    source.mkdir(exist_ok=True)
    script = "set -e\n" + _EROFS_BUILD.format(mirror=_MIRROR)
    built = subprocess.run(["sh", "-c", script], cwd=source, stdout=sys.stderr, check=False)
    if built.returncode != 0:
        print("the tools of EROFS cannot be built", file=sys.stderr)
        return
    for name in _EROFS_PROGRAMS:
        (source / name.partition(".")[0] / name).rename(programs / name)

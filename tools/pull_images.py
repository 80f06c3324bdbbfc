"""The images that pulls are measured with, made of this machine's own files and random bytes.

    a  one small layer
    b  like a Python service: some 20,000 small files in six layers
    c  like a model server: 1.5 GB, of which most compresses badly, in five layers

Layers are packed with `gzip -6`, as most are. Each image carries `/first`, which prints something
that only a started container can; running it is "first output". They are made once and kept as OCI
image layouts.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import random
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_OCI = "application/vnd.oci.image"
_LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
_STDLIB = Path(sysconfig.get_path("stdlib"))
_SITE = Path(sysconfig.get_path("purelib"))
_MANY = 330
_MB = 1_000_000


@dataclass(slots=True)
class Layer:
    """A layer that is being written: a tar, packed on its way to the disk."""

    path: Path
    random: random.Random
    diff_id: str = ""
    digest: str = ""
    _known: set[str] = field(default_factory=set)

    def write(self, part: Part) -> None:
        """Write it; afterwards its digests are known."""
        with self.path.open("wb") as out:
            gzip = subprocess.Popen(
                ["gzip", "-6", "-n"], stdin=subprocess.PIPE, stdout=out, bufsize=_MB
            )
            assert gzip.stdin is not None
            tee = _Hashed(gzip.stdin)
            with tarfile.open(fileobj=tee, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for info, content in part.members():
                    self._folders(archive, info.name)
                    archive.addfile(info, io.BytesIO(content))
            gzip.stdin.close()
            if gzip.wait() != 0:
                raise RuntimeError("gzip failed")
        self.diff_id = tee.digest
        with self.path.open("rb") as file:
            self.digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()

    def _folders(self, archive: tarfile.TarFile, name: str) -> None:
        for parent in reversed(Path(name).parents[:-1]):
            if str(parent) not in self._known:
                self._known.add(str(parent))
                archive.addfile(_info(str(parent), tarfile.DIRTYPE, mode=0o755))


class _Hashed(io.RawIOBase):
    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._hash = hashlib.sha256()

    def write(self, data: object, /) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # any buffer
        self._hash.update(piece)
        self._out.write(piece)
        return len(piece)

    @property
    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()


Member = tuple[tarfile.TarInfo, bytes]


@dataclass(frozen=True, slots=True)
class Part:
    """What is in one layer."""

    trees: tuple[tuple[Path, int], ...] = ()
    """Folders of this machine, and how many bytes of each at most."""
    made: tuple[Member, ...] = ()

    def members(self) -> Iterator[Member]:
        """Everything, one after the other."""
        yield from self.made
        for folder, limit in self.trees:
            yield from _tree(folder, limit)


def _info(name: str, /, kind: bytes = tarfile.REGTYPE, **attributes: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mtime = kind, 1_700_000_000
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def _file(name: str, content: bytes, **attributes: Any) -> Member:
    return _info(name, size=len(content), **attributes), content


def _tree(folder: Path, limit: int) -> Iterator[Member]:
    size = 0
    for path in sorted(folder.rglob("*")):
        if "site-packages" in path.relative_to(folder).parts:
            continue  # of the standard library's folder
        name = str(path).lstrip("/")
        try:
            if path.is_symlink():
                yield _info(name, tarfile.SYMTYPE, linkname=str(path.readlink())), b""
            elif path.is_file():
                content = path.read_bytes()
                size += len(content)
                yield _file(name, content, mode=path.stat().st_mode & 0o7777)
        except OSError:
            continue  # others may change what is measured with
        if size > limit:
            return


def _busybox(first: str) -> tuple[Member, ...]:
    links = ("sh", "true", "ls", "cat", "sleep", "echo", "md5sum", "wc", "head", "dd")
    return (
        _file("bin/busybox", Path("/bin/busybox").read_bytes(), mode=0o755),
        *((_info(f"bin/{name}", tarfile.SYMTYPE, linkname="busybox"), b"") for name in links),
        _file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
        _file("etc/group", b"root:x:0:\n"),
        _file("first", first.encode(), mode=0o755),
        *(
            (_info(name, tarfile.DIRTYPE, mode=0o755), b"")
            for name in ("dev", "proc", "sys", "tmp", "root")
        ),
    )


def _small(chance: random.Random) -> tuple[Part, ...]:
    program = Path(sys.executable).resolve().read_bytes()[: 6 * _MB]
    made = (
        *_busybox("cat /etc/passwd\n"),
        _file("usr/bin/program", program, mode=0o755),
        _file("usr/lib/libc.so", (_LIBRARIES / "libc.so.6").read_bytes()),
        _file("etc/blob", chance.randbytes(700_000)),
    )
    return (Part(made=made),)


def _python_like(_: random.Random) -> tuple[Part, ...]:
    sources = [str(path) for path in sorted(_STDLIB.rglob("*.py")) if path.is_file()]
    first = "cat " + " ".join(sources[:_MANY]) + "\n"
    share = Path("/usr/share")
    base = (
        (_LIBRARIES, 60 * _MB),
        (share / "zoneinfo", 30 * _MB),
        (share / "locale", 30 * _MB),
        (share / "doc", 20 * _MB),
    )
    return (
        Part(base, _busybox(first)),
        Part(((Path("/usr/lib/python3"), 60 * _MB), (share / "perl", 60 * _MB))),
        Part(((_STDLIB, 100 * _MB),)),
        Part(((_SITE, 415 * _MB),)),
        Part(((share / "vim", 60 * _MB),), _peculiar()),
        Part(made=(_file("app/config.json", b"{}"), _file("app/.wh.empty", b""))),
    )


def _peculiar() -> tuple[Member, ...]:
    """What an unpacker has to get right on its way."""
    xattrs = {"SCHILY.xattr.user.demo": "hello", "SCHILY.xattr.user.second": "v2"}
    return (
        _file("usr/share/zoneinfo/.wh..wh..opq", b""),
        _file("usr/share/zoneinfo/UTC", b"TZif2"),
        _file("etc/.wh.group", b""),
        _file("app/main.py", b'print("hi")\n', uid=1000, gid=1000),
        _file("app/" + "n" * 150 + "/" + "m" * 120 + ".txt", b"long"),
        _file("app/" + "é" * 20, b"unicode"),
        _file("app/suid", b"#!/bin/sh\n", mode=0o4755),
        _file("app/attributes", b"x" * 5000, mode=0o755, pax_headers=xattrs),
        (_info("app/hard", tarfile.LNKTYPE, linkname="app/main.py"), b""),
        (_info("app/link", tarfile.SYMTYPE, linkname="../etc/passwd"), b""),
        _file("app/empty", b""),
        (_info("app/pipe", tarfile.FIFOTYPE), b""),
        (_info("app/null", tarfile.CHRTYPE, devmajor=1, devminor=3), b""),
    )


def _model_like(chance: random.Random) -> tuple[Part, ...]:
    base = Part(((_LIBRARIES, 300 * _MB),), _busybox("md5sum /app/needed.bin\n"))
    tools = next(filter(Path.exists, map(Path, ("/usr/lib/llvm-14", "/usr/lib/gcc"))), Path("/usr"))
    tokenizer = Path(sys.executable).resolve().read_bytes()[: 4 * _MB] + chance.randbytes(6 * _MB)
    shards = (
        _file(f"models/shard-{number}.bin", content)
        for number, content in enumerate(
            (_weights(chance, 120 * _MB) if number % 2 else chance.randbytes(120 * _MB))
            for number in range(4)
        )
    )
    extra = (_file(f"models/extra-{n}.bin", _weights(chance, 110 * _MB)) for n in range(3))
    needed = (_LIBRARIES / "libc.so.6").read_bytes()[: 5 * _MB] + chance.randbytes(8 * _MB)
    return (
        base,
        Part(((tools, 360 * _MB),)),
        Part(made=(_file("models/tokenizer.json", tokenizer), *shards)),
        Part(made=tuple(extra)),
        Part(made=(_file("app/needed.bin", needed[: 10 * _MB]),)),
    )


def _weights(chance: random.Random, size: int) -> bytes:
    """Like 32-bit floats: of four bytes one, the exponent, takes few values."""
    content = bytearray(chance.randbytes(size))
    exponents = bytes(chance.choice((0x3C, 0x3D, 0xBC, 0xBD)) for _ in range(1 << 16))
    count = len(content[3::4])
    content[3::4] = bytes(itertools.islice(itertools.cycle(exponents), count))
    return bytes(content)


_IMAGES = {"a": _small, "b": _python_like, "c": _model_like}


def layout(folder: Path, name: str) -> Path:
    """The OCI image layout of an image below a folder, made if it is not there."""
    place = folder / name
    if (place / "index.json").exists():
        return place
    blobs = place / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    chance = random.Random(7)  # the same image everywhere
    parts = _IMAGES[name](chance)
    layers = [Layer(blobs / f"layer-{number}", chance) for number in range(len(parts))]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(Layer.write, layers, parts))
    for layer in layers:
        layer.path.rename(blobs / layer.digest.removeprefix("sha256:"))
    _describe(place, layers)
    return place


def _describe(place: Path, layers: list[Layer]) -> None:
    blobs = place / "blobs" / "sha256"
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh", "/first"]},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": _put(blobs, f"{_OCI}.config.v1+json", config),
        "layers": [_stored(blobs, f"{_OCI}.layer.v1.tar+gzip", layer.digest) for layer in layers],
    }
    entry = _put(blobs, f"{_OCI}.manifest.v1+json", manifest)
    entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (place / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (place / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def _put(blobs: Path, kind: str, value: object) -> dict[str, object]:
    content = json.dumps(value).encode()
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return _stored(blobs, kind, f"sha256:{digest}")


def _stored(blobs: Path, kind: str, digest: str) -> dict[str, object]:
    size = (blobs / digest.removeprefix("sha256:")).stat().st_size
    return {"mediaType": kind, "digest": digest, "size": size}

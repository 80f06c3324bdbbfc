"""Layers that were made to do harm, at full size, and what must come of each.

Each writes a packed layer to a file. What is promised is in `docs/limits.md`.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard
from tests.images import directory, file, hard_link, noise, special, symlink, tar

MB = 1_000_000
_PIECE = 64 * MB
_END = bytes(1024)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a layer may cost us: megabytes of memory and of disk, and seconds of CPU."""

    memory: int = 160
    disk: int = 64
    cpu: float = 5.0


@dataclass(frozen=True, slots=True)
class HostileLayer:
    """How it is made, what is said of it, and what it may cost."""

    write: Callable[[Path], str]
    """Write it, packed; the diff ID, or nothing where nobody gets so far."""
    refusal: str = ""
    """What is said; nothing where the layer is taken."""
    limits: Limits = Limits()


def _zeros(path: Path) -> str:
    """Ten gigabytes of nothing in members of gzip."""
    with path.open("wb") as out:
        out.write(gzip.compress(_head("zeros", 160 * _PIECE)))
        out.writelines([gzip.compress(bytes(_PIECE), 9)] * 160)
    return ""


def _zstd_zeros(path: Path) -> str:
    with path.open("wb") as out:
        out.write(zstandard.compress(_head("zeros", 160 * _PIECE)))
        out.writelines([zstandard.compress(bytes(_PIECE), 19)] * 160)
    return ""


def _zstd_window(path: Path) -> str:
    """A frame that asks for a window of two gigabytes (RFC 8878, 3.1.1.1.2) and brings none."""
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([21 << 3]) + b"\x00\x00\x08" + bytes(1))
    return ""


def _zstd_large_window(path: Path) -> str:
    """The largest window that is allowed, in a layer that is none the worse for it."""
    data = tar(file("random", noise(100 * MB)))
    settings = zstandard.ZstdCompressionParameters(window_log=27)
    with (
        path.open("wb") as out,
        zstandard.ZstdCompressor(compression_params=settings).stream_writer(
            out, closefd=False
        ) as packing,
    ):
        packing.write(data)
    return _digest([data])


def _entries(count: int) -> Callable[[Path], str]:
    """So many empty files."""

    def write(path: Path) -> str:
        return _packed(path, _empty_files(f"{number:08}" for number in range(count)))

    return write


def _in_folders(count: int) -> Callable[[Path], str]:
    """So many files, each in a folder that no entry names."""

    def write(path: Path) -> str:
        return _packed(path, _empty_files(f"{number:08}/f" for number in range(count)))

    return write


def _deep_folders(path: Path) -> str:
    """A short entry asks for some hundred folders."""
    deep = "/d" * 490
    return _packed(path, (_head(f"{number}{deep}/f", 0) for number in range(10_000)))


def _empty_files(names: Iterable[str]) -> Iterator[bytes]:
    """Their headers, some thousand at a time; only name and checksum differ."""
    blank = bytearray(_head("", 0))
    blank[148:156] = b" " * 8
    rest, held = sum(blank), bytearray()
    for name in names:
        raw = name.encode()
        blank[: len(raw)] = raw
        blank[148:156] = b"%06o\0 " % (rest + sum(raw))
        held += blank
        if len(held) > MB:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _global_headers(path: Path) -> str:
    """Three gigabytes of pax headers that mean to last, and that nobody reads."""
    return _packed(path, (_pax_block(b"g", _junk(number)) for number in range(3000)))


def _junk(number: int) -> Iterator[tuple[bytes, bytes]]:
    return ((b"x.%d.%d" % (number, key), b"v" * 80) for key in range(10_000))


def _lasting_attributes(path: Path) -> str:
    """Attributes that a global header gives to a million files."""
    attributes = ((b"SCHILY.xattr.user.%d" % key, b"v") for key in range(4000))
    names = (f"{number:08}" for number in range(1_000_000))
    return _packed(path, (_pax_block(b"g", attributes), *_empty_files(names)))


def _many_attributes(path: Path) -> str:
    """Headers full of attributes with the shortest names."""
    attributes = [(b"SCHILY.xattr.%d" % key, b"") for key in range(8_000)]
    entry = _pax_block(b"x", attributes) + _head("f", 0)
    return _packed(path, (entry for _ in range(5_000)))


def _attributes_of_one(count: int) -> Callable[[Path], str]:
    """So many attributes of one file."""

    def write(path: Path) -> str:
        attributes = ((b"SCHILY.xattr.user.%05d" % key, b"") for key in range(count))
        return _packed(path, [_pax_block(b"x", attributes) + _head("f", 0) + _END])

    return write


def _long_way_round(path: Path) -> str:
    """Many names that lead through forty links of four thousand bytes each."""
    ways = [directory("d"), directory("l39")]
    ways += [symlink(f"l{number}", f"{'d/../' * 800}l{number + 1}") for number in range(39)]
    heads = b"".join(info.tobuf(tarfile.GNU_FORMAT) for info, _ in ways)
    return _packed(path, (heads, *_empty_files(f"l0/{number:08}" for number in range(900_000))))


def _crumbs(path: Path) -> str:
    """A large header in members of gzip that have a byte each."""
    data = _pax_block(b"x", ((b"comment", b"c" * (MB // 2)),)) + _head("f", 0) + _END
    with path.open("wb") as out:
        out.writelines(_member(data[at : at + 1]) for at in range(len(data)))
    return _digest([data])


def _member(data: bytes) -> bytes:
    engine = zlib.compressobj(1, zlib.DEFLATED, 31)
    return engine.compress(data) + engine.flush()


def _replaced(path: Path) -> str:
    """Folders with much in them that come and go."""
    folder = b"".join(_empty_files(f"d/{number:05}" for number in range(20_000)))
    again = _head("d", 0) + _head("d/", 0, tarfile.DIRTYPE) + folder
    return _packed(path, (again for _ in range(45)))


def _small(*members: tuple[tarfile.TarInfo, bytes]) -> Callable[[Path], str]:
    return _plain(tar(*members))


def _plain(data: bytes) -> Callable[[Path], str]:
    def write(path: Path) -> str:
        path.write_bytes(gzip.compress(data))
        return _digest([data])

    return write


def _sized(field: bytes) -> bytes:
    """A file whose header says this of its size."""
    made = bytearray(_head("f", 0))
    made[124:136] = field
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made)
    return bytes(made) + _END


def _sparse(numbers: tuple[int, ...], size: int, stored: int) -> Callable[[Path], str]:
    lines = "".join(f"{number}\n" for number in (len(numbers) // 2, *numbers)).encode()
    content = lines.ljust(-(-len(lines) // 512) * 512, b"\0") + bytes(stored)
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "hole"}
    headers["GNU.sparse.realsize"] = str(size)
    return _small(file("x", content, pax_headers=headers))


def _head(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def _pax_block(flag: bytes, records: Iterable[tuple[bytes, bytes]]) -> bytes:
    content = b"".join(_record(key, value) for key, value in records)
    return _head("pax", len(content), flag) + content.ljust(-(-len(content) // 512) * 512, b"\0")


def _record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    total = length + len(str(length))
    total += len(str(total)) - len(str(length))
    return b"%d %s=%s\n" % (total, key, value)


def _packed(path: Path, pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    with gzip.open(path, "wb", 1) as out:
        for piece in pieces:
            digest.update(piece)
            out.write(piece)
        digest.update(_END)
        out.write(_END)
    return f"sha256:{digest.hexdigest()}"


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


_AWKWARD = (b"-", b".-", b"...", b" ", b"\n", b"\xff\xfe", b"a\x01", b"a", b"a.", b"a" * 255,
            b"n" * 254, b"\xc3\x28", b"%s", b"\x7f" * 200)  # fmt: skip
_NAMES = tuple(file(f"names/{name.decode(errors='surrogateescape')}") for name in _AWKWARD)
_DEVICES = (
    special("disk", tarfile.BLKTYPE, devmajor=259, devminor=0, mode=0o666),
    special("memory", tarfile.CHRTYPE, devmajor=1, devminor=1, mode=0o666),
)
_MANY = Limits(memory=1300, disk=1100, cpu=60)
LAYERS: dict[str, HostileLayer] = {
    "10 GB from 10 MB, gzip": HostileLayer(
        _zeros, "it unpacks to more than", Limits(disk=2300, cpu=20)
    ),
    "10 GB from 1 MB, zstd": HostileLayer(
        _zstd_zeros, "it unpacks to more than", Limits(disk=1200, cpu=10)
    ),
    "zstd, a window of 2 GB": HostileLayer(_zstd_window, "zstd: "),
    "zstd, a window of 128 MB": HostileLayer(_zstd_large_window, "", Limits(360, 210)),
    "10 million files": HostileLayer(
        _entries(10_000_000), "more than 1000000 files", Limits(600, 800, 60)
    ),
    "1 million files": HostileLayer(_entries(1_000_000), "", _MANY),
    "500,000 files in folders of their own": HostileLayer(
        _in_folders(500_000), "", Limits(1500, 800, 60)
    ),
    "a million files in folders of their own": HostileLayer(
        _in_folders(1_000_000), "more than 500000 folders", Limits(1300, 600, 60)
    ),
    "5 million folders that no entry names": HostileLayer(
        _deep_folders, "more than 500000 folders", Limits(600, 60, 30)
    ),
    "3 GB of global headers": HostileLayer(_global_headers, "", Limits(disk=3100, cpu=90)),
    "attributes for a million files": HostileLayer(
        _lasting_attributes, "names and attributes take more", Limits(1000, 600, 30)
    ),
    "40 million attributes": HostileLayer(
        _many_attributes, "names and attributes take more", Limits(900, 3000, 60)
    ),
    "65,535 attributes of one file": HostileLayer(
        _attributes_of_one(65_535), "header field too long"
    ),
    "30,000 attributes of one file": HostileLayer(
        _attributes_of_one(30_000), '"f": extended attributes take'
    ),
    "5,900 attributes of one file": HostileLayer(_attributes_of_one(5_900)),
    "900,000 names through forty links": HostileLayer(
        _long_way_round, "its links lead through more", Limits(900, 600, 90)
    ),
    "a member of gzip for each byte": HostileLayer(_crumbs, "", Limits(cpu=30)),
    "folders that come and go": HostileLayer(_replaced, "", Limits(900, 500, 60)),
    "a name with ..": HostileLayer(_small(file("a/../../etc/passwd")), "outside of the root"),
    "an absolute name": HostileLayer(_small(file("/etc/passwd")), "absolute path"),
    "through a link out": HostileLayer(
        _small(symlink("out", "../.."), file("out/etc/passwd")), "is a symbolic link"
    ),
    "through an absolute link": HostileLayer(
        _small(symlink("out", "/etc"), file("out/passwd")), "is a symbolic link"
    ),
    "links in a circle": HostileLayer(
        _small(symlink("a", "b"), symlink("b", "a"), file("a/f")), "is a symbolic link"
    ),
    "a hard link out": HostileLayer(
        _small(hard_link("shadow", "../../etc/shadow")), "outside of the root"
    ),
    "a hard link through a link out": HostileLayer(
        _small(symlink("out", "../.."), hard_link("shadow", "out/etc/shadow")), ""
    ),
    "a hard link to a folder": HostileLayer(
        _small(directory("d"), hard_link("e", "d")), "operation not permitted"
    ),
    "below a file": HostileLayer(_small(file("f"), file("f/g")), "is a file"),
    "whiteouts of . and ..": HostileLayer(_small(file("d/.wh...")), "hides nothing"),
    "devices": HostileLayer(_small(*_DEVICES)),
    "a device like a whiteout": HostileLayer(
        _small(special("passwd", tarfile.CHRTYPE, devmajor=0, devminor=0))
    ),
    "overlayfs' own attributes": HostileLayer(
        _small(directory("etc", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/root"}))
    ),
    "a negative size": HostileLayer(_plain(_sized(b"\xff" * 12)), "invalid tar header"),
    "a size of 8 EiB": HostileLayer(_plain(_sized(b"\x80\0\0\0\x7f" + b"\xff" * 7)), "EOF"),
    "parts that overlap": HostileLayer(_sparse((0, 600, 512, 600), 4096, 1200), "sparse map"),
    "parts that are not there": HostileLayer(_sparse((0, 5120), 8192, 512), "non-existent data"),
    "a hole of a petabyte": HostileLayer(_sparse((0, 512), 10**15, 512)),
    "awkward names": HostileLayer(_small(directory("names"), *_NAMES)),
    "a name of 256 bytes": HostileLayer(_small(file("n" * 256)), "file name too long"),
    "a name with NUL": HostileLayer(
        _small(file("f", pax_headers={"path": "etc/passwd\0x"})), "invalid argument"
    ),
    "501 folders deep": HostileLayer(_small(file("d/" * 501 + "f")), "file name too long"),
    "a link of 4,096 bytes": HostileLayer(_small(symlink("l", "x" * 4096)), "invalid argument"),
    "an owner that is root by overflow": HostileLayer(
        _small(file("f", uid=1 << 32)), "invalid tar header"
    ),
}

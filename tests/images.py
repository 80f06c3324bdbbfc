"""Images for tests, made from nothing: tars, configs, manifests and layouts."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from towline.oci import media_type
from towline.oci.digest import Digest


def file(name: str, content: bytes = b"", **attributes: object) -> tuple[tarfile.TarInfo, bytes]:
    """A regular file of a tar."""
    return _info(name, tarfile.REGTYPE, attributes, len(content)), content


def directory(name: str, **attributes: object) -> tuple[tarfile.TarInfo, bytes]:
    """A directory of a tar."""
    return _info(name, tarfile.DIRTYPE, {"mode": 0o755, **attributes}), b""


def symlink(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic link of a tar."""
    return _info(name, tarfile.SYMTYPE, {"linkname": target}), b""


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A hard link of a tar."""
    return _info(name, tarfile.LNKTYPE, {"linkname": target}), b""


def special(name: str, kind: bytes, **attributes: object) -> tuple[tarfile.TarInfo, bytes]:
    """A device or a pipe of a tar."""
    return _info(name, kind, attributes), b""


def _info(name: str, kind: bytes, attributes: dict[str, object], size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, size, 1_700_000_000
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def tar(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002
    """A tar of these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that nothing packs, the same for the same seed."""
    return random.Random(seed).randbytes(size)  # nothing is hidden by it


def busybox_tar() -> bytes:
    """Debian's static busybox with the links that a shell needs."""
    links = [
        symlink(f"bin/{name}", "/bin/busybox") for name in ("sh", "cat", "ls", "echo", "sleep")
    ]
    content = Path("/bin/busybox").read_bytes()
    return tar(directory("bin"), file("bin/busybox", content, mode=0o755), *links)


@dataclass(slots=True)
class MadeImage:
    """An image with everything that a registry needs to serve it."""

    manifest: bytes
    config: Digest
    layers: tuple[Digest, ...]
    diff_ids: tuple[Digest, ...]
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    media_type: str = media_type.OCI_MANIFEST

    @property
    def digest(self) -> Digest:
        """The manifest's digest."""
        return Digest.of(self.manifest)


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    media_type.OCI_LAYER: lambda data: data,
    media_type.OCI_LAYER_GZIP: lambda data: gzip.compress(data, 1, mtime=0),
    media_type.OCI_LAYER_ZSTD: lambda data: zstandard.compress(data, 1),
}


def image(*tars: bytes, layer_type: str = media_type.OCI_LAYER_GZIP, **run: object) -> MadeImage:
    """An image of these layers, lowest first; `run` goes into the config's `config`."""
    packed = [_PACKERS[layer_type](data) for data in tars]
    diff_ids = tuple(map(Digest.of, tars))
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": run,
            "rootfs": {"type": "layers", "diff_ids": list(map(str, diff_ids))},
        }
    ).encode()
    blobs = {Digest.of(data): data for data in (*packed, config)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type.OCI_MANIFEST,
        "config": _descriptor(config, media_type.OCI_CONFIG),
        "layers": [_descriptor(data, layer_type) for data in packed],
    }
    layers = tuple(map(Digest.of, packed))
    return MadeImage(json.dumps(manifest).encode(), Digest.of(config), layers, diff_ids, blobs)


def index(*images: tuple[MadeImage, str]) -> bytes:
    """An index of images with their platforms, `os/architecture`."""
    entries = []
    for made, platform in images:
        os, _, architecture = platform.partition("/")
        entry = _descriptor(made.manifest, made.media_type)
        entries.append(entry | {"platform": {"os": os, "architecture": architecture}})
    document = {"schemaVersion": 2, "mediaType": media_type.OCI_INDEX, "manifests": entries}
    return json.dumps(document).encode()


def write_layout(path: Path, made: MadeImage, tag: str = "latest") -> None:
    """An OCI image layout folder with one image."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for digest, data in (made.blobs | {made.digest: made.manifest}).items():
        (blobs / digest.hex).write_bytes(data)
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    entry = _descriptor(made.manifest, made.media_type)
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    document = {"schemaVersion": 2, "mediaType": media_type.OCI_INDEX, "manifests": [entry]}
    (path / "index.json").write_text(json.dumps(document))


def _descriptor(data: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "digest": str(Digest.of(data)), "size": len(data)}

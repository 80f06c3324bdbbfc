"""The config of an image: what it runs, and which layers make its files."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from towline.oci.digest import Digest, InvalidDigest
from towline.oci.platform import Platform
from towline.problem import Problem


class InvalidImageConfig(Problem):
    """Bytes that are no image config."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "invalid-image-config",
            cause=f"the image config cannot be read: {reason}",
            remedy="Build and push the image again.",
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What a container of this image does unless the pod says otherwise."""

    platform: Platform
    diff_ids: tuple[Digest, ...]
    """The digests of the unpacked layers, lowest first."""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""

    @classmethod
    def parse(cls, body: bytes) -> ImageConfig:
        """Read the JSON of a config; raises `InvalidImageConfig`."""
        try:
            document = _decoder.decode(body)
            diff_ids = tuple(Digest.parse(text) for text in document.rootfs.diff_ids)
        except (msgspec.MsgspecError, InvalidDigest, UnicodeDecodeError) as error:
            reason = error.cause if isinstance(error, InvalidDigest) else str(error)
            raise InvalidImageConfig(reason) from error
        run = document.config or _Run()
        platform = Platform(document.os, document.architecture, document.variant or "")
        return cls(
            platform.normalized(),
            diff_ids,
            run.Entrypoint or (),
            run.Cmd or (),
            tuple(_variable(text) for text in run.Env or ()),
            run.WorkingDir or "",
            run.User or "",
            run.StopSignal or "",
        )


class _Run(msgspec.Struct, frozen=True):
    Entrypoint: tuple[str, ...] | None = None
    Cmd: tuple[str, ...] | None = None
    Env: tuple[str, ...] | None = None
    WorkingDir: str | None = None
    User: str | None = None
    StopSignal: str | None = None


class _RootFilesystem(msgspec.Struct, frozen=True):
    diff_ids: tuple[str, ...]


class _Document(msgspec.Struct, frozen=True):
    rootfs: _RootFilesystem
    architecture: str = ""
    os: str = ""
    variant: str | None = None
    config: _Run | None = None


_decoder = msgspec.json.Decoder(_Document)


def _variable(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value

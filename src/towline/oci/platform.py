"""Platforms, and which manifest of an index a machine takes.

The rules are containerd's `platforms.Only`: an amd64 machine takes what names no variant, arm64
means v8, and a newer 32-bit arm takes older code, the nearest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from towline.oci.manifest import Descriptor
from towline.problem import Problem

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "armv8l": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "i386": ("386", ""),
    "i686": ("386", ""),
}
_ARM_VARIANTS = ("v8", "v7", "v6", "v5")


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and a processor, in Go's words."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `os/architecture[/variant]`; raises `Problem`."""
        parts = text.strip().lower().split("/")
        if not 2 <= len(parts) <= 3 or not all(parts):
            raise Problem(
                "invalid-platform",
                cause=f"{text[:100]!r} is not a platform",
                remedy="Write os/architecture[/variant], as in linux/amd64 or linux/arm64/v8.",
            )
        return cls(*parts).normalized()

    @classmethod
    def of_machine(cls, machine: str) -> Platform:
        """The platform of a Linux machine, from what `uname -m` says."""
        return cls("linux", machine.lower()).normalized()

    def normalized(self) -> Platform:
        """The same platform under its usual names; arm64's v8 and amd64's v1 go without saying."""
        architecture, variant = self.architecture, self.variant
        if architecture in _ARCHITECTURES:
            architecture, usual = _ARCHITECTURES[architecture]
            variant = variant or usual
        if (architecture, variant) in {("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")}:
            variant = ""
        if architecture == "arm":
            variant = f"v{variant.removeprefix('v') or '7'}"
        return Platform(self.os, architecture, variant)

    def accepts(self) -> tuple[Platform, ...]:
        """All platforms whose code runs here, the best first."""
        mine = self.normalized()
        if mine.architecture == "arm" and mine.variant in _ARM_VARIANTS:
            variants = _ARM_VARIANTS[_ARM_VARIANTS.index(mine.variant) :]
        elif mine.architecture == "amd64" and mine.variant in {"v2", "v3", "v4"}:
            variants = (*(f"v{level}" for level in range(int(mine.variant[1]), 1, -1)), "")
        else:
            variants = (mine.variant,)
        return tuple(Platform(mine.os, mine.architecture, variant) for variant in variants)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def choose(manifests: Iterable[Descriptor], platform: Platform) -> Descriptor | None:
    """The manifest that this platform takes, or None.

    A manifest that names no platform is taken only when no other fits: its config will tell.
    """
    listed = tuple(manifests)
    for accepted in platform.accepts():
        for manifest in listed:
            if manifest.platform is not None and _platform(manifest) == accepted:
                return manifest
    return next((manifest for manifest in listed if manifest.platform is None), None)


def _platform(manifest: Descriptor) -> Platform | None:
    if manifest.platform is None:
        return None
    os, architecture, variant = manifest.platform
    return Platform(os, architecture, variant).normalized()

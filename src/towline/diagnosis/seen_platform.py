"""For which machine an image is, against the one that is to run it."""

from __future__ import annotations

from dataclasses import dataclass

from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import Observations

_ALSO_RUNS = {"amd64": {"386"}, "arm64": {"arm"}}


@dataclass(frozen=True, slots=True)
class Platforms:
    """Both sides, `os/architecture`."""

    image: str
    wanted: str

    @property
    def image_os(self) -> str:
        """What the image is made for."""
        return self.image.split("/")[0]

    @property
    def wanted_os(self) -> str:
        """What runs it."""
        return self.wanted.split("/")[0]

    @property
    def runs(self) -> bool:
        """Whether the machine can execute it, older kinds of its processor included."""
        image, wanted = _architecture(self.image), _architecture(self.wanted)
        return image == wanted or image in _ALSO_RUNS.get(wanted, ())

    @property
    def line(self) -> str:
        """As evidence."""
        return f"the image is for {self.image}; {self.wanted} is wanted"


def platforms(seen: Observations | None) -> Platforms | None:
    """What the config says and what is wanted; None where either is not known."""
    config = seen.config if seen else None
    if seen is None or config is None or not (config.platform and seen.platform):
        return None
    return Platforms(config.platform, seen.platform)


def wanted(facts: Facts, unknown: str) -> str:
    """What the image is to run on, as far as known."""
    return facts.seen.platform if facts.seen and facts.seen.platform else unknown


def _architecture(platform: str) -> str:
    return platform.split("/")[1] if "/" in platform else ""

"""What a probe saw of an image's blobs, config and layers alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from towline.diagnosis.answered import answered
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import HttpOutcome, HttpSeen, Observations
from towline.diagnosis.observed_path import PathSeen
from towline.diagnosis.rule import Proof

_SHORT = len("sha256:") + 12
MAX_CONFIG = 1024 * 1024
"""More of a config no probe reads."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A config or a layer that was asked for."""

    name: str
    digest: str
    size: int
    """As the manifest has it."""
    answer: HttpSeen
    tail: HttpSeen | None = None
    stated_size: int | None = None
    seen_digest: str = ""
    path: PathSeen | None = None
    """To the host it was redirected to."""

    @property
    def arrived(self) -> bool:
        """What was asked for came."""
        return self.answer.outcome is HttpOutcome.ANSWERED and self.answer.status in (200, 206)

    @property
    def line(self) -> str:
        """How asking for it ended, as evidence."""
        if self.arrived and self.tail is not None:
            return f"the end of {self.title}: {answered(self.tail)}"
        return f"{self.title}: {answered(self.answer)}"

    @property
    def title(self) -> str:
        """Which one it is, as people write it."""
        return f"{self.name} {self.digest[:_SHORT]}"

    @property
    def promise(self) -> str:
        """What was promised and what came, as evidence."""
        if self.stated_size != self.size and self.stated_size is not None:
            return f"{self.title}: {self.stated_size} bytes, the manifest says {self.size}"
        return f"{self.title}: {self.size} bytes with the digest {self.seen_digest}"


def blobs(seen: Observations) -> Iterator[Blob]:
    """The config and the layers that were looked at."""
    if (config := seen.config) is not None:
        whole = config.size <= MAX_CONFIG
        yield Blob(
            "config",
            config.digest,
            config.size,
            config.answer,
            stated_size=config.received or None if whole else None,
            seen_digest=config.seen_digest if whole else "",
        )
    for layer in seen.layers:
        yield Blob(
            "layer",
            layer.digest,
            layer.size,
            layer.answer,
            layer.tail,
            layer.stated_size,
            layer.seen_digest,
            layer.path,
        )


Fits = Callable[[Blob], bool]
Proves = Callable[[Facts], Proof | None]


def blob_proof(fits: Fits, line: Callable[[Blob], str] = lambda blob: blob.line) -> Proves:
    """A proof by the first blob of which something is true."""

    def proof(facts: Facts) -> Proof | None:
        found = next(filter(fits, blobs(facts.seen)), None) if facts.seen else None
        return Proof((line(found),)) if found is not None else None

    return proof


def content_proof(fits: Fits) -> Proves:
    """The same of what came, against what was promised."""
    return blob_proof(fits, lambda blob: blob.promise)


def answered_with(*statuses: int) -> Fits:
    """Whether the answer for it, or for its last byte, had one of these statuses."""
    return lambda blob: (
        blob.answer.status in statuses or (blob.tail is not None and blob.tail.status in statuses)
    )


def ended(*outcomes: HttpOutcome) -> Fits:
    """Whether the answer for it, or for its last byte, ended so."""
    return lambda blob: (
        blob.answer.outcome in outcomes or (blob.tail is not None and blob.tail.outcome in outcomes)
    )


def has_other_size(blob: Blob) -> bool:
    """Whether it came, or would come, with another size than the manifest says."""
    return blob.arrived and blob.stated_size is not None and blob.stated_size != blob.size


def has_other_digest(blob: Blob) -> bool:
    """Whether it came whole, in its size, and with other bytes."""
    return blob.arrived and not has_other_size(blob) and blob.seen_digest not in {"", blob.digest}


def blob_host(facts: Facts) -> str:
    """Where the registry sends those who want a blob, as far as known."""
    paths = (blob.path for blob in blobs(facts.seen)) if facts.seen else ()
    found = next((path for path in paths if path is not None and not path.passed), None)
    return found.authority if found is not None else "the blob host"

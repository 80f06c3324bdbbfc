"""Image references as Docker and containerd read them.

`busybox` is `docker.io/library/busybox:latest`; the first part is a host only if it has a dot, a
colon or a capital, or is `localhost`. A reference with a tag and a digest is fetched by its digest,
and containerd forgets the tag. The grammar and the words of the refusals are those of
github.com/distribution/reference 0.6, because the kubelet prints them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from towline.oci.digest import Digest, InvalidDigest
from towline.problem import Problem

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
MAX_NAME_LENGTH = 255  # distribution's limit for the host and the repository together

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_HEX_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


class InvalidReference(Problem):
    """A text that names no image. `reason` is what distribution's parser says, word for word."""

    def __init__(self, text: str, reason: str = "invalid reference format") -> None:
        super().__init__(
            "invalid-reference",
            cause=f"{text[:300]!r} names no image: {reason}",
            remedy="Write host[:port]/repository[:tag][@digest], the repository in lower case.",
        )
        self.reason = reason


def is_repository_name(text: str) -> bool:
    """Whether this may be the name of a repository (without a host)."""
    return len(text) <= MAX_NAME_LENGTH and _REPOSITORY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether this may be a tag."""
    return _TAG.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Reference:
    """One image in one registry: by `tag`, or by `digest`, never by both."""

    domain: str
    """`host[:port]` as written, or `docker.io`."""
    repository: str
    tag: str | None
    digest: Digest | None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read and normalise a reference; raises `InvalidReference`."""
        if _HEX_IDENTIFIER.fullmatch(text):
            reason = f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
            raise InvalidReference(text, reason)
        domain, rest = _split_domain(text)
        rest, at, digest = rest.partition("@")
        name, colon, tag = rest.partition(":")
        if name != name.lower():
            reason = f"invalid reference format: repository name ({name}) must be lowercase"
            raise InvalidReference(text, reason)
        if not _DOMAIN.fullmatch(domain) or not _REPOSITORY.fullmatch(name):
            raise InvalidReference(text)
        if colon and not is_tag(tag):
            raise InvalidReference(text)
        if len(domain) + 1 + len(name) > MAX_NAME_LENGTH:
            reason = f"repository name must not be more than {MAX_NAME_LENGTH} characters"
            raise InvalidReference(text, reason)
        if at:
            return cls(domain, name, None, _digest(text, digest))
        return cls(domain, name, tag or DEFAULT_TAG, None)

    @property
    def name(self) -> str:
        """Host and repository: `docker.io/library/busybox`."""
        return f"{self.domain}/{self.repository}"

    @property
    def target(self) -> str:
        """What stands after `/manifests/` in the URL."""
        return str(self.digest) if self.digest else self.tag or DEFAULT_TAG

    @property
    def host(self) -> str:
        """The `host[:port]` that is really asked (Docker Hub's is not its name)."""
        return "registry-1.docker.io" if self.domain == DEFAULT_DOMAIN else self.domain

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.target}"


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    is_host = any(sign in first for sign in ".:") or first == "localhost" or first != first.lower()
    domain, rest = (first, rest) if slash and is_host else (DEFAULT_DOMAIN, text)
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in rest.partition("@")[0]:
        rest = f"library/{rest}"
    return domain, rest


def _digest(text: str, digest: str) -> Digest:
    try:
        return Digest.parse(digest)
    except InvalidDigest as error:
        raise InvalidReference(text) from error

"""A request that was let through: what the endpoints are called with."""

from __future__ import annotations

from dataclasses import dataclass

from towline.oci.digest import Digest, InvalidDigest
from towline.oci.error_code import ErrorCode
from towline.registry.answer import Refusal
from towline.registry.change import Place
from towline.registry.gate import Gate
from towline.registry.request import Request
from towline.registry.token import Grant


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks for what."""

    request: Request
    place: Place
    reference: str
    """The tag, digest or upload that the path names."""
    grant: Grant | None
    gate: Gate

    @property
    def repository_path(self) -> str:
        """The path of the repository. Locations are given relative to the host: absolute ones break
        behind proxies.
        """
        return f"/v2/{self.place.repository}"


def read_digest(text: str) -> Digest:
    """A digest that a client has sent; refused when it is none."""
    try:
        return Digest.parse(text)
    except InvalidDigest as error:
        raise Refusal(
            ErrorCode.DIGEST_INVALID, error.cause, detail={"digest": text[:300]}
        ) from error

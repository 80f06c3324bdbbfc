"""The domains that private zones may have."""

from __future__ import annotations

import re

from towline.cloud.refusal import Refusal

_LONGEST = 253  # what fits 255 bytes on the wire (RFC 1035, 2.3.4)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_RESERVED = "tencentyun.com"  # names that the cloud answers itself inside every VPC


def checked_domain(text: str) -> str:
    """The domain in lower case, without its last dot; refused when it can be none."""
    domain = text.lower().removesuffix(".")
    labels = domain.split(".")
    if len(domain) > _LONGEST or not all(map(_LABEL.fullmatch, labels)):
        raise Refusal("InvalidParameter.IllegalDomain", f"`{text}` is no domain.")
    if len(labels) < 2 or labels[-1].isdecimal():
        raise Refusal(
            "InvalidParameter.IllegalDomainTld",
            f"`{text}` must have a top-level domain, as in `example.com`.",
        )
    if domain == _RESERVED or domain.endswith(f".{_RESERVED}"):
        raise Refusal("InvalidParameterValue.ReservedDomain", f"`{_RESERVED}` is reserved.")
    return domain

"""Address ranges as a caller writes them."""

from __future__ import annotations

from ipaddress import IPv4Network

from towline.cloud.refusal import Refusal


def parse_cidr(text: str) -> IPv4Network:
    """Read a range like 10.0.0.0/16; refused when it is none, or names an address inside one."""
    try:
        if "/" in text:
            return IPv4Network(text)
    except ValueError:
        pass
    raise Refusal(
        "InvalidParameterValue.Malformed", f"CidrBlock `{text}` is not a range like 10.0.0.0/16."
    )

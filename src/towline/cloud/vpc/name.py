"""Names and descriptions as a caller gives them."""

from __future__ import annotations

from towline.cloud.refusal import Refusal

_LONGEST = 60


def checked_name(parameter: str, name: str, longest: int = _LONGEST) -> str:
    """The name; refused when it is empty or too long."""
    if not name:
        raise Refusal("InvalidParameterValue", f"{parameter} must not be empty.")
    return checked_text(parameter, name, longest)


def checked_text(parameter: str, text: str, longest: int) -> str:
    """A description, which may be empty; refused when it is too long."""
    if len(text) > longest:
        raise Refusal("InvalidParameterValue.TooLong", f"{parameter} has at most {longest}.")
    return text

"""Why a text names no image, more exactly than a parser says it, and what was probably meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from towline.oci.reference import InvalidReference, Reference

_SCHEME = re.compile(r"^[a-z]+://", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?\w*\}?|\$\(\w*\)|\{\{.*?\}\}|<[^>]*>")
_DIGEST = re.compile(r"@(?P<digest>[^@]*)$")


@dataclass(frozen=True, slots=True)
class ReferenceFault:
    """What is wrong with a text that names no image."""

    why: str
    evidence: tuple[str, ...]
    suggestion: str = ""
    """A reference that may have been meant; empty where nobody can know."""

    @property
    def cause(self) -> str:
        """One sentence, without a full stop."""
        meant = f"; {self.suggestion} may be meant" if self.suggestion else ""
        return f"The image is no reference: {self.why}{meant}"


def reference_fault(image: str) -> ReferenceFault | None:
    """What is wrong with it; None when it can be read."""
    try:
        Reference.parse(image)
    except InvalidReference as error:
        reason = error.reason
    else:
        return None
    why, meant = _why(image)
    evidence = (f"{image!r}: {reason}",)
    return ReferenceFault(why, evidence, meant if meant != image and _is_good(meant) else "")


def _why(image: str) -> tuple[str, str]:
    """The first reason that fits, and the text without it."""
    if _VARIABLE.search(image):
        return "a variable in it was not filled in", ""
    if image != image.strip() or re.search(r"\s", image):
        return "there are blanks in it", _mended("".join(image.split()))
    if image.strip("\"'`") != image:
        return "there are quotes around it", _mended(image.strip("\"'`"))
    if _SCHEME.match(image):
        return "it begins with a scheme", _mended(_SCHEME.sub("", image))
    digest = _DIGEST.search(image)
    if digest is not None:
        return "its digest is not sha256: and 64 hexadecimal digits", ""
    return _why_name(image)


def _why_name(image: str) -> tuple[str, str]:
    folder, slash, last = image.rpartition("/")
    name, colon, tag = last.partition(":")
    if ":" in tag:
        return "it has two tags", f"{folder}{slash}{name}:{tag.partition(':')[0]}"
    if colon and not tag:
        return "its tag is empty", f"{folder}{slash}{name}"
    if "+" in tag:
        return "there is a + in its tag", f"{folder}{slash}{name}:{tag.replace('+', '-')}"
    if "//" in image or image.endswith("/"):
        return "a part of its path is empty", re.sub("/+", "/", image).strip("/")
    start = image.index("/") + 1 if slash else 0
    path = image[start : len(image) - len(colon + tag)]
    if path != path.lower():
        return "there are capital letters in its path", image.replace(path, path.lower())
    return "it is not written as the grammar has it", ""


def _mended(text: str) -> str:
    """The same with its further faults mended, one after the other."""
    while not _is_good(text):
        _, meant = _why(text)
        if not meant or meant == text:
            return ""
        text = meant
    return text


def _is_good(text: str) -> bool:
    try:
        Reference.parse(text)
    except InvalidReference:
        return False
    return True

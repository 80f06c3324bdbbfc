"""From what somebody pasted to the one error in it: a terminal's output, `kubectl describe`, JSON.

Runtimes print much beside the error: progress, retries, warnings. What counts is the last error;
of a pod's events the first failure, for later ones only say that the kubelet waits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ERROR_LINE = re.compile(
    r"^(?:Error\b|ERRO\[|FATA\[|Failed to pull|rpc error:|ctr: |fatal:"
    r"|time=\S+(?: [^=]*)? level=(?:fatal|error)\b|failed to )",
    re.IGNORECASE,
)
_RETRY = re.compile(
    r'level=(?:warning|info)\b.* (?:msg="(?:Failed, )?retrying|error=)', re.IGNORECASE
)
_LOGGED = re.compile(r'\b(?:msg|error)="((?:[^"\\]|\\.)*)"')
_PROGRESS = re.compile(
    r"^(?:[\w.-]+: Pulling from \S+"
    r"|[0-9a-f]{12}: (?:Pull|Waiting|Download|Verifying|Already|Retry|Extract)"
    r"|Using default tag|Trying to pull |Getting image source|Copying (?:blob|config)"
    r"|Writing manifest|Storing signatures|WARNING! |Pulling from OCI Registry"
    r"|\d{4}/\d\d/\d\d [\d:]+ (?:retrying|No matching)"
    r"|\S+: +(?:resolving|downloading|waiting|done|unpacking)|elapsed: |Please (?:make sure|check))",
    re.IGNORECASE,
)
_LAYERS = re.compile(
    r"[0-9a-f]{12}: (?:Pulling fs layer|Downloading|Retrying)|Copying blob|layer-sha256:\S+ *: *\w"
    r"|Getting image source signatures",
    re.IGNORECASE,
)
_EVENT = re.compile(
    # of `kubectl describe`, and of `kubectl get events`
    r"^\s*(?:(?:Warning|Normal)\s+(\w+)\s+(?:\S+(?: \(x\d+ over [^)]*\))?|<\w+>)\s+\S+"
    r"|\S+\s+(?:\(x\d+ over [^)]*\)\s+)?(?:Warning|Normal)\s+(\w+)\s+\S+/\S+)\s+(.+)$"
)
_MESSAGE = re.compile(r"^\s+message:\s+['\"]?(.+?)'?$", re.IGNORECASE)
_TELLING = ("Failed", "InspectFailed", "FailedCreatePodSandBox", "BackOff")
_LACKING = "FailedToRetrieveImagePullSecret"
_SILENT = re.compile(
    r"^(?:Error: (?:\w*ImagePull\w*|InvalidImageName)?$|Back-off restarting"
    r'|Back-off pulling image "[^"]*"$|ErrImagePull$|ImagePullBackOff$)'
)
_ATTEMPTS = re.compile(r", (?=rpc error: code|failed to pull and unpack|failed to resolve)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What is left of a text."""

    error: str
    """The error, perhaps of several lines; the last words where there is none."""
    failed: bool
    """Whether there is an error at all; a pull that hangs has printed none."""
    layers_begun: bool
    """The manifest had been read before: the download of layers had begun."""
    key_given: bool
    """Words of the runtime show that it was given a credential."""


def transcribe(text: str) -> Transcript:
    """Find the error in a text."""
    plain = _from_json(text.replace("\r\n", "\n").strip())
    lines = [line.rstrip() for line in _lines(plain) if line.strip()]
    error, failed = _error(lines)
    return Transcript(
        error=_one_attempt(_unquoted(error)).strip(),
        failed=failed,
        layers_begun=bool(_LAYERS.search(plain)),
        key_given="using --password via the cli" in plain.lower(),
    )


def _lines(text: str) -> list[str]:
    """The lines that may hold the error; of a pod's description the first that tells of a failure."""
    lines = text.split("\n")
    told = [*_events(lines, *_TELLING), *_events(lines, _LACKING)]
    if not told and any(line.startswith(("Name:", "kind: Pod")) for line in lines):
        told = [found[1] for line in lines if (found := _MESSAGE.match(line))]
    return told[:1] or [line for line in lines if not _SILENT.match(line)] or lines


def _events(lines: list[str], *reasons: str) -> Iterator[str]:
    """What the events of these kinds say, those with a cause."""
    for line in lines:
        found = _EVENT.match(line)
        if found and (found[1] or found[2]) in reasons and not _SILENT.match(found[3]):
            yield found[3]


def _error(lines: list[str]) -> tuple[str, bool]:
    starts = [at for at, line in enumerate(lines) if _ERROR_LINE.match(line)]
    if starts:
        return "\n".join(lines[_block(lines, starts) :]), True
    retries = [line for line in lines if _RETRY.search(line)]
    if retries:
        return retries[-1], True
    telling = [line for line in lines if not _PROGRESS.match(line)]
    if telling:
        return "\n".join(telling), True
    return (lines[-1] if lines else ""), False


def _block(lines: list[str], starts: list[int]) -> int:
    """The last line that begins an error; one with the same words beneath it belongs to it."""
    at = starts[-1]
    above = at - 1
    if at and above in starts and lines[at].strip() in lines[above]:
        return above
    return at


def _unquoted(error: str) -> str:
    """The message of a line that a logger wrote: `time="…" level=fatal msg="…"`."""
    if "level=" not in error or not (found := _LOGGED.findall(error)):
        return error
    message: str = max(found, key=len)
    _, retried, inner = message.partition("Error: ")
    chosen = (
        inner
        if retried and message.startswith(("Failed, retrying", "failed, retrying"))
        else message
    )
    return str(chosen).replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def _one_attempt(error: str) -> str:
    """Of several attempts that the kubelet joins, one for each credential, the one that had one."""
    start = re.search(r"(?:^|: ?)\[(?=rpc error: code|failed to )", error)
    if start is None:
        return error
    attempts = _ATTEMPTS.split(error[start.end() :].removesuffix("]"))
    keyed = [attempt for attempt in attempts if "anonymous token" not in attempt]
    chosen: str = (keyed or attempts)[-1]
    return chosen


def _from_json(text: str) -> str:
    """The message in a line or document of JSON; other text as it is."""
    if not text.startswith(("{", "[")):
        return text
    found: list[str] = []
    for part in [text] if "\n" not in text or _loads(text) is not None else text.split("\n"):
        found += _messages(_loads(part))
    return "\n".join(found) or text


def _loads(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _messages(document: object) -> Iterator[str]:
    if isinstance(document, list):
        for item in document:
            yield from _messages(item)
    if not isinstance(document, dict):
        return
    for key in ("message", "error", "msg", "text", "log", "err"):
        if isinstance(said := document.get(key), str) and said:
            yield said
            return
    for inner in document.values():
        yield from _messages(inner)

"""Exchanges between real clients and a real kube-apiserver 1.36, drawn from a recording: golden cases.

Each case is a write to a kind that Towline stores: its body (JSON, or protobuf as bytes), for a patch the
object before it, and the answer. managedFields are left out: server-side apply is no part of Towline. The
last case is a pod template that kubectl got as JSON and sent on as protobuf.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from towline.cluster.api.data_file import protobuf_table
from towline.kube import protobuf
from towline.kube.resource_type import RESOURCE_TYPES, ResourceType

PROTOBUF = "application/vnd.kubernetes.protobuf"
_FILE = Path(__file__).with_name("recorded.jsonl.gz")


@dataclass(frozen=True)
class Case:
    """One write and what came of it."""

    label: str
    method: str
    path: str
    content_type: str
    raw: Any
    code: int
    raw_answer: Any
    before: dict[str, Any]

    @property
    def id(self) -> str:
        """How pytest calls it."""
        return f"{self.label} {self.method} {self.path.rpartition('/')[2]}"

    @property
    def resource(self) -> ResourceType:
        """The resource that was written to."""
        steps = self.path.split("/")
        found = [one for one in RESOURCE_TYPES if one.plural in steps]
        return found[-1] if len(found) == 1 else next(one for one in found if one.namespaced)

    @property
    def subresource(self) -> str:
        """The subresource that was written through, if there was one."""
        return "scale" if self.path.endswith("/scale") else ""

    @property
    def body(self) -> Any:
        """What was sent, as JSON has it."""
        return _read(self.raw)

    @property
    def answer(self) -> Any:
        """What was answered, as JSON has it."""
        return _read(self.raw_answer)


def _read(body: Any) -> Any:
    if isinstance(body, bytes):
        return protobuf.decode(body, protobuf_table())
    return json.loads(json.dumps(body))


@cache
def cases() -> tuple[Case, ...]:
    """All of them, in the order they were recorded."""
    lines = gzip.decompress(_FILE.read_bytes()).splitlines()
    return tuple(_case(json.loads(line)) for line in lines)


def _case(row: dict[str, Any]) -> Case:
    return Case(
        row["label"],
        row["method"],
        row["path"],
        row["type"],
        _bytes(row["body"]) if row["type"] == PROTOBUF else row["body"],
        row["code"],
        _bytes(row["answer"]) if isinstance(row["answer"], str) else row["answer"],
        row.get("before") or {},
    )


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)

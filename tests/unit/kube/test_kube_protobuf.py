"""Protobuf bodies are read field for field, or refused: nothing is dropped in silence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.kube.recorded import PROTOBUF, Case, cases

from towline.cluster.api.data_file import protobuf_table
from towline.kube.protobuf import _MESSAGE, _OWN_FORM, _SCALARS, MAGIC, Undecodable, decode

RECORDED = [one for one in cases() if one.content_type == PROTOBUF]
TABLE = protobuf_table()


def number(value: int) -> bytes:
    """A varint."""
    signs = bytearray()
    while value > 127:
        signs.append(value & 127 | 128)
        value >>= 7
    return bytes([*signs, value])


def part(field: int, content: bytes) -> bytes:
    """A field with bytes, text or a message in it."""
    return number(field << 3 | 2) + number(len(content)) + content


def count(field: int, value: int) -> bytes:
    """A field with a number in it."""
    return number(field << 3) + number(value)


def body(version: str, kind: str, content: bytes) -> bytes:
    """A message in Kubernetes' envelope."""
    about = part(1, version.encode()) + part(2, kind.encode())
    return MAGIC + part(1, about) + part(2, content)


def holds(stored: Any, sent: Any) -> bool:
    """Whether everything that was sent is in what was stored."""
    if isinstance(sent, dict):
        return isinstance(stored, dict) and all(
            key in stored and holds(stored[key], value) for key, value in sent.items()
        )
    return bool(stored == sent)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.id)
def test_a_recorded_body_is_what_the_server_stored(case: Case) -> None:
    """kubectl's and Helm's own bodies; the large one came from a pod template of all features."""
    assert holds(case.answer, case.body)
    assert case.body["metadata"] != {}


def test_a_template_of_all_features_survives_exactly() -> None:
    """kubectl got it as JSON and sent it as protobuf: both must say the same, no less and no more."""
    case = RECORDED[-1]

    assert case.label == "job from cronjob"
    assert case.body["spec"] == case.answer["spec"]
    assert case.body["metadata"] == case.answer["metadata"]


def test_a_secret_is_read() -> None:
    """The body of `kubectl create secret docker-registry`, in full."""
    [case] = [one for one in RECORDED if one.label == "create secret docker-registry"]

    assert {key: value for key, value in case.body.items() if key != "data"} == {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "regcred", "namespace": "demo"},
        "type": "kubernetes.io/dockerconfigjson",
    }
    assert list(case.body["data"]) == [".dockerconfigjson"]


def test_a_field_that_is_not_in_the_table_is_refused_by_its_number() -> None:
    """A newer client's field must not get lost without a word."""
    message = part(1, part(1, b"demo")) + part(99, b"new")

    with pytest.raises(Undecodable, match=r"unknown field 99 in k8s\.io\.api\.core\.v1\.Secret"):
        decode(body("v1", "Secret", message), TABLE)


def test_a_kind_that_is_not_served_is_refused() -> None:
    """In the words of the scheme."""
    with pytest.raises(Undecodable, match='no kind "Job" is registered for version "batch/v1"'):
        decode(body("batch/v1", "Job", b""), TABLE)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (b"{}", "does not begin with the Kubernetes envelope"),
        (b"", "does not begin with the Kubernetes envelope"),
        (body("v1", "Secret", b"\x0a\x05ab"), "truncated"),
        (body("v1", "Secret", b"\x0b"), "wire type 3"),
        (body("v1", "Secret", b"\xff" * 11), "a number of more than 64 bits"),
        (body("v1", "Secret", part(3, b"\xff")), "malformed"),
    ],
    ids=["json", "empty", "truncated", "group", "endless number", "no utf-8"],
)
def test_a_broken_body_is_refused(wrong: bytes, reason: str) -> None:
    """Each way of being broken has its word."""
    with pytest.raises(Undecodable, match=reason):
        decode(wrong, TABLE)


def test_a_time_beyond_all_calendars_is_refused() -> None:
    """Not a crash of the calendar."""
    metadata = part(1, part(1, b"a") + part(8, count(1, (1 << 63) - 1)))

    with pytest.raises(Undecodable, match="a time beyond all calendars"):
        decode(body("v1", "Secret", metadata), TABLE)


def test_forms_of_their_own_are_written_as_json_has_them() -> None:
    """Times, maps, bytes and switches."""
    metadata = part(1, b"a") + part(8, count(1, 1_767_323_045))
    metadata += part(11, part(1, b"app") + part(2, b"web")) + part(11, part(1, b"empty"))
    message = part(1, metadata) + part(2, part(1, b"k") + part(2, b"\x00\xff")) + count(5, 1)

    assert decode(body("v1", "Secret", message), TABLE) == {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "name": "a",
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {"app": "web", "empty": ""},
        },
        "data": {"k": "AP8="},
        "immutable": True,
    }


@given(case=st.sampled_from(RECORDED), data=st.data())
def test_a_truncated_body_is_read_or_refused(case: Case, data: st.DataObject) -> None:
    """Wherever the connection broke."""
    length = data.draw(st.integers(0, len(case.raw) - 1))
    try:
        decode(case.raw[:length], TABLE)
    except Undecodable as error:
        assert str(error)


@given(case=st.sampled_from(RECORDED), data=st.data())
def test_a_body_with_a_wrong_byte_is_read_or_refused(case: Case, data: st.DataObject) -> None:
    """Whatever the byte and wherever it is."""
    at = data.draw(st.integers(0, len(case.raw) - 1))
    broken = bytearray(case.raw)
    broken[at] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(broken), TABLE)
    except Undecodable as error:
        assert str(error)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Also a message of noise in a proper envelope."""
    for kind in ("Secret", "Pod", "DeleteOptions"):
        try:
            decode(body("v1", kind, content), TABLE)
        except Undecodable as error:
            assert str(error)


def test_every_field_of_the_table_can_be_read() -> None:
    """The data file names no type and no message that the reader does not know."""
    fields = [field for message in TABLE.values() for field in message.fields.values()]
    types = {field.type for field in fields}
    messages = {field.message for field in fields if field.type == _MESSAGE}

    assert types - {_MESSAGE} <= _SCALARS.keys()
    assert messages <= TABLE.keys() | _OWN_FORM.keys()

"""Secrets and ConfigMaps hold what their types promise, and not more than they may."""

from __future__ import annotations

import base64

import pytest
from tests.unit.kube.validated import Object, made, said, said_of_change

from towline.kube import resource_type
from towline.kube.validation import MAX_SECRET


def encoded(value: bytes | str) -> str:
    """As a Secret carries it."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"data": {"a b": ""}}, ["data[a b]"]),
        ({"type": "kubernetes.io/dockerconfigjson"}, ["data[.dockerconfigjson]: Required value"]),
        ({"type": "kubernetes.io/dockercfg"}, ["data[.dockercfg]: Required value"]),
        (
            {
                "type": "kubernetes.io/dockerconfigjson",
                "data": {".dockerconfigjson": encoded("not json")},
            },
            [
                (
                    'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": '
                    "invalid character 'n' looking for beginning of value"
                )
            ],
        ),
        (
            {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": ""}},
            [
                (
                    'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": '
                    "unexpected end of JSON input"
                )
            ],
        ),
        (
            {
                "type": "kubernetes.io/dockerconfigjson",
                "data": {".dockerconfigjson": encoded('{"auths":{}}')},
            },
            [],
        ),
        (
            {"type": "kubernetes.io/tls"},
            ["data[tls.crt]: Required value", "data[tls.key]: Required value"],
        ),
        (
            {"type": "kubernetes.io/service-account-token"},
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        ),
        ({"data": {"a": encoded(b"x" * MAX_SECRET)}}, []),
        (
            {"data": {"a": encoded(b"x" * MAX_SECRET), "b": encoded("y")}},
            ["data: Too long: may not be more than 1048576 bytes"],
        ),
    ],
    ids=lambda value: "",
)
def test_a_secret_holds_what_its_type_promises(fields: Object, errors: list[str]) -> None:
    """And says nothing of its content when it does not."""
    found = said(resource_type.SECRETS, made(resource_type.SECRETS, **fields))

    assert len(found) == len(errors)
    assert all(map(str.startswith, found, errors))


def test_a_config_map_is_as_large_as_a_secret_at_most() -> None:
    """Text and bytes together; the error is about the object itself, which Go writes `[]`."""
    half = MAX_SECRET // 2
    fits = made(
        resource_type.CONFIG_MAPS,
        data={"a": "x" * half},
        binaryData={"b": encoded(b"y" * half)},
    )
    too_large = made(resource_type.CONFIG_MAPS, data={"a": "ü" * half, "b": "z"})
    twice = made(resource_type.CONFIG_MAPS, data={"a": "x"}, binaryData={"a": ""})

    assert said(resource_type.CONFIG_MAPS, fits) == []
    assert said(resource_type.CONFIG_MAPS, too_large) == [
        "[]: Too long: may not be more than 1048576 bytes"
    ]
    assert said(resource_type.CONFIG_MAPS, twice) == [
        'data[a]: Invalid value: "a": duplicate of key present in binaryData'
    ]


def test_a_secret_that_is_immutable_stays_as_it_is() -> None:
    """Neither its data nor the promise can be changed; nor a type, ever."""
    held = made(resource_type.SECRETS, data={"a": ""}, immutable=True)
    changed = made(resource_type.SECRETS, data={"a": encoded("x")}, immutable=True)
    freed = made(resource_type.SECRETS, data={"a": ""})
    retyped = made(resource_type.SECRETS, data={"a": ""}, type="other")
    because = "Forbidden: field is immutable when `immutable` is set"

    assert said_of_change(resource_type.SECRETS, held, held) == []
    assert said_of_change(resource_type.SECRETS, changed, held) == [f"data: {because}"]
    assert said_of_change(resource_type.SECRETS, freed, held) == [f"immutable: {because}"]
    assert said_of_change(resource_type.SECRETS, retyped, freed) == [
        'type: Invalid value: "other": field is immutable'
    ]

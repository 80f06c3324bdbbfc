"""Names, labels and annotations are refused in the words that people search for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube import name as names
from towline.kube.refusal import FieldError

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
NAME = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
    "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def said(errors: list[FieldError]) -> list[str]:
    """What the errors say after the value that they quote."""
    return [error.message.partition(": ")[2].partition(": ")[2] for error in errors]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("web-1", []),
        ("a" * 63, []),
        ("", [LABEL]),
        ("Web", [LABEL]),
        ("-web", [LABEL]),
        ("web\n", [LABEL]),
        ("we.b", ["must not contain dots"]),
        ("a" * 64, ["must be no more than 63 characters"]),
        ("A" * 64, ["must be no more than 63 characters", LABEL]),
    ],
    ids=lambda value: value[:10] if isinstance(value, str) else "",
)
def test_a_label_name_is_a_dns_label(text: str, reasons: list[str]) -> None:
    """Namespaces and containers."""
    assert said(names.label_errors("metadata.name", text)) == reasons


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("web.example.com", []),
        ("Web", [SUBDOMAIN]),
        ("web..x", [SUBDOMAIN]),
        ("web_1", [SUBDOMAIN]),
        ("a" * 254, ["must be no more than 253 characters"]),
    ],
    ids=lambda value: value[:10] if isinstance(value, str) else "",
)
def test_an_object_name_is_a_dns_subdomain(text: str, reasons: list[str]) -> None:
    """Most kinds."""
    assert said(names.subdomain_errors("metadata.name", text)) == reasons


def test_an_error_quotes_field_and_value() -> None:
    """kubectl prints both."""
    assert names.subdomain_errors("metadata.name", "A b") == [
        FieldError("FieldValueInvalid", "metadata.name", f'Invalid value: "A b": {SUBDOMAIN}')
    ]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("app", []),
        ("example.com/App_1", []),
        ("", ["name part must be non-empty", f"name part {NAME}"]),
        ("/app", ["prefix part must be non-empty"]),
        ("Bad/app", [f"prefix part {SUBDOMAIN}"]),
        ("example.com/", ["name part must be non-empty", f"name part {NAME}"]),
        (
            "a/b/c",
            [
                (
                    f"a qualified name {NAME} with an optional DNS subdomain prefix and '/' "
                    "(e.g. 'example.com/MyName')"
                )
            ],
        ),
        ("a" * 64, ["name part must be no more than 63 characters"]),
        ("_a", [f"name part {NAME}"]),
    ],
    ids=lambda value: value[:14] if isinstance(value, str) else "",
)
def test_a_key_is_a_name_with_an_optional_domain(text: str, reasons: list[str]) -> None:
    """Labels and annotations."""
    assert said(names.qualified_errors("metadata.labels", text)) == reasons


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("tls.crt", []),
        ("a b", [KEY]),
        ("", [KEY]),
        (".", ["must not be '.'"]),
        ("..", ["must not be '..'"]),
        ("..a", ["must not start with '..'"]),
    ],
)
def test_a_key_of_a_secret_is_a_file_name(text: str, reasons: list[str]) -> None:
    """It becomes one in a volume, so it must not climb."""
    assert said(names.config_key_errors("data[x]", text)) == reasons


def test_a_labels_value_is_short_and_plain() -> None:
    """Empty is allowed."""
    errors = names.labels_errors("metadata.labels", {"a": "", "b": "x y", "c": "v" * 64})

    assert said(errors) == [VALUE, "must be no more than 63 characters"]


def test_annotations_may_be_long_but_not_endless() -> None:
    """All of them together, in bytes: an umlaut is two."""
    fits = {"a": "ü" * 131071}
    too_long = {"a": "ü" * 131072}

    assert names.annotations_errors("metadata.annotations", fits) == []
    assert names.annotations_errors("metadata.annotations", too_long) == [
        FieldError(
            "FieldValueTooLong",
            "metadata.annotations",
            "Too long: may not be more than 262144 bytes",
        )
    ]


def test_a_closed_set_lists_what_is_in_it() -> None:
    """Sorted and quoted."""
    error = names.unsupported("spec.dnsPolicy", "None?", ("None", "Default"))

    assert error.message == 'Unsupported value: "None?": supported values: "Default", "None"'


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True))
def test_every_dns_label_is_a_name_of_every_sort(text: str) -> None:
    """A label is a subdomain, a key, a value and a file name."""
    assert names.label_errors("f", text) == []
    assert names.subdomain_errors("f", text) == []
    assert names.qualified_errors("f", f"{text}/{text}") == []
    assert names.value_errors("f", text) == []
    assert names.config_key_errors("f", text) == []

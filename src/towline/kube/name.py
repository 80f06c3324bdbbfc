"""Names, labels and annotations: which are allowed, and what is said of those that are not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from towline.kube.refusal import FieldError

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_NAME_PART_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_CONFIG_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
MAX_ANNOTATIONS = 256 * 1024  # bytes, of all annotations together


def required(field: str, because: str = "") -> FieldError:
    """The field has to be there."""
    return FieldError(
        "FieldValueRequired", field, f"Required value: {because}" if because else "Required value"
    )


def wrong(field: str, value: Any, because: str) -> FieldError:
    """The field has a value that it cannot have."""
    return FieldError("FieldValueInvalid", field, f"Invalid value: {written(value)}: {because}")


def unsupported(field: str, value: Any, supported: tuple[str, ...]) -> FieldError:
    """The field has a value outside a closed set."""
    listed = ", ".join(json.dumps(one) for one in sorted(supported))
    return FieldError(
        "FieldValueNotSupported",
        field,
        f"Unsupported value: {written(value)}: supported values: {listed}",
    )


def duplicate(field: str, value: Any) -> FieldError:
    """The value is there twice and has to be unique."""
    return FieldError("FieldValueDuplicate", field, f"Duplicate value: {written(value)}")


def forbidden_field(field: str, because: str) -> FieldError:
    """The field must not be set or changed."""
    return FieldError("FieldValueForbidden", field, f"Forbidden: {because}")


def written(value: Any) -> str:
    """A value as field errors quote it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def label_errors(field: str, text: str) -> list[FieldError]:
    """What is wrong with a DNS label (a container's or a namespace's name)."""
    if len(text) > 63:
        return [wrong(field, text, "must be no more than 63 characters")]
    return [] if _LABEL.fullmatch(text) else [wrong(field, text, _LABEL_TEXT)]


def subdomain_errors(field: str, text: str) -> list[FieldError]:
    """What is wrong with a DNS subdomain (most objects' names)."""
    if len(text) > 253:
        return [wrong(field, text, "must be no more than 253 characters")]
    return [] if _SUBDOMAIN.fullmatch(text) else [wrong(field, text, _SUBDOMAIN_TEXT)]


def config_key_errors(field: str, text: str) -> list[FieldError]:
    """What is wrong with a key of a Secret or ConfigMap."""
    if len(text) > 253:
        return [wrong(field, text, "must be no more than 253 characters")]
    if text in (".", "..") or text.startswith(".."):
        because = f"must not be '{text}'" if text in (".", "..") else "must not start with '..'"
        return [wrong(field, text, because)]
    return [] if _CONFIG_KEY.fullmatch(text) else [wrong(field, text, _CONFIG_KEY_TEXT)]


def qualified_errors(field: str, text: str) -> list[FieldError]:
    """What is wrong with the key of a label or an annotation."""
    prefix, slash, name = text.rpartition("/")
    errors = []
    if slash and not prefix:
        errors.append(wrong(field, text, "prefix part must be non-empty"))
    elif slash and not _SUBDOMAIN.fullmatch(prefix):
        errors.append(wrong(field, text, f"prefix part {_SUBDOMAIN_TEXT}"))
    if not name:
        errors.append(wrong(field, text, "name part must be non-empty"))
    elif len(name) > 63:
        errors.append(wrong(field, text, "name part must be no more than 63 characters"))
    if not _QUALIFIED.fullmatch(name):
        errors.append(wrong(field, text, _NAME_PART_TEXT))
    return errors


def labels_errors(field: str, labels: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with a map of labels."""
    errors = []
    for key, value in labels.items():
        errors += qualified_errors(field, key)
        if len(value) > 63:
            errors.append(wrong(field, value, "must be no more than 63 characters"))
        if value and not _QUALIFIED.fullmatch(value):
            errors.append(wrong(field, value, _VALUE_TEXT))
    return errors


def annotations_errors(field: str, annotations: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with a map of annotations."""
    errors = [error for key in annotations for error in qualified_errors(field, key.lower())]
    size = sum(len(key) + len(value) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS:
        message = f"Too long: may not be more than {MAX_ANNOTATIONS} bytes"
        errors.append(FieldError("FieldValueTooLong", field, message))
    return errors

"""Names, labels and annotations: which are allowed, and what is said of those that are not.

The texts are those of k8s.io/apimachinery/pkg/util/validation, down to the doubled spaces: people search for
them.
"""

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
_NAME_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_QUALIFIED_TEXT = (
    f"a qualified name {_NAME_TEXT} with an optional DNS subdomain prefix and '/' "
    "(e.g. 'example.com/MyName')"
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
MAX_SUBDOMAIN = 253
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
    errors = _too_long(field, text, 63)
    if not _LABEL.fullmatch(text):
        dotted = _SUBDOMAIN.fullmatch(text)
        errors.append(wrong(field, text, "must not contain dots" if dotted else _LABEL_TEXT))
    return errors


def subdomain_errors(field: str, text: str) -> list[FieldError]:
    """What is wrong with a DNS subdomain (most objects' names)."""
    errors = _too_long(field, text, MAX_SUBDOMAIN)
    if not _SUBDOMAIN.fullmatch(text):
        errors.append(wrong(field, text, _SUBDOMAIN_TEXT))
    return errors


def _too_long(field: str, text: str, most: int) -> list[FieldError]:
    if len(text) <= most:
        return []
    return [wrong(field, text, f"must be no more than {most} characters")]


def config_key_errors(field: str, text: str) -> list[FieldError]:
    """What is wrong with a key of a Secret or ConfigMap."""
    errors = _too_long(field, text, MAX_SUBDOMAIN)
    if not _CONFIG_KEY.fullmatch(text):
        errors.append(wrong(field, text, _CONFIG_KEY_TEXT))
    if text in (".", ".."):
        errors.append(wrong(field, text, f"must not be '{text}'"))
    elif text.startswith(".."):
        errors.append(wrong(field, text, "must not start with '..'"))
    return errors


def qualified_errors(field: str, text: str) -> list[FieldError]:
    """What is wrong with the key of a label or an annotation."""
    *prefixes, name = text.split("/")
    if len(prefixes) > 1:
        return [wrong(field, text, _QUALIFIED_TEXT)]
    return [
        *(error for prefix in prefixes for error in _prefix_errors(field, text, prefix)),
        *_name_part_errors(field, text, name),
    ]


def _prefix_errors(field: str, text: str, prefix: str) -> list[FieldError]:
    if not prefix:
        return [wrong(field, text, "prefix part must be non-empty")]
    errors = []
    if len(prefix) > MAX_SUBDOMAIN:
        because = f"prefix part must be no more than {MAX_SUBDOMAIN} characters"
        errors.append(wrong(field, text, because))
    if not _SUBDOMAIN.fullmatch(prefix):
        errors.append(wrong(field, text, f"prefix part {_SUBDOMAIN_TEXT}"))
    return errors


def _name_part_errors(field: str, text: str, name: str) -> list[FieldError]:
    errors = []
    if not name:
        errors.append(wrong(field, text, "name part must be non-empty"))
    elif len(name) > 63:
        errors.append(wrong(field, text, "name part must be no more than 63 characters"))
    if not _QUALIFIED.fullmatch(name):
        errors.append(wrong(field, text, f"name part {_NAME_TEXT}"))
    return errors


def value_errors(field: str, text: str) -> list[FieldError]:
    """What is wrong with the value of a label."""
    errors = _too_long(field, text, 63)
    if text and not _QUALIFIED.fullmatch(text):
        errors.append(wrong(field, text, _VALUE_TEXT))
    return errors


def labels_errors(field: str, labels: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with a map of labels."""
    errors = []
    for key, value in labels.items():
        errors += [*qualified_errors(field, key), *value_errors(field, value)]
    return errors


def annotations_errors(field: str, annotations: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with a map of annotations."""
    errors = [error for key in annotations for error in qualified_errors(field, key.lower())]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS:
        message = f"Too long: may not be more than {MAX_ANNOTATIONS} bytes"
        errors.append(FieldError("FieldValueTooLong", field, message))
    return errors

"""What makes an object of a served kind invalid, in the API server's own words.

The schema has already been walked: types are right. Here stand the rules between fields and the ones that
Go's validation packages keep by hand; of those, the ones that users of these kinds meet.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from towline.kube import name as names
from towline.kube.pod_validation import pod_errors, pod_update_errors, template_errors
from towline.kube.refusal import FieldError
from towline.kube.resource_type import ResourceType
from towline.kube.selector import from_object

Object = Mapping[str, Any]
MAX_SECRET = 1024 * 1024  # bytes of all values of a Secret or ConfigMap together
_LABEL_NAMES = frozenset({"Namespace"})
_IMMUTABLE = "field is immutable"


def create_errors(resource: ResourceType, item: Object) -> list[FieldError]:
    """Everything that is wrong with a new object."""
    return [*metadata_errors(resource, item), *_own(resource, item)]


def update_errors(resource: ResourceType, item: Object, held: Object) -> list[FieldError]:
    """Everything that is wrong with putting `item` in the place of `held`."""
    errors = [*metadata_errors(resource, item), *_own(resource, item)]
    change = _CHANGES.get(resource.kind)
    return errors if change is None else [*errors, *change(item, held)]


def metadata_errors(resource: ResourceType, item: Object) -> list[FieldError]:
    """What is wrong with an object's name, labels and annotations."""
    metadata = item["metadata"]
    name = metadata.get("name", "")
    if not name:
        return [names.required("metadata.name", "name or generateName is required")]
    check = names.label_errors if resource.kind in _LABEL_NAMES else names.subdomain_errors
    return [
        *check("metadata.name", name),
        *names.labels_errors("metadata.labels", metadata.get("labels") or {}),
        *names.annotations_errors("metadata.annotations", metadata.get("annotations") or {}),
        *_finalizers(metadata),
    ]


def _finalizers(metadata: Object) -> list[FieldError]:
    return [
        error
        for one in metadata.get("finalizers") or ()
        for error in names.qualified_errors("metadata.finalizers", one)
    ]


def _own(resource: ResourceType, item: Object) -> list[FieldError]:
    check = _CHECKS.get(resource.kind)
    return [] if check is None else check(item)


def _workload(item: Object) -> list[FieldError]:
    spec = item["spec"]
    errors = _replicas(spec)
    selector = spec.get("selector")
    if selector is None:
        errors.append(names.required("spec.selector"))
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        because = f"empty selector is invalid for {item['kind'].lower()}"
        errors.append(names.wrong("spec.selector", selector, because))
    labels = spec["template"]["metadata"].get("labels") or {}
    wrong = selector_errors(selector or {}, "spec.selector")
    if selector and not wrong and not from_object(selector).matches(labels):
        because = "`selector` does not match template `labels`"
        errors.append(names.wrong("spec.template.metadata.labels", labels, because))
    return [*errors, *wrong, *template_errors(spec["template"], "spec.template")]


def selector_errors(selector: Object, at: str) -> list[FieldError]:
    """What is wrong with a workload's selector."""
    errors = names.labels_errors(f"{at}.matchLabels", selector.get("matchLabels") or {})
    for number, one in enumerate(selector.get("matchExpressions") or ()):
        errors += _expression_errors(one, f"{at}.matchExpressions[{number}]")
    return errors


def _expression_errors(one: Object, at: str) -> list[FieldError]:
    values, operator = one.get("values") or [], one.get("operator", "")
    errors = []
    if operator in ("In", "NotIn"):
        if not values:
            because = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.append(names.required(f"{at}.values", because))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            because = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(names.forbidden_field(f"{at}.values", because))
    else:
        errors.append(names.wrong(f"{at}.operator", operator, "not a valid selector operator"))
    errors += names.qualified_errors(f"{at}.key", one.get("key", ""))
    for number, value in enumerate(values):
        errors += names.value_errors(f"{at}.values[{number}]", value)
    return errors


def _replicas(spec: Object) -> list[FieldError]:
    because = "must be greater than or equal to 0"
    return [
        names.wrong(f"spec.{field}", spec[field], because)
        for field in ("replicas", "minReadySeconds", "revisionHistoryLimit")
        if spec.get(field, 0) < 0
    ]


def _deployment(item: Object) -> list[FieldError]:
    errors = _workload(item)
    strategy = item["spec"]["strategy"]
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        supported = ("Recreate", "RollingUpdate")
        errors.append(names.unsupported("spec.strategy.type", strategy["type"], supported))
    if strategy["type"] == "Recreate" and strategy.get("rollingUpdate"):
        because = "may not be specified when strategy `type` is 'Recreate'"
        errors.append(names.forbidden_field("spec.strategy.rollingUpdate", because))
    rolling = strategy.get("rollingUpdate") or {}
    if _is_zero(rolling.get("maxUnavailable")) and _is_zero(rolling.get("maxSurge")):
        field = "spec.strategy.rollingUpdate.maxUnavailable"
        errors.append(
            names.wrong(field, rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
        )
    return errors


def _is_zero(value: Any) -> bool:
    return value in (0, "0", "0%")


def _selector_change(item: Object, held: Object) -> list[FieldError]:
    selector = item["spec"].get("selector")
    if selector == held["spec"].get("selector"):
        return []
    return [names.wrong("spec.selector", selector, _IMMUTABLE)]


def _data(item: Object) -> list[FieldError]:
    errors = [
        error
        for part in ("data", "binaryData")
        for key in item.get(part) or {}
        for error in names.config_key_errors(f"{part}[{key}]", key)
    ]
    if _size(item) > MAX_SECRET:
        field = "data" if item["kind"] == "Secret" else "[]"  # Go's way to say: the object itself
        message = f"Too long: may not be more than {MAX_SECRET} bytes"
        errors.append(FieldError("FieldValueTooLong", field, message))
    both = (item.get("data") or {}).keys() & (item.get("binaryData") or {}).keys()
    return [
        *errors,
        *(
            names.wrong(f"data[{key}]", key, "duplicate of key present in binaryData")
            for key in both
        ),
    ]


def _size(item: Object) -> int:
    """Bytes of all values together."""
    data: Mapping[str, str] = item.get("data") or {}
    binary: Mapping[str, str] = item.get("binaryData") or {}
    if item["kind"] == "Secret":
        data, binary = {}, data
    return sum(len(text.encode()) for text in data.values()) + sum(
        len(text) * 3 // 4 - text[-2:].count("=") for text in binary.values()
    )


def _secret(item: Object) -> list[FieldError]:
    data = item.get("data") or {}
    errors = _data(item)
    key = {
        "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
        "kubernetes.io/dockercfg": ".dockercfg",
    }.get(item["type"])
    if key is not None:
        errors += _docker_config(data, key)
    for needed in _NEEDED_KEYS.get(item["type"], ()):
        if needed not in data:
            errors.append(names.required(f"data[{needed}]"))
    if item["type"] == "kubernetes.io/service-account-token":
        annotations = item["metadata"].get("annotations") or {}
        if not annotations.get("kubernetes.io/service-account.name"):
            field = "metadata.annotations[kubernetes.io/service-account.name]"
            errors.append(names.required(field))
    return errors


_NEEDED_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def _docker_config(data: Mapping[str, str], key: str) -> list[FieldError]:
    field = f"data[{key}]"
    if key not in data:
        return [names.required(field)]
    try:
        held = json.loads(b64decode(data[key]))
    except ValueError as error:
        return [names.wrong(field, "<secret contents redacted>", _json_error(data[key], error))]
    if not isinstance(held, dict):
        because = "json: cannot unmarshal into Go value of type map[string]interface {}"
        return [names.wrong(field, "<secret contents redacted>", because)]
    return []


def _json_error(text: str, error: ValueError) -> str:
    """Go's decoder's words for the two commonest mistakes."""
    if not b64decode(text).strip():
        return "unexpected end of JSON input"
    if isinstance(error, json.JSONDecodeError) and error.pos < len(error.doc):
        return f"invalid character {error.doc[error.pos]!r} looking for beginning of value"
    return "unexpected end of JSON input"


def _data_change(item: Object, held: Object) -> list[FieldError]:
    errors = []
    if item["kind"] == "Secret" and item["type"] != held["type"]:
        errors.append(names.wrong("type", item["type"], _IMMUTABLE))
    if held.get("immutable"):
        if not item.get("immutable"):
            because = "field is immutable when `immutable` is set"
            errors.append(names.forbidden_field("immutable", because))
        errors += [
            names.forbidden_field(part, "field is immutable when `immutable` is set")
            for part in ("data", "binaryData")
            if (item.get(part) or {}) != (held.get(part) or {})
        ]
    return errors


def _event(item: Object) -> list[FieldError]:
    about = item.get("involvedObject", {}).get("namespace", "") or "default"
    if about != item["metadata"].get("namespace"):
        because = "does not match event.namespace"
        return [
            names.wrong(
                "involvedObject.namespace", item["involvedObject"].get("namespace", ""), because
            )
        ]
    return []


_CHECKS: Mapping[str, Callable[[Object], list[FieldError]]] = {
    "Pod": pod_errors,
    "Deployment": _deployment,
    "ReplicaSet": _workload,
    "Secret": _secret,
    "ConfigMap": _data,
    "Event": _event,
}
_CHANGES: Mapping[str, Callable[[Object, Object], list[FieldError]]] = {
    "Pod": pod_update_errors,
    "Deployment": _selector_change,
    "ReplicaSet": _selector_change,
    "Secret": _data_change,
    "ConfigMap": _data_change,
}

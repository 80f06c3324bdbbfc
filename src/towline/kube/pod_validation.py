"""What makes a pod, or the template of one, invalid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from towline.kube import name as names
from towline.kube.quantity import value as quantity
from towline.kube.refusal import FieldError

Object = Mapping[str, Any]
_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_PULL = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_CHANGEABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
    "(allow it to be set to 1 if it was previously negative)"
)


def pod_errors(pod: Object) -> list[FieldError]:
    """What is wrong with a pod."""
    return spec_errors(pod["spec"], "spec")


def template_errors(template: Object, at: str) -> list[FieldError]:
    """What is wrong with a workload's pod template."""
    metadata, spec = template["metadata"], template["spec"]
    errors = [
        *names.labels_errors(f"{at}.labels", metadata.get("labels") or {}),
        *names.annotations_errors(f"{at}.annotations", metadata.get("annotations") or {}),
        *spec_errors(spec, f"{at}.spec"),
    ]
    if spec["restartPolicy"] in _RESTART[1:]:
        errors.append(
            names.unsupported(f"{at}.spec.restartPolicy", spec["restartPolicy"], ("Always",))
        )
    return errors


def spec_errors(spec: Object, at: str) -> list[FieldError]:
    """What is wrong with a pod's spec."""
    errors = _volumes(spec.get("volumes") or (), f"{at}.volumes")
    volumes = frozenset(one.get("name") for one in spec.get("volumes") or ())
    containers = spec.get("containers") or ()
    if not containers:
        errors.append(names.required(f"{at}.containers"))
    seen: set[str] = set()
    for group in ("initContainers", "containers"):
        for number, container in enumerate(spec.get(group) or ()):
            errors += _container(container, f"{at}.{group}[{number}]", seen, volumes)
    for field, supported in (("restartPolicy", _RESTART), ("dnsPolicy", _DNS)):
        if spec[field] not in supported:
            errors.append(names.unsupported(f"{at}.{field}", spec[field], supported))
    if spec["terminationGracePeriodSeconds"] < 0:
        field = f"{at}.terminationGracePeriodSeconds"
        because = "must be greater than or equal to 0"
        errors.append(names.wrong(field, spec["terminationGracePeriodSeconds"], because))
    errors += names.labels_errors(f"{at}.nodeSelector", spec.get("nodeSelector") or {})
    return [*errors, *_tolerations(spec.get("tolerations") or (), f"{at}.tolerations")]


def _tolerations(tolerations: Sequence[Object], at: str) -> list[FieldError]:
    because = "effect must be 'NoExecute' when `tolerationSeconds` is set"
    return [
        names.wrong(f"{at}[{number}].effect", one.get("effect", ""), because)
        for number, one in enumerate(tolerations)
        if one.get("tolerationSeconds") is not None and one.get("effect") != "NoExecute"
    ]


def _volumes(volumes: Sequence[Object], at: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for number, volume in enumerate(volumes):
        field, name = f"{at}[{number}].name", volume.get("name", "")
        errors += names.label_errors(field, name) if name else [names.required(field)]
        if name in seen:
            errors.append(names.duplicate(field, name))
        seen.add(name)
        if len(volume) > 2:
            because = "may not specify more than 1 volume type"
            errors.append(
                names.forbidden_field(
                    f"{at}[{number}].{sorted(volume.keys() - {'name'})[1]}", because
                )
            )
    return errors


def _container(
    container: Object, at: str, seen: set[str], volumes: frozenset[Any]
) -> list[FieldError]:
    name = container.get("name", "")
    errors = names.label_errors(f"{at}.name", name) if name else [names.required(f"{at}.name")]
    if name in seen:
        errors.append(names.duplicate(f"{at}.name", name))
    seen.add(name)
    errors += _image(container.get("image", ""), f"{at}.image")
    if container["imagePullPolicy"] not in _PULL:
        field = f"{at}.imagePullPolicy"
        errors.append(names.unsupported(field, container["imagePullPolicy"], _PULL))
    errors += _ports(container.get("ports") or (), f"{at}.ports")
    errors += _environment(container.get("env") or (), f"{at}.env")
    errors += _mounts(container.get("volumeMounts") or (), f"{at}.volumeMounts", volumes)
    return [*errors, *_resources(container["resources"], f"{at}.resources")]


def _image(image: str, at: str) -> list[FieldError]:
    if not image:
        return [names.required(at)]
    if image.strip() != image:
        return [names.wrong(at, image, "must not have leading or trailing whitespace")]
    return []


def _ports(ports: Sequence[Object], at: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for number, port in enumerate(ports):
        held = port.get("containerPort")
        if held is None:
            errors.append(names.required(f"{at}[{number}].containerPort"))
        elif not 0 < held < 65536:
            because = "must be between 1 and 65535, inclusive"
            errors.append(names.wrong(f"{at}[{number}].containerPort", held, because))
        if port["protocol"] not in _PROTOCOLS:
            field = f"{at}[{number}].protocol"
            errors.append(names.unsupported(field, port["protocol"], _PROTOCOLS))
    return errors


def _environment(variables: Sequence[Object], at: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for number, variable in enumerate(variables):
        if not variable.get("name"):
            errors.append(names.required(f"{at}[{number}].name"))
        if variable.get("value") and variable.get("valueFrom"):
            because = "may not be specified when `value` is not empty"
            errors.append(names.wrong(f"{at}[{number}].valueFrom", "", because))
    return errors


def _mounts(mounts: Sequence[Object], at: str, volumes: frozenset[Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for number, mount in enumerate(mounts):
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            errors.append(names.required(f"{at}[{number}].name"))
        elif name not in volumes:
            message = f"Not found: {names.written(name)}"
            errors.append(FieldError("FieldValueNotFound", f"{at}[{number}].name", message))
        if not path:
            errors.append(names.required(f"{at}[{number}].mountPath"))
        elif path in seen:
            errors.append(names.wrong(f"{at}[{number}].mountPath", path, "must be unique"))
        seen.add(path)
    return errors


def _resources(resources: Object, at: str) -> list[FieldError]:
    errors: list[FieldError] = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for part, amounts in (("limits", limits), ("requests", requests)):
        errors += [
            names.wrong(f"{at}.{part}[{name}]", text, "must be greater than or equal to 0")
            for name, text in amounts.items()
            if quantity(text) < 0
        ]
    for name, text in requests.items():
        if name in limits and quantity(text) > quantity(limits[name]):
            because = f"must be less than or equal to {name} limit of {limits[name]}"
            errors.append(names.wrong(f"{at}.requests", text, because))
    return errors


def pod_update_errors(pod: Object, held: Object) -> list[FieldError]:
    """What of a pod's change is not allowed: nearly everything of its spec."""
    if _unchangeable(pod["spec"], held["spec"]) == _unchangeable(held["spec"], held["spec"]):
        return []
    message = f"pod updates may not change fields other than {_CHANGEABLE}"
    return [names.forbidden_field("spec", message)]


def _unchangeable(spec: Object, held: Object) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in spec.items()
        if key not in ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
    }
    for group in ("containers", "initContainers"):
        kept[group] = [
            {key: value for key, value in one.items() if key != "image"}
            for one in spec.get(group) or ()
        ]
    before = list(held.get("tolerations") or ())
    kept["tolerations"] = (
        before if all(one in (spec.get("tolerations") or ()) for one in before) else None
    )
    return kept

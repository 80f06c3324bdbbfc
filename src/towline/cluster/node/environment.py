"""A container's variables: the kubelet's `makeEnvironmentVariables`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.cluster.node import texts
from towline.cluster.node.expansion import expand
from towline.cluster.node.pod_field import Place, share
from towline.cluster.node.pod_field import field as pod_field
from towline.cluster.node.references import References, Unresolved
from towline.kube.pod import Container, EnvFrom, EnvSource, EnvVar

_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")  # IsEnvVarName


@dataclass(slots=True)
class Environment:
    """The variables, and what has to be said about those that could not be set."""

    values: dict[str, str] = field(default_factory=dict)
    remarks: list[texts.Words] = field(default_factory=list)


async def environment(place: Place, container: Container, references: References) -> Environment:
    """All variables of a container, in order; raises `Unresolved`."""
    made = Environment()
    for source in container.env_from:
        await _take_all(made, source, place, references)
    for variable in container.env:
        value = await _value(variable, made.values, _Asker(place, container, references))
        if value is not None:
            made.values[variable.name] = value
    return made


@dataclass(frozen=True, slots=True)
class _Asker:
    place: Place
    container: Container
    references: References


async def _take_all(
    made: Environment, source: EnvFrom, place: Place, references: References
) -> None:
    namespace = place.pod.metadata.namespace
    for kind, reference, read in (
        ("configMap", source.config_map_ref, references.config_map),
        ("secret", source.secret_ref, references.secret),
    ):
        if reference is None:
            continue
        held = await read(reference.name, optional=bool(reference.optional)) or {}
        refused = _take(made.values, held, source.prefix)
        if refused:
            made.remarks.append(texts.invalid_variables(refused, kind, namespace, reference.name))


def _take(values: dict[str, str], held: Mapping[str, bytes], prefix: str) -> list[str]:
    refused = []
    for key in sorted(held):
        name = prefix + key
        if _NAME.fullmatch(name) and name not in (".", "..") and not name.startswith(".."):
            values[name] = held[key].decode(errors="surrogateescape")
        else:
            refused.append(key)
    return refused


async def _value(variable: EnvVar, values: Mapping[str, str], asker: _Asker) -> str | None:
    if variable.value_from is None:
        return expand(variable.value or "", values)
    return await _sourced(variable.value_from, asker)


async def _sourced(source: EnvSource, asker: _Asker) -> str | None:
    if source.field_ref:
        return pod_field(asker.place, source.field_ref)
    if source.resource_field_ref:
        return share(asker.place.pod, asker.container, source.resource_field_ref)
    references, namespace = asker.references, asker.place.pod.metadata.namespace
    for kind, selector, read in (
        ("ConfigMap", source.config_map_key_ref, references.config_map),
        ("Secret", source.secret_key_ref, references.secret),
    ):
        if selector is None:
            continue
        optional = bool(selector.optional)
        held = await read(selector.name, optional=optional)
        if held is not None and selector.key in held:
            return held[selector.key].decode(errors="surrogateescape")
        if not optional:
            where = f"{kind} {namespace}/{selector.name}"
            raise Unresolved(f"couldn't find key {selector.key} in {where}")
    return None

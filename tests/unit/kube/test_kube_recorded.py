"""Defaults, patches and refusals are those that a real API server gave to real clients."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.kube.recorded import Case, cases

from towline.cluster.api.data_file import schemas
from towline.kube import defaults, json_patch, merge_patch, refusal, validation
from towline.kube.strategic_patch import StrategicPatch

TEMPLATE = cases()[-1]  # was defaulted by the real server before it was sent
CREATED = [one for one in cases()[:-1] if one.method == "POST" and one.code == 201]
PATCHED = [one for one in cases() if one.method == "PATCH" and one.code == 200]
SERVERS_OWN = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "namespace",
    "managedFields",
)
BY_ADMISSION = (
    "volumes",
    "serviceAccountName",
    "serviceAccount",
    "imagePullSecrets",
    "tolerations",
)
NOT_OURS = ("priority", "preemptionPolicy")  # there are no priority classes


def schema_of(case: Case) -> str:
    """The definition that the case's body is read as."""
    subresource = case.resource.subresource(case.subresource)
    return case.resource.schema if subresource is None else subresource.schema


def without(thing: dict[str, Any], *fields: str) -> dict[str, Any]:
    """All but these."""
    return {key: value for key, value in thing.items() if key not in fields}


def comparable(thing: dict[str, Any]) -> dict[str, Any]:
    """An object without what the server alone decides, and without what Go leaves out because it is zero."""
    kept = {**thing, "metadata": without(thing["metadata"], *SERVERS_OWN)}
    if kept["metadata"].get("annotations") == {}:
        kept["metadata"].pop("annotations")
    if not kept.get("spec", {}).get("minReadySeconds", 1):
        kept["spec"] = without(kept["spec"], "minReadySeconds")
    if thing["kind"] == "Pod":
        kept["spec"] = without(kept["spec"], *BY_ADMISSION, *NOT_OURS)
        kept["spec"]["containers"] = [
            without(one, "volumeMounts") for one in kept["spec"]["containers"]
        ]
    return kept


@pytest.mark.parametrize("case", CREATED, ids=lambda case: case.id)
def test_a_new_object_gets_the_defaults_of_a_real_server(case: Case) -> None:
    """Field for field, from kubectl's, Helm's and the Python clients' own bodies."""
    item = schemas().walk(case.resource.schema, case.body).value
    if case.resource.kind == "Namespace":
        item["spec"] = {"finalizers": ["kubernetes"]}  # which the API's creation adds
    item |= {"kind": case.resource.kind, "apiVersion": case.resource.api_version}

    defaults.apply(case.resource.kind, item)

    assert comparable(item) == comparable(case.answer)


def test_defaults_change_nothing_in_what_has_them() -> None:
    """A template that uses every feature, as a real server had filled it in."""
    spec = schemas().walk(TEMPLATE.resource.schema, TEMPLATE.answer).value["spec"]

    defaults.pod_spec(spec)

    assert spec == TEMPLATE.answer["spec"]


@pytest.mark.parametrize("case", PATCHED, ids=lambda case: f"{case.id} {case.content_type}")
def test_a_patch_makes_what_a_real_server_made_of_it(case: Case) -> None:
    """The object before and the patch give the object after."""
    match case.content_type.partition("/")[2]:
        case "json-patch+json":
            patched = json_patch.apply(case.before, case.body)
        case "merge-patch+json":
            patched = merge_patch.apply(case.before, case.body)
        case _:
            patched = StrategicPatch(schemas(), schema_of(case)).apply(case.before, case.body)

    assert without(comparable(patched), "status") == without(comparable(case.answer), "status")


def test_an_object_that_makes_no_sense_is_refused_as_a_real_server_did() -> None:
    """The whole Status, with its causes."""
    [case] = [one for one in cases() if one.code == 422 and one.method == "POST"]
    item = schemas().walk(case.resource.schema, case.body).value
    defaults.apply(case.resource.kind, item)

    errors = validation.create_errors(case.resource, item)

    said = refusal.invalid(case.resource, item["metadata"]["name"], errors).status()
    assert said == case.answer


def test_a_misspelt_field_is_named_as_a_real_server_did() -> None:
    """kubectl apply asks for strict reading."""
    [case] = [one for one in cases() if one.code == 400]

    unknown = schemas().walk(case.resource.schema, case.body).unknown

    assert unknown == ("spec.replicaz",)
    assert case.answer["message"].endswith('strict decoding error: unknown field "spec.replicaz"')


def test_the_recording_holds_all_kinds_of_patches_and_bodies() -> None:
    """So that the tests above speak of something."""
    assert {one.content_type.partition("/")[2] for one in PATCHED} == {
        "json-patch+json",
        "merge-patch+json",
        "strategic-merge-patch+json",
    }
    assert {one.resource.kind for one in CREATED} >= {
        "Namespace",
        "Secret",
        "ConfigMap",
        "ServiceAccount",
        "Pod",
        "Deployment",
    }

"""Objects are read as Go's decoder reads them: nulls and unknown fields go, wrong types are named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.kube.recorded import cases

from towline.cluster.api.data_file import schemas
from towline.kube.resource_type import RESOURCE_TYPES
from towline.kube.schema import Mismatch

DEPLOYMENT = "io.k8s.api.apps.v1.Deployment"
SECRET = "io.k8s.api.core.v1.Secret"  # a definition's name
CONTAINER = "Container.spec.template.spec.containers"


STORED = [one for one in cases() if one.code < 400 and not one.subresource]


def in_container(**fields: Any) -> dict[str, Any]:
    """A Deployment whose container has these fields."""
    return {"spec": {"template": {"spec": {"containers": [fields]}}}}


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (
            {"spec": {"replicas": "two"}},
            "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            {"spec": {"replicas": 1.5}},
            "cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            {"spec": {"replicas": 1 << 31}},
            (
                "cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas "
                "of type int32"
            ),
        ),
        (
            {"spec": []},
            "cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec",
        ),
        (
            {"metadata": {"labels": {"a": 1}}},
            "cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            {"metadata": {"labels": ["a"]}},
            "cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
        ),
        (
            in_container(args="-v"),
            f"cannot unmarshal string into Go struct field {CONTAINER}.args of type []string",
        ),
        (
            in_container(env=[{"name": True}]),
            (
                "cannot unmarshal bool into Go struct field EnvVar.spec.template.spec.containers.env.name "
                "of type string"
            ),
        ),
        (
            in_container(ports=[{"containerPort": "80"}]),
            (
                "cannot unmarshal string into Go struct field "
                "ContainerPort.spec.template.spec.containers.ports.containerPort of type int32"
            ),
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[-40:],
)
def test_a_value_of_the_wrong_type_is_named_in_gos_words(
    thing: dict[str, Any], message: str
) -> None:
    """With the struct, the path without indexes, and the type."""
    with pytest.raises(Mismatch) as caught:
        schemas().walk(DEPLOYMENT, thing)

    assert str(caught.value) == f"json: {message}"


@pytest.mark.parametrize(
    ("text", "at"), [("ab!d", 2), ("p@ssword", 1), ("=", 0), ("ü", 0), ("aGk", 0), ("aGkhaGk", 4)]
)
def test_a_secrets_value_has_to_be_base64(text: str, at: int) -> None:
    """People forget to encode; Go says at which byte it noticed."""
    with pytest.raises(Mismatch) as caught:
        schemas().walk(SECRET, {"data": {"password": text}})

    assert str(caught.value) == f"illegal base64 data at input byte {at}"


def test_a_quantity_may_be_a_number_and_is_kept_as_text() -> None:
    """`cpu: 1` in YAML is a number."""
    read = schemas().walk(
        DEPLOYMENT, in_container(resources={"limits": {"cpu": 0.5, "memory": 1024}})
    )

    [container] = read.value["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "500m", "memory": "1024"}


def test_unknown_fields_are_named_with_their_whole_path() -> None:
    """Indexes included, as strict decoding says them."""
    thing = {**in_container(nam="x", env=[{"nme": "y"}]), "speck": 1}

    assert schemas().walk(DEPLOYMENT, thing).unknown == (
        "spec.template.spec.containers[0].nam",
        "spec.template.spec.containers[0].env[0].nme",
        "speck",
    )


def test_a_null_is_an_absent_field() -> None:
    """kubectl sends `creationTimestamp: null`."""
    read = schemas().walk(DEPLOYMENT, {"metadata": {"creationTimestamp": None, "name": "a"}})

    assert read.value == {"metadata": {"name": "a"}}


@pytest.mark.parametrize("case", STORED, ids=lambda case: case.id)
def test_what_a_real_server_answered_is_read_without_loss(case: Any) -> None:
    """The schemas know every field of every recorded object."""
    read = schemas().walk(case.resource.schema, case.answer)

    assert read.unknown == ()
    assert read.value == case.answer


@pytest.mark.parametrize("resource", RESOURCE_TYPES, ids=lambda resource: resource.plural)
def test_every_stored_kind_has_its_schema(resource: Any) -> None:
    """And those of what is posted below it."""
    named = [resource.schema, *(one.schema for one in resource.subresources if one.schema)]

    assert [name for name in named if name not in schemas().definitions] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "spec", "template", "containers", "resources", "limits", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status", "kind"]), JSON))
def test_any_json_is_read_or_refused(thing: dict[str, Any]) -> None:
    """And what was read is read again to the same."""
    try:
        read = schemas().walk(DEPLOYMENT, thing)
    except Mismatch as error:
        assert str(error)
        return

    again = schemas().walk(DEPLOYMENT, read.value)
    assert again.value == read.value
    assert again.unknown == ()

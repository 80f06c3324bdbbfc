"""Every refusal is a Status that kubectl prints as a real server's, and every kind has one path."""

from __future__ import annotations

import pytest

from towline.kube import refusal, resource_type
from towline.kube.name import wrong
from towline.kube.refusal import Refusal
from towline.kube.resource_type import RESOURCE_TYPES, find

POD, DEPLOYMENT = resource_type.PODS, resource_type.DEPLOYMENTS
ERRORS = (wrong("spec.a", 1, "no"), wrong("spec.b", "x", "no"))


@pytest.mark.parametrize(
    ("refused", "code", "reason", "message"),
    [
        (refusal.not_found(POD, "nope"), 404, "NotFound", 'pods "nope" not found'),
        (refusal.not_found(DEPLOYMENT, "web"), 404, "NotFound", 'deployments.apps "web" not found'),
        (
            refusal.already_exists(resource_type.NAMESPACES, "demo"),
            409,
            "AlreadyExists",
            'namespaces "demo" already exists',
        ),
        (
            refusal.conflict(POD, "x"),
            409,
            "Conflict",
            (
                'Operation cannot be fulfilled on pods "x": the object has been modified; '
                "please apply your changes to the latest version and try again"
            ),
        ),
        (
            refusal.invalid(DEPLOYMENT, "web", ERRORS[:1]),
            422,
            "Invalid",
            'Deployment.apps "web" is invalid: spec.a: Invalid value: 1: no',
        ),
        (
            refusal.invalid(POD, "x", ERRORS),
            422,
            "Invalid",
            'Pod "x" is invalid: [spec.a: Invalid value: 1: no, spec.b: Invalid value: "x": no]',
        ),
        (
            refusal.forbidden(POD, "x", "because"),
            403,
            "Forbidden",
            'pods "x" is forbidden: because',
        ),
        (
            refusal.no_such_path(),
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_a_refusal_speaks_as_a_real_server(
    refused: Refusal, code: int, reason: str, message: str
) -> None:
    """Code, reason and the text that kubectl prints."""
    status = refused.status()

    assert (status["code"], status["reason"], status["message"]) == (code, reason, message)
    assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
    assert str(refused) == message


def test_details_name_the_object() -> None:
    """kubectl and the client libraries read them."""
    assert refusal.not_found(DEPLOYMENT, "web").status()["details"] == {
        "name": "web",
        "group": "apps",
        "kind": "deployments",
    }
    assert refusal.invalid(POD, "x", ERRORS[:1]).status()["details"] == {
        "name": "x",
        "kind": "Pod",
        "causes": [
            {"reason": "FieldValueInvalid", "message": "Invalid value: 1: no", "field": "spec.a"}
        ],
    }


def test_every_kind_is_found_under_its_path_and_no_other() -> None:
    """Paths, discovery and messages follow from one table."""
    for resource in RESOURCE_TYPES:
        assert find(resource.group, resource.version, resource.plural) is resource

    assert find("apps", "v1", "pods") is None
    assert find("", "v2", "pods") is None
    assert (POD.api_version, DEPLOYMENT.api_version) == ("v1", "apps/v1")


def test_no_two_kinds_share_a_name() -> None:
    """`kubectl get NAME` would be ambiguous."""
    names = [
        name
        for one in RESOURCE_TYPES
        for name in (one.plural, one.singular, *one.short_names)
        if name
    ]

    assert len(names) == len(set(names))

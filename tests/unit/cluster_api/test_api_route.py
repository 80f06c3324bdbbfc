"""Paths, verbs and rights: what a request is about and whether it may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.cluster.api.authentication import ANONYMOUS
from towline.cluster.api.authorization import Question, check, may
from towline.cluster.api.route import address_of, is_document, verb_of
from towline.cluster.api.settings import MASTERS, User
from towline.kube.refusal import Refusal

ADMIN = User("admin", (MASTERS,))
NODE = User("system:node:agent", ("system:nodes",))
CONTROLLERS = User("system:kube-controller-manager")
ACCOUNT = User("system:serviceaccount:demo:default", ("system:serviceaccounts",))


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("api/v1/pods", ("pods", "", "", "")),
        ("api/v1/namespaces/demo/pods", ("pods", "demo", "", "")),
        ("api/v1/namespaces/demo/pods/web", ("pods", "demo", "web", "")),
        ("api/v1/namespaces/demo/pods/web/log", ("pods", "demo", "web", "log")),
        ("api/v1/namespaces", ("namespaces", "", "", "")),
        ("api/v1/namespaces/demo", ("namespaces", "", "demo", "")),
        ("api/v1/namespaces/demo/finalize", ("namespaces", "", "demo", "finalize")),
        ("api/v1/nodes/n/status", ("nodes", "", "n", "status")),
        ("api/v1/nodes/n/proxy/diagnosis/demo/web", ("nodes", "", "n", "proxy")),
        ("apis/apps/v1/namespaces/d/deployments/w/scale", ("deployments", "d", "w", "scale")),
    ],
)
def test_a_path_names_one_thing(path: str, named: tuple[str, ...]) -> None:
    """Resource, namespace, name and subresource."""
    address = address_of(path.split("/"))

    assert not is_document(path.split("/"))
    assert (
        address.resource.plural,
        address.namespace,
        address.name,
        address.subresource,
    ) == named


@pytest.mark.parametrize(
    "path",
    [
        "api/v1/nothing",
        "api/v2/pods",
        "apis/apps/v1/pods",
        "api/v1/pods/web",
        "api/v1/namespaces/demo/nodes",
        "api/v1/namespaces/demo/pods/web/exec",
        "api/v1/namespaces/demo/pods/web/log/more",
        "apis/none/v1/things",
    ],
)
def test_other_paths_lead_nowhere(path: str) -> None:
    """The words are the real server's."""
    with pytest.raises(Refusal) as refusal:
        address_of(path.split("/"))

    assert refusal.value.code == 404
    assert refusal.value.message == "the server could not find the requested resource"


@given(st.lists(st.sampled_from(["api", "apis", "v1", "namespaces", "pods", "apps", "a", ""])))
def test_no_path_breaks_the_server(path: list[str]) -> None:
    """It is a document, or an address, or nothing."""
    if is_document(path):
        return
    try:
        address_of(path)
    except Refusal as refusal:
        assert refusal.code == 404


@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [
        ("GET", "api/v1/pods", "list"),
        ("GET", "api/v1/namespaces/d/pods/w", "get"),
        ("POST", "api/v1/namespaces/d/pods", "create"),
        ("POST", "api/v1/namespaces/d/pods/w/binding", "create"),
        ("PUT", "api/v1/namespaces/d/pods/w", "update"),
        ("PATCH", "api/v1/namespaces/d/pods/w/status", "patch"),
        ("DELETE", "api/v1/namespaces/d/pods/w", "delete"),
        ("DELETE", "api/v1/namespaces/d/pods", "deletecollection"),
    ],
)
def test_a_method_is_a_verb(method: str, path: str, verb: str) -> None:
    """A list that is watched is a watch."""
    address = address_of(path.split("/"))

    assert verb_of(method, address, watching=False) == verb
    if verb == "list":
        assert verb_of(method, address, watching=True) == "watch"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "api/v1/pods"),
        ("POST", "api/v1/namespaces/d/pods/w"),
        ("DELETE", "api/v1/namespaces"),
        ("POST", "api/v1/namespaces/d/services"),
        ("DELETE", "api/v1/namespaces/d/pods/w/log"),
        ("TRACE", "api/v1/pods"),
    ],
)
def test_what_cannot_be_done_is_refused(method: str, path: str) -> None:
    """With 405, in the real server's words."""
    with pytest.raises(Refusal) as refusal:
        verb_of(method, address_of(path.split("/")), watching=False)

    assert refusal.value.code == 405


@pytest.mark.parametrize(
    ("user", "question", "allowed"),
    [
        (ADMIN, Question("delete", "apps", "deployments", "demo"), True),
        (ADMIN, Question("get", path="/api"), True),
        (CONTROLLERS, Question("patch", "", "namespaces/finalize"), True),
        (NODE, Question("patch", "", "pods/status", "demo", "w"), True),
        (NODE, Question("create", "", "serviceaccounts/token", "demo", "default"), True),
        (NODE, Question("update", "coordination.k8s.io", "leases", "kube-node-lease"), True),
        (NODE, Question("get", "", "secrets", "demo", "s"), True),
        (NODE, Question("create", "", "pods", "demo"), False),
        (NODE, Question("delete", "", "secrets", "demo", "s"), False),
        (NODE, Question("get", "apps", "deployments", "demo"), True),
        (NODE, Question("patch", "apps", "deployments", "demo"), False),
        (NODE, Question("get", "", "nodes/proxy"), False),
        (ADMIN, Question("get", "", "nodes/proxy"), True),
        (ACCOUNT, Question("list", "", "pods", "demo"), False),
        (ACCOUNT, Question("get", path="/openapi/v3/api/v1"), True),
        (ACCOUNT, Question("create", "authorization.k8s.io", "selfsubjectaccessreviews"), True),
        (ANONYMOUS, Question("get", path="/healthz"), True),
        (ANONYMOUS, Question("get", path="/version"), True),
        (ANONYMOUS, Question("get", path="/api"), False),
        (ANONYMOUS, Question("create", "authentication.k8s.io", "selfsubjectreviews"), False),
    ],
)
def test_rights_are_what_each_needs(user: User, question: Question, allowed: bool) -> None:
    """And no more than that."""
    assert may(user, question) is allowed


def test_a_refusal_says_who_may_not_do_what_where() -> None:
    """In Kubernetes' words, which people search for."""
    with pytest.raises(Refusal) as named:
        check(ACCOUNT, Question("get", "", "pods/log", "demo", "web"))
    with pytest.raises(Refusal) as wide:
        check(ACCOUNT, Question("list", "apps", "deployments"))
    with pytest.raises(Refusal) as document:
        check(ANONYMOUS, Question("get", path="/api"))

    assert named.value.message == (
        'pods "web" is forbidden: User "system:serviceaccount:demo:default" cannot get resource '
        '"pods/log" in API group "" in the namespace "demo"'
    )
    assert wide.value.message == (
        'deployments.apps is forbidden: User "system:serviceaccount:demo:default" cannot list '
        'resource "deployments" in API group "apps" at the cluster scope'
    )
    assert document.value.message == ('forbidden: User "system:anonymous" cannot get path "/api"')

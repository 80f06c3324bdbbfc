"""Namespaces that come whole, accounts that are known by their tokens, and logs that come from kubelets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.apis import ADMIN, AGENT, MAPS, PODS, demo, document, get, pod, refusal, serving
from tests.kubelets import NODE, kubelet

from towline.problem import Problem

Object = dict[str, Any]


async def test_a_namespace_comes_whole_or_not_at_all(tmp_path: Path) -> None:
    """The hook's problem is the creator's answer, and nothing of the namespace is left."""
    async with serving(tmp_path) as api, api.session() as session:
        body: Object = {"metadata": {"name": "demo", "annotations": {"a": "b"}}}
        api.hook.refusal = Problem("no-instance", cause="there is no such", remedy="make it")
        said = await refusal(await session.post("/api/v1/namespaces", json=body), 403)
        gone = await session.get("/api/v1/namespaces/demo")
        left = await get(session, f"{MAPS}")
        api.hook.refusal = None
        dry = await session.post("/api/v1/namespaces?dryRun=All", json=body)
        unseen = list(api.hook.seen)
        made = await session.post("/api/v1/namespaces", json=body)
        account = await session.get("/api/v1/namespaces/demo/serviceaccounts/default")
        authority = await get(session, f"{MAPS}/kube-root-ca.crt")
        expected = api.authority.certificate.read_text()

    assert said["message"] == (
        'namespaces "demo" is forbidden: there is no such; make it (no-instance)'
    )
    assert gone.status == 404
    assert left["items"] == []
    assert (dry.status, unseen) == (201, [])
    assert made.status == 201
    assert api.hook.seen == [("demo", {"a": "b"})]
    assert account.status == 200
    assert authority["data"]["ca.crt"] == expected


async def test_a_cluster_begins_with_its_own_namespaces(tmp_path: Path) -> None:
    """And keeps them as they are when it starts again."""
    async with serving(tmp_path) as api, api.session() as session:
        first = await get(session, "/api/v1/namespaces")
    async with serving(tmp_path) as api, api.session() as session:
        second = await get(session, "/api/v1/namespaces")

    names = [one["metadata"]["name"] for one in first["items"]]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    assert first["items"] == second["items"]


async def test_a_service_account_is_known_by_its_token(tmp_path: Path) -> None:
    """As long as it and the pod that the token is bound to exist."""
    accounts = "/api/v1/namespaces/demo/serviceaccounts/default/token"
    who = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    async with demo(tmp_path) as (api, session):
        held = await document(await session.post(PODS, json=pod("web")))
        bound = {"kind": "Pod", "name": "web", "uid": held["metadata"]["uid"]}
        asked = {"spec": {"boundObjectRef": bound, "expirationSeconds": 600}}
        made = await document(await session.post(accounts, json=asked))
        elsewhere = {"spec": {"audiences": ["vault"]}}
        foreign = await document(await session.post(accounts, json=elsewhere))
        short = await session.post(accounts, json={"spec": {"expirationSeconds": 5}})
        await refusal(short, 422)
        async with api.session(made["status"]["token"]) as account:
            told = await document(await account.post(who, json={}))
            await refusal(await account.get(PODS), 403)
            await session.delete(f"{PODS}/web")
            await refusal(await account.post(who, json={}), 401)
        async with api.session(foreign["status"]["token"]) as account:
            await refusal(await account.post(who, json={}), 401)

    user = told["status"]["userInfo"]
    assert user["username"] == "system:serviceaccount:demo:default"
    assert "system:serviceaccounts:demo" in user["groups"]
    assert made["status"]["expirationTimestamp"]


async def test_reviews_say_what_one_may(tmp_path: Path) -> None:
    """And whose token another one is."""
    group = "/apis/authorization.k8s.io/v1"
    attributes = {"verb": "patch", "resource": "pods", "subresource": "status", "namespace": "d"}
    async with serving(tmp_path) as api, api.session(AGENT) as node:
        access = {"spec": {"resourceAttributes": attributes}}
        may = await document(await node.post(f"{group}/selfsubjectaccessreviews", json=access))
        path = {"spec": {"nonResourceAttributes": {"verb": "get", "path": "/secret"}}}
        may_not = await document(await node.post(f"{group}/selfsubjectaccessreviews", json=path))
        await refusal(await node.post(f"{group}/selfsubjectaccessreviews", json={}), 400)
        rules = await document(await node.post(f"{group}/selfsubjectrulesreviews", json={}))
        reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
        good = await document(await node.post(reviews, json={"spec": {"token": ADMIN}}))
        bad = await document(await node.post(reviews, json={"spec": {"token": "x"}}))

    assert may["status"] == {"allowed": True}
    assert may_not["status"] == {"allowed": False}
    assert ["pods"] in [one["resources"] for one in rules["status"]["resourceRules"]]
    assert good["status"]["user"]["username"] == "admin"
    assert bad["status"]["authenticated"] is False


async def test_nobody_may_ask_whether_the_server_lives(tmp_path: Path) -> None:
    """Probes have no tokens; everything else needs one."""
    async with serving(tmp_path) as api, api.session(None) as nobody:
        alive = [
            await (await nobody.get(path)).text() for path in ("/healthz", "/livez", "/readyz/ping")
        ]
        version = await get(nobody, "/version")
        closed = await refusal(await nobody.get(PODS), 403)

    assert alive[:2] == ["ok", "ok"]
    assert (version["major"], version["minor"]) == ("1", "33")
    assert closed["message"].startswith('pods is forbidden: User "system:anonymous" cannot list')


async def test_logs_need_a_container_and_a_kubelet(tmp_path: Path) -> None:
    """Each way of not getting them has its words."""
    spec = {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}
    async with demo(tmp_path) as (api, session), kubelet(api) as node:
        await session.post(PODS, json=pod("free"))
        await session.post(PODS, json=pod("lost", nodeName="nowhere"))
        two = pod("two", nodeName=NODE)
        await session.post(PODS, json={**two, "spec": {**two["spec"], **spec}})
        free = await session.get(f"{PODS}/free/log")
        which = await refusal(await session.get(f"{PODS}/two/log"), 400)
        wrong = await refusal(await session.get(f"{PODS}/two/log?container=c"), 400)
        await refusal(await session.get(f"{PODS}/two/log?container=a&tailLines=-1"), 422)
        lost = await refusal(await session.get(f"{PODS}/lost/log"), 404)
        good = await (await session.get(f"{PODS}/two/log?container=b&sinceSeconds=9")).text()
        node.complaint = (500, "broken")
        broken = await refusal(await session.get(f"{PODS}/two/log?container=a"), 500)

    assert (free.status, await free.read()) == (200, b"")
    assert which["message"] == (
        "a container name must be specified for pod two, choose one of: [a b]"
    )
    assert wrong["message"] == "container c is not valid for pod two"
    assert lost["message"] == 'nodes "nowhere" not found'
    assert good == "line 0\nline 1\n"
    assert node.asked[0] == ("/containerLogs/demo/two/b", {"sinceSeconds": "9"})
    assert broken["message"] == "Internal error occurred: broken"


async def test_what_a_kubelet_answers_is_passed_on(tmp_path: Path) -> None:
    """Its words and its refusals, with the path and the query behind `proxy`."""
    async with demo(tmp_path) as (api, session), kubelet(api) as node:
        asked = f"/api/v1/nodes/{NODE}/proxy/containerLogs/demo/web/main"
        good = await (await session.get(f"{asked}?tailLines=1")).text()
        node.complaint = (409, "not now")
        bad = await session.get(asked)

        assert good == "line 0\nline 1\n"
        assert node.asked[0] == ("/containerLogs/demo/web/main", {"tailLines": "1"})
        assert (bad.status, await bad.text()) == (409, "not now")
        await refusal(await session.get("/api/v1/nodes/nowhere/proxy/healthz"), 404)


async def test_a_kubelet_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """With its address and what went wrong."""
    async with demo(tmp_path) as (api, session):
        async with kubelet(api) as node:
            port = node.port
        await session.post(PODS, json=pod("web", nodeName=NODE))
        said = await refusal(await session.get(f"{PODS}/web/log"), 500)

    assert said["message"] == (
        f'Get "https://127.0.0.1:{port}/containerLogs/demo/web/main": '
        f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    )

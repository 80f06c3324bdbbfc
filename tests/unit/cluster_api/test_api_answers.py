"""What the served API answers, byte by byte where clients look: forms, documents, writes, refusals."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from tests.apis import ADMIN, AGENT, ServedApi, config_map, document, pod, serving
from tests.kubelets import NODE, kubelet

from towline.problem import Problem

MAPS = "/api/v1/namespaces/demo/configmaps"
PODS = "/api/v1/namespaces/demo/pods"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
OPENAPI_V2 = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
Object = dict[str, Any]


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[tuple[ServedApi, aiohttp.ClientSession]]:
    """A served API with a namespace `demo`, and an administrator's client."""
    async with serving(folder) as api, api.session() as session:
        await session.post("/api/v1/namespaces", json={"metadata": {"name": "demo"}})
        yield api, session


async def get(session: aiohttp.ClientSession, path: str, accept: str = "*/*") -> Object:
    """The JSON at a path."""
    async with session.get(path, headers={"Accept": accept}) as answer:
        assert answer.status == 200, await answer.text()
        return await document(answer)


async def refusal(answer: aiohttp.ClientResponse, code: int) -> Object:
    """The Status of a refusal with this code."""
    said = await document(answer)
    assert (answer.status, said["code"], said["status"]) == (code, code, "Failure")
    return said


async def test_a_list_is_whole_a_table_or_metadata(tmp_path: Path) -> None:
    """The first form of the client's list that is served."""
    async with demo(tmp_path) as (_, session):
        await session.post(MAPS, json=config_map("one", a="b"))
        whole = await get(session, MAPS, "application/vnd.kubernetes.protobuf,application/json")
        table = await get(session, MAPS, TABLE)
        bare = await get(session, f"{MAPS}?includeObject=None", TABLE)
        full = await get(session, f"{MAPS}/one?includeObject=Object", TABLE)
        partial = await get(session, MAPS, PARTIAL)
        async with session.get(f"{MAPS}/one", headers={"Accept": "application/yaml"}) as answer:
            written = yaml.safe_load(await answer.text())

    assert (whole["kind"], whole["apiVersion"]) == ("ConfigMapList", "v1")
    assert [one["metadata"]["name"] for one in whole["items"]] == ["kube-root-ca.crt", "one"]
    assert "kind" not in whole["items"][0]
    assert table["rows"][1]["cells"][:2] == ["one", 1]
    assert table["rows"][1]["object"]["kind"] == "PartialObjectMetadata"
    assert table["metadata"]["resourceVersion"] == whole["metadata"]["resourceVersion"]
    assert "object" not in bare["rows"][0]
    assert full["rows"][0]["object"]["data"] == {"a": "b"}
    assert partial["kind"] == "PartialObjectMetadataList"
    assert "data" not in partial["items"][1]
    assert written["data"] == {"a": "b"}


async def test_a_form_that_nobody_serves_is_refused(tmp_path: Path) -> None:
    """With 406 and what there is."""
    async with demo(tmp_path) as (_, session):
        answer = await session.get(MAPS, headers={"Accept": "text/html"})
        said = await refusal(answer, 406)

    assert said["reason"] == "NotAcceptable"
    assert "application/json" in said["message"]


async def test_a_long_list_comes_in_pages_of_one_snapshot(tmp_path: Path) -> None:
    """What is created between two pages is in neither."""
    async with demo(tmp_path) as (_, session):
        for number in range(5):
            await session.post(MAPS, json=config_map(f"one-{number}"))
        first = await get(session, f"{MAPS}?limit=4")
        await session.post(MAPS, json=config_map("one-9"))
        token = first["metadata"]["continue"]
        rest = await get(session, f"{MAPS}?limit=4&continue={token}")
        answer = await session.get(f"{MAPS}?continue=nonsense")
        await refusal(answer, 400)

    assert first["metadata"]["remainingItemCount"] == 2
    assert [one["metadata"]["name"] for one in rest["items"]] == ["one-3", "one-4"]
    assert "continue" not in rest["metadata"]


async def test_a_large_answer_is_compressed_if_that_is_wanted(tmp_path: Path) -> None:
    """Small ones are not worth it."""
    async with demo(tmp_path) as (_, session):
        await session.post(MAPS, json=config_map("big", value="x" * 200_000))
        zipped = await session.get(f"{MAPS}/big", headers={"Accept-Encoding": "gzip"})
        plain = await session.get(f"{MAPS}/big", headers={"Accept-Encoding": "identity"})
        small = await session.get("/version", headers={"Accept-Encoding": "gzip"})
        same = await zipped.read() == await plain.read()

    assert same
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in small.headers


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_discovery_is_one_document_for_who_asks_so(tmp_path: Path, version: str) -> None:
    """With a tag, so that nobody reads it twice."""
    accept = AGGREGATED.format(version)
    async with demo(tmp_path) as (_, session):
        async with session.get("/api", headers={"Accept": accept}) as answer:
            core, tag = await document(answer), answer.headers["Etag"]
            content_type = answer.headers["Content-Type"]
        groups = await get(session, "/apis", accept)
        again = await session.get("/api", headers={"Accept": accept, "If-None-Match": tag})

    assert content_type == accept
    assert core["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    (only,) = core["items"][0]["versions"]
    pods = next(one for one in only["resources"] if one["resource"] == "pods")
    assert pods["shortNames"] == ["po"]
    assert "eviction" in {one["subresource"] for one in pods["subresources"]}
    assert "apps" in {one["metadata"]["name"] for one in groups["items"]}
    assert again.status == 304


async def test_discovery_has_its_older_form_too(tmp_path: Path) -> None:
    """One document for each group and version; a slash at the end makes no difference."""
    async with demo(tmp_path) as (_, session):
        root = await get(session, "/")
        versions = await get(session, "/api/")
        groups = await get(session, "/apis/")
        group = await get(session, "/apis/apps")
        apps = await get(session, "/apis/apps/v1/")
        missing = await session.get("/apis/batch/v1")
        await refusal(missing, 404)

    assert "/apis" in root["paths"]
    assert versions["versions"] == ["v1"]
    assert "apps" in [one["name"] for one in groups["groups"]]
    assert group["preferredVersion"]["groupVersion"] == "apps/v1"
    names = {one["name"]: one for one in apps["resources"]}
    assert names["deployments/scale"]["group"] == "autoscaling"
    assert names["deployments"]["categories"] == ["all"]


async def test_openapi_is_an_index_of_documents(tmp_path: Path) -> None:
    """Each says how its kinds are patched, and holds all the schemas that it refers to."""
    async with demo(tmp_path) as (_, session):
        index = await get(session, "/openapi/v3")
        apps = await get(session, index["paths"]["apis/apps/v1"]["serverRelativeURL"])
        old = await session.get("/openapi/v2", headers={"Accept": OPENAPI_V2})
        size = len(await old.read())
        other = await session.get("/openapi/v2", headers={"Accept": "application/json"})
        await refusal(other, 406)

    text = json.dumps(apps)
    schemas = apps["components"]["schemas"]
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= schemas.keys()
    patch = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in [one["name"] for one in patch["parameters"]]
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]
    assert size > 100_000


async def test_bodies_may_be_yaml(tmp_path: Path) -> None:
    """What looks like a date stays a text, as in Kubernetes."""
    body = "metadata: {name: one}\ndata: {when: 2026-01-02, also: '1'}\n"
    headers = {"Content-Type": "application/yaml"}
    async with demo(tmp_path) as (_, session):
        answer = await session.post(MAPS, data=body, headers=headers)
        made = await document(answer)

    assert answer.status == 201
    assert made["data"] == {"when": "2026-01-02", "also": "1"}


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("text/html", b"<p>", 415),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/yaml", b"a: [", 400),
        ("application/vnd.kubernetes.protobuf", b"k8s\0\xff\xff", 400),
        ("application/json", b'{"metadata":{"name":"a"},"data":"x"}', 400),
        ("application/json", b'{"kind":"Secret","metadata":{"name":"a"}}', 400),
        ("application/json", b'{"metadata":{"name":"NO"}}', 422),
        ("application/json", b" " * (3 * 1024 * 1024 + 1), 413),
    ],
)
async def test_a_bad_body_is_refused(
    tmp_path: Path, content_type: str, body: bytes, code: int
) -> None:
    """With a Status, whatever is wrong with it."""
    async with demo(tmp_path) as (_, session):
        headers = {"Content-Type": content_type}
        answer = await session.post(MAPS, data=io.BytesIO(body), headers=headers)
        await refusal(answer, code)


async def test_unknown_fields_are_refused_warned_of_or_ignored(tmp_path: Path) -> None:
    """As `fieldValidation` says; a warning is a header."""
    async with demo(tmp_path) as (_, session):
        body = {"metadata": {"name": "one"}, "dada": {"a": "b"}}
        strict = await session.post(f"{MAPS}?fieldValidation=Strict", json=body)
        said = await refusal(strict, 400)
        warned = await session.post(f"{MAPS}?dryRun=All", json=body)
        silent = await session.post(f"{MAPS}?dryRun=All&fieldValidation=Ignore", json=body)
        none = await session.get(f"{MAPS}/one")
        wrong = await session.post(f"{MAPS}?dryRun=Some", json=body)
        await refusal(wrong, 422)

    assert 'strict decoding error: unknown field "dada"' in said["message"]
    assert warned.status == silent.status == 201
    assert warned.headers["Warning"] == '299 - "unknown field \\"dada\\""'
    assert "Warning" not in silent.headers
    assert none.status == 404


async def test_a_patch_to_what_no_type_holds_quotes_itself(tmp_path: Path) -> None:
    """As the recorded server does: the kind is missing there, too."""
    async with demo(tmp_path) as (_, session):
        await session.post(MAPS, json=config_map("one"))
        headers = {"Content-Type": "application/strategic-merge-patch+json"}
        answer = await session.patch(
            f"{MAPS}/one?fieldValidation=Strict", json={"dada": None, "dodo": 1}, headers=headers
        )
        said = await refusal(answer, 422)

    assert said["message"] == (
        ' "" is invalid: patch: Invalid value: "map[dada:<nil> dodo:1]": '
        'strict decoding error: unknown field "dodo"'
    )
    assert said["details"]["causes"][0]["field"] == "patch"


async def test_replacing_needs_the_right_version_and_kind(tmp_path: Path) -> None:
    """Without a version it is unconditional."""
    async with demo(tmp_path) as (_, session):
        made = await document(await session.post(MAPS, json=config_map("one", a="1")))
        replaced = await document(await session.put(f"{MAPS}/one", json=config_map("one", a="2")))
        late = await refusal(await session.put(f"{MAPS}/one", json=made), 409)
        await refusal(await session.put(f"{MAPS}/two", json=config_map("one")), 404)
        other = {"kind": "Secret", "metadata": {"name": "one"}}
        await refusal(await session.put(f"{MAPS}/one", json=other), 400)

    assert replaced["data"] == {"a": "2"}
    assert late["reason"] == "Conflict"
    assert late["message"].startswith('Operation cannot be fulfilled on configmaps "one"')


async def test_deleting_answers_with_what_was_done(tmp_path: Path) -> None:
    """A Status, or the object where somebody still has to do something."""
    async with demo(tmp_path) as (_, session):
        made = await document(await session.post(MAPS, json=config_map("one")))
        status = await document(await session.delete(f"{MAPS}/one"))
        await session.post(PODS, json=pod("web", nodeName=NODE))
        marked = await document(await session.delete(f"{PODS}/web", json={}))
        for name in ("a", "b"):
            held = config_map(name)
            held["metadata"]["labels"] = {"x": name}
            await session.post(MAPS, json=held)
        many = await document(await session.delete(f"{MAPS}?labelSelector=x%3Da"))
        left = await get(session, MAPS)

    details = {"name": "one", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert (status["status"], status["details"]) == ("Success", details)
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert [one["metadata"]["name"] for one in many["items"]] == ["a"]
    assert [one["metadata"]["name"] for one in left["items"]] == ["b", "kube-root-ca.crt"]


async def test_scale_is_an_object_of_its_own(tmp_path: Path) -> None:
    """Read and written through the same path."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    selector = {"matchLabels": {"a": "b"}}
    body = {"metadata": {"name": "web"}, "spec": {"selector": selector, "template": template}}
    path = "/apis/apps/v1/namespaces/demo/deployments"
    async with demo(tmp_path) as (_, session):
        await session.post(path, json=body)
        read = await get(session, f"{path}/web/scale")
        read["spec"]["replicas"] = 4
        put = await document(await session.put(f"{path}/web/scale", json=read))
        whole = await get(session, f"{path}/web")

    assert (read["kind"], read["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert read["status"]["selector"] == "a=b"
    assert put["spec"]["replicas"] == whole["spec"]["replicas"] == 4


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

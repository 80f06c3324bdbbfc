"""What the served API answers, byte by byte where clients look: forms, documents, writes, refusals."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apis import MAPS, PODS, config_map, demo, document, get, pod, refusal
from tests.kubelets import NODE

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
OPENAPI_V2 = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
Object = dict[str, Any]


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

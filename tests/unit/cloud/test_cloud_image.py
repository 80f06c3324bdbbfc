"""Images: listed, opened, copied and deleted by tag or digest. The registry is real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cloud_registry import Served, image_document, served_instance
from tests.clouds import refused

from towline.cloud.tcr.duplicate_image import DuplicateImage, duplicate_image
from towline.cloud.tcr.image import (
    MAX_TAGS,
    DeleteRepositoryTags,
    DescribeImages,
    ImageManifests,
    Images,
    OneImage,
    delete_image,
    delete_repository_tags,
    describe_image_manifests,
    describe_images,
)
from towline.cloud.tcr.repository import CreateRepository, create_repository

WEB = {"namespace_name": "apps", "repository_name": "web"}
CONFIG = json.dumps({"config": {"Labels": None}}).encode()


async def shown(served: Served, **asked: Any) -> Images:
    """The images of `apps/web`, or of another repository."""
    wanted = DescribeImages(registry_id=served.registry_id, **(WEB | asked))
    return await describe_images(served.context, wanted)


async def tags(served: Served, **asked: Any) -> list[str]:
    """Their tags."""
    return [one.image_version for one in (await shown(served, **asked)).image_info_list]


async def opened(served: Served, reference: str, repository: str = "web") -> ImageManifests:
    """The documents of an image."""
    asked = OneImage(
        registry_id=served.registry_id,
        namespace_name="apps",
        repository_name=repository,
        image_version=reference,
    )
    return await describe_image_manifests(served.context, asked)


async def delete(served: Served, reference: str) -> None:
    """Delete one image of `apps/web`."""
    asked = OneImage(registry_id=served.registry_id, image_version=reference, **WEB)
    await delete_image(served.context, asked)


async def delete_all(served: Served, *tags: str) -> None:
    """Delete several images of `apps/web`."""
    asked = DeleteRepositoryTags(registry_id=served.registry_id, tags=tags, **WEB)
    await delete_repository_tags(served.context, asked)


async def copy(served: Served, reference: str, tag: str, **more: Any) -> None:
    """Copy an image of `apps/web`."""
    asked = DuplicateImage(
        registry_id=served.registry_id,
        source_namespace="apps",
        source_repo="web",
        source_reference=reference,
        destination_tag=tag,
        **more,
    )
    await duplicate_image(served.context, asked)


def size_of(layer: bytes) -> int:
    """What an image of one layer weighs: its manifest, its config and the layer."""
    return len(json.dumps(image_document(CONFIG, layer))) + len(CONFIG) + len(layer)


async def test_images_are_listed_the_newest_first(tmp_path: Path) -> None:
    """With all that the SDK reads."""
    async with served_instance(tmp_path) as served:
        await served.push("apps/web", "v1", b"one")
        second = await served.push("apps/web", "v2", b"a longer one")
        answer = await shown(served)
        newest, oldest = answer.image_info_list

        assert answer.total_count == 2
        assert (newest.image_version, newest.digest) == ("v2", second)
        assert newest.size == size_of(b"a longer one")
        assert newest.kind == "Artifact::application/vnd.oci.image.manifest.v1+json"
        assert newest.update_time.endswith("Z")
        assert newest.update_time >= oldest.update_time
        assert oldest.kms_signature == ""


async def test_images_are_found_by_tag_and_digest(tmp_path: Path) -> None:
    """A part of a tag is enough, unless it is to match exactly; pages begin at 1."""
    async with served_instance(tmp_path) as served:
        digest = await served.push("apps/web", "v1", b"one")
        for tag in ("v10", "v2"):
            await served.push("apps/web", tag, b"other")

        assert await tags(served, image_version="v1") == ["v10", "v1"]
        assert await tags(served, image_version="v1", exact_match=True) == ["v1"]
        assert await tags(served, digest=digest) == ["v1"]
        assert await tags(served, limit=2, offset=1) == ["v2", "v10"]
        assert await tags(served, limit=2, offset=2) == ["v1"]


async def test_a_repository_that_was_only_made_has_no_images(tmp_path: Path) -> None:
    """One that nobody knows is an error."""
    async with served_instance(tmp_path) as served:
        asked = CreateRepository(registry_id=served.registry_id, **WEB)
        await create_repository(served.context, asked)

        assert (await shown(served)).total_count == 0
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await shown(served, repository_name="none")
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await shown(served, namespace_name="none")


async def test_the_documents_of_an_image_are_shown_as_they_were_pushed(tmp_path: Path) -> None:
    """By its tag or by its digest, with the labels in its config."""
    async with served_instance(tmp_path) as served:
        digest = await served.push("apps/web", "v1", labels={"maintainer": "somebody"})
        by_tag, by_digest = await opened(served, "v1"), await opened(served, digest)

        assert by_tag == by_digest
        assert json.loads(by_tag.manifest)["schemaVersion"] == 2
        assert json.loads(by_tag.config) == {"config": {"Labels": {"maintainer": "somebody"}}}
        assert [(one.key, one.value) for one in by_tag.labels] == [("maintainer", "somebody")]
        assert by_tag.size == len(by_tag.manifest) + len(by_tag.config) + len(b"layer")
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await opened(served, "v2")
        with refused("InvalidParameter.ErrorTcrInvalidParameter"):
            await opened(served, "sha256:short")


async def test_an_index_weighs_what_its_images_do(tmp_path: Path) -> None:
    """It has no config of its own."""
    async with served_instance(tmp_path) as served:
        async with served.pushing("apps/web") as client:
            await client.index("multi", b"for one platform", b"for another")
        document = await opened(served, "multi")
        (listed,) = (await shown(served)).image_info_list

        layers = size_of(b"for one platform") + size_of(b"for another")
        assert document.size == listed.size == len(document.manifest) + layers
        assert (document.config, document.labels) == ("", ())
        assert listed.kind == "Artifact::application/vnd.oci.image.index.v1+json"


async def test_an_image_goes_with_all_its_tags(tmp_path: Path) -> None:
    """What points at the same digest is the same image."""
    async with served_instance(tmp_path) as served:
        await served.push("apps/web", "v1", b"one")
        await served.push("apps/web", "latest", b"one")
        await served.push("apps/web", "v2", b"two")
        await delete(served, "v1")

        assert await tags(served) == ["v2"]
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await delete(served, "v1")


async def test_several_images_go_or_none(tmp_path: Path) -> None:
    """One that is missing keeps the others; at most twenty at a time."""
    async with served_instance(tmp_path) as served:
        for number in range(3):
            await served.push("apps/web", f"v{number}", b"%d" % number)
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await delete_all(served, "v0", "none")
        with refused("InvalidParameter"):
            await delete_all(served)
        with refused("InvalidParameter"):
            await delete_all(served, *["v0"] * (MAX_TAGS + 1))
        before = await tags(served)
        await delete_all(served, "v0", "v2", "v0")

        assert before == ["v2", "v1", "v0"]
        assert await tags(served) == ["v1"]


async def test_a_copy_is_the_same_image(tmp_path: Path) -> None:
    """In the same repository or in another one of another namespace, by tag or by digest."""
    async with served_instance(tmp_path) as served:
        await served.namespace("release")
        digest = await served.push("apps/web", "v1", b"one")
        other = {"destination_namespace": "release", "destination_repo": "site/web"}
        await copy(served, "v1", "stable")
        await copy(served, digest, "v1", **other)
        where = {"namespace_name": "release", "repository_name": "site/web"}
        (copied,) = (await shown(served, **where)).image_info_list

        assert (copied.digest, copied.image_version) == (digest, "v1")
        assert sorted(await tags(served, digest=digest)) == ["stable", "v1"]


async def test_a_copy_survives_its_original(tmp_path: Path) -> None:
    """Its layers are its own: they can be pulled when the source is gone."""
    async with served_instance(tmp_path) as served:
        await served.push("apps/web", "v1", b"precious")
        await copy(served, "v1", "v1", destination_repo="kept")
        await delete(served, "v1")
        manifest = json.loads((await opened(served, "v1", "kept")).manifest)
        async with served.pushing("apps/kept") as client:
            path = f"/v2/apps/kept/blobs/{manifest['layers'][0]['digest']}"
            async with client.http.get(path, headers=client.headers) as answer:
                layer = await answer.read()

        assert layer == b"precious"


async def test_an_index_is_copied_with_all_its_images(tmp_path: Path) -> None:
    """Each of them can be opened in the new place."""
    async with served_instance(tmp_path) as served:
        async with served.pushing("apps/web") as client:
            digest = await client.index("multi", b"for one", b"for another")
        await copy(served, "multi", "multi", destination_repo="kept")
        index = json.loads((await opened(served, digest, "kept")).manifest)
        children = [await opened(served, one["digest"], "kept") for one in index["manifests"]]

        assert [one.size for one in children] == [size_of(b"for one"), size_of(b"for another")]


async def test_a_copy_takes_no_tag_that_is_taken(tmp_path: Path) -> None:
    """Unless it is told to."""
    async with served_instance(tmp_path) as served:
        digest = await served.push("apps/web", "v1", b"one")
        await served.push("apps/web", "v2", b"two")
        with refused("FailedOperation.ErrorTcrResourceConflict"):
            await copy(served, "v1", "v2")
        await copy(served, "v1", "v2", override=True)

        assert sorted(await tags(served, digest=digest)) == ["v1", "v2"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"reference": "none"}, "ResourceNotFound.TcrResourceNotFound", id="source"),
        pytest.param(
            {"destination_namespace": "none"},
            "ResourceNotFound.TcrResourceNotFound",
            id="namespace",
        ),
        pytest.param({"tag": ".v1"}, "InvalidParameter.ErrorTcrInvalidParameter", id="tag"),
        pytest.param(
            {"destination_repo": "Web"},
            "InvalidParameter.ErrorTcrInvalidParameter",
            id="repository",
        ),
    ],
)
async def test_what_cannot_be_copied_is_refused(
    tmp_path: Path, asked: dict[str, str], code: str
) -> None:
    """And nothing is there afterwards."""
    async with served_instance(tmp_path) as served:
        await served.push("apps/web", "v1")
        with refused(code):
            await copy(served, **({"reference": "v1", "tag": "copy"} | asked))

        assert await tags(served) == ["v1"]

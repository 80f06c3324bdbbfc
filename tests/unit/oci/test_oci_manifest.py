"""Manifests and indexes are read strictly: one meaning for every reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.oci import media_type
from towline.oci.digest import Digest
from towline.oci.image_config import ImageConfig, InvalidImageConfig
from towline.oci.manifest import Descriptor, Index, InvalidManifest, Manifest, parse_manifest
from towline.oci.platform import Platform, choose
from towline.problem import Problem

D = str(Digest.of(b"x"))
CONFIG = {"mediaType": media_type.OCI_CONFIG, "digest": D, "size": 2}
LAYER = {"mediaType": media_type.OCI_LAYER_GZIP, "digest": D, "size": 7}
MANIFEST: dict[str, object] = {"schemaVersion": 2, "config": CONFIG, "layers": [LAYER]}


def test_a_manifest_names_its_config_and_layers() -> None:
    """The parts come back as values."""
    manifest = parse_manifest(json.dumps(MANIFEST).encode(), media_type.OCI_MANIFEST)

    assert isinstance(manifest, Manifest)
    assert manifest.config == Descriptor(media_type.OCI_CONFIG, Digest.parse(D), 2)
    assert [layer.size for layer in manifest.layers] == [7]


def test_a_content_type_may_carry_a_charset() -> None:
    """Some registries add one; the type is still the type."""
    body = json.dumps(MANIFEST).encode()

    manifest = parse_manifest(body, media_type.DOCKER_MANIFEST + "; charset=utf-8")

    assert manifest.media_type == media_type.DOCKER_MANIFEST


@pytest.mark.parametrize(
    ("change", "content_type"),
    [
        ({"mediaType": media_type.OCI_INDEX}, media_type.OCI_MANIFEST),
        ({"manifests": []}, media_type.OCI_MANIFEST),
        ({"layers": None}, media_type.OCI_MANIFEST),
        ({}, media_type.OCI_INDEX),
        ({"schemaVersion": 1}, media_type.OCI_MANIFEST),
        ({}, "text/html"),
        ({"config": {**CONFIG, "digest": "sha256:1"}}, media_type.OCI_MANIFEST),
        ({"config": {**CONFIG, "size": -1}}, media_type.OCI_MANIFEST),
        ({"config": {**CONFIG, "size": "2"}}, media_type.OCI_MANIFEST),
    ],
    ids=[
        "says-index", "has-manifests", "no-layers", "served-as-index", "schema-1", "html",
        "bad-digest", "negative-size", "text-size",
    ],
)  # fmt: skip
def test_an_ambiguous_manifest_is_refused(change: dict[str, object], content_type: str) -> None:
    """A body that two readers may understand differently is a way to smuggle."""
    with pytest.raises(InvalidManifest):
        parse_manifest(json.dumps(MANIFEST | change).encode(), content_type)


@given(st.binary(max_size=60), st.sampled_from([media_type.OCI_MANIFEST, "x", ""]))
def test_no_bytes_crash_the_reader(body: bytes, content_type: str) -> None:
    """Rubbish is refused as rubbish."""
    with pytest.raises(InvalidManifest):
        parse_manifest(body, content_type)


def _for(platform: str | None, name: str) -> Descriptor:
    parts = (*(platform or "").split("/"), "")[:3] if platform else None
    place = (parts[0], parts[1], parts[2]) if parts else None
    return Descriptor(media_type.OCI_MANIFEST, Digest.of(name.encode()), 1, place)


@pytest.mark.parametrize(
    ("offered", "machine", "chosen"),
    [
        (["linux/arm64/v8", "linux/amd64"], "linux/amd64", "linux/amd64"),
        (["linux/arm64", "linux/amd64"], "linux/arm64/v8", "linux/arm64"),
        (["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", "linux/arm/v6"),
        (["linux/arm/v7"], "linux/arm/v6", None),
        (["windows/amd64"], "linux/amd64", None),
        (["linux/amd64", "linux/amd64/v3"], "linux/amd64/v3", "linux/amd64/v3"),
        (["linux/amd64/v3"], "linux/amd64", None),
        ([None, "linux/amd64"], "linux/amd64", "linux/amd64"),
        ([None], "linux/amd64", None),
    ],
)
def test_a_machine_takes_the_nearest_manifest_that_it_can_run(
    offered: list[str | None], machine: str, chosen: str | None
) -> None:
    """As containerd chooses; one without a platform only when nothing else fits."""
    manifests = [_for(platform, str(platform)) for platform in offered]

    choice = choose(manifests, Platform.parse(machine))

    wanted = Digest.of(str(chosen).encode())
    if chosen is None and None not in offered:
        assert choice is None
    else:
        assert choice is not None
        assert choice.digest == wanted


def test_a_machine_is_called_by_the_names_of_go() -> None:
    """`uname -m` and Go disagree on nearly every processor."""
    assert str(Platform.of_machine("x86_64")) == "linux/amd64"
    assert str(Platform.of_machine("aarch64")) == "linux/arm64"
    with pytest.raises(Problem):
        Platform.parse("linux")


def test_an_index_lists_manifests_with_their_platforms() -> None:
    """Architecture and variant come with the descriptor."""
    entry = {**CONFIG, "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}
    body = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()

    index = parse_manifest(body, media_type.DOCKER_MANIFEST_LIST)

    assert isinstance(index, Index)
    assert index.manifests[0].platform == ("linux", "arm", "v7")


def test_a_config_says_what_runs() -> None:
    """Docker writes null where OCI leaves out."""
    body = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [D]},
            "config": {"Entrypoint": None, "Cmd": ["sh"], "Env": ["A=b=c", "D"]},
        }
    ).encode()

    config = ImageConfig.parse(body)

    assert (config.entrypoint, config.command) == ((), ("sh",))
    assert config.env == (("A", "b=c"), ("D", ""))
    assert [str(diff_id) for diff_id in config.diff_ids] == [D]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"rootfs":{"diff_ids":["md5:1"]}}', b"\xff"])
def test_a_config_without_layers_is_refused(body: bytes) -> None:
    """An image without diff IDs cannot be verified."""
    with pytest.raises(InvalidImageConfig):
        ImageConfig.parse(body)

"""Images for the laboratory: a good one, and one with each thing wrong that an image can have.

Every situation has an image of its own, so that no layer is known from another's pull.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import tests.images as made

from towline.oci import media_type
from towline.oci.digest import Digest

TAG = "1.0"
_SIZE = 40_000
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
Paint = Callable[[str], "Picture"]
"""From a situation's name to its image."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a registry has of one repository."""

    manifests: Mapping[str, tuple[bytes, str]]
    """By tag or digest, each with its media type."""
    blobs: Mapping[str, bytes]
    layers: tuple[str, ...] = ()
    """The layers' digests."""
    config: str = ""


def good(name: str) -> Picture:
    """An image for linux/amd64 with one layer that cannot be compressed."""
    return _picture(_image(name))


def zstd(name: str) -> Picture:
    """A good image whose layer is packed with zstd."""
    return _picture(made.image(_layer(name), layer_type=media_type.OCI_LAYER_ZSTD))


def docker(name: str) -> Picture:
    """A good image in Docker's media types."""
    types = {
        media_type.OCI_MANIFEST: "application/vnd.docker.distribution.manifest.v2+json",
        media_type.OCI_CONFIG: "application/vnd.docker.container.image.v1+json",
        media_type.OCI_LAYER_GZIP: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    }
    one = _image(name)
    text = one.manifest.decode()
    for oci, dockers in types.items():
        text = text.replace(oci, dockers)
    return replace(_picture(one), manifests=_tagged(text.encode(), types[media_type.OCI_MANIFEST]))


def index(*platforms: str) -> Paint:
    """A good index of images for these platforms."""

    def paint(name: str) -> Picture:
        images = [(_image(f"{name} {platform}", platform), platform) for platform in platforms]
        children = {str(one.digest): (one.manifest, one.media_type) for one, _ in images}
        blobs = {str(key): data for one, _ in images for key, data in one.blobs.items()}
        top = _tagged(made.index(*images), media_type.OCI_INDEX)
        layers = tuple(str(layer) for one, _ in images for layer in one.layers)
        return Picture({**top, **children}, blobs, layers)

    return paint


def attested(name: str) -> Picture:
    """A good index as buildx makes it, with an attestation beside the image."""
    return index("linux/amd64", "unknown/unknown")(name)


def nested(name: str) -> Picture:
    """A good index of an index."""
    inner = index("linux/amd64", "linux/arm64")(name)
    content, kind = inner.manifests[TAG]
    entry = _descriptor(content, kind)
    document = {"schemaVersion": 2, "mediaType": media_type.OCI_INDEX, "manifests": [entry]}
    outer = _tagged(json.dumps(document).encode(), media_type.OCI_INDEX)
    return replace(inner, manifests={**inner.manifests, **outer})


def childless(name: str) -> Picture:
    """An index whose manifest for linux/amd64 is gone."""
    whole = index("linux/amd64", "linux/arm64")(name)
    first = json.loads(whole.manifests[TAG][0])["manifests"][0]["digest"]
    manifests = {key: value for key, value in whole.manifests.items() if key != first}
    return replace(whole, manifests=manifests)


def single(platform: str) -> Paint:
    """An image for another platform, without an index."""
    return lambda name: _picture(_image(name, platform))


def chart(name: str) -> Picture:
    """A Helm chart."""
    config, content = b'{"name":"app","version":"1.0.0","apiVersion":"v2"}', name.encode() * 50
    kind = "application/vnd.cncf.helm.config.v1+json"
    layer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
    return _assembled(config, kind, gzip.compress(content, mtime=0), layer)


def foreign_layer(name: str) -> Picture:
    """An image with a layer of a type that nobody knows."""
    plain = _layer(name)
    return _assembled(_config(plain), media_type.OCI_CONFIG, plain, "application/vnd.corp.layer")


def bad_config(name: str) -> Picture:
    """An image whose config is no JSON."""
    packed = gzip.compress(_layer(name), 1, mtime=0)
    config = f"<config of {name}>".encode()
    return _assembled(config, media_type.OCI_CONFIG, packed, media_type.OCI_LAYER_GZIP)


def badly_packed(name: str) -> Picture:
    """An image with a layer that is not gzip although it says so."""
    packed = random.Random(name).randbytes(_SIZE)
    return _packed(_layer(name), packed)


def cut_gzip(name: str) -> Picture:
    """An image with a layer whose gzip ends early, digest and size fitting."""
    plain = _layer(name)
    packed = gzip.compress(plain, 1, mtime=0)
    return _packed(plain, packed[: len(packed) // 2])


def bad_tar(name: str) -> Picture:
    """An image with a layer that is well packed and no tar."""
    noise = random.Random(name).randbytes(_SIZE)
    return _packed(noise, gzip.compress(noise, 1, mtime=0))


def other_diff_id(name: str) -> Picture:
    """An image with a layer that unpacks to something else than its config says."""
    return _packed(_layer(f"{name} before"), gzip.compress(_layer(name), 1, mtime=0))


def short_layer(name: str) -> Picture:
    """An image with a layer that is shorter than its manifest says."""
    whole = good(name)
    (layer,) = whole.layers
    return replace(whole, blobs={**whole.blobs, layer: whole.blobs[layer][:-1000]})


def altered_layer(name: str) -> Picture:
    """An image with a layer of which one byte differs."""
    whole = good(name)
    (layer,) = whole.layers
    content = bytearray(whole.blobs[layer])
    content[1000] ^= 1
    return replace(whole, blobs={**whole.blobs, layer: bytes(content)})


def large(name: str) -> Picture:
    """A good image with a layer of which a probe sees only the beginning and the end."""
    return _picture(
        made.image(made.tar(made.file("app", random.Random(name).randbytes(5 * _SIZE))))
    )


def several(name: str) -> Picture:
    """A good image with seven layers, two of which are the same and one is empty."""
    layers = [_layer(f"{name} {number}") for number in range(5)]
    return _picture(made.image(*layers, layers[0], made.tar()))


def old_config(name: str) -> Picture:
    """A good image whose config has the media type that early pushes gave it."""
    packed = gzip.compress(_layer(name), 1, mtime=0)
    kind = "application/octet-stream"
    return _assembled(_config(_layer(name)), kind, packed, media_type.OCI_LAYER_GZIP)


def without_blob(which: str) -> Paint:
    """An image whose `config` or `layer` the registry has lost."""

    def paint(name: str) -> Picture:
        whole = good(name)
        lost = whole.config if which == "config" else whole.layers[0]
        return replace(whole, blobs={k: data for k, data in whole.blobs.items() if k != lost})

    return paint


def schema_1(name: str) -> Picture:
    """A manifest of Docker's schema 1."""
    document = {
        "schemaVersion": 1,
        "name": "team/app",
        "tag": TAG,
        "architecture": "amd64",
        "fsLayers": [{"blobSum": str(Digest.of(name.encode()))}],
        "history": [{"v1Compatibility": "{}"}],
        "signatures": [],
    }
    return Picture(_tagged(json.dumps(document).encode(), _SCHEMA_1), {})


def manifest_as(kind: str) -> Paint:
    """A good manifest that is served as another media type."""

    def paint(name: str) -> Picture:
        whole = good(name)
        content = whole.manifests[TAG][0]
        return replace(whole, manifests=_tagged(content, kind))

    return paint


def malformed(name: str) -> Picture:
    """A manifest that breaks off."""
    whole = good(name)
    content = whole.manifests[TAG][0]
    return replace(whole, manifests=_tagged(content[:-40], media_type.OCI_MANIFEST))


def too_large(name: str) -> Picture:
    """A manifest of five megabytes."""
    whole = good(name)
    document = json.loads(whole.manifests[TAG][0]) | {"annotations": {"notes": "x" * 5_000_000}}
    content = json.dumps(document).encode()
    return replace(whole, manifests=_tagged(content, media_type.OCI_MANIFEST))


def another_body(name: str) -> Picture:
    """A manifest that a cache has exchanged: asked for by digest, another comes."""
    whole, other = good(name), good(f"{name} other")
    digest = str(Digest.of(whole.manifests[TAG][0]))
    return replace(whole, manifests={**whole.manifests, digest: other.manifests[TAG]})


def huge(name: str) -> Picture:
    """An image whose manifest promises forty terabytes in one layer."""
    whole = good(name)
    document = json.loads(whole.manifests[TAG][0])
    document["layers"][0]["size"] = 40 << 40
    content = json.dumps(document).encode()
    return replace(whole, manifests=_tagged(content, media_type.OCI_MANIFEST))


def _layer(name: str) -> bytes:
    return made.tar(made.file("app", random.Random(name).randbytes(_SIZE)))


def _image(name: str, platform: str = "linux/amd64") -> made.MadeImage:
    one = made.image(_layer(name))
    if platform == "linux/amd64":
        return one
    os, _, architecture = platform.partition("/")
    document = json.loads(one.blobs.pop(one.config)) | {"os": os, "architecture": architecture}
    config = json.dumps(document).encode()
    manifest: dict[str, Any] = json.loads(one.manifest)
    manifest["config"] |= {"digest": str(Digest.of(config)), "size": len(config)}
    blobs = {**one.blobs, Digest.of(config): config}
    content = json.dumps(manifest).encode()
    return replace(one, manifest=content, config=Digest.of(config), blobs=blobs)


def _picture(one: made.MadeImage) -> Picture:
    blobs = {str(digest): data for digest, data in one.blobs.items()}
    layers = tuple(map(str, one.layers))
    return Picture(_tagged(one.manifest, one.media_type), blobs, layers, str(one.config))


def _tagged(content: bytes, kind: str) -> dict[str, tuple[bytes, str]]:
    return {TAG: (content, kind), str(Digest.of(content)): (content, kind)}


def _packed(plain: bytes, packed: bytes) -> Picture:
    """An image whose config promises `plain` and whose layer is `packed`."""
    config = _config(plain)
    return _assembled(config, media_type.OCI_CONFIG, packed, media_type.OCI_LAYER_GZIP)


def _config(plain: bytes) -> bytes:
    rootfs = {"type": "layers", "diff_ids": [str(Digest.of(plain))]}
    return json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode()


def _assembled(config: bytes, config_type: str, layer: bytes, layer_type: str) -> Picture:
    document = {
        "schemaVersion": 2,
        "mediaType": media_type.OCI_MANIFEST,
        "config": _descriptor(config, config_type),
        "layers": [_descriptor(layer, layer_type)],
    }
    blobs = {str(Digest.of(data)): data for data in (config, layer)}
    content = json.dumps(document).encode()
    layers = (str(Digest.of(layer)),)
    manifests = _tagged(content, media_type.OCI_MANIFEST)
    return Picture(manifests, blobs, layers, str(Digest.of(config)))


def _descriptor(data: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": str(Digest.of(data)), "size": len(data)}

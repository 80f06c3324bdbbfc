"""The data that ships with the package: schemas and the table of protobuf fields."""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources

import orjson

from towline.kube import protobuf
from towline.kube.schema import Schemas


@cache
def schemas() -> Schemas:
    """The schemas of the served kinds."""
    return Schemas(orjson.loads(_read("openapi-schemas.json.gz"))["schemas"])


@cache
def protobuf_table() -> protobuf.Table:
    """The fields of the messages that request bodies may hold."""
    return protobuf.read_table(_read("protobuf-fields.json.gz"))


def _read(name: str) -> bytes:
    return gzip.decompress((resources.files("towline.cluster.api") / "data" / name).read_bytes())

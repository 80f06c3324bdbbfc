"""The bodies of requests: JSON, YAML or Kubernetes' protobuf, read into the same object."""

from __future__ import annotations

from typing import Any

import orjson
import yaml

from towline.cluster.api import data_file
from towline.cluster.api.call import Call
from towline.kube import protobuf, refusal
from towline.kube.accept import JSON, YAML

Object = dict[str, Any]
PROTOBUF = "application/vnd.kubernetes.protobuf"
ACCEPTED = (JSON, YAML, PROTOBUF)


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: what looks like a date stays a text."""


_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for sign, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def media_type(call: Call) -> str:
    """How the body calls itself, without parameters; JSON unless it says otherwise."""
    return call.header("content-type").partition(";")[0].strip().lower() or JSON


def read_object(call: Call) -> Object:
    """The object in the body; raises a 400 or 415 refusal."""
    kind = media_type(call)
    if kind not in ACCEPTED:
        raise refusal.unsupported_media_type(kind, ACCEPTED)
    held = _read(kind, call.body)
    if not isinstance(held, dict):
        raise refusal.bad_request("the object provided is unrecognized (must be of type object)")
    return held


def read_optional(call: Call) -> Object:
    """The object in the body, or an empty one if there is no body."""
    return read_object(call) if call.body.strip() else {}


def read_patch(call: Call) -> Any:
    """The patch in the body, which may be a list; raises a 400 refusal."""
    return _json(call.body)


def _read(kind: str, body: bytes) -> Any:
    if kind == PROTOBUF:
        try:
            return protobuf.decode(body, data_file.protobuf_table())
        except protobuf.Undecodable as error:
            raise refusal.bad_request(f"the protobuf body cannot be read: {error}") from None
    if kind == YAML:
        try:
            return yaml.load(body, _Loader)  # noqa: S506  # a safe loader
        except yaml.YAMLError as error:
            raise refusal.bad_request(f"error converting YAML to JSON: {error}") from None
    return _json(body)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise refusal.bad_request(f"the body is not JSON: {error}") from None

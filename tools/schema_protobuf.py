"""Write the table of protobuf fields that the server decodes request bodies with.

kubectl up to 1.33 carries the gzipped FileDescriptorProto of every API group. To regenerate:

    python3 tools/schema_protobuf.py /path/to/kubectl-1.33

`schema_distil.py` has to have run first: a field whose name the OpenAPI schema does not know is an
embedded Go struct, whose own fields belong to the outer object.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "src/towline/cluster/api/data"
NULLABLE = (
    65001  # gogoproto's option: false means the Go field is no pointer, so its zero is left out
)
MESSAGE = 11  # FieldDescriptorProto.Type.TYPE_MESSAGE
OWN_ENCODING = (".Time", ".MicroTime", ".Quantity", ".IntOrString", ".Duration", ".FieldsV1")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a position, and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The numbered fields of a message: numbers, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
            yield key >> 3, value
        else:
            length, at = varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            yield key >> 3, data[at : at + length]
            at += length


def descriptors(binary: bytes) -> Iterator[bytes]:
    """Every FileDescriptorProto of a generated.proto in a Go binary."""
    at = binary.find(b"\x1f\x8b\x08")
    while at >= 0:
        try:
            stream = zlib.decompressobj(31)
            text = stream.decompress(binary[at : at + 400_000])
            if stream.eof and b"generated.proto" in text[:200]:
                yield text
        except zlib.error:
            pass
        at = binary.find(b"\x1f\x8b\x08", at + 1)


def messages(prefix: str, data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """A DescriptorProto and the ones nested in it, by their full names."""
    parts = list(fields(data))
    name = f"{prefix}.{next(value for number, value in parts if number == 1).decode()}"
    options = next((value for number, value in parts if number == 7), b"")
    table = dict(field(value) for number, value in parts if number == 2)
    yield name, {"map": dict(fields(options)).get(7, 0) == 1, "fields": table}
    for number, value in parts:
        if number == 3:
            yield from messages(name, value)


def field(data: bytes) -> tuple[str, list[Any]]:
    """A FieldDescriptorProto: its number, and name, type, repeated, message, pointer."""
    known = dict(fields(data))
    pointer = dict(fields(known.get(8, b""))).get(NULLABLE, 1) == 1
    message = known.get(6, b"").decode().lstrip(".")
    return str(known[3]), [known[1].decode(), known[5], known[4] == 3, message, pointer]


def reached(table: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What the served kinds need, each field with whether it is an embedded struct."""
    waiting = [name.replace("io.k8s.", "k8s.io.", 1) for name in schemas]
    waiting.append("k8s.io.apimachinery.pkg.runtime.Unknown")
    kept: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        if name in kept or name not in table:
            continue
        schema = schemas.get(name.replace("k8s.io.", "io.k8s.", 1), {}).get("properties")
        kept[name] = {"map": table[name]["map"], "fields": {}}
        for number, (label, *rest) in table[name]["fields"].items():
            embedded = (
                rest[0] == MESSAGE
                and schema is not None
                and label not in schema
                and not rest[2].endswith(OWN_ENCODING)
            )
            kept[name]["fields"][number] = [label, *rest, embedded]
            waiting.append(rest[2])
    return dict(sorted(kept.items()))


def main() -> None:
    """Read a kubectl and write the table."""
    table: dict[str, Any] = {}
    for descriptor in descriptors(Path(sys.argv[1]).read_bytes()):
        parts = list(fields(descriptor))
        package = next(value for number, value in parts if number == 2).decode()
        for number, value in parts:
            if number == 4:
                table.update(messages(package, value))
    schemas = json.loads(gzip.decompress((DATA / "openapi-schemas.json.gz").read_bytes()))
    kept = reached(table, schemas["schemas"])
    target = DATA / "protobuf-fields.json.gz"
    target.write_bytes(gzip.compress(json.dumps(kept).encode(), 9, mtime=0))
    print(f"{target}: {len(kept)} of {len(table)} messages, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()

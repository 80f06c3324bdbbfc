"""Distil the OpenAPI schemas of the served kinds from the PyPI package kubernetes-validate.

The package is 108 MB installed and is not a dependency. To regenerate, in a throwaway environment:

    python3 -m venv /tmp/schemas && /tmp/schemas/bin/pip install kubernetes-validate==1.37.0
    python3 tools/schema_distil.py /tmp/schemas/lib/python3*/site-packages

The table of protobuf fields beside the result comes from the descriptors that kubectl up to 1.33 carries.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

VERSION = "v1.33.0-local"
TARGET = Path(__file__).parent.parent / "src/towline/cluster/api/data/openapi-schemas.json.gz"
CORE, META = "io.k8s.api.core.v1.", "io.k8s.apimachinery.pkg.apis.meta.v1."
ROOTS = (
    *(
        CORE + kind + suffix
        for kind in (
            "Namespace",
            "Pod",
            "Secret",
            "ConfigMap",
            "ServiceAccount",
            "Event",
            "Node",
            "Service",
        )
        for suffix in ("", "List")
    ),
    CORE + "Binding",
    *(
        f"io.k8s.api.apps.v1.{kind}{suffix}"
        for kind in ("Deployment", "ReplicaSet")
        for suffix in ("", "List")
    ),
    "io.k8s.api.coordination.v1.Lease",
    "io.k8s.api.coordination.v1.LeaseList",
    "io.k8s.api.events.v1.Event",
    "io.k8s.api.events.v1.EventList",
    "io.k8s.api.policy.v1.Eviction",
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.authentication.v1.TokenRequest",
    "io.k8s.api.authentication.v1.TokenReview",
    "io.k8s.api.authentication.v1.SelfSubjectReview",
    "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
    "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
    META + "DeleteOptions",
    META + "Status",
)
SPECIAL: dict[str, dict[str, Any]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "oneOf": [{"type": "string"}, {"type": "number"}]
    },
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
}


def plain(node: Any) -> Any:
    """The schema as OpenAPI v3 says it: no `null` types, references into `components`."""
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: plain(value) for key, value in node.items()}
    if isinstance(kept.get("type"), list):
        kept["type"] = next(one for one in kept["type"] if one != "null")
    reference = kept.pop("$ref", None)
    if isinstance(reference, str):
        pointer = {"$ref": reference.replace("#/$defs/", "#/components/schemas/")}
        return pointer if not kept else {"allOf": [pointer], **kept}
    return kept


def references(node: Any) -> set[str]:
    """The names of the definitions that a schema mentions."""
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    if isinstance(node.get("$ref"), str):
        return {node["$ref"].rpartition("/")[2]}
    return references(list(node.values()))


def distil(definitions: dict[str, Any]) -> dict[str, Any]:
    """The roots and all that they reach."""
    kept: dict[str, Any] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name in kept:
            continue
        kept[name] = plain({**definitions[name], **SPECIAL.get(name, {})})
        for field in ("apiVersion", "kind"):  # the package narrows them to one value
            kept[name].get("properties", {}).get(field, {}).pop("enum", None)
        waiting.extend(references(kept[name]))
    return dict(sorted(kept.items()))


def main() -> None:
    """Read the package below the given site-packages and write the data file."""
    package = Path(sys.argv[1]) / "kubernetes_validate/kubernetes-json-schema"
    found = json.loads((package / VERSION / "_definitions.json").read_bytes())
    schemas = distil(found["$defs"])
    text = json.dumps({"version": VERSION.removesuffix("-local"), "schemas": schemas})
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{TARGET}: {len(schemas)} schemas, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()

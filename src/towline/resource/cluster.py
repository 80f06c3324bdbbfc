"""A serverless cluster: a Kubernetes API whose pods live in certain subnets of one VPC."""

from __future__ import annotations

import msgspec


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster. The cloud writes it; the agent has a virtual node for each of its subnets."""

    id: str
    """As the cloud's container service names them, `cls-…`."""
    name: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    created_at: str
    """RFC 3339, UTC."""

"""Under which key each resource is stored: the kinds, and how scope and name are formed."""

from __future__ import annotations

INSTANCE = "instance"  # scope "", name <instance id>
NAMESPACE = "namespace"  # scope <instance id>, name <namespace>
CLAIM = "claim"  # scope <what is claimed, see claim.py>, name <the value>
CREDENTIAL = "credential"  # scope <instance id>, name <credential id>
VPC = "vpc"  # scope "", name <vpc id>
SUBNET = "subnet"  # scope <vpc id>, name <subnet id>
ADDRESS = "address"  # scope <vpc id>, name <ip>
LINK = "link"  # scope <vpc id>, name <instance id>
CLUSTER = "cluster"  # scope "", name <cluster id>

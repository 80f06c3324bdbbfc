"""Under which key each resource is stored: the kinds, and how scope and name are formed."""

from __future__ import annotations

INSTANCE = "instance"  # scope "", name <instance id>
NAMESPACE = "namespace"  # scope <instance id>, name <namespace>
REPOSITORY = "repository"  # scope <instance id>, name <namespace>/<repository>
CLAIM = "claim"  # scope <what is claimed, see claim.py>, name <the value>
CUSTOM_DOMAIN = "custom-domain"  # scope <instance id>, name <domain>
CREDENTIAL = "credential"  # scope <instance id>, name <credential id>
VPC = "vpc"  # scope "", name <vpc id>
SUBNET = "subnet"  # scope <vpc id>, name <subnet id>
ADDRESS = "address"  # scope <vpc id>, name <ip>
LINK = "link"  # scope <vpc id>, name <instance id>
CLUSTER = "cluster"  # scope "", name <cluster id>
ADDON = "addon"  # scope <cluster id>, name <addon name>
IMAGE_CACHE = "image-cache"  # scope "", name <image cache id>
ROUTE_TABLE = "route-table"  # scope <vpc id>, name <route table id>
NAT_GATEWAY = "nat-gateway"  # scope <vpc id>, name <nat gateway id>
ELASTIC_IP = "elastic-ip"  # scope "", name <elastic ip id>
SECURITY_GROUP = "security-group"  # scope "", name <security group id>
NETWORK_INTERFACE = "network-interface"  # scope <vpc id>, name <interface id>
QUOTA = "quota"  # scope "", name <what is counted, see quota.py>
PUBLIC_ENDPOINT = "public-endpoint"  # scope "", name <instance id>
PRIVATE_ZONE = "private-zone"  # scope "", name <zone id>
ZONE_RECORD = "zone-record"  # scope <zone id>, name <record id>
PRIVATE_ZONE_SERVICE = "private-zone-service"  # scope "", name "service"
ACCESS_KEY = "access-key"  # scope "", name <secret id>
UPLINK = "uplink"  # scope "", name "uplink"
AUDIT_ENTRY = "audit-entry"  # scope "", name <time> <request id>

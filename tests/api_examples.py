"""Calls that make sense, with references to what there is; see `tests.api_strategies`.

Chance alone seldom puts a route together. Property tests take these, spoil some, and put them in an
order of their own.
"""

from __future__ import annotations

from typing import Any

REGISTRY = {"RegistryId": "#instance/0"}
_LINK = {"VpcId": "#vpc/0", "SubnetId": "#subnet/0", **REGISTRY}
_DNS = {"InstanceId": "#instance/0", "VpcId": "#vpc/0", "EniLBIp": "10.0.0.5"}
_POLICY = {"CidrBlock": "203.0.113.0/24", "Description": "office"}
_RIGHTS = [{"Resource": "team", "Actions": ["tcr:PullRepository"]}]
_TABLE = {"RouteTableId": "#route-table/0"}
_ROUTE = {
    "DestinationCidrBlock": "0.0.0.0/0",
    "GatewayType": "NAT",
    "GatewayId": "#nat-gateway/0",
}
_NAT = {"NatGatewayId": "#nat-gateway/0"}
_GROUP = {"SecurityGroupId": "#security-group/0"}
_RULE = {"Protocol": "TCP", "Port": "443", "CidrBlock": "0.0.0.0/0", "Action": "ACCEPT"}
_RULES = {"Egress": [_RULE], "Ingress": []}
_BOUND = {"UniqVpcId": "#vpc/0", "Region": "ap-guangzhou"}
_ZONE = {"ZoneId": "#private-zone/0"}
_RECORD = {"RecordType": "A", "SubDomain": "www", "RecordValue": "10.0.0.9"}

_POD_PLACE = {"VpcId": "#vpc/0", "SubnetIds": ["#subnet/0"]}
_CLUSTER = {"ClusterId": "#cluster/0"}

EXAMPLES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("tcr", "ManageExternalEndpoint", {"Operation": "Create", **REGISTRY}),
    ("tcr", "ManageExternalEndpoint", {"Operation": "Delete", **REGISTRY}),
    ("tcr", "CreateSecurityPolicy", {**_POLICY, **REGISTRY}),
    ("tcr", "CreateMultipleSecurityPolicy", {"SecurityGroupPolicySet": [_POLICY], **REGISTRY}),
    ("tcr", "ModifySecurityPolicy", {"PolicyIndex": 0, **_POLICY, **REGISTRY}),
    ("tcr", "DeleteSecurityPolicy", {"PolicyIndex": 0, **REGISTRY}),
    ("tcr", "DeleteMultipleSecurityPolicy", {"SecurityGroupPolicySet": [_POLICY], **REGISTRY}),
    ("tcr", "DescribeSecurityPolicies", REGISTRY),
    ("tcr", "ManageInternalEndpoint", {"Operation": "Create", **_LINK}),
    ("tcr", "ManageInternalEndpoint", {"Operation": "Delete", **_LINK}),
    ("tcr", "CreateInternalEndpointDns", {"UsePublicDomain": True, **_DNS}),
    ("tcr", "CreateInternalEndpointDns", {"UsePublicDomain": False, **_DNS}),
    ("tcr", "DeleteInternalEndpointDns", {"UsePublicDomain": True, **_DNS}),
    ("tcr", "CreateServiceAccount", {"Name": "bot", "Permissions": _RIGHTS, **REGISTRY}),
    ("tcr", "ModifyServiceAccount", {"Name": "tcr$bot", "Disable": True, **REGISTRY}),
    ("tcr", "ModifyServiceAccountPassword", {"Name": "tcr$bot", "Random": True, **REGISTRY}),
    ("tcr", "DeleteServiceAccount", {"Name": "tcr$bot", **REGISTRY}),
    ("tcr", "CreateInstanceToken", {"TokenType": "longterm", **REGISTRY}),
    ("tcr", "ModifyInstanceToken", {"TokenId": "#credential/0", "Enable": False, **REGISTRY}),
    ("tcr", "DeleteInstanceToken", {"TokenId": "#credential/0", **REGISTRY}),
    ("tcr", "CreateNamespace", {"NamespaceName": "apps", "IsPublic": False, **REGISTRY}),
    ("tcr", "DeleteNamespace", {"NamespaceName": "apps", **REGISTRY}),
    ("tcr", "DeleteInstance", REGISTRY),
    ("tcr", "CreateInstance", {"RegistryName": "other", "RegistryType": "premium"}),
    ("vpc", "CreateRouteTable", {"VpcId": "#vpc/0", "RouteTableName": "second"}),
    ("vpc", "CreateRoutes", {"Routes": [_ROUTE], **_TABLE}),
    ("vpc", "ReplaceRoutes", {"Routes": [{**_ROUTE, "RouteId": 1}], **_TABLE}),
    ("vpc", "DeleteRoutes", {"Routes": [_ROUTE], **_TABLE}),
    ("vpc", "ReplaceRouteTableAssociation", {"SubnetId": "#subnet/0", **_TABLE}),
    (
        "vpc",
        "ReplaceRouteTableAssociation",
        {"SubnetId": "#subnet/0", "RouteTableId": "#route-table/1"},
    ),
    ("vpc", "DeleteRouteTable", {"RouteTableId": "#route-table/1"}),
    ("vpc", "CreateNatGateway", {"VpcId": "#vpc/0", "NatGatewayName": "n", "AddressCount": 1}),
    ("vpc", "AssociateNatGatewayAddress", {"AddressCount": 1, **_NAT}),
    ("vpc", "AssociateNatGatewayAddress", {"PublicIpAddresses": ["#address/0"], **_NAT}),
    ("vpc", "DisassociateNatGatewayAddress", {"PublicIpAddresses": ["#address/0"], **_NAT}),
    ("vpc", "DisassociateNatGatewayAddress", {"PublicIpAddresses": ["#address/2"], **_NAT}),
    ("vpc", "DeleteNatGateway", _NAT),
    ("vpc", "AllocateAddresses", {"AddressCount": 1}),
    ("vpc", "AssociateAddress", {"AddressId": "#elastic-ip/0", "InstanceId": "#nat-gateway/0"}),
    ("vpc", "DisassociateAddress", {"AddressId": "#elastic-ip/0"}),
    ("vpc", "ReleaseAddresses", {"AddressIds": ["#elastic-ip/0", "#elastic-ip/1"]}),
    ("vpc", "CreateSecurityGroupPolicies", {"SecurityGroupPolicySet": _RULES, **_GROUP}),
    ("vpc", "ReplaceSecurityGroupPolicies", {"SecurityGroupPolicySet": _RULES, **_GROUP}),
    ("vpc", "DeleteSecurityGroupPolicies", {"SecurityGroupPolicySet": _RULES, **_GROUP}),
    ("vpc", "DeleteSecurityGroup", _GROUP),
    ("vpc", "DeleteSubnet", {"SubnetId": "#subnet/0"}),
    ("vpc", "DeleteVpc", {"VpcId": "#vpc/0"}),
    ("privatedns", "SubscribePrivateZoneService", {}),
    ("privatedns", "CreatePrivateZone", {"Domain": "corp.example", "VpcSet": [_BOUND]}),
    ("privatedns", "ModifyPrivateZoneVpc", {"VpcSet": [], **_ZONE}),
    ("privatedns", "CreatePrivateZoneRecord", {**_RECORD, **_ZONE}),
    ("privatedns", "ModifyPrivateZoneRecord", {"RecordId": "#zone-record/0", **_RECORD, **_ZONE}),
    ("privatedns", "DeletePrivateZoneRecord", {"RecordId": "#zone-record/0", **_ZONE}),
    ("privatedns", "DeletePrivateZone", _ZONE),
    ("tke", "CreateEKSCluster", {"K8SVersion": "1.30", "ClusterName": "c", **_POD_PLACE}),
    ("tke", "UpdateEKSCluster", {"SubnetIds": ["#subnet/0", "#subnet/1"], **_CLUSTER}),
    ("tke", "DescribeEKSClusterCredential", _CLUSTER),
    ("tke", "InstallAddon", {"AddonName": "tcr", **_CLUSTER}),
    ("tke", "UpdateAddon", {"AddonName": "tcr", **_CLUSTER}),
    ("tke", "DeleteAddon", {"AddonName": "tcr", **_CLUSTER}),
    ("tke", "DeleteEKSCluster", _CLUSTER),
    ("cam", "UpdateAccessKey", {"AccessKeyId": "#access-key/1", "Status": "Inactive"}),
    ("cam", "DeleteAccessKey", {"AccessKeyId": "#access-key/1"}),
)

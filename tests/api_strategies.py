"""Parameters of API calls for property tests: mostly of the right shape, sometimes of none.

A value is chosen by the name of its field where the name says what is meant (an id, a CIDR, an
operation), so that calls come through to the states that matter, and by its type otherwise. Ids are
drawn by the cloud and differ from run to run; here they are references like `#vpc/0`, the oldest
VPC, so that the same choices make the same calls.
"""

from __future__ import annotations

import types
import typing
from typing import Any

import msgspec
from hypothesis import strategies as st

REFERENCE = "#"
_KINDS = {
    "Vpc": "vpc",
    "Subnet": "subnet",
    "Registr": "instance",
    "Instance": "instance",
    "RouteTable": "route-table",
    "Gateway": "nat-gateway",
    "Address": "elastic-ip",
    "SecurityGroup": "security-group",
    "Zone": "private-zone",
    "Record": "zone-record",
    "AccessKey": "access-key",
    "Token": "credential",
    "Cluster": "cluster",
}
ADDRESS = "address"  # the kind of reference that means the address of an elastic IP
UNKNOWN_IDS = ("vpc-00000000", "tcr-00000000", "nonsense", "", "x" * 300, "../..", "vpc-é")
CIDRS = (
    *("10.0.0.0/16", "10.1.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/24"),
    *("10.0.1.0/24", "10.1.0.0/28", "10.0.0.128/25", "192.168.7.0/29", "0.0.0.0/0"),
    *("198.18.0.1", "203.0.113.7/32", "10.0.0.1/24", "10.0.0.0/33", "::/0", "300.0.0.0/8", "", "/"),
)
CHOICES: dict[str, tuple[Any, ...]] = {
    "Operation": ("Create", "Delete", "create", ""),
    "RegistryType": ("basic", "standard", "premium", "golden"),
    "RegistryName": ("demo", "other", "Not A Name", "a", "admin"),
    "NamespaceName": ("team", "apps", "Not A Name", "library"),
    "Name": ("bot", "ci", "vpc-id", "tcr$bot", "registry-id", ""),
    "TokenType": ("temp", "longterm", "forever"),
    "Status": ("Active", "Inactive", "Sleeping"),
    "GatewayType": ("NAT", "EIP", "NORMAL_CVM", "CCN", ""),
    "Zone": ("ap-guangzhou-1", "ap-guangzhou-3", "moon-1"),
    "Protocol": ("TCP", "UDP", "ICMP", "ALL", "SCTP", "tcp"),
    "Port": ("ALL", "443", "80,443", "8000-9000", "9000-8000", "-1", "99999", "x"),
    "K8SVersion": ("1.30.0", "1.20.6-eks.1", "newest"),
    "AddonName": ("tcr", "cbs"),
    "Action": ("ACCEPT", "DROP", "MAYBE"),
    "Resource": ("team", "apps", "*"),
    "Actions": (["tcr:PullRepository"], ["tcr:PushRepository"], ["tcr:Dance"]),
    "Policy": (
        '{"version":"2.0","statement":[{"effect":"allow","action":"*","resource":"*"}]}',
        "{",
    ),
    "Domain": ("example.com", "a.b", "com", "-", "x" * 300, "tencentcloudcr.com"),
    "SubDomain": ("@", "*", "www", "a.b", "..", "x" * 70),
    "RecordType": ("A", "AAAA", "CNAME", "MX", "TXT", "SRV", "PTR", "NS", "?"),
    "RecordValue": ("192.0.2.1", "2001:db8::1", "www.example.com", "text", "", "0 5 80 a.b"),
    "InternetMaxBandwidthOut": (100, 20, 1, 0, -1, 10**9),
    "AddressCount": (0, 1, 2, -1, 10**9),
    "Limit": (20, 1, 0, -1, 10**9, "20", "-1", "x"),
    "Offset": (0, 1, -1, 10**9, "0", "x"),
    "Since": ("2026-01-01T00:00:00Z", "yesterday", "0001-01-01T00:00:00+23:59"),
    "TargetUin": (100000000001, -1, 10**30),
}
_ID_ENDINGS = ("Id", "Ids", "IdSet", "Registryids", "TaskId", "PublicIpAddresses", "EniLBIp")
_CIDR_WORDS = ("Cidr", "Ip", "Address")

_junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.just("x" * 5000),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=2),
)


def parameters(struct: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Parameters of an action: required ones nearly always, others now and then, sometimes junk."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for one in msgspec.structs.fields(struct):
        value = _value(one.encode_name, one.type)
        (required if one.required else optional)[one.encode_name] = value
    right = st.fixed_dictionaries(required)
    more = st.lists(st.sampled_from(sorted(optional) or [""]), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries(
            required | {name: optional[name] for name in names if name}
        )
    )
    lacking = st.fixed_dictionaries({}, optional=required | optional)
    strange = st.dictionaries(st.text(max_size=5), _junk, max_size=2)
    return st.integers(0, 19).flatmap(
        lambda number: {11: lacking, 13: strange}.get(number, right if number % 2 else more)
    )


def spoiled(given: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters that make sense, of which one may be something else."""
    names = sorted(given) or ["Colour"]
    return st.tuples(st.sampled_from(names), _junk, st.integers(0, 5)).map(
        lambda drawn: given if drawn[2] else {**given, drawn[0]: drawn[1]}
    )


def _value(name: str, type_: Any) -> st.SearchStrategy[Any]:
    """A value of a field: a fitting one nearly always."""
    fitting = _fitting(name, type_)
    return st.integers(0, 29).flatmap(lambda number: _junk if number == 17 else fitting)


def _fitting(name: str, type_: Any) -> st.SearchStrategy[Any]:
    origin = typing.get_origin(type_)
    if origin in (typing.Union, types.UnionType):
        inner = [one for one in typing.get_args(type_) if one is not type(None)]
        return st.one_of([_fitting(name, one) for one in inner])
    if name in CHOICES:
        return st.sampled_from(CHOICES[name])
    if origin in (tuple, list):
        one = _value(name, typing.get_args(type_)[0])
        return st.one_of(st.lists(one, min_size=1, max_size=3), st.lists(one, max_size=3))
    if origin is dict:
        return st.dictionaries(st.sampled_from(["Period", "RenewFlag"]), st.integers(0, 40))
    return _scalar(name, type_)


def _scalar(name: str, type_: Any) -> st.SearchStrategy[Any]:
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return parameters(type_)
    return _text(name) if type_ is str else _PLAIN[type_]


def _text(name: str) -> st.SearchStrategy[str]:
    if name in ("PublicIpAddresses", "EniLBIp"):
        return st.one_of(_references(ADDRESS), st.sampled_from(["10.0.0.5", *CIDRS]))
    if name.endswith(_ID_ENDINGS):
        meant = _references(next((_KINDS[word] for word in _KINDS if word in name), "vpc"))
        other = st.sampled_from(sorted(set(_KINDS.values()))).flatmap(_references)
        unknown = st.sampled_from(UNKNOWN_IDS)
        return st.integers(0, 14).flatmap(lambda number: {7: other, 11: unknown}.get(number, meant))
    if any(word in name for word in _CIDR_WORDS):
        return st.sampled_from(CIDRS)
    return st.one_of(st.sampled_from(["a", "web", "vpc-id"]), st.text(max_size=70))


def _references(kind: str) -> st.SearchStrategy[str]:
    return st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2]).map(
        lambda number: f"{REFERENCE}{kind}/{number}"
    )


_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.one_of(st.integers(0, 5), st.integers(-(2**70), 2**70)),
    float: st.floats(allow_nan=False, allow_infinity=False),
}

"""Pods' annotations, as wishes for their network interfaces."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube.annotations import (
    EIP_ATTRIBUTES,
    EIP_CLAIM_DELETE_POLICY,
    EIP_ID_LIST,
    EIP_INJECTION,
    RESOLV_CONF,
    SECURITY_GROUP_ID,
)
from towline.network.attachment import (
    Attachment,
    NewAddress,
    attachment,
    interface_id,
    own_nameservers,
)
from towline.problem import Problem


@pytest.mark.parametrize(
    ("annotations", "wish"),
    [
        ({}, Attachment()),
        ({SECURITY_GROUP_ID: "sg-b, sg-a,,sg-b"}, Attachment(security_group_ids=("sg-b", "sg-a"))),
        ({EIP_ID_LIST: "eip-1,eip-2"}, Attachment(elastic_ip_ids=("eip-1", "eip-2"))),
        ({EIP_ATTRIBUTES: ""}, Attachment(new_address=NewAddress())),
        ({EIP_ATTRIBUTES: "{}"}, Attachment(new_address=NewAddress())),
        (
            {
                EIP_ATTRIBUTES: '{"InternetMaxBandwidthOut":50,'
                '"InternetChargeType":"TRAFFIC_POSTPAID_BY_HOUR"}',
                EIP_CLAIM_DELETE_POLICY: "Never",
                EIP_INJECTION: "true",
            },
            Attachment(
                new_address=NewAddress(internet_max_bandwidth_out=50),
                keeps_address=True,
                shows_address=True,
            ),
        ),
        (
            {EIP_ATTRIBUTES: '{"InternetMaxBandwidthOut":"5","AnycastZone":""}'},
            Attachment(new_address=NewAddress(internet_max_bandwidth_out=5)),
        ),
    ],
)
def test_wishes_are_read_as_they_are_documented(
    annotations: dict[str, str], wish: Attachment
) -> None:
    """Spaces and repetitions do not matter; an empty value asks for an address as they all are."""
    assert attachment(annotations) == wish


@pytest.mark.parametrize(
    ("annotations", "code"),
    [
        ({EIP_ATTRIBUTES: "50"}, "eip-attributes-malformed"),
        ({EIP_ATTRIBUTES: '{"InternetMaxBandwidthOut":0}'}, "eip-attributes-malformed"),
        ({EIP_ATTRIBUTES: '{"InternetMaxBandwidthOut":101}'}, "eip-attributes-malformed"),
        ({EIP_ATTRIBUTES: '{"InternetChargeType":"FREE"}'}, "eip-attributes-malformed"),
        ({EIP_ATTRIBUTES: "{"}, "eip-attributes-malformed"),
        ({EIP_ATTRIBUTES: "{}", EIP_ID_LIST: "eip-1"}, "eip-annotations-clash"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(annotations: dict[str, str], code: str) -> None:
    """Rather than passed over."""
    with pytest.raises(Problem) as refused:
        attachment(annotations)

    assert refused.value.code == code


@given(st.text())
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    """Never anything else."""
    for name in (SECURITY_GROUP_ID, EIP_ID_LIST, EIP_ATTRIBUTES, EIP_INJECTION, RESOLV_CONF):
        try:
            wish = attachment({name: text})
        except Problem:
            continue
        assert "" not in wish.security_group_ids + wish.elastic_ip_ids
    assert all(re.fullmatch(r"[0-9.]+", one) for one in own_nameservers({RESOLV_CONF: text}))


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nameserver 8.8.8.8", ("8.8.8.8",)),
        ("nameserver 8.8.8.8\n  nameserver\t1.1.1.1  # two\nsearch a.b\n", ("8.8.8.8", "1.1.1.1")),
        ("# nameserver 8.8.8.8\noptions ndots:2", ()),
        ("nameserver dns.google", ()),
        ("", ()),
    ],
)
def test_nameservers_are_read_as_resolv_conf_has_them(text: str, servers: tuple[str, ...]) -> None:
    """Without any, the resolvers stay as they are."""
    assert own_nameservers({RESOLV_CONF: text}) == servers


@given(st.uuids())
def test_an_interface_is_named_after_its_pod(uid: object) -> None:
    """In the form of the cloud's ids."""
    assert re.fullmatch("eni-[0-9a-z]{8}", interface_id(str(uid)))

"""What would mend a failed pull, as a plan: which objects are changed, and what needs a flag."""

from __future__ import annotations

from dataclasses import replace

import pytest

from towline.diagnosis.facts import Facts
from towline.diagnosis.mend import mend
from towline.diagnosis.mending import Mending, Widening, Wish
from towline.diagnosis.observation import ChallengeSeen, Observations
from towline.diagnosis.observed_path import (
    CertificateSeen,
    PathSeen,
    TlsOutcome,
    TlsSeen,
    TrustOutcome,
)
from towline.diagnosis.plane import (
    CredentialSeen,
    CredentialState,
    InstanceSeen,
    Known,
    LinkSeen,
    Plane,
    PodSeen,
    WayOut,
)
from towline.diagnosis.verdict import Confidence, Remedy, Verdict
from towline.kube.annotations import (
    REGISTRY_CERTIFICATE,
    REGISTRY_HTTP_ENDPOINT,
    REGISTRY_INSECURE_SKIP_VERIFY,
    RESOLV_CONF,
)
from towline.network.trace_hop import Act, Hop, Place, Trace
from towline.network.trace_stop import Stop

OURS = "demo.tencentcloudcr.com"
THEIRS = "10.16.100.174:5000"
SHA = "ab" * 32
INSTANCE = InstanceSeen(id="tcr-1", name="demo", domain=OURS, vpc_domain="demo-vpc.x.com")
POD = PodSeen(namespace="default", name="web-1", owner="deployment/web", image=f"{OURS}/team/a:1")
LINKED = LinkSeen(vpc_id="vpc-1", status="Running", access_ip="10.0.0.9", resolves=True)


def stopped(stop: Stop, at: str = "") -> Trace:
    """A packet that founders on this."""
    act = Hop(place=Place.ROUTER, id=at, act=Act.DROPPED, sources=("10.0.0.4",), destination="x")
    return Trace((act,), stop)


def plane(**said: object) -> Plane:
    """A pod of subnet-1 on its way to our registry."""
    found = Plane(
        host=OURS,
        instance=INSTANCE,
        address="198.18.1.1",
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        registry_namespace="team",
        namespace_exists=Known.YES,
    )
    return replace(found, **said)  # type: ignore[arg-type]  # the fields of a plane


def planned(code: str, facts: Facts, wish: Wish | None = None) -> Mending | None:
    """The plan for a verdict of this code."""
    said = Verdict(code=code, confidence=Confidence.PROVED, cause="it", remedy=Remedy(text="do"))
    return mend(said, facts, wish or Wish())


def texts(mending: Mending | None) -> list[str]:
    """The plan, as it is shown."""
    return [str(change) for change in mending.changes] if mending else []


LINK = "create a link from vpc-1 to the registry demo in subnet-1"
RESOLVE = f"let {OURS} resolve to the link's address in vpc-1"
ALLOW = "put 198.18.9.9 on the allowlist of the registry demo"
OPEN = "open the public endpoint of the registry demo"
EGRESS = "give subnet-1 what is missing of its way out, and into the registry demo"
OPENED = replace(INSTANCE, endpoint_open=True)
OUT = WayOut(public_ips=("198.18.9.9",))


@pytest.mark.parametrize(
    ("seen", "changes"),
    [
        (plane(), [LINK, RESOLVE]),
        (plane(trace=stopped(Stop.ENDPOINT_CLOSED)), [LINK, RESOLVE]),
        (plane(links=(replace(LINKED, resolves=False),)), [RESOLVE]),
        (plane(links=(replace(LINKED, status="Creating", resolves=False),)), [RESOLVE]),
        (plane(links=(replace(LINKED, vpc_id="vpc-2"),)), [LINK, RESOLVE]),
        (plane(links=(LINKED,), address="10.0.0.9", trace=stopped(Stop.NOBODY_THERE)), []),
        (plane(instance=OPENED, way_out=OUT, trace=stopped(Stop.ALLOWLIST_EMPTY)), [ALLOW]),
        (plane(instance=OPENED, way_out=OUT, trace=stopped(Stop.ADDRESS_CHANGED)), [ALLOW]),
        (plane(way_out=OUT, trace=stopped(Stop.ENDPOINT_CLOSED)), [OPEN, ALLOW]),
        (plane(instance=OPENED, trace=stopped(Stop.NO_NAT_GATEWAY)), [EGRESS]),
        (plane(instance=OPENED, trace=stopped(Stop.NO_ROUTE)), [EGRESS]),
        (plane(instance=OPENED, trace=stopped(Stop.ROUTE_DISABLED)), [EGRESS]),
        (plane(instance=OPENED, trace=stopped(Stop.TABLE_NOT_ASSOCIATED)), [EGRESS]),
        (plane(instance=OPENED, trace=stopped(Stop.NAT_WITHOUT_ADDRESS)), [EGRESS]),
        (
            plane(instance=None, host="hub.example", trace=stopped(Stop.NO_NAT_GATEWAY)),
            ["give subnet-1 what is missing of its way out"],
        ),
        (plane(instance=None, host="hub.example", trace=stopped(Stop.NEXT_HOP_MISSING)), []),
        (
            plane(
                links=(LINKED,),
                address="10.0.0.9",
                way_out=WayOut(security_groups=("sg-1", "sg-2")),
                trace=stopped(Stop.EGRESS_REFUSED, "sg-2"),
            ),
            ["accept TCP to 10.0.0.9 port 443 first among the egress rules of sg-2"],
        ),
    ],
)
def test_the_way_that_was_begun_is_completed_or_else_a_link_is_made(
    seen: Plane, changes: list[str]
) -> None:
    """Every omission of the two recipes names the object that is lacking."""
    mending = planned("net.timeout.public-ip", Facts(pod=POD, plane=seen))

    assert texts(mending) == changes
    assert mending is None or not mending.needs


def test_an_unknown_sender_is_let_in_only_with_everybody_and_so_with_a_flag() -> None:
    """Who has no known address could only come where the whole internet may."""
    facts = Facts(pod=POD, plane=plane(instance=OPENED, trace=stopped(Stop.ALLOWLIST_EMPTY)))
    mending = planned("net.timeout.public-ip", facts)

    assert mending is not None
    assert mending.needs == {Widening.ANY_ADDRESS}
    allowed = planned("net.timeout.public-ip", facts, Wish(allowed=frozenset(Widening)))
    assert allowed is not None
    assert not allowed.needs


@pytest.mark.parametrize("code", ["dns.timeout", "dns.nxdomain", "net.timeout.public-ip"])
def test_a_resolver_that_leads_elsewhere_is_no_longer_asked(code: str) -> None:
    """The VPC's own knows the link."""
    pod = replace(POD, annotations={RESOLV_CONF: "nameserver 198.18.0.53"})
    mending = planned(code, Facts(pod=pod, plane=plane(links=(LINKED,))))

    assert texts(mending) == [
        f"remove the annotation {RESOLV_CONF} from the pod template of deployment/web"
    ]


WRITTEN = f"put a new credential for {OURS} (pull from team only) into the Secret default/"


@pytest.mark.parametrize(
    ("held", "changes"),
    [
        (
            CredentialSeen(state=CredentialState.NONE),
            [
                f"{WRITTEN}pull-demo-team",
                "add the Secret pull-demo-team to the imagePullSecrets of deployment/web",
            ],
        ),
        (
            CredentialSeen(state=CredentialState.MISSING_SECRET, secret="mine"),
            [f"{WRITTEN}mine"],
        ),
        (CredentialSeen(state=CredentialState.OTHER_HOST, secret="mine"), [f"{WRITTEN}mine"]),
        (CredentialSeen(state=CredentialState.WRONG_PASSWORD, secret="s"), [f"{WRITTEN}s"]),
        (CredentialSeen(state=CredentialState.EXPIRED, secret="s"), [f"{WRITTEN}s"]),
        (
            CredentialSeen(state=CredentialState.OTHER_NAMESPACE, id="tcr$a", service_account=True),
            ["let tcr$a pull from team of the registry demo"],
        ),
        (CredentialSeen(state=CredentialState.OK), []),
    ],
)
def test_a_pod_gets_the_right_to_its_namespace_and_no_more(
    held: CredentialSeen, changes: list[str]
) -> None:
    """By a new Secret, or by one that it names already."""
    facts = Facts(pod=POD, plane=plane(credential=held))

    assert texts(planned("authz.insufficient-scope", facts)) == changes


def test_no_credential_helps_where_there_is_no_namespace() -> None:
    """And none is made for a registry that is not ours."""
    nothing = CredentialSeen(state=CredentialState.NONE)
    for seen in (plane(namespace_exists=Known.NO), plane(instance=None)):
        facts = Facts(pod=POD, plane=replace(seen, credential=nothing))

        assert planned("auth.missing-credential", facts) is None


def outside(**said: object) -> PodSeen:
    """A pod whose image is in a registry that is not ours."""
    found = replace(POD, image=f"{THEIRS}/outside/app:1")
    return replace(found, **said)  # type: ignore[arg-type]  # the fields of a pod


def observed(sha256: str = SHA, *problems: TrustOutcome) -> Observations:
    """A probe that was shown a certificate."""
    shown = CertificateSeen("s", "s", (), "s", 0, 1, sha256)
    tls = TlsSeen(host="h", peer="p", outcome=TlsOutcome.SHAKEN, chain=(shown,), problems=problems)
    path = PathSeen(host="10.16.100.174", port=5000, scheme="https", tls=tls)
    return Observations("x", path=path)


SKIP, HTTP, PIN = REGISTRY_INSECURE_SKIP_VERIFY, REGISTRY_HTTP_ENDPOINT, REGISTRY_CERTIFICATE
NONE: frozenset[Widening] = frozenset()


@pytest.mark.parametrize(
    ("code", "pod", "annotation", "needs"),
    [
        ("tls.self-signed", outside(), f"{PIN}={THEIRS}={SHA}", NONE),
        (
            "tls.self-signed",
            outside(annotations={PIN: f"a.io=00,{THEIRS}=11"}),
            f"{PIN}=a.io=00,{THEIRS}={SHA}",
            {Widening.INSECURE},
        ),
        ("tls.expired", outside(), f"{PIN}={THEIRS}={SHA}", {Widening.INSECURE}),
        ("tls.wrong-host", outside(), f"{PIN}={THEIRS}={SHA}", {Widening.INSECURE}),
        ("tls.http-server", outside(), f"{HTTP}={THEIRS}", {Widening.HTTP}),
        (
            "tls.http-server",
            outside(annotations={HTTP: "10.16.100.174:6000"}),
            f"{HTTP}=10.16.100.174:6000,{THEIRS}",
            {Widening.HTTP},
        ),
        (
            "tls.http-server",
            outside(annotations={HTTP: f"a.io,http://{THEIRS}/v2"}),
            f"{HTTP}=a.io,{THEIRS}",
            NONE,
        ),
        (
            "tls.http-server",
            outside(annotations={HTTP: "10.16.100.174"}),
            f"{HTTP}={THEIRS}",
            NONE,
        ),
        ("tls.http-server", outside(workload_annotations={HTTP: "all"}), f"{HTTP}={THEIRS}", NONE),
        (
            "tls.self-signed",
            outside(workload_annotations={SKIP: THEIRS}),
            f"{SKIP}={THEIRS}",
            NONE,
        ),
    ],
)
def test_an_annotation_that_was_meant_is_put_right_and_no_other_is_made_unasked(
    code: str, pod: PodSeen, annotation: str, needs: frozenset[Widening]
) -> None:
    """A certificate that is only unknown is pinned; HTTP, and a wrong certificate, need a flag."""
    mending = planned(code, Facts(pod=pod, seen=observed()))

    assert mending is not None
    assert texts(mending) == [f"annotate the pod template of deployment/web: {annotation}"]
    assert mending.needs == needs
    assert mending.replaces_pods


def test_what_was_not_seen_cannot_be_pinned() -> None:
    """Then only skipping is left, which needs a flag."""
    mending = planned("tls.self-signed", Facts(pod=outside()))

    assert mending is not None
    assert texts(mending) == [f"annotate the pod template of deployment/web: {SKIP}={THEIRS}"]
    assert mending.needs == {Widening.INSECURE}


@pytest.mark.parametrize(
    ("held", "left"), [(THEIRS, None), (f"a.io,{THEIRS}", "a.io")], ids=["alone", "among-others"]
)
def test_a_registry_with_tls_is_no_longer_spoken_to_over_http(held: str, left: str | None) -> None:
    """The annotation keeps what else it lists."""
    mending = planned("http.tls-server", Facts(pod=outside(annotations={HTTP: held})))

    assert mending is not None
    assert [getattr(change, "value", "") for change in mending.changes] == [left]


def test_a_token_server_is_pinned_by_its_own_name() -> None:
    """The registry's certificate says nothing about it."""
    challenge = ChallengeSeen("bearer", realm="https://auth.example:8443/token?x=y")
    seen = replace(observed(), token_path=observed().path, challenge=challenge)
    mending = planned("auth.realm-tls", Facts(pod=outside(), seen=seen))

    assert texts(mending) == [
        f"annotate the pod template of deployment/web: {PIN}=auth.example:8443={SHA}"
    ]


@pytest.mark.parametrize("code", ["auth.realm-tls", "tls.self-signed"])
@pytest.mark.parametrize("fault", [TrustOutcome.EXPIRED, TrustOutcome.WRONG_NAME])
def test_a_certificate_with_a_second_fault_is_not_merely_unknown(
    code: str, fault: TrustOutcome
) -> None:
    """The code names the first one only; who pins it believes the other too."""
    challenge = ChallengeSeen("bearer", realm="https://auth.example:8443/token")
    unsigned = observed(SHA, TrustOutcome.SELF_SIGNED)
    both = observed(SHA, TrustOutcome.SELF_SIGNED, fault)

    def needs(seen: Observations) -> frozenset[Widening] | None:
        shown = replace(seen, token_path=seen.path, challenge=challenge)
        mending = planned(code, Facts(pod=outside(), seen=shown))
        return mending.needs if mending else None

    assert needs(unsigned) == frozenset()
    assert needs(both) == frozenset({Widening.INSECURE})


def test_a_tag_is_replaced_by_the_one_that_is_wished() -> None:
    """Never by a guess; and a pod can be given another image while it is there."""
    facts = Facts(pod=POD, plane=plane(near_tags=("2",)))
    mending = planned("manifest.tag-unknown", facts, Wish(tag="2"))

    assert planned("manifest.tag-unknown", facts) is None
    assert texts(mending) == [
        f"change the image of deployment/web from {OURS}/team/a:1 to {OURS}/team/a:2"
    ]
    assert mending is not None
    assert not mending.replaces_pods


@pytest.mark.parametrize("code", ["blob.truncated", "platform.no-match", "net.refused"])
def test_what_is_not_in_our_hands_has_no_plan(code: str) -> None:
    """Rather than one that does not help."""
    seen = plane(links=(LINKED,), address="10.0.0.9")

    assert planned(code, Facts(pod=POD, plane=seen)) is None

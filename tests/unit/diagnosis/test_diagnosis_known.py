"""What the control plane alone knows of a pull is named with the object that is to be changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import (
    ChallengeSeen,
    HttpOutcome,
    HttpSeen,
    LoginSeen,
    ManifestSeen,
    Observations,
    TokenSeen,
)
from towline.diagnosis.observed_path import (
    CertificateSeen,
    DialOutcome,
    DialSeen,
    DnsSeen,
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
    PullSecret,
    WayOut,
)
from towline.diagnosis.pod_credential import with_pod
from towline.diagnosis.verdict import Confidence
from towline.kube.annotations import (
    REGISTRY_CERTIFICATE,
    REGISTRY_HTTP_ENDPOINT,
    REGISTRY_INSECURE_SKIP_VERIFY,
    RESOLV_CONF,
)
from towline.network.trace_hop import Act, Hop, Place, Trace
from towline.network.trace_name import Answerer, Resolution
from towline.network.trace_stop import Stop

HOST, PUBLIC, ACCESS = "demo.tencentcloudcr.com", "198.18.0.10", "10.0.1.5"
IMAGE = f"{HOST}/team/web:1"
INSTANCE = InstanceSeen(id="tcr-1", name="demo", domain=HOST, public_address=PUBLIC)
POD = PodSeen(namespace="shop", name="web-1", owner="deployment/web", image=IMAGE)
LINK = LinkSeen(vpc_id="vpc-1", status="Running", access_ip=ACCESS)


def stopped(stop: Stop, place: Place, id_: str, source: str = "10.0.1.9", by: str = "") -> Trace:
    """A way that ends somewhere."""
    hop = Hop(place=place, id=id_, act=Act.DROPPED, by=by, sources=(source,), destination=PUBLIC)
    return Trace((hop,), stop)


def resolved(address: str) -> Resolution:
    """What the registry's name means."""
    answerer = Answerer.PUBLIC_ZONE
    return Resolution(HOST, (address,), "NOERROR", answerer, "tencentcloudcr.com")


NO_GATEWAY = stopped(Stop.NO_NAT_GATEWAY, Place.ROUTE_TABLE, "rtb-1")
BARE = Plane(
    host=HOST,
    instance=INSTANCE,
    vpc_id="vpc-1",
    subnet_id="subnet-1",
    resolution=resolved(PUBLIC),
    address=PUBLIC,
    trace=NO_GATEWAY,
    way_out=WayOut(route_table_id="rtb-1"),
)
OPEN = replace(INSTANCE, endpoint_open=True)
LET_OUT = replace(
    BARE, instance=OPEN, way_out=WayOut(route_table_id="rtb-1", public_ips=("198.19.0.7",))
)
WAYS = [
    (BARE, "has no private link to the registry demo", "link create demo --vpc vpc-1"),
    (replace(BARE, links=(LINK,)), f"resolution of {HOST} is off", "link resolve on demo --vpc"),
    (
        replace(BARE, links=(replace(LINK, status="Creating", access_ip=""),)),
        "is being created",
        "link show demo",
    ),
    (
        replace(BARE, instance=OPEN),
        "nothing leads from subnet-1",
        "egress create --subnet subnet-1 --allow demo",
    ),
    (
        replace(
            LET_OUT,
            trace=stopped(Stop.NOT_ON_ALLOWLIST, Place.PUBLIC_ENDPOINT, "tcr-1", "198.19.0.7"),
        ),
        "demo does not let 198.19.0.7 in",
        "public-access allow demo 198.19.0.7",
    ),
    (
        replace(
            LET_OUT,
            instance=replace(OPEN, allowlist=("198.19.0.6",)),
            trace=stopped(
                *(Stop.ADDRESS_CHANGED, Place.PUBLIC_ENDPOINT, "tcr-1", "198.19.0.7"),
                by="198.19.0.6",
            ),
        ),
        "demo does not let 198.19.0.7 in",
        "public-access deny demo 198.19.0.6",
    ),
    (
        replace(LET_OUT, trace=stopped(Stop.NAT_WITHOUT_ADDRESS, Place.NAT_GATEWAY, "nat-1")),
        "end at nat-gateway nat-1",
        "nat-gateway bind nat-1",
    ),
    (
        replace(
            LET_OUT,
            way_out=WayOut(nat_gateway_ids=("nat-1",)),
            trace=stopped(Stop.NO_ROUTE, Place.ROUTE_TABLE, "rtb-1"),
        ),
        "end at route-table rtb-1",
        "route-table add-route rtb-1 0.0.0.0/0 nat-1",
    ),
    (
        replace(
            BARE,
            links=(replace(LINK, resolves=True),),
            address=ACCESS,
            resolution=resolved(ACCESS),
            trace=stopped(Stop.EGRESS_REFUSED, Place.SECURITY_GROUP, "sg-1"),
        ),
        "end at security-group sg-1",
        "security-group add-rule sg-1 egress accept:tcp:443:10.0.1.5/32",
    ),
]


@pytest.mark.parametrize(("plane", "cause", "command"), WAYS)
def test_what_the_way_lacks_is_named_before_anybody_probes(
    plane: Plane, cause: str, command: str
) -> None:
    """With the command that mends it; which code, the address decides."""
    verdict = diagnose(Facts(image=IMAGE, pod=POD, plane=plane))
    kind = "private" if plane.address == ACCESS else "public"

    assert verdict is not None
    assert (verdict.code, verdict.confidence) == (f"net.timeout.{kind}-ip", Confidence.PROVED)
    assert cause in verdict.cause
    assert any(command in one for one in verdict.remedy.commands)


@pytest.mark.parametrize("stop", Stop)
def test_every_stop_has_its_place_and_its_remedy(stop: Stop) -> None:
    """A verdict that says where, and what to do."""
    trace = stopped(stop, Place.ROUTER, "thing-1")
    verdict = diagnose(Facts(image=IMAGE, pod=POD, plane=replace(LET_OUT, trace=trace)))

    assert verdict is not None
    assert verdict.remedy.text
    assert any("thing-1" in line and stop.value in line for line in verdict.evidence)


def test_a_probe_is_told_with_what_the_records_know() -> None:
    """Evidence of both; and where the probe got through, the records are wrong about it."""
    dial = DialSeen(PUBLIC, 443, DialOutcome.TIMED_OUT)
    name = DnsSeen(HOST, addresses=(PUBLIC,))
    silent = Observations(IMAGE, path=PathSeen(HOST, 443, "https", dns=name, dials=(dial,)))
    verdict = diagnose(Facts(image=IMAGE, pod=POD, plane=BARE, seen=silent))
    through = replace(
        silent,
        path=PathSeen(
            HOST, 443, "https", dns=name, dials=(replace(dial, outcome=DialOutcome.CONNECTED),)
        ),
    )

    assert verdict is not None
    assert verdict.code == "net.timeout.public-ip"
    assert "timed out" in verdict.evidence[0]
    assert "no private link" in verdict.cause
    assert diagnose(Facts(image=IMAGE, pod=POD, plane=BARE, seen=through)) is None


def test_a_pod_with_a_resolver_of_its_own_is_told_so() -> None:
    """The link is whole; the pod does not ask who knows of it."""
    pod = replace(POD, annotations={RESOLV_CONF: "nameserver 8.8.8.8"})
    plane = replace(BARE, links=(replace(LINK, resolves=True),))
    verdict = diagnose(Facts(image=IMAGE, pod=pod, plane=plane))

    assert verdict is not None
    assert RESOLV_CONF in verdict.cause
    assert "deployment/web" in verdict.remedy.text


FINE = replace(
    BARE,
    trace=None,
    namespace_exists=Known.YES,
    namespace_is_public=Known.NO,
    registry_namespace="team",
)
SECRET = PullSecret(name="keys", hosts=("other.example",), type="kubernetes.io/dockerconfigjson")
OURS = replace(SECRET, hosts=(HOST,))
RIGHTS = [
    ((), CredentialState.NONE, "auth.missing-credential", "brings no credential"),
    ((SECRET,), CredentialState.NONE, "auth.missing-credential", "keys is for other.example"),
    (
        (PullSecret(name="keys", exists=False, elsewhere=("demo",)),),
        CredentialState.NONE,
        "auth.missing-credential",
        "which the namespace shop does not have (it is in demo)",
    ),
    ((OURS,), CredentialState.WRONG_USER, "auth.wrong-credential", "knows no user robot"),
    ((OURS,), CredentialState.WRONG_PASSWORD, "auth.wrong-credential", "the password of robot"),
    ((OURS,), CredentialState.DISABLED, "auth.wrong-credential", "is switched off"),
    ((OURS,), CredentialState.EXPIRED, "auth.expired-credential", "expired at 2026"),
    ((OURS,), CredentialState.OTHER_NAMESPACE, "authz.insufficient-scope", "not from team"),
]


@pytest.mark.parametrize(("secrets", "state", "code", "cause"), RIGHTS)
def test_what_a_credential_lacks_is_named_with_its_secret(
    secrets: tuple[PullSecret, ...], state: CredentialState, code: str, cause: str
) -> None:
    """By the pod's Secrets and the registry's records; the registry's own 401 says none of it."""
    pod = replace(POD, pull_secrets=secrets)
    held = CredentialSeen(state=state, username="robot", id="token-1", expired_at="2026-01-01")
    plane = with_pod(replace(FINE, credential=held), pod)
    verdict = diagnose(Facts(image=IMAGE, pod=pod, plane=plane))

    assert verdict is not None
    assert (verdict.code, verdict.confidence) == (code, Confidence.PROVED)
    assert cause in verdict.cause
    public = replace(plane, namespace_is_public=Known.YES)
    open_to_all = diagnose(Facts(image=IMAGE, pod=pod, plane=public))
    assert (open_to_all is None) == (code == "auth.missing-credential")


def test_a_namespace_that_does_not_exist_is_the_cause_whatever_the_key() -> None:
    """Three causes have the text of insufficient_scope; the records tell them apart."""
    refused = HttpSeen("GET", "https://x/v2/", HttpOutcome.ANSWERED, 401)
    given = replace(refused, status=200)
    seen = Observations(
        IMAGE,
        logins=(LoginSeen(HOST, "robot", True),),
        challenge=ChallengeSeen("bearer", f"https://{HOST}/token", error="insufficient_scope"),
        tokens=(
            TokenSeen("r", "s", ("repository:team/web:pull",), "robot", given, has_token=True),
        ),
        manifest=ManifestSeen("1", refused),
    )
    plane = replace(FINE, namespace_exists=Known.NO, near_namespaces=("teams",))
    verdict = diagnose(Facts(image=IMAGE, pod=POD, plane=plane, seen=seen))

    assert verdict is not None
    assert verdict.code == "authz.insufficient-scope"
    assert "has no namespace team" in verdict.cause
    assert "teams" in verdict.remedy.text


ANNOTATED = [
    ({}, {REGISTRY_HTTP_ENDPOINT: "10.16.0.9:5000"}, "stands on deployment/web itself"),
    ({REGISTRY_HTTP_ENDPOINT: "10.16.0.9"}, {}, "names 10.16.0.9 and not 10.16.0.9:5000"),
    (
        {REGISTRY_HTTP_ENDPOINT: "https://10.16.0.9:5000"},
        {},
        "with more than host and port",
    ),
    ({REGISTRY_INSECURE_SKIP_VERIFY: "10.16.0.9:5000"}, {}, ""),
]


@pytest.mark.parametrize(("own", "workload", "fault"), ANNOTATED)
def test_an_annotation_that_does_nothing_is_named(
    own: dict[str, str], workload: dict[str, str], fault: str
) -> None:
    """Where it stands wrong, or what it should say; nothing is said of one that nobody wrote."""
    image = "10.16.0.9:5000/web:1"
    tls = TlsSeen("10.16.0.9", "10.16.0.9:5000", TlsOutcome.HTTP_ANSWER, plain_status=200)
    dial = DialSeen("10.16.0.9", 5000, DialOutcome.CONNECTED)
    name = DnsSeen("10.16.0.9", addresses=("10.16.0.9",), is_address=True)
    path = PathSeen("10.16.0.9", 5000, "https", dns=name, dials=(dial,), tls=tls)
    pod = replace(POD, image=image, annotations=own, workload_annotations=workload)
    facts = Facts(image=image, pod=pod, plane=Plane(), seen=Observations(image, path=path))
    verdict = diagnose(facts)

    assert verdict is not None
    assert verdict.code == "tls.http-server"
    assert fault in verdict.cause
    patched = f'"{REGISTRY_HTTP_ENDPOINT}":"10.16.0.9:5000"'
    assert any(patched in one for one in verdict.remedy.commands)


def shown(*problems: TrustOutcome) -> Observations:
    """A certificate with these faults, at 10.16.0.9:5000."""
    certificate = CertificateSeen("CN=r", "CN=r", ("10.16.0.9",), "r", 0, 2**32, "ab" * 32)
    peer = "10.16.0.9:5000"
    tls = TlsSeen("10.16.0.9", peer, TlsOutcome.SHAKEN, problems=problems, chain=(certificate,))
    dial = DialSeen("10.16.0.9", 5000, DialOutcome.CONNECTED)
    name = DnsSeen("10.16.0.9", addresses=("10.16.0.9",), is_address=True)
    path = PathSeen("10.16.0.9", 5000, "https", dns=name, dials=(dial,), tls=tls)
    return Observations(f"{peer}/web:1", path=path)


def test_a_certificate_that_nobody_knows_is_pinned_rather_than_passed_over() -> None:
    """With its own fingerprint, on the pod template of the workload."""
    seen = shown(TrustOutcome.SELF_SIGNED)
    verdict = diagnose(Facts(image=seen.image, pod=replace(POD, image=seen.image), seen=seen))

    assert verdict is not None
    assert verdict.code == "tls.self-signed"
    (command,) = verdict.remedy.commands
    assert f'"{REGISTRY_CERTIFICATE}":"10.16.0.9:5000={"ab" * 32}"' in command
    assert command.startswith("kubectl patch deployment/web --namespace shop")


def test_a_certificate_that_has_changed_is_not_pinned_without_asking() -> None:
    """It may be somebody else's: no command says otherwise."""
    seen = shown(TrustOutcome.NOT_PINNED)
    pod = replace(POD, image=seen.image, annotations={REGISTRY_CERTIFICATE: "10.16.0.9:5000=cd"})
    verdict = diagnose(Facts(image=seen.image, pod=pod, seen=seen))

    assert verdict is not None
    assert "another certificate than the one" in verdict.cause
    assert verdict.remedy.commands == ()
    assert "whether it was renewed" in verdict.remedy.text

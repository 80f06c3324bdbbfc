"""From the records of an installation to the facts about one pull.

Whoever has the records (the cloud's API, the agent) hands them over whole and is told what they say
of one image, one place in the network and one credential.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from towline.diagnosis.plane import InstanceSeen, Known, LinkSeen, Plane
from towline.diagnosis.survey_credential import LoginShown, judge
from towline.diagnosis.survey_way import Start, way_of
from towline.network.model import NetworkModel, is_open
from towline.oci.reference import Reference
from towline.resource.credential import Credential
from towline.resource.custom_domain import DomainStatus
from towline.resource.instance import Instance, Namespace
from towline.resource.repository import Repository

_NEAR = 3  # how many names are proposed


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What an installation has written down."""

    network: NetworkModel = field(default_factory=NetworkModel)
    namespaces: tuple[Namespace, ...] = ()
    repositories: tuple[Repository, ...] = ()
    """Those that the cloud knows; most are known to the registry alone."""
    credentials: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which pull it is about."""

    reference: Reference
    subnet_id: str = ""
    """From where; empty for somewhere outside of all VPCs."""
    source: str = ""
    """The pod's private address; empty for any machine of the subnet."""
    resolver: str = ""
    """Whom the pod asks for names, where that is not its VPC's resolver."""
    plain_http: bool = False
    login: LoginShown | None = None
    """The credential that the pull would be made with."""
    now: int = 0
    """Milliseconds since the epoch."""

    @property
    def host(self) -> str:
        """The registry, without the port."""
        return _split(self.reference.host)[0]

    @property
    def port(self) -> int:
        """The registry's port, as the image has it or as the protocol has it."""
        return _split(self.reference.host)[1] or (80 if self.plain_http else 443)


def survey(records: Records, asked: Asked) -> Plane:
    """What the records say of a pull."""
    model = records.network
    instance = _instance(model, asked.host)
    way = way_of(
        model, Start(asked.subnet_id, asked.source, asked.resolver), asked.host, asked.port
    )
    network = Plane(
        host=asked.host,
        port=asked.port,
        near_instances=_near(asked.host, [one.domain for one in model.instances])
        if instance is None
        else (),
        resolution=way.resolution,
        address=way.address,
        trace=way.trace,
        way_out=way.way_out,
        vpc_id=way.vpc_id,
        subnet_id=asked.subnet_id,
    )
    return network if instance is None else _within(records, asked, instance, network)


def _within(records: Records, asked: Asked, instance: Instance, seen: Plane) -> Plane:
    """The same, of an instance of ours."""
    name, slash, _ = asked.reference.repository.partition("/")
    namespaces = {one.name: one for one in records.namespaces if one.instance_id == instance.id}
    found = namespaces.get(name) if slash else None
    known = {one.name for one in records.repositories if one.instance_id == instance.id}
    return replace(
        seen,
        instance=_seen(records.network, instance),
        links=_links(records.network, instance, asked.host),
        registry_namespace=name if slash else "",
        namespace_exists=Known.of(found is not None),
        namespace_is_public=Known.of(found is not None and found.public),
        near_namespaces=() if found else _near(name, namespaces),
        repository=asked.reference.repository,
        repository_exists=Known.YES if asked.reference.repository in known else Known.UNKNOWN,
        credential=judge(records.credentials, instance.id, asked.login, name, asked.now),
    )


def _instance(model: NetworkModel, host: str) -> Instance | None:
    """The instance that a host is a name of: its domain, its VPC domain or one of its customs."""
    customs = {
        one.name: one.instance_id
        for one in model.custom_domains
        if one.status is DomainStatus.SUCCESS
    }
    wanted = host.lower()
    for one in model.instances:
        if wanted in {one.domain, one.vpc_domain} or customs.get(wanted) == one.id:
            return one
    return None


def _seen(model: NetworkModel, instance: Instance) -> InstanceSeen:
    endpoint = model.endpoint_of(instance.id)
    return InstanceSeen(
        id=instance.id,
        name=instance.name,
        domain=instance.domain,
        vpc_domain=instance.vpc_domain,
        public_address=instance.public_address,
        endpoint_open=is_open(endpoint),
        allowlist=tuple(rule.cidr for rule in endpoint.rules),
        loopback_port=instance.loopback_port,
    )


def _links(model: NetworkModel, instance: Instance, host: str) -> tuple[LinkSeen, ...]:
    return tuple(
        LinkSeen(
            vpc_id=one.vpc_id,
            status=one.status.value,
            access_ip=one.access_ip,
            resolves=one.resolve_vpc_domain
            if host.lower() == instance.vpc_domain
            else one.resolve_default_domain,
        )
        for one in model.links
        if one.instance_id == instance.id
    )


def _near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(get_close_matches(name, sorted(known), _NEAR))


def _split(host: str) -> tuple[str, int]:
    """A host and its port; 0 when it has none."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit():
        return name.strip("[]"), int(port)
    return host.strip("[]"), 0

"""Customized domains: Create-, Describe-, DeleteInstanceCustomizedDomain.

The registry serves a domain at the doors that its instance has already; the name itself is its
owner's to point there, by a CNAME to the default domain, or inside a VPC by an A record with the
access address. There is no product for certificates here: the one that can be named stands for
certificates that the registry's own authority issues for the domain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.page import part
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.place import missing
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.claim import DOMAIN, Claim
from towline.resource.custom_domain import CustomDomain, DomainStatus
from towline.store.error import NotFound
from towline.store.write import Create, Update

CERTIFICATE = "towline"
MAX_DOMAINS = 10  # of one instance; ours: all are in one certificate
_LOCAL = ("cluster.local", "svc", "default", "kube-system", "localhost", "localdomain")
"""What clusters and machines call their own: `kubernetes.default` is the API to every pod. Private
endings like `internal` are their owners' to use."""
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")


class CreateCustomizedDomain(Parameters, frozen=True, kw_only=True):
    """Under which further name an instance is to be served."""

    registry_id: str
    domain_name: str
    certificate_id: str


class DescribeCustomizedDomain(Parameters, frozen=True, kw_only=True):
    """Whose domains to show."""

    registry_id: str
    limit: int = 20
    offset: int = 0


class DomainInfo(Answer, frozen=True, kw_only=True):
    """One domain, as the API shows it."""

    registry_id: str
    cert_id: str
    domain_name: str
    status: str


class Domains(Answer, frozen=True, kw_only=True):
    """Some of the domains, and how many there are."""

    domain_info_list: tuple[DomainInfo, ...]
    total_count: int


class DeleteCustomizedDomain(Parameters, frozen=True, kw_only=True):
    """Which domain is to be served no more."""

    registry_id: str
    domain_name: str
    certificate_id: str = ""


async def create_customized_domain(context: Context, asked: CreateCustomizedDomain) -> Done:
    """Ask for an instance to be served under one more name."""
    resources = context.resources
    name = _name(context, asked.domain_name)
    if asked.certificate_id != CERTIFICATE:
        raise Refusal(
            "InvalidParameter",
            f"There is no certificate `{asked.certificate_id}`: give `{CERTIFICATE}`, for which the"
            " installation's own authority issues one for the domain.",
        )

    def decide() -> Decision[Done]:
        instance = resources.running(asked.registry_id)
        _check_new(resources, instance.id, name)
        domain = CustomDomain(
            instance_id=instance.id,
            name=name,
            certificate_id=asked.certificate_id,
            created_at=context.now(),
        )
        writes = (
            witness(resources.instances, "", instance.id),
            _claim(resources, name, instance.id),
            resources.custom_domains.creation(instance.id, name, domain),
        )
        return Decision(writes, Done())

    return await settle(resources.store, decide)


async def describe_customized_domain(context: Context, asked: DescribeCustomizedDomain) -> Domains:
    """Show the domains of an instance, the oldest first."""
    instance = context.resources.instance(asked.registry_id)
    found = context.resources.custom_domains.by_age(instance.id)
    shown = tuple(
        DomainInfo(
            registry_id=one.instance_id,
            cert_id=one.certificate_id,
            domain_name=one.name,
            status=one.status.value,
        )
        for one in part(found, asked.offset, asked.limit)
    )
    return Domains(domain_info_list=shown, total_count=len(found))


async def delete_customized_domain(context: Context, asked: DeleteCustomizedDomain) -> Done:
    """Ask for a name to be served no more; the default domain always is."""
    instance = context.resources.instance(asked.registry_id)
    name = asked.domain_name.lower().removesuffix(".")

    def going(held: CustomDomain) -> CustomDomain:
        return msgspec.structs.replace(held, status=DomainStatus.DELETING)

    try:
        await context.resources.custom_domains.update(instance.id, name, going)
    except NotFound:
        raise missing(f"The registry {instance.id} has no domain {name}.") from None
    return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "CreateInstanceCustomizedDomain": Action(CreateCustomizedDomain, create_customized_domain),
    "DescribeInstanceCustomizedDomain": Action(
        DescribeCustomizedDomain, describe_customized_domain
    ),
    "DeleteInstanceCustomizedDomain": Action(DeleteCustomizedDomain, delete_customized_domain),
}


def _name(context: Context, text: str) -> str:
    """The domain as it is stored; refused when it is none, or one that only we may give."""
    name = text.lower().removesuffix(".")
    if not _DOMAIN.fullmatch(name):
        raise Refusal("InvalidParameter", f"`{text}` is no domain name.")
    if f".{name}".endswith(f".{context.settings.domain_suffix}"):
        raise Refusal(
            "InvalidParameter", f"Names under {context.settings.domain_suffix} are not given away."
        )
    if any(f".{name}".endswith(f".{local}") for local in _LOCAL):
        raise Refusal(
            "InvalidParameter", f"`{name}` is a name that clusters and machines use for themselves."
        )
    return name


def _check_new(resources: Resources, instance_id: str, name: str) -> None:
    held = resources.claims.get(DOMAIN, name)
    # The claim of an instance that no longer has the domain counts for nothing.
    if held is not None and resources.custom_domains.get(held.owner_id, name) is not None:
        raise Refusal("FailedOperation.ErrorTcrResourceConflict", f"The domain {name} is in use.")
    if len(resources.custom_domains.list(instance_id)) >= MAX_DOMAINS:
        raise Refusal(
            "OperationDenied.QuotaOverLimit", f"An instance has at most {MAX_DOMAINS} domains."
        )


def _claim(resources: Resources, name: str, instance_id: str) -> Create | Update:
    record = resources.claims.record(DOMAIN, name)
    if record is None:
        return resources.claims.creation(DOMAIN, name, Claim(instance_id))
    return resources.claims.replacement(record, Claim(instance_id))

"""Names of instances: what may be one, who has one, and CheckInstanceName."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.resource.claim import NAME, Claim
from towline.resource.instance import Instance
from towline.store.write import Create, Update

# The cloud asks for five characters; four are allowed here, so that an instance can be called
# `demo`.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{2,48}[a-z0-9]")
_RESERVED = frozenset({"mirror", "quay", "nvcr", "public", "admin", "harbor", "registry"})


class Fault(IntEnum):
    """Why a name cannot be had, in the numbers of `CheckInstanceName.DetailCode`."""

    NONE = 0
    ILLEGAL = 1
    RESERVED = 2
    EXISTS = 3


class CheckInstanceName(Parameters, frozen=True, kw_only=True):
    """Which name to look at."""

    registry_name: str


class CheckedName(Answer, frozen=True, kw_only=True):
    """Whether the name can be had, and if not, why."""

    is_validated: bool
    detail_code: int


async def check_instance_name(context: Context, asked: CheckInstanceName) -> CheckedName:
    """Say whether an instance could have this name now."""
    fault = _fault(context.resources, asked.registry_name)
    return CheckedName(is_validated=fault is Fault.NONE, detail_code=fault)


ACTIONS: Mapping[str, AnyAction] = {
    "CheckInstanceName": Action(CheckInstanceName, check_instance_name),
}


def refuse_name(resources: Resources, name: str) -> None:
    """Refuse a name that cannot be had."""
    match _fault(resources, name):
        case Fault.ILLEGAL:
            raise Refusal(
                "InvalidParameter.ErrorNameIllegal",
                f"`{name}` is no registry name: 4 to 50 of a-z, 0-9 and -, not - at either end.",
            )
        case Fault.RESERVED:
            raise Refusal("InvalidParameter.ErrorNameReserved", f"The name `{name}` is reserved.")
        case Fault.EXISTS:
            raise Refusal("InvalidParameter.ErrorNameExists", f"The name `{name}` is taken.")


def naming(resources: Resources, instance: Instance) -> Create | Update:
    """The write that takes the instance's name, which must be nobody's now."""
    name = instance.name
    refuse_name(resources, name)
    record = resources.claims.record(NAME, name)
    if record is None:
        return resources.claims.creation(NAME, name, Claim(instance.id))
    return resources.claims.replacement(record, Claim(instance.id))


def _fault(resources: Resources, name: str) -> Fault:
    if not _NAME.fullmatch(name):
        return Fault.ILLEGAL
    # `<name>-vpc` is the private domain of the instance `<name>`.
    if name in _RESERVED or name.endswith("-vpc"):
        return Fault.RESERVED
    held = resources.claims.get(NAME, name)
    # A claim of an instance that is gone does not count.
    is_taken = held is not None and resources.instances.get("", held.owner_id) is not None
    return Fault.EXISTS if is_taken else Fault.NONE

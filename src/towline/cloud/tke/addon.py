"""Add-ons: InstallAddon, UpdateAddon, DescribeAddon, DescribeAddonValues, DeleteAddon.

There is one, `tcr`: it releases registry credentials into the namespaces that its values name. The
cloud's own takes a login in its values; this one issues its own, for an hour each, and revokes them
when it is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.cloud.tke.addon_values import DEFAULT_VALUES, decoded, encoded, releases_of
from towline.cloud.tke.lookup import running, the_cluster
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.addon import Addon, AddonPhase

TCR = "tcr"
_VERSION = "1.0.0"


class InstallAddon(Parameters, frozen=True, kw_only=True):
    """Which add-on to install, and with which values."""

    cluster_id: str
    addon_name: str
    addon_version: str = ""
    raw_values: str = ""
    dry_run: bool = False


class UpdateAddon(Parameters, frozen=True, kw_only=True):
    """What an installed add-on is to be; what is not given stays."""

    cluster_id: str
    addon_name: str
    addon_version: str = ""
    raw_values: str = ""
    update_strategy: str = "merge"
    dry_run: bool = False


class DescribeAddon(Parameters, frozen=True, kw_only=True):
    """Which add-on to show; all of the cluster when none is named."""

    cluster_id: str
    addon_name: str = ""


class AddonInfo(Answer, frozen=True, kw_only=True):
    """One add-on, as the API shows it."""

    addon_name: str
    addon_version: str
    raw_values: str
    phase: str
    reason: str = ""
    create_time: str


class Addons(Answer, frozen=True, kw_only=True):
    """The add-ons asked for."""

    addons: tuple[AddonInfo, ...]


class DescribeAddonValues(Parameters, frozen=True, kw_only=True):
    """Whose values to show."""

    cluster_id: str
    addon_name: str


class AddonValues(Answer, frozen=True, kw_only=True):
    """The values of an add-on, as JSON."""

    values: str
    default_values: str


class DeleteAddon(Parameters, frozen=True, kw_only=True):
    """Which add-on to remove."""

    cluster_id: str
    addon_name: str


async def install_addon(context: Context, asked: InstallAddon) -> Done:
    """Ask for an add-on."""
    resources = context.resources
    _refuse_unknown(asked.addon_name)
    values = decoded(asked.raw_values)

    def decide() -> Decision[Done]:
        cluster = running(resources, asked.cluster_id)
        if resources.addons.get(cluster.id, asked.addon_name) is not None:
            raise Refusal("ResourceInUse", f"{cluster.id} has the add-on {asked.addon_name}.")
        addon = Addon(
            name=asked.addon_name,
            version=asked.addon_version or _VERSION,
            values=values,
            releases=releases_of(resources, values),
            created_at=context.now(),
        )
        if asked.dry_run:
            return Decision([], Done())
        creation = resources.addons.creation(cluster.id, addon.name, addon)
        return Decision([witness(resources.clusters, "", cluster.id), creation], Done())

    return await settle(resources.store, decide)


async def update_addon(context: Context, asked: UpdateAddon) -> Done:
    """Give an add-on other values. They are small, so that there is nothing to merge."""
    resources = context.resources
    if asked.update_strategy not in ("merge", "replace"):
        raise Refusal("InvalidParameter", "UpdateStrategy is `merge` or `replace`.")

    def decide() -> Decision[Done]:
        cluster = running(resources, asked.cluster_id)
        addon = _installed(resources, cluster.id, asked.addon_name)
        if addon.phase is AddonPhase.TERMINATING:
            raise Refusal("FailedOperation", f"The add-on {addon.name} is being deleted.")
        values = decoded(asked.raw_values) if asked.raw_values else addon.values
        changed = msgspec.structs.replace(
            addon,
            version=asked.addon_version or addon.version,
            values=values,
            releases=releases_of(resources, values),
            phase=AddonPhase.UPGRADING,
        )
        if asked.dry_run:
            return Decision([], Done())
        return Decision([resources.addons.substitution(cluster.id, addon.name, changed)], Done())

    return await settle(resources.store, decide)


async def describe_addon(context: Context, asked: DescribeAddon) -> Addons:
    """Show add-ons with the values that they were installed with."""
    cluster = the_cluster(context.resources, asked.cluster_id)
    held = context.resources.addons.list(cluster.id)
    if asked.addon_name:
        held = (_installed(context.resources, cluster.id, asked.addon_name),)
    return Addons(addons=tuple(map(_info, held)))


async def describe_addon_values(context: Context, asked: DescribeAddonValues) -> AddonValues:
    """Show an add-on's values; its defaults when it is not installed."""
    _refuse_unknown(asked.addon_name)
    cluster = the_cluster(context.resources, asked.cluster_id)
    held = context.resources.addons.get(cluster.id, asked.addon_name)
    values = held.values if held else DEFAULT_VALUES
    return AddonValues(values=values, default_values=DEFAULT_VALUES)


async def delete_addon(context: Context, asked: DeleteAddon) -> Done:
    """Ask for the removal of an add-on; what it released is revoked."""
    resources = context.resources

    def decide() -> Decision[Done]:
        cluster = running(resources, asked.cluster_id)
        addon = _installed(resources, cluster.id, asked.addon_name)
        ending = msgspec.structs.replace(addon, phase=AddonPhase.TERMINATING)
        if ending == addon:
            return Decision([], Done())
        return Decision([resources.addons.substitution(cluster.id, addon.name, ending)], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "InstallAddon": Action(InstallAddon, install_addon),
    "UpdateAddon": Action(UpdateAddon, update_addon),
    "DescribeAddon": Action(DescribeAddon, describe_addon),
    "DescribeAddonValues": Action(DescribeAddonValues, describe_addon_values),
    "DeleteAddon": Action(DeleteAddon, delete_addon),
}


def _refuse_unknown(name: str) -> None:
    if name != TCR:
        raise Refusal("InvalidParameter", f"There is no add-on `{name}` here, only `{TCR}`.")


def _installed(resources: Resources, cluster_id: str, name: str) -> Addon:
    addon = resources.addons.get(cluster_id, name)
    if addon is None:
        raise Refusal("ResourceNotFound", f"{cluster_id} has no add-on `{name}`.")
    return addon


def _info(addon: Addon) -> AddonInfo:
    return AddonInfo(
        addon_name=addon.name,
        addon_version=addon.version,
        raw_values=encoded(addon.values),
        phase=addon.phase.value,
        create_time=addon.created_at,
    )

"""`towline credential …`: what lets docker, CI and clusters into a registry."""

from __future__ import annotations

import secrets
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, registries
from towline.cli.instance import InstanceArgument
from towline.cli.render import Output, OutputOption, done, moment, show_one, show_rows
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.cloud_registry import Registries
    from towline.client.cloud_view import AccountView, DoorView, InstanceView, SecretView

credential_app = typer.Typer(
    name="credential", help="User names and passwords of a registry.", no_args_is_help=True
)

_HOUR = 3600_000  # milliseconds
_NEVER = -1


class Right(StrEnum):
    """What a credential may do in its namespace."""

    PULL = "pull"
    PUSH = "push"


_ACTIONS = {
    Right.PULL: ["tcr:PullRepository"],
    Right.PUSH: ["tcr:PullRepository", "tcr:PushRepository", "tcr:CreateRepository"],
}


@credential_app.command("create")
def create(
    instance: InstanceArgument,
    *,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Only for this namespace; may be repeated."),
    ] = None,
    right: Annotated[
        Right | None,
        typer.Option(
            "--right",
            help="pull only, or push as well (the default); see --namespace, --temporary.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="With --namespace: the account's name; default: random.")
    ] = "",
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    temporary: Annotated[bool, typer.Option("--temporary", help="Valid for one hour.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a user name and a password; the password is shown only now.

    Without --namespace it opens the whole instance: to push as well, or, with --temporary and
    --right pull, to pull for an hour.

    Example: towline credential create demo --namespace apps --right pull
    """
    if not namespace:
        _check_whole(instance, right, name, temporary=temporary)

    async def run() -> tuple[SecretView, DoorView]:
        cloud = registries()
        found = await cloud.instance(instance)
        if not namespace and right is Right.PULL:
            made = await cloud.create_pull_token(found, description)
        elif not namespace:
            made = await cloud.create_token(found, description, temporary=temporary)
        else:
            expiry = int(time.time() * 1000) + _HOUR if temporary else _NEVER
            account = name or f"{namespace[0]}-{secrets.token_hex(4)}"
            rights = dict.fromkeys(namespace, _ACTIONS[right or Right.PUSH])
            made = await cloud.create_account(found, account, rights, expiry)
        return made, await cloud.door(found)

    made, door = call(run())
    _show_secret(made, door, output)


@credential_app.command("list")
def list_(instance: InstanceArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show the long-term credentials of a registry, without their passwords.

    Example: towline credential list demo
    """

    async def run() -> list[dict[str, Any]]:
        cloud = registries()
        return await _rows(cloud, await cloud.instance(instance))

    rows = call(run())
    show_rows(rows, output, empty=f"None yet. Create one: towline credential create {instance}")


@credential_app.command("delete")
def delete(
    instance: InstanceArgument,
    credential: Annotated[
        str, typer.Argument(metavar="ID", help="As `towline credential list` shows it.")
    ],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a credential; it is refused from now on.

    Example: towline credential delete demo 'tcr$apps-1f2e3d4c'
    """

    async def run() -> None:
        cloud = registries()
        await cloud.delete_credential(await cloud.instance(instance), credential)

    call(run())
    done(f"credential {credential} deleted", output, id=credential, deleted=True)


def _check_whole(instance: str, right: Right | None, name: str, *, temporary: bool) -> None:
    """Only a service account has a name, or pulls for long; and it is made for namespaces."""
    if name:
        option, hour = f"--name {name}", ""
    elif right is Right.PULL and not temporary:
        option, hour = "--right pull", "; or, for an hour in all of them, add --temporary"
    else:
        return
    raise Problem(
        "credential-needs-namespace",
        cause=f"{option} needs --namespace: a credential of the whole instance has no such thing",
        remedy=f"`towline credential create {instance} {option} --namespace NAMESPACE`{hour}",
    )


async def _rows(cloud: Registries, instance: InstanceView) -> list[dict[str, Any]]:
    tokens = [
        {
            "id": token.id,
            "namespaces": ["(all)"],
            "right": Right.PUSH.value,
            "enabled": token.enabled,
            "created": token.created_at,
            "expires": moment(token.expired_at),
            "description": token.desc,
        }
        for token in await cloud.tokens(instance)
    ]
    accounts = [
        {
            "id": account.name,
            "namespaces": [grant.resource for grant in account.permissions],
            "right": _rights(account),
            "enabled": not account.disable,
            "created": account.create_time,
            "expires": moment(account.expires_at),
            "description": account.description,
        }
        for account in await cloud.accounts(instance)
    ]
    return tokens + accounts


def _rights(account: AccountView) -> str:
    """What an account may do; where its namespaces differ, in each of them."""
    rights = {grant.resource: _right(grant.actions) for grant in account.permissions}
    if len(set(rights.values())) == 1:
        return next(iter(rights.values()))
    return ", ".join(f"{namespace}: {right}" for namespace, right in rights.items())


def _right(actions: list[str]) -> str:
    """The right that these actions make, or else the actions themselves."""
    for right, meant in _ACTIONS.items():
        if sorted(actions) == sorted(meant):
            return right.value
    return " ".join(action.removeprefix("tcr:") for action in actions)


def _show_secret(made: SecretView, door: DoorView, output: Output) -> None:
    host = door.loopback_endpoint.removeprefix("http://")
    row = {
        "id": made.id,
        "username": made.username,
        "password": made.password,
        "expires": moment(made.expires_at),
        "server": door.domain,
        "loopback": host,
    }
    hint = "The password is not shown again."
    if host:
        hint += f"\n  docker login -u '{made.username}' -p '{made.password}' {host}"
    show_one(row, output, hint=hint)

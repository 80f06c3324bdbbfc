"""`towline access-key …`: with which requests to the cloud are signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call
from towline.cli.render import Output, OutputOption, done, show_one, show_rows

if TYPE_CHECKING:
    from towline.client.cloud_account import Accounts, KeyView

access_key_app = typer.Typer(
    name="access-key", help="Keys for the cloud's API, and whose they are.", no_args_is_help=True
)

AccountOption = Annotated[
    int | None,
    typer.Option("--account", metavar="UIN", help="Of this account; default: your own."),
]
KeyArgument = Annotated[str, typer.Argument(metavar="SECRET_ID", help="Which key.")]


@access_key_app.command("create")
def create(
    *,
    account: AccountOption = None,
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a key; its secret is shown only now.

    An account comes to be with its first key: give each colleague a number of their own.

    Example: towline access-key create --account 100000000002 --description "Ada's laptop"
    """

    async def run() -> KeyView:
        return await accounts().create_key(account, description)

    made = call(run())
    row = {"secretId": made.access_key_id, "secretKey": made.secret_access_key}
    hint = "Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY to use it."
    show_one({**row, "description": made.description}, output, hint=hint)


@access_key_app.command("list")
def list_(*, account: AccountOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show the keys of an account, without their secrets.

    Example: towline access-key list
    """

    async def run() -> list[KeyView]:
        return await accounts().keys(account)

    rows = [_row(key) for key in call(run())]
    show_rows(rows, output, empty="There are none: towline access-key create")


@access_key_app.command("enable")
def enable(
    key: KeyArgument, *, account: AccountOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Let a disabled key open the cloud again.

    Example: towline access-key enable AKID2r7…
    """
    _set(key, "Active", account)
    done(f"{key} is enabled.", output, secretId=key, status="Active")


@access_key_app.command("disable")
def disable(
    key: KeyArgument, *, account: AccountOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Let a key open nothing from now on, and neither what was lent with it.

    Example: towline access-key disable AKID2r7…
    """
    _set(key, "Inactive", account)
    done(f"{key} is disabled.", output, secretId=key, status="Inactive")


@access_key_app.command("delete")
def delete(
    key: KeyArgument, *, account: AccountOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Delete a key for good.

    Example: towline access-key delete AKID2r7…
    """

    async def run() -> None:
        await accounts().delete_key(key, account)

    call(run())
    done(f"{key} is deleted.", output, secretId=key, deleted=True)


def accounts() -> Accounts:
    """Keys of accounts, and the audit."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_account import Accounts

    return Accounts(open_cloud())


def _set(key: str, status: str, account: int | None) -> None:
    async def run() -> None:
        await accounts().set_status(key, status, account)

    call(run())


def _row(key: KeyView) -> dict[str, Any]:
    return {
        "secretId": key.access_key_id,
        "status": key.status,
        "created": key.create_time,
        "description": key.description,
    }

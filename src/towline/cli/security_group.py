"""`towline security-group …`: which connections pods may begin, and which may reach them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, security_groups
from towline.cli.render import Output, OutputOption, done, show_one, show_rows

if TYPE_CHECKING:
    from towline.client.cloud_view import SecurityGroupView, SecurityRulesView

security_group_app = typer.Typer(
    name="security-group",
    help="Which connections pods may begin, and which may reach them.",
    no_args_is_help=True,
)

GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="Its name or id.")]
_USE = (
    "A pod takes it by an annotation:\n  eks.tke.cloud.tencent.com/security-group-id: {id}\n"
    "What no rule allows is dropped; answers always pass."
)


class Direction(StrEnum):
    """Which way a connection is begun, seen from the pod."""

    EGRESS = "egress"
    INGRESS = "ingress"


DirectionArgument = Annotated[Direction, typer.Argument(help="Seen from the pod.")]


@security_group_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    *,
    description: Annotated[str, typer.Option("--description", help="What for.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a security group; without rules it lets nothing pass.

    Example: towline security-group create pods
    """
    made = call(security_groups().create(name, description or name))
    show_one(_row(made), output, hint=_USE.format(id=made.security_group_id))


@security_group_app.command("list")
def list_(*, output: OutputOption = Output.TABLE) -> None:
    """Show all security groups.

    Example: towline security-group list
    """
    rows = [_row(group) for group in call(security_groups().groups())]
    show_rows(rows, output, empty="None yet: towline security-group create NAME")


@security_group_app.command("show")
def show(group: GroupArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show the rules of a group in the order in which they are asked.

    Example: towline security-group show pods
    """

    async def run() -> tuple[SecurityGroupView, SecurityRulesView]:
        found = await security_groups().group(group)
        return found, await security_groups().rules(found.security_group_id)

    found, rules = call(run())
    if output is Output.JSON:
        show_one({**_row(found), "rules": _rules(rules)}, output)
    else:
        show_one(_row(found), output)
        typer.echo()
        show_rows(_rules(rules), output, empty="No rules: nothing passes.")


@security_group_app.command("add-rule")
def add_rule(
    group: GroupArgument,
    direction: DirectionArgument,
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="accept|drop:PROTOCOL[:PORTS[:CIDR]]")
    ],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Put a rule before all others.

    Example: towline security-group add-rule pods egress accept:tcp:443:0.0.0.0/0
    """

    async def run() -> SecurityRulesView:
        from towline.client.cloud_view import SecurityRuleView

        action, protocol, ports, cidr = (*rule.split(":"), *("",) * 3)[:4]
        asked = SecurityRuleView(
            protocol=protocol.upper(),
            port=ports.upper() or "ALL",
            cidr_block=cidr or "0.0.0.0/0",
            action=action.upper(),
        )
        found = await security_groups().group(group)
        await security_groups().add(found.security_group_id, direction.capitalize(), asked)
        return await security_groups().rules(found.security_group_id)

    show_rows(_rules(call(run())), output, empty="")


@security_group_app.command("remove-rule")
def remove_rule(
    group: GroupArgument,
    direction: DirectionArgument,
    index: Annotated[int, typer.Argument(metavar="INDEX", help="As `show` tells it.")],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take a rule out of a group.

    Example: towline security-group remove-rule pods egress 0
    """

    async def run() -> SecurityRulesView:
        found = await security_groups().group(group)
        await security_groups().remove(found.security_group_id, direction.capitalize(), index)
        return await security_groups().rules(found.security_group_id)

    show_rows(_rules(call(run())), output, empty="No rules are left: nothing passes.")


@security_group_app.command("delete")
def delete(group: GroupArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Delete a security group that no pod uses.

    Example: towline security-group delete pods
    """

    async def run() -> SecurityGroupView:
        found = await security_groups().group(group)
        await security_groups().delete(found.security_group_id)
        return found

    gone = call(run())
    done(f"security group {gone.security_group_name} deleted", output, id=gone.security_group_id)


def _row(group: SecurityGroupView) -> dict[str, Any]:
    return {
        "name": group.security_group_name,
        "id": group.security_group_id,
        "description": group.security_group_desc,
    }


def _rules(rules: SecurityRulesView) -> list[dict[str, Any]]:
    return [
        {
            "direction": direction.value,
            "index": rule.policy_index,
            "action": rule.action,
            "protocol": rule.protocol,
            "ports": rule.port,
            "cidr": rule.cidr_block,
        }
        for direction, listed in (
            (Direction.EGRESS, rules.egress),
            (Direction.INGRESS, rules.ingress),
        )
        for rule in listed
    ]

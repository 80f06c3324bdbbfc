"""The root of the command line: every noun and verb, and how a `Problem` is shown.

A `Problem` ends the program with exit code 1 and no traceback; anything else is a defect and keeps
its traceback.
"""

from __future__ import annotations

import sys

import typer

from towline.cli.credential import credential_app
from towline.cli.instance import instance_app
from towline.cli.link import link_app
from towline.cli.namespace import namespace_app
from towline.cli.pull import pull_command
from towline.cli.push import push_command
from towline.cli.subnet import subnet_app
from towline.cli.vpc import vpc_app
from towline.problem import Problem

INTERRUPTED = 130  # what a shell reports for SIGINT


def build() -> typer.Typer:
    """The whole command line, to which `main` adds the roles."""
    app = typer.Typer(
        name="towline",
        help="A private container registry, a serverless cluster that pulls from it, and the "
        "network between them.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for noun in (instance_app, namespace_app, credential_app, link_app, vpc_app, subnet_app):
        app.add_typer(noun)
    app.command("pull")(pull_command)
    app.command("push")(push_command)
    return app


def run(app: typer.Typer) -> int:
    """Run the command line; the exit code."""
    try:
        app()
    except Problem as problem:
        print(f"towline: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0

"""`towline push` before our own registry, which makes no namespaces on a push."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.images import file, image, tar, write_layout
from tests.registry_role import SECRET, USER, RegistryRole, serving

from towline.cli.app import build, run
from towline.cli.command_table import CLIENT_COMMANDS


@pytest.fixture(scope="module")
def role(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryRole]:
    """A registry with one namespace."""
    with serving(tmp_path_factory.mktemp("registry"), "team") as role:
        yield role


@pytest.mark.parametrize(
    ("repository", "remedy"),
    [
        ("absent/app", "create the namespace first: `towline namespace create INSTANCE absent`"),
        ("app", "push into a namespace, like NAMESPACE/app: `towline namespace list INSTANCE`"),
    ],
)
def test_a_push_to_no_namespace_says_how_to_make_one(
    role: RegistryRole,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    repository: str,
    remedy: str,
) -> None:
    """Rather than to look into a log."""
    write_layout(tmp_path / "layout", image(tar(file("hello"))), "1")
    target = f"127.0.0.1:{role.port}/{repository}:1"
    code = run(
        build(CLIENT_COMMANDS), ["push", str(tmp_path / "layout"), target, "-u", USER, "-p", SECRET]
    )

    assert code == 1
    assert f"remedy: {remedy}" in capsys.readouterr().err

"""What all chapters of the suite share: who may run them, and saying loudly what could not be run."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator

import pytest
from hypothesis import settings

# How long an example takes depends on who else uses the machine.
settings.register_profile("untimed", deadline=None)
# The same examples in every run, where a change is judged: luck in finding must not decide about it.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("untimed")


def needs_root() -> bool:
    """Whether this run lacks the privileges that tests marked `root` need."""
    return sys.platform != "linux" or os.geteuid() != 0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a machine that has everything insist on it."""
    parser.addoption("--nothing-skipped", action="store_true", help="A skipped test fails.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a skip as a failure where nothing may be skipped."""
    report = yield
    if report.skipped and item.config.getoption("nothing_skipped"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """And a module that skips itself."""
    report = yield
    if report.skipped and collector.config.getoption("nothing_skipped"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs root where there is none; the closing summary names every one of them."""
    if not needs_root():
        return
    skip = pytest.mark.skip(reason="needs root on Linux: run `sudo make test`")
    for item in items:
        if "root" in item.keywords:
            item.add_marker(skip)

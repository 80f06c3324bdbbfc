"""A test that is skipped where everything is installed is one that nobody runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.house.house import ROOT

TEST = "import pytest\n\ndef test_it() -> None:\n    pytest.skip('no luck')\n"
MODULE = "import pytest\n\npytest.skip('no luck', allow_module_level=True)\n"


def run(folder: Path, text: str, *options: str) -> tuple[int, str]:
    """How a suite of one module ends that has our conftest, and its closing line."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_one.py").write_text(text)
    alone = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    command = [*alone, "--rootdir", str(folder), *options, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "counted"), [(TEST, "1 failed"), (MODULE, "1 error")], ids=["test", "module"]
)
def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path, text: str, counted: str) -> None:
    """And the closing line counts it; elsewhere it is only told."""
    code, closing = run(tmp_path, text, "--nothing-skipped")
    _, lenient = run(tmp_path, text)

    assert code != 0
    assert closing.startswith(counted)
    assert lenient.startswith("1 skipped")


def test_the_run_that_decides_skips_nothing() -> None:
    """It is root, and has installed everything; what one half leaves out, the other runs."""
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    (options,) = (line for line in lines if line.startswith("options="))
    halves = [line for line in lines if ".venv/bin/pytest " in line]

    assert "--nothing-skipped" in options
    assert all('"${options[@]}"' in half for half in halves)
    assert ['"${waiting[@]}"' in half for half in halves] == [False, True]
    assert ['"${others[@]}"' in half for half in halves] == [True, False]
    assert 'others=("${waiting[@]/#/--ignore=}")' in lines

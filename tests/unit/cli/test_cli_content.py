"""The layers of this machine on the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.images import file, tar
from typer.testing import CliRunner

from towline.cli.content import content_app
from towline.content.erofs import TAR_OFFSET
from towline.content.garbage import WaterMarks, period
from towline.content.layer_file import seal
from towline.content.layers import LayerStore
from towline.content.tar_index import TarIndex
from towline.content.tree import build_tree
from towline.kube.annotations import IMAGE_GC_LOW_THRESHOLD, IMAGE_GC_PERIOD
from towline.oci.digest import Digest
from towline.problem import Problem

TARS = tuple(tar(file(name, name.encode() * 5000)) for name in ("a", "b", "c"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three layers, the first of which was wanted longest ago."""
    root = tmp_path / "layers"
    LayerStore(root).close()
    for number, content in enumerate(TARS):
        _keep(root / "sha256" / Digest.of(content).hex, content)
        at = 1_700_000_000 + number
        os.utime(root / "sha256" / Digest.of(content).hex, (at, at))
    return root


def _keep(path: Path, content: bytes) -> None:
    index = TarIndex()
    index.feed(content)
    with path.open("w+b") as out:
        out.seek(TAR_OFFSET)
        out.write(content)
        out.flush()
        seal(out.fileno(), Digest.of(content), len(content), build_tree(index.members))


def content(store: Path, *words: str) -> tuple[int, str]:
    """Run `towline content …`: how it ends, and what it prints; a problem comes out as itself."""
    result = CliRunner().invoke(content_app, [*words, "--store", str(store)])
    if isinstance(result.exception, Problem):
        raise result.exception
    return result.exit_code, result.stdout


def test_layers_are_listed_as_they_were_wanted(store: Path) -> None:
    """For people and for programs, also while somebody else has them open."""
    held = LayerStore(store)
    try:
        listed = json.loads(content(store, "list", "-o", "json")[1])
        assert "LAYER" in content(store, "list")[1]
    finally:
        held.close()

    assert [row["layer"] for row in listed] == [str(Digest.of(one)) for one in TARS]
    assert listed[0]["wantedAt"] == "2023-11-14T22:13:20Z"
    assert listed[0]["bytes"] > 0


def test_a_damaged_layer_is_found_and_removed(store: Path) -> None:
    """By one byte among all; the others stay."""
    assert content(store, "verify")[0] == 0
    path = store / "sha256" / Digest.of(TARS[1]).hex
    damaged = bytearray(path.read_bytes())
    damaged[TAR_OFFSET + 600] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(Problem, match=r"of 3 layers in .*, 1 are damaged"):
        content(store, "verify")
    code, printed = content(store, "verify", "--remove", "-o", "json")

    assert code == 0
    damaged_ones = [row["layer"] for row in json.loads(printed) if row["damage"] != "none"]
    assert damaged_ones == [str(Digest.of(TARS[1]))]
    assert not path.exists()
    assert len(json.loads(content(store, "verify", "-o", "json")[1])) == 2


def test_layers_are_reclaimed_down_to_a_size(store: Path) -> None:
    """Those wanted longest ago go; not while an agent has them."""
    size = json.loads(content(store, "list", "-o", "json")[1])[0]["bytes"]
    held = LayerStore(store)
    with pytest.raises(Problem, match="another process keeps its layers"):
        content(store, "reclaim")
    held.close()

    code, printed = content(store, "reclaim", "--keep", f"{2 * size}B", "-o", "json")
    assert (code, json.loads(printed)["removed"]) == (0, [str(Digest.of(TARS[0]))])
    assert "Removed 2 of 2 layers" in content(store, "reclaim")[1]
    with pytest.raises(Problem, match="'many' is not a size"):
        content(store, "reclaim", "--keep", "many")


@pytest.mark.parametrize(
    ("marks", "free", "excess"),
    [
        (WaterMarks(), 21, 0),
        (WaterMarks(), 20, 5),
        (WaterMarks(), 1, 24),
        (WaterMarks.parse("50", "40"), 49, 11),
        (WaterMarks.parse("50", "60"), 40, 15),
        (WaterMarks.parse("much", "-1"), 20, 5),
        (WaterMarks.from_annotations({IMAGE_GC_LOW_THRESHOLD: "10"}), 20, 70),
    ],
    ids=["below", "at", "above", "own", "crossed", "nonsense", "annotated"],
)
def test_a_disk_above_its_mark_is_brought_below_the_other(
    marks: WaterMarks, free: int, excess: int
) -> None:
    """Of a disk of 100 bytes."""
    assert marks.excess(100, free) == excess


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("2h", 7200), ("", 180), ("1s", 180), ("soon", 180)]
)
def test_a_pod_says_how_often_the_disk_is_looked_at(text: str, seconds: float) -> None:
    """Not more often than makes sense."""
    assert period({IMAGE_GC_PERIOD: text}) == seconds

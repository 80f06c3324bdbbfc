"""How soon a container of a large image says something when the line is slow, and when all of it is here.

    sudo .venv/bin/python bench/lazy.py [--image b|c] [--runs N] [--peers NAME,…] [--json]

The images of `bench/pull.py` lie in our own registry, which has indexed them; between it and those who
pull is a line of 200 Mbit/s (`tools/slow_link.py`). Towline pulls by TLS, containerd 2.3.4 (default,
tuned, erofs snapshotter) by plain HTTP from the same process. They take turns, and every run gets a
filesystem that nobody has used. First output is that of the image's own command: `md5sum` of a file of
10 MB (c), 330 small files (b). The time of the line is that of a plain download of the same layers,
in every round. Medians are compared. As root.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.pull import CACHE, disk, fresh
from tools.pull_images import layout
from tools.pull_peers import peers
from tools.slow_link import ADDRESS, SlowLink, slow_link

_ROOT = Path(__file__).parent.parent
MEGABITS = 200
RIVALS = ("containerd-default", "containerd-tuned", "containerd-erofs")


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds from the wish for an image."""

    first_output: float
    all_local: float


Runner = Callable[[Path], Took]
"""Pulls the image into an empty folder and runs it."""


@dataclass(frozen=True, slots=True)
class Ours:
    """Towline's sandbox, as it is in the agent."""

    link: SlowLink
    name: str
    diff_ids: list[str]

    def __call__(self, folder: Path) -> Took:
        """See `Runner`."""
        place = [str(folder), str(self.link.place), ADDRESS]
        place += [self.link.domain, str(self.link.ca_file)]
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.lazy_engine", *place],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdout.readline()
            wish = {"image": self.link.named(self.name), "diff_ids": self.diff_ids}
            print(json.dumps(wish), file=process.stdin, flush=True)
            said = {}
            for line in (process.stdout.readline() for _ in range(3)):
                told = json.loads(line)
                said[told["what"]] = told
        finally:
            process.communicate()
        if said["output"]["code"] != 0 or not said["output"]["output"].strip():
            raise RuntimeError(f"the container failed: {said['output']}")
        return Took(said["output"]["seconds"], said["local"]["seconds"])


def theirs(link: SlowLink, name: str, peer: str) -> Runner:
    """A containerd in the same place; the image is local when it is unpacked."""

    def run(folder: Path) -> Took:
        chosen = peers(CACHE)[peer]
        spent = link.sockets.inside(lambda: chosen.run(link.plain(name), folder))
        return Took(spent.seconds, spent.pull)

    return run


def runners(link: SlowLink, name: str, chosen: tuple[str, ...]) -> Mapping[str, Runner]:
    """Everybody who takes part, us first."""
    found: dict[str, Runner] = {
        "towline": Ours(link, name, diff_ids(layout(CACHE / "images", name)))
    }
    return found | {peer: theirs(link, name, peer) for peer in chosen}


def diff_ids(place: Path) -> list[str]:
    """The layers that an image layout's only image has, by the digests of their tars."""
    index = json.loads((place / "index.json").read_text())
    manifest = _blob(place, index["manifests"][0]["digest"])
    config = _blob(place, manifest["config"]["digest"])
    return list(config["rootfs"]["diff_ids"])


def _blob(place: Path, digest: str) -> dict[str, dict[str, str]]:
    content = (place / "blobs" / digest.replace(":", "/")).read_bytes()
    return dict(json.loads(content))


def measured(
    link: SlowLink, name: str, runs: int, chosen: tuple[str, ...]
) -> tuple[dict[str, list[Took]], list[float]]:
    """What everybody took, in turn, and what the line takes."""
    took, line = dict[str, list[Took]](), list[float]()
    with disk() as device:
        for number in range(runs):
            for who, run in runners(link, name, chosen).items():
                with fresh(device) as folder:
                    found = run(folder)
                took.setdefault(who, []).append(found)
                figures = f"{found.first_output:.2f} s, all local after {found.all_local:.2f} s"
                print(f"{number} {who}: {figures}", file=sys.stderr)
            line.append(link.plain_download(name))
            print(f"{number} the line alone: {line[-1]:.2f} s", file=sys.stderr)
    return took, line


def summary(took: Mapping[str, list[Took]], line: list[float]) -> dict[str, object]:
    """Medians, and ours by theirs."""
    medians = {
        who: {
            "first_output": round(statistics.median(each.first_output for each in found), 3),
            "all_local": round(statistics.median(each.all_local for each in found), 3),
        }
        for who, found in took.items()
    }
    alone = statistics.median(line)
    ours = medians["towline"]
    rivals = [found["first_output"] for who, found in medians.items() if who in RIVALS]
    ratios = (
        {"towline/containerd-best": round(ours["first_output"] / min(rivals), 4)} if rivals else {}
    )
    return {
        "medians": medians,
        "ratios": ratios,
        "line_seconds": round(alone, 3),
        "all_local/line": round(ours["all_local"] / alone, 4),
    }


def show(name: str, result: Mapping[str, object]) -> None:
    """For people."""
    print(
        f"image {name}{'':23}{'first output':>14}{'all local':>12}   load {os.getloadavg()[0]:.1f}"
    )
    medians = result["medians"]
    assert isinstance(medians, dict)
    for who, found in medians.items():
        print(f"{who:30}{found['first_output']:>14.2f}{found['all_local']:>12.2f}")
    print(f"{'the line alone':30}{'':14}{result['line_seconds']:>12}")
    print(
        f"first output by theirs: {result['ratios']}, all local by the line: {result['all_local/line']}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", choices=("a", "b", "c"), default="b")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default=",".join(RIVALS), help="names, separated by commas")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["TOWLINE_LAYER_INDEXES"] = "1"
    CACHE.mkdir(parents=True, exist_ok=True)
    chosen = tuple(filter(None, options.peers.split(",")))
    with (
        tempfile.TemporaryDirectory(prefix="tl-bench-", dir=CACHE) as folder,
        slow_link(Path(folder), MEGABITS) as link,
    ):
        link.push(options.image, layout(CACHE / "images", options.image))
        result = summary(*measured(link, options.image, options.runs, chosen))
    if options.json:
        print(json.dumps(result))
    else:
        show(options.image, result)


if __name__ == "__main__":
    main()

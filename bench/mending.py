"""Whether every cause is named with its object, how soon, and whether `towline fix` mends it.

    sudo .venv/bin/python bench/mending.py [--only WORD …] [--dial-timeout 30] [--json] [--verbose]

Each case of the seed and each single omission of the two network recipes is made on a running
installation of its own, one after the other, with containerd's own dial timeout of 30 s. The event
`Diagnosed` is waited for, `towline why pod/…` is asked, and both must tell the cause and name the
object that is to be changed. Then `towline fix --yes` may do what it does without a flag; what the
installation trusts is compared before and after. Where a flag is needed it must ask for it, and is
given it. What is bounded ends with its bound; exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.situation import right, trust, way
from bench.situation.ground import BARE, KEYED, Ground
from bench.situation.situation import Broken, Situation
from bench.situation.widening import trust as trusted
from demo.command import Unexpected
from demo.image import greeting
from demo.installation import until
from demo.stage import stage
from demo.story import REGISTRY, Story
from demo.teller import Teller
from demo.workload import deployment, namespace, pod
from rich.console import Console

SITUATIONS: tuple[Situation, ...] = (*right.SITUATIONS, *trust.SITUATIONS, *way.SITUATIONS)
MOST_SECONDS, LEAST_FIXED = 15.0, 0.9
PAUSE, PATIENCE = 0.1, 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one situation."""

    name: str
    code: str
    """As `towline why` tells it."""
    confidence: str
    told: str
    """What the event said; empty when there was none."""
    seconds: float
    """From the beginning of the pull to the event."""
    unnamed: tuple[str, ...]
    """What should have been named, and was not."""
    fixable: bool
    runs: bool
    ending: str
    """What `towline fix` said at the end, without a flag and with it."""
    widened: tuple[str, ...]
    """What was trusted more without being asked."""

    @property
    def is_named(self) -> bool:
        """Whether the cause and the object were both told."""
        return not self.unnamed

    @property
    def is_right(self) -> bool:
        """Whether all is as it should be."""
        good = self.is_named and self.seconds <= MOST_SECONDS and not self.widened
        return good and self.runs == self.fixable


@dataclass(frozen=True, slots=True)
class Trial:
    """One workload on trial."""

    ground: Ground
    situation: Situation
    broken: Broken
    name: str

    @property
    def target(self) -> str:
        """As `towline fix` takes it."""
        return f"{'pod' if self.broken.bare else 'deployment'}/{self.name}"

    def begin(self) -> None:
        """Apply it."""
        broken = self.broken
        if broken.bare:
            made = pod(self.name, broken.image, annotations=broken.annotations)
        else:
            manifest = json.loads(
                deployment(
                    *(self.name, broken.image, 1),
                    annotations=broken.annotations,
                    own_annotations=broken.own_annotations,
                )
            )
            secrets = [{"name": one} for one in broken.secrets]
            manifest["spec"]["template"]["spec"]["imagePullSecrets"] = secrets
            made = json.dumps(manifest)
        self.ground.story.apply(broken.namespace, made)

    def told(self) -> tuple[str, float]:
        """What the event says, and how many seconds after the pull began; raises `Unexpected`."""
        began: list[float] = []
        told: list[str] = []

        def is_told() -> bool:
            events = self._events()
            if not began and any(one["reason"] == "Pulling" for one in events):
                began.append(time.monotonic())
            told[:] = [one["message"] for one in events if one["reason"] == "Diagnosed"]
            return bool(began and told)

        until(f"diagnosis of {self.name}", is_told, PATIENCE)
        return told[0], time.monotonic() - began[0]

    def why(self) -> dict[str, Any]:
        """What the command says of the youngest pod."""
        asked = self._towline("why", f"pod/{self._pods()[0]}", "-o", "json")
        found: dict[str, Any] = json.loads(asked) if asked.startswith("{") else {}
        return found

    def fix(self, *flags: str) -> str:
        """How mending ended."""
        said = self._towline("fix", self.target, "--yes", "--timeout", "60", "-o", "json", *flags)
        try:
            return str(json.loads(said)["ending"])
        except ValueError:
            return " ".join(said.split()) or "nothing was said"

    def runs(self) -> bool:
        """Whether its pod runs, soon."""
        try:
            until("pod that runs", self._is_running, 10.0)
        except Unexpected:
            return False
        return True

    def end(self) -> None:
        """Remove it."""
        self._kubectl("delete", self.target, "--wait=false")
        until("end of the pods", lambda: not self._pods())

    def _is_running(self) -> bool:
        shown = self._kubectl("get", "pods", "-o", "json")
        return any(
            one["metadata"]["name"].startswith(self.name)
            and one["status"].get("phase") == "Running"
            and "deletionTimestamp" not in one["metadata"]
            for one in json.loads(shown)["items"]
        )

    def _pods(self) -> list[str]:
        items = json.loads(self._kubectl("get", "pods", "-o", "json"))["items"]
        return [
            one["metadata"]["name"]
            for one in items
            if one["metadata"]["name"].startswith(self.name)
        ]

    def _events(self) -> list[dict[str, Any]]:
        items = json.loads(self._kubectl("get", "events", "-o", "json"))["items"]
        return [one for one in items if one["involvedObject"]["name"].startswith(self.name)]

    def _kubectl(self, *arguments: str) -> str:
        installation = self.ground.story.installation
        return installation.kubectl("-n", self.broken.namespace, *arguments).succeeded().out

    def _towline(self, *arguments: str) -> str:
        ended = self.ground.story.installation.towline(*arguments, "-n", self.broken.namespace)
        return ended.out if ended.out.strip() else ended.err


def examine(ground: Ground, situation: Situation) -> Seen:
    """Make it, hear what is said of it, have it mended."""
    (ground.public if situation.public else ground.private)()
    ground.without_accounts()
    trial = Trial(ground, situation, situation.make(ground), ground.name("case"))
    trial.begin()
    try:
        return judge(trial)
    finally:
        trial.end()


def judge(trial: Trial) -> Seen:
    """Everything about a situation that was made."""
    situation = trial.situation
    try:
        told, seconds = trial.told()
    except Unexpected:
        told, seconds = "", PATIENCE
    verdict = trial.why()
    endings, widened = mend(trial)
    return Seen(
        name=situation.name,
        code=verdict.get("code", ""),
        confidence=verdict.get("confidence", ""),
        told=told,
        seconds=seconds,
        unnamed=unnamed(trial, told, verdict),
        fixable=situation.fixable,
        runs=trial.runs() if situation.fixable else False,
        ending=", ".join(endings),
        widened=widened,
    )


def mend(trial: Trial) -> tuple[list[str], tuple[str, ...]]:
    """Without a flag, and with those that it takes; the endings, and what was widened unasked."""
    before = trusted(trial.ground)
    endings = [trial.fix()]
    widened = trusted(trial.ground).more_than(before)
    if trial.situation.flags:
        if endings[0] != "needs a flag":
            widened.append(f"no flag was asked for: {endings[0]}")
        endings.append(trial.fix(*trial.situation.flags))
    return endings, tuple(widened)


def unnamed(trial: Trial, told: str, verdict: dict[str, Any]) -> tuple[str, ...]:
    """What neither of the two says."""
    code, broken = trial.situation.code, trial.broken
    if not verdict.get("code", "").startswith(code):
        return (f"code {code}, but {verdict.get('code', 'nothing')}",)
    if not told.startswith(code):
        return (f"event {code}, but {told!r}",)
    whole = json.dumps(verdict, ensure_ascii=False)
    return tuple(name for name in broken.names if name not in whole)


def prepare(story: Story) -> Ground:
    """Images, namespaces, and a key for one of them."""
    image = story.push("team/app:1", "to be mended")
    for outside in (trust.SIGNED_IMAGE, trust.PLAIN_IMAGE):
        story.outside.push(story.layout(greeting("outside")), outside)
    story.towline("namespace", "create", REGISTRY, "elsewhere")
    story.apply("default", namespace(BARE))
    story.apply("default", namespace(KEYED, release=REGISTRY))
    return Ground.of(story, image)


def line(seen: Seen) -> str:
    """A row of the table."""
    named = "named" if seen.is_named else f"NOT NAMED: {'; '.join(seen.unnamed)}"
    fixed = "runs" if seen.runs else "does not run"
    wide = f"  WIDENED: {'; '.join(seen.widened)}" if seen.widened else ""
    mark = " " if seen.is_right else "!"
    return (
        f"{mark} {seen.name:31} {seen.code:24} {seen.confidence:7} {seen.seconds:5.1f} s  "
        f"{fixed:12} ({seen.ending})  {named}{wide}"
    )


def summary(seen: Sequence[Seen]) -> tuple[dict[str, Any], bool]:
    """The totals, and whether every bound is kept."""
    fixable = [one for one in seen if one.fixable]
    seconds = [one.seconds for one in seen]
    totals = {
        "named": sum(one.is_named for one in seen),
        "situations": len(seen),
        "median_seconds": round(statistics.median(seconds), 1),
        "most_seconds": round(max(seconds), 1),
        "fixed": sum(one.runs for one in fixable),
        "fixable": len(fixable),
        "widened": sum(bool(one.widened) for one in seen),
    }
    kept = (
        totals["named"] == len(seen)
        and totals["most_seconds"] <= MOST_SECONDS
        and totals["fixed"] >= LEAST_FIXED * len(fixable)
        and totals["widened"] == 0
    )
    return totals, kept


def main() -> int:
    """0 when every bound is kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[""], help="situations with such a word")
    parser.add_argument("--dial-timeout", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="every command, on standard error")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("bench: pods need namespaces of their own: run it as root", file=sys.stderr)
        return 1
    chosen = [one for one in SITUATIONS if any(word in one.name for word in options.only)]
    teller = Teller(Console(stderr=True, quiet=not options.verbose, soft_wrap=True))
    seen = list[Seen]()
    rows = sys.stderr if options.json else sys.stdout
    with (
        tempfile.TemporaryDirectory(prefix="towline-bench-") as folder,
        stage(Path(folder), teller, dial_timeout=options.dial_timeout) as story,
    ):
        ground = prepare(story)
        for situation in chosen:
            seen.append(examine(ground, situation))
            print(line(seen[-1]), file=rows, flush=True)
    totals, kept = summary(seen)
    if options.json:
        print(json.dumps({"seen": [asdict(one) for one in seen], **totals}, indent=2))
    else:
        print(
            f"named {totals['named']}/{totals['situations']}; event after "
            f"{totals['median_seconds']} s (median), {totals['most_seconds']} s (most; bound "
            f"{MOST_SECONDS:.0f} s); made to run {totals['fixed']}/{totals['fixable']} (bound "
            f"{LEAST_FIXED:.0%}); trust widened unasked: {totals['widened']}"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

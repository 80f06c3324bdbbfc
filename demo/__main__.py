"""Tell the story: `python -m demo`, or with its long chapters `python -m demo --all`; as root."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from demo.book import CHAPTERS
from demo.command import Unexpected
from demo.stage import stage
from demo.teller import Teller

INTERRUPTED = 130  # what a shell reports for SIGINT


def main() -> int:
    """0 when every chapter went as it should."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Tell the story.")
    parser.add_argument("--all", action="store_true", help="also the chapters that take minutes")
    chapters = [each for each in CHAPTERS if parser.parse_args().all or not each.long]
    if os.geteuid() != 0:
        print("demo: pods need namespaces of their own: run it as root (sudo)", file=sys.stderr)
        return 1
    teller = Teller(Console(highlight=False, soft_wrap=True))
    with tempfile.TemporaryDirectory(prefix="towline-demo-") as folder:
        try:
            with stage(Path(folder), teller) as story:
                for chapter in chapters:
                    teller.chapter(chapter.title)
                    chapter.tell(story)
                    teller.finish(chapter.title)
        except Unexpected as problem:
            teller.fail(str(problem), _kept_logs(Path(folder)))
            return 1
        except KeyboardInterrupt:
            return INTERRUPTED
    teller.summary()
    return 0


def _kept_logs(folder: Path) -> Path:
    """The installation's logs, where they outlive the story."""
    kept = Path(tempfile.mkdtemp(prefix="towline-demo-logs-"))
    shutil.copytree(folder / "data" / "logs", kept, dirs_exist_ok=True)
    return kept


if __name__ == "__main__":
    sys.exit(main())

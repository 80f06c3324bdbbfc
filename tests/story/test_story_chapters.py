"""The story of `make demo`, chapter by chapter, on one running installation: the same code, as tests.

Chapters are told in their order. Each may be told alone, but for the last, after which nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo.book import CHAPTERS, Chapter
from demo.stage import stage
from demo.story import Story
from demo.teller import Teller
from rich.console import Console

pytestmark = [pytest.mark.root, pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A running installation with its registries; what is told is shown when a chapter fails."""
    with stage(tmp_path_factory.mktemp("story"), Teller(Console(highlight=False))) as told:
        yield told


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_the_chapter_happens_as_it_is_told(chapter: Chapter, story: Story) -> None:
    """It raises at the first thing that is not as it should be."""
    chapter.tell(story)

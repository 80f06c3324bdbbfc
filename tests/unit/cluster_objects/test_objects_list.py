"""Long lists come in pages, and all pages show the same moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.unit.cluster_objects.served import named

from towline.cluster.api import data_file
from towline.cluster.api.address import Address, Treatment
from towline.cluster.api.deletion import DeleteOptions, delete
from towline.cluster.api.objects import Objects
from towline.cluster.api.page import KEPT, Page, Pages, Selection
from towline.kube import resource_type
from towline.kube.refusal import Refusal
from towline.store.store import Store

ADDRESS = Address(resource_type.NODES)


class Lists:
    """The nodes of a cluster, and lists of them."""

    def __init__(self, store: Store) -> None:
        self.objects = Objects(store, data_file.schemas())
        self.pages = Pages(store)

    async def add(self, *names: str) -> None:
        """Create nodes; those whose names begin with `w` are labelled."""
        for name in names:
            body = named(name)
            if name.startswith("w"):
                body["metadata"]["labels"] = {"app": "web"}
            await self.objects.create(ADDRESS, body, Treatment())

    async def remove(self, name: str) -> None:
        """Delete one."""
        await delete(self.objects, ADDRESS.named(name), DeleteOptions(), Treatment())

    def ask(self, **query: str) -> Page:
        """One page."""
        return self.pages.page(ADDRESS, Selection.read(ADDRESS, query), query)


@asynccontextmanager
async def lists(folder: Path) -> AsyncIterator[Lists]:
    """A new store."""
    async with Store.open(folder / "s.db") as store:
        yield Lists(store)


def names(page: Page) -> list[str]:
    """Who is on the page."""
    return [record.key.name for record in page.records]


async def test_pages_together_are_the_list(tmp_path: Path) -> None:
    """In order, each as long as asked, the last without a way on."""
    async with lists(tmp_path) as here:
        await here.add("e", "c", "a", "d", "b")
        first = here.ask(limit="2")
        second = here.ask(limit="2", **{"continue": first.proceed})
        third = here.ask(limit="2", **{"continue": second.proceed})

        assert [names(one) for one in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
        assert [one.remaining for one in (first, second, third)] == [3, 1, None]
        assert not third.proceed
        assert names(here.ask()) == ["a", "b", "c", "d", "e"]


async def test_all_pages_show_the_same_moment(tmp_path: Path) -> None:
    """Whatever comes and goes between them."""
    async with lists(tmp_path) as here:
        await here.add("a", "b", "c", "d")
        first = here.ask(limit="2")
        await here.remove("c")
        await here.add("bb", "e")
        second = here.ask(limit="9", **{"continue": first.proceed})

        assert names(first) + names(second) == ["a", "b", "c", "d"]
        assert first.revision == second.revision
        assert names(here.ask()) == ["a", "b", "bb", "d", "e"]


async def test_a_selected_list_has_pages_too(tmp_path: Path) -> None:
    """Only nobody says how many are left."""
    async with lists(tmp_path) as here:
        await here.add("a", "w1", "b", "w2", "w3")
        query = {"labelSelector": "app=web", "limit": "2"}
        first = here.ask(**query)
        second = here.ask(**query, **{"continue": first.proceed})

        assert (names(first), first.remaining) == (["w1", "w2"], None)
        assert (names(second), second.proceed) == (["w3"], "")


async def test_a_page_that_is_forgotten_is_expired(tmp_path: Path) -> None:
    """Only so many snapshots are kept; the client lists anew."""
    async with lists(tmp_path) as here:
        await here.add("a", "b")
        first = here.ask(limit="1")
        for number in range(KEPT):
            await here.add(f"x{number}")
            here.ask(limit="1")

        with pytest.raises(Refusal, match="continue parameter is too old") as caught:
            here.ask(limit="1", **{"continue": first.proceed})
        assert (caught.value.code, caught.value.reason) == (410, "Expired")


@pytest.mark.parametrize("token", ["x", "!!", "W10=", "WzEsMiwzXQ==", "eyJhIjoxfQ==", "ü"])
async def test_a_token_that_is_none_is_refused(tmp_path: Path, token: str) -> None:
    """A client made it up."""
    async with lists(tmp_path) as here:
        with pytest.raises(Refusal) as caught:
            here.ask(limit="1", **{"continue": token})

        assert caught.value.code in (400, 410)


@pytest.mark.parametrize("query", [{"limit": "x"}, {"limit": "-1"}, {"limit": "²"}])
async def test_a_limit_that_is_no_number_is_refused(tmp_path: Path, query: dict[str, str]) -> None:
    """With 400."""
    async with lists(tmp_path) as here:
        with pytest.raises(Refusal) as caught:
            here.ask(**query)

        assert caught.value.code == 400


async def test_a_list_says_of_which_moment_it_is(tmp_path: Path) -> None:
    """Any moment not in the future will do, and the exact one only if it is remembered."""
    async with lists(tmp_path) as here:
        await here.add("a", "b")
        past = here.ask(limit="1").revision
        await here.add("c")

        assert names(here.ask(resourceVersion="0")) == ["a", "b", "c"]
        assert names(here.ask(resourceVersion=str(past))) == ["a", "b", "c"]
        exact = {"resourceVersion": str(past), "resourceVersionMatch": "Exact"}
        assert names(here.ask(**exact)) == ["a", "b"]
        with pytest.raises(Refusal) as forgotten:
            here.ask(resourceVersion="1", resourceVersionMatch="Exact")
        with pytest.raises(Refusal) as future:
            here.ask(resourceVersion="99")
        assert (forgotten.value.code, future.value.code) == (410, 504)

"""The extension `_towline/contents`: what the distribution specification has no list for.

Whoever manages an instance wants to know when something was pushed, what each tag points at without
asking for each, and to remove a repository with all that it holds:

- `GET /v2/_towline/contents/repositories`, in pages like the catalogue, with its right;
- `GET /v2/<name>/_towline/contents/repository`, with the right to pull;
- `DELETE /v2/<name>/_towline/contents/repository`, with the right to delete; its blobs go with the
  next sweep.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice

import msgspec

from towline.oci.error_code import ErrorCode
from towline.registry import change
from towline.registry.answer import Answer, Refusal, json_answer
from towline.registry.call import Call
from towline.registry.catalogue import Catalogue
from towline.registry.gate import Gate
from towline.registry.journal import Journal
from towline.registry.listing_endpoint import more, page_size
from towline.registry.request import Request
from towline.registry.token import Grant

REPOSITORIES_PATH = "/v2/_towline/contents/repositories"


class _Repository(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    created_at: datetime
    updated_at: datetime


class _Repositories(msgspec.Struct, frozen=True):
    repositories: tuple[_Repository, ...]


class _Tag(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    digest: str
    media_type: str
    pushed_at: datetime


class _Contents(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    created_at: datetime
    updated_at: datetime
    tags: tuple[_Tag, ...]


class ContentsEndpoint:
    """What an instance holds, for those who manage it."""

    def __init__(self, catalogue: Catalogue, journal: Journal) -> None:
        self._catalogue = catalogue
        self._journal = journal

    async def repositories(self, request: Request, gate: Gate, grant: Grant) -> Answer:
        """The repositories that this caller may pull from, in ASCII order."""
        count, may_pull = page_size(request), gate.readable(grant)
        held = self._catalogue.held_repositories(grant.instance_id, request.query("last") or "")
        found = tuple(islice((one for one in held if may_pull(one.name)), count + 1))
        shown = tuple(
            _Repository(one.name, _time(one.created_at), _time(one.updated_at))
            for one in found[:count]
        )
        names, all_names = (tuple(one.name for one in some) for some in (shown, found))
        return json_answer(_Repositories(shown), *more(REPOSITORIES_PATH, names, all_names, count))

    async def repository(self, call: Call) -> Answer:
        """A repository that ever held a manifest, and all its tags with what they point at."""
        held = self._catalogue.held_repository(call.place)
        if held is None:
            raise _unknown(call)
        tags = tuple(
            _Tag(one.name, one.digest, one.media_type, _time(one.pushed_at))
            for one in self._catalogue.held_tags(call.place)
        )
        times = _time(held.created_at), _time(held.updated_at)
        return json_answer(_Contents(held.name, *times, tags))

    async def delete(self, call: Call) -> Answer:
        """Remove a repository with all that it holds."""
        place = call.place
        gone = await self._journal.write(
            lambda database: change.remove_repositories(database, [place])
        )
        self._catalogue.drop(place)
        if not gone:
            raise _unknown(call)
        return Answer(HTTPStatus.ACCEPTED)


def _unknown(call: Call) -> Refusal:
    return Refusal(ErrorCode.NAME_UNKNOWN, detail={"name": call.place.repository})


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

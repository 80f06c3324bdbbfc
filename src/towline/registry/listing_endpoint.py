"""Lists: the tags and referrers of a repository, and the catalogue of an instance."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from itertools import islice
from urllib.parse import quote, urlencode

import msgspec

from towline.oci.error_code import ErrorCode
from towline.oci.manifest import Descriptor
from towline.oci.media_type import OCI_INDEX
from towline.registry.answer import Answer, Refusal, header, json_answer
from towline.registry.call import Call, read_digest
from towline.registry.catalogue import Catalogue
from towline.registry.gate import Gate
from towline.registry.request import Request
from towline.registry.token import Grant

_CATALOG_PAGE = 1000  # repositories, when the caller does not say
_REFERRERS_PAGE = 3_500_000  # bytes: the specification allows a page 4 MB
_NO_LIMIT = -1


class _Tags(msgspec.Struct, frozen=True):
    name: str
    tags: tuple[str, ...]


class _Repositories(msgspec.Struct, frozen=True):
    repositories: tuple[str, ...]


class _Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: dict[str, str] = {}


class _Index(msgspec.Struct, frozen=True, rename="camel"):
    manifests: list[msgspec.Raw]
    schema_version: int = 2
    media_type: str = OCI_INDEX


class ListingEndpoint:
    """The lists that a registry keeps."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def tags(self, call: Call) -> Answer:
        """The tags of a repository in ASCII order."""
        count = _count(call.request)
        limit = _NO_LIMIT if count is None else count + 1
        found = self._catalogue.tags(call.place, call.request.query("last") or "", limit)
        if found is None:
            raise Refusal(ErrorCode.NAME_UNKNOWN, detail={"name": call.place.repository})
        shown = found if count is None else found[:count]
        link = more(f"{call.repository_path}/tags/list", shown, found, count)
        return json_answer(_Tags(call.place.repository, shown), *link)

    async def referrers(self, call: Call) -> Answer:
        """The manifests that name this one as their subject; none for what is not known."""
        subject, request = str(read_digest(call.reference)), call.request
        wanted = request.query("artifactType")
        found = self._catalogue.referrers(call.place, subject, request.query("last") or "")
        matching = (one for one in found if wanted is None or one.artifact_type == wanted)
        shown, last = _page(matching)
        headers = [header("content-type", OCI_INDEX)]
        if wanted is not None:
            headers.append(header("oci-filters-applied", "artifactType"))
        if last:
            path = f"{call.repository_path}/referrers/{subject}"
            asked = {"last": last, **({} if wanted is None else {"artifactType": wanted})}
            headers.append(_next(path, asked))
        return Answer(HTTPStatus.OK, tuple(headers), msgspec.json.encode(_Index(shown)))

    async def catalog(self, request: Request, gate: Gate, grant: Grant) -> Answer:
        """The repositories that this caller may pull from, in ASCII order."""
        count = page_size(request)
        may_pull = gate.readable(grant)
        names = self._catalogue.repositories(grant.instance_id, request.query("last") or "")
        found = tuple(islice(filter(may_pull, names), count + 1))
        shown = found[:count]
        return json_answer(_Repositories(shown), *more("/v2/_catalog", shown, found, count))


def page_size(request: Request) -> int:
    """How many repositories a caller wants at once; refused when that is no number."""
    count = _count(request)
    return _CATALOG_PAGE if count is None else count


def _count(request: Request) -> int | None:
    text = request.query("n")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Refusal(ErrorCode.PAGINATION_NUMBER_INVALID, detail={"n": text[:300]})
    return int(text)


def more(
    path: str, shown: tuple[str, ...], found: tuple[str, ...], count: int | None
) -> tuple[tuple[bytes, bytes], ...]:
    """The link to the next page, if there is one."""
    if not shown or len(found) == len(shown):
        return ()
    return (_next(path, {"n": str(count), "last": shown[-1]}),)


def _next(path: str, asked: dict[str, str]) -> tuple[bytes, bytes]:
    return header("link", f'<{quote(path, safe="/:")}?{urlencode(asked)}>; rel="next"')


def _page(found: Iterable[Descriptor]) -> tuple[list[msgspec.Raw], str]:
    """As many descriptors as a page holds, and the last digest if there are more."""
    shown: list[msgspec.Raw] = []
    size, last = 0, ""
    for one in found:
        if size > _REFERRERS_PAGE:
            return shown, last
        encoded = msgspec.json.encode(_shown(one))
        shown.append(msgspec.Raw(encoded))
        size, last = size + len(encoded), str(one.digest)
    return shown, ""


def _shown(one: Descriptor) -> _Descriptor:
    return _Descriptor(
        one.media_type, str(one.digest), one.size, one.artifact_type, dict(one.annotations)
    )

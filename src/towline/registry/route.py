"""Which resource a path names.

The distribution specification's paths, the token endpoint's, and those of our own extension, named
as the specification wants it: `_<extension>/<component>/<module>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from towline.oci.error_code import ErrorCode
from towline.oci.reference import is_repository_name
from towline.registry.answer import Refusal

CONTENTS = "/_towline/contents/repository"
TOKEN_PATH = "/service/token"  # noqa: S105  # a path; Harbor's, and so TCR's


class Resource(Enum):
    """The kinds of resources."""

    API = auto()
    CATALOG = auto()
    TOKEN = auto()
    MANIFEST = auto()
    BLOB = auto()
    UPLOADS = auto()
    UPLOAD = auto()
    TAGS = auto()
    REFERRERS = auto()
    REPOSITORIES = auto()
    """Of the extension: the repositories of the instance, with their times."""
    CONTENTS = auto()
    """Of the extension: a repository with all that it holds."""


@dataclass(frozen=True, slots=True)
class Route:
    """One resource."""

    resource: Resource
    repository: str = ""
    reference: str = ""
    """The tag, digest or upload."""


_FIXED = {
    "/v2": Route(Resource.API),
    "/v2/": Route(Resource.API),
    "/v2/_catalog": Route(Resource.CATALOG),
    TOKEN_PATH: Route(Resource.TOKEN),
    "/v2/_towline/contents/repositories": Route(Resource.REPOSITORIES),
}
# In this order: an upload's path has "/blobs/" in it too.
_MARKS = (
    ("/manifests/", Resource.MANIFEST),
    ("/blobs/uploads/", Resource.UPLOAD),
    ("/blobs/", Resource.BLOB),
    ("/referrers/", Resource.REFERRERS),
)


def parse_path(path: str) -> Route:
    """The resource of a path; refused when it names none."""
    fixed = _FIXED.get(path)
    if fixed is not None:
        return fixed
    if path.startswith("/v2/"):
        if path.endswith(CONTENTS):  # first: a repository may be called `blobs`
            return _route(Resource.CONTENTS, path[4 : -len(CONTENTS)], "")
        for mark, resource in _MARKS:
            at = path.rfind(mark)
            if at > 0:
                return _route(resource, path[4:at], path[at + len(mark) :])
        if path.endswith("/blobs/uploads"):
            return _route(Resource.UPLOAD, path[4 : -len("/blobs/uploads")], "")
        if path.endswith("/tags/list"):
            return _route(Resource.TAGS, path[4 : -len("/tags/list")], "")
    raise Refusal(ErrorCode.NAME_UNKNOWN, "there is nothing at this path", status=404)


def _route(resource: Resource, repository: str, reference: str) -> Route:
    if not is_repository_name(repository):
        raise Refusal(ErrorCode.NAME_INVALID, detail={"name": repository[:300]})
    if resource is Resource.UPLOAD and not reference:
        return Route(Resource.UPLOADS, repository)
    return Route(resource, repository, reference)

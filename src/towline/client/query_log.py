"""What the resolvers of an installation on this machine were asked, as its agent notes it."""

from __future__ import annotations

from pathlib import Path

from towline.linux.ring_file import SUFFIX, entries
from towline.network.query_log import SLOT, Query, read
from towline.problem import Problem


def queries(folder: Path, resolver: str) -> list[Query]:
    """The last questions to a resolver and its answers, the oldest first; readable while it serves,
    and afterwards. A VPC's resolver has the VPC's id. Raises `Problem`.
    """
    log = folder / f"{resolver}{SUFFIX}"
    try:
        found = map(read, entries(log, SLOT))
    except PermissionError as error:
        raise Problem(
            "query-log-not-yours",
            cause=f"{log} may be read only by who runs the agent",
            remedy="ask as that user, which is usually root: `sudo towline dns log`",
        ) from error
    return [query for query in found if query is not None]

"""The chapters in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo.chapter import (
    attachments,
    broken_image,
    clients,
    clusters,
    crash,
    credential,
    diagnosis,
    farewell,
    mending,
    network,
    plain_http,
    private_access_by_sdk,
    private_image,
    public_access_by_tccli,
    self_signed,
    subnets,
    wrong_tag,
)
from demo.story import Story


@dataclass(frozen=True, slots=True)
class Chapter:
    """`tell` does it for real; it raises `Unexpected` when something is not as it should be.

    A `long` one takes minutes, and is told only to those who ask for all.
    """

    name: str
    title: str
    tell: Callable[[Story], None]
    long: bool = False


CHAPTERS: tuple[Chapter, ...] = (
    Chapter("network", network.TITLE, network.tell),
    Chapter("private-image", private_image.TITLE, private_image.tell),
    Chapter("credential", credential.TITLE, credential.tell),
    Chapter("wrong-tag", wrong_tag.TITLE, wrong_tag.tell),
    Chapter("self-signed", self_signed.TITLE, self_signed.tell),
    Chapter("plain-http", plain_http.TITLE, plain_http.tell),
    Chapter("broken-image", broken_image.TITLE, broken_image.tell),
    Chapter("diagnosis", diagnosis.TITLE, diagnosis.tell),
    Chapter("private-access", private_access_by_sdk.TITLE, private_access_by_sdk.tell),
    Chapter("public-access", public_access_by_tccli.TITLE, public_access_by_tccli.tell, long=True),
    Chapter("attachments", attachments.TITLE, attachments.tell, long=True),
    Chapter("subnets", subnets.TITLE, subnets.tell, long=True),
    Chapter("mending", mending.TITLE, mending.tell, long=True),
    Chapter("clusters", clusters.TITLE, clusters.tell),
    Chapter("crash", crash.TITLE, crash.tell),
    Chapter("clients", clients.TITLE, clients.tell),
    Chapter("farewell", farewell.TITLE, farewell.tell),
)

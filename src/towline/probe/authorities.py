"""Whom TLS believes: the machine's authorities and one more, or everybody; and old versions."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from functools import cached_property
from pathlib import Path

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python's ssl does not name
_AS_GO = "DEFAULT:@SECLEVEL=1"  # Go takes smaller keys and more ciphers than Python's default
OLD_TO_NEW = (
    ("TLSv1", ssl.TLSVersion.TLSv1),
    ("TLSv1.1", ssl.TLSVersion.TLSv1_1),
    ("TLSv1.2", ssl.TLSVersion.TLSv1_2),
    ("TLSv1.3", ssl.TLSVersion.TLSv1_3),
)


class Authorities:
    """The contexts of one vantage, made when they are needed."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self.extra = str(ca_file) if ca_file else ""
        """The file of the one more, for evidence."""

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        """Verifies signatures and times; names are looked at by Go's rules elsewhere."""
        return verifying(self._ca_file)

    async def loaded(self) -> ssl.SSLContext:
        """The same, read from disk beside the event loop: there are hundreds of authorities."""
        return await asyncio.to_thread(lambda: self.trusted)

    @cached_property
    def timeless(self) -> ssl.SSLContext:
        """Verifies signatures alone."""
        context = verifying(self._ca_file)
        context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
        return context

    @cached_property
    def anyone(self) -> ssl.SSLContext:
        """Verifies nothing."""
        return _believing()

    def only(self, version: ssl.TLSVersion) -> ssl.SSLContext:
        """Verifies nothing and speaks this version alone, however old."""
        context = _believing()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is the point
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = version
            context.minimum_version = version
        return context


def verifying(ca_file: Path | None) -> ssl.SSLContext:
    """A context that believes the machine's authorities and this file's; names are not its task."""
    context = ssl.create_default_context()
    context.set_ciphers(_AS_GO)
    context.check_hostname = False
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _believing() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(_AS_GO)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context

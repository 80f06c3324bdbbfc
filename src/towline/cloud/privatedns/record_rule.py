"""What a zone's record may say, and which records may stand beside one another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from towline.cloud.refusal import Refusal
from towline.network.zone_record import ANY_NAME, APEX, TYPES, rdata_of
from towline.resource.private_zone import ZoneRecord

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST = 253  # the whole name, as text
_HIGHEST_TTL = 86_400
_PREFERENCES = range(5, 51, 5)
_WEIGHTS = range(1, 101)
_WEIGHTED = ("A", "AAAA", "CNAME")
_REVERSE = ".arpa"
_MOST, _MOST_TEXTS = 50, 10  # records of one name and type
_QUOTA = 100_000  # records of an account


def check(record: ZoneRecord, domain: str) -> None:
    """Refuse a record that cannot be in the zone of this domain, whatever else is there."""
    if record.type not in TYPES:
        raise Refusal("InvalidParameter", f"`RecordType` must be one of {', '.join(TYPES)}.")
    if record.type == "PTR" and not domain.endswith(_REVERSE):
        raise Refusal("InvalidParameter.IllegalPTRRecord", f"`{domain}` is no reverse zone.")
    _check_name(record.subdomain, domain)
    _check_numbers(record)
    try:
        rdata_of(record)
    except ValueError as error:
        raise Refusal("InvalidParameter.IllegalRecordValue", f"`RecordValue`: {error}.") from error


def check_beside(record: ZoneRecord, others: Sequence[ZoneRecord]) -> None:
    """Refuse a record that contradicts others of its zone."""
    same_name = [one for one in others if one.subdomain == record.subdomain]
    same_type = [one for one in same_name if one.type == record.type]
    if any(rdata_of(one) == rdata_of(record) for one in same_type):
        raise Refusal("InvalidParameter.RecordExist", "There is such a record already.")
    # RFC 1034, 3.6.2: who is somebody else has nothing of its own.
    if same_name and "CNAME" in (record.type, same_name[0].type):
        raise Refusal(
            "InvalidParameter.RecordConflict",
            f"`{record.subdomain}` cannot have a CNAME and something else.",
        )
    most = _MOST_TEXTS if record.type == "TXT" else _MOST
    if len(same_type) >= most:
        raise Refusal(
            f"InvalidParameter.Record{record.type}CountExceed",
            f"A name has at most {most} records of type {record.type}.",
        )


def check_quota(count: int) -> None:
    """Refuse when there are as many records as there may be."""
    if count >= _QUOTA:
        raise Refusal("InvalidParameter.RecordCountExceed", f"There are at most {_QUOTA} records.")


def _check_name(subdomain: str, domain: str) -> None:
    if subdomain == APEX:
        return
    labels = subdomain.split(".")
    plain = labels[1:] if labels[0] == ANY_NAME else labels
    if not all(map(_LABEL.fullmatch, plain)) or len(f"{subdomain}.{domain}") > _LONGEST:
        raise Refusal("InvalidParameter.IllegalRecord", f"`{subdomain}` is no subdomain.")


def _check_numbers(record: ZoneRecord) -> None:
    if not 1 <= record.ttl <= _HIGHEST_TTL:
        raise Refusal(
            "InvalidParameterValue.IllegalTTLValue", f"`TTL` must be between 1 and {_HIGHEST_TTL}."
        )
    if record.type == "MX" and record.mx not in _PREFERENCES:
        raise Refusal(
            "InvalidParameter.InvalidMX", "`MX` must be a multiple of 5 between 5 and 50."
        )
    if record.type != "MX" and record.mx:
        raise Refusal("InvalidParameter.MXNotSupported", "Only records of type MX have an `MX`.")
    if record.weight and record.type not in _WEIGHTED:
        raise Refusal(
            "InvalidParameter.RecordUnsupportWeight",
            f"Only records of type {', '.join(_WEIGHTED)} have a `Weight`.",
        )
    if record.weight and record.weight not in _WEIGHTS:
        raise Refusal("InvalidParameterValue", "`Weight` must be between 1 and 100.")

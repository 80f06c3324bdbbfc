"""Quantities (`500m`, `1Gi`) in the form that the API keeps them in."""

from __future__ import annotations

import re
from decimal import Decimal

PATTERN = re.compile(
    r"([+-]?)(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?"
)
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def value(text: str) -> Decimal:
    """What the quantity amounts to; raises ValueError."""
    found = PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    number, suffix = Decimal(found[1] + found[2]), found[3] or ""
    if suffix in _BINARY:
        return number * Decimal(1024 ** _BINARY[suffix])
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    return number.scaleb(int(suffix[1:]))


def canonical(text: str) -> str:
    """The one way to write it: no fraction, the largest suffix, nothing finer than nano."""
    amount = value(text)
    found = PATTERN.fullmatch(text)
    assert found is not None, "value() has read it"
    suffix = found[3] or ""
    if suffix in _BINARY and abs(amount) >= 1024 and amount == amount.to_integral_value():
        return _binary(int(amount))
    nano = int(amount.scaleb(9).to_integral_value(rounding="ROUND_UP"))
    return _decimal(nano, exponent=suffix[:1] == "e" or (suffix[:1] == "E" and suffix != "E"))


def _binary(amount: int) -> str:
    power = 0
    while amount and amount % 1024 == 0 and power < 6:
        amount, power = amount // 1024, power + 1
    return f"{amount}{('', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei')[power]}"


def _decimal(nano: int, *, exponent: bool) -> str:
    if nano == 0:
        return "0"
    power = -9
    while nano % 1000 == 0 and power < 18:
        nano, power = nano // 1000, power + 3
    if exponent:
        return f"{nano}e{power}" if power else str(nano)
    suffix = next(name for name, held in _DECIMAL.items() if held == power)
    return f"{nano}{suffix}"

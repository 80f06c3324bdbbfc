"""Quantities (`500m`, `1Gi`) in the form that the API keeps them in.

The rules are those of k8s.io/apimachinery/pkg/api/resource: an amount is kept to the billionth and rounded
away from zero, so that whoever asks for very little gets a little.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_PATTERN = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_NAMES = ("", *_BINARY)
_DECIMAL_NAMES = {power: name for name, power in _DECIMAL.items()}
_NANO = 9
MAX_EXPONENT = 99  # ours: Go computes on, with ever more memory
MAX_DIGITS = 200  # ours, for the same reason


class _Read(NamedTuple):
    nano: int
    suffix: str


def value(text: str) -> Decimal:
    """What the quantity amounts to; raises ValueError."""
    sign, digits, exponent = Decimal(_read(text).nano).as_tuple()
    assert isinstance(exponent, int), "an integer is finite"
    return Decimal((sign, digits, exponent - _NANO))


def canonical(text: str) -> str:
    """The one way to write it: no fraction, the largest suffix, nothing finer than nano; raises ValueError."""
    read = _read(text)
    amount, rest = divmod(abs(read.nano), 10**_NANO)
    if read.suffix in _BINARY and amount >= 1024 and not rest:
        return _binary(amount, "-" if read.nano < 0 else "")
    return _decimal(read.nano, exponent=_EXPONENT.fullmatch(read.suffix) is not None)


def _read(text: str) -> _Read:
    found = _PATTERN.fullmatch(text)
    if found is None or not text:
        raise ValueError(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    sign, whole, fraction, suffix = found[1], found[2], found[3] or "", found[4]
    if not whole + fraction or len(whole + fraction) > MAX_DIGITS:
        raise ValueError("unable to parse numeric part of quantity")
    number = int(whole + fraction) * 1024 ** _BINARY.get(suffix, 0)
    nano = _shifted(number, _power(suffix) - len(fraction) + _NANO)
    return _Read(-nano if sign == "-" else nano, suffix)


def _power(suffix: str) -> int:
    """The power of ten that the suffix stands for."""
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is not None and len(exponent[1]) <= 3 and abs(int(exponent[1])) <= MAX_EXPONENT:
        return int(exponent[1])
    if suffix in _BINARY:
        return 0
    if suffix not in _DECIMAL:
        raise ValueError("unable to parse quantity's suffix")
    return _DECIMAL[suffix]


def _shifted(number: int, power: int) -> int:
    """`number` times ten to `power`, rounded up."""
    if power >= 0:
        return int(number * 10**power)
    return int(-(-number // 10**-power))


def _binary(amount: int, sign: str) -> str:
    power = 0
    while amount % 1024 == 0 and power < 6:
        amount, power = amount // 1024, power + 1
    return f"{sign}{amount}{_BINARY_NAMES[power]}"


def _decimal(nano: int, *, exponent: bool) -> str:
    if nano == 0:
        return "0"
    power = -_NANO
    while nano % 1000 == 0 and (exponent or power < 18):
        nano, power = nano // 1000, power + 3
    if exponent:
        return f"{nano}e{power}" if power else str(nano)
    return f"{nano}{_DECIMAL_NAMES[power]}"

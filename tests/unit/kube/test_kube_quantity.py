"""Quantities have one written form, as the API server keeps them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube.quantity import canonical, value

SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "e3": Decimal(10) ** 3,
    "E-2": Decimal("0.01"),
}
WHOLE = st.integers(-(10**9), 10**9)
QUANTITIES = st.builds(
    lambda number, suffix: f"{number}{suffix}", WHOLE, st.sampled_from(sorted(SUFFIXES))
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("500m", "500m"),
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("1e3", "1e3"),
        ("1E3", "1e3"),
        ("1E", "1E"),
        ("1.5Gi", "1536Mi"),
        ("1024Ki", "1Mi"),
        ("1000Ki", "1000Ki"),
        ("0.5Ki", "512"),
        ("1.1Gi", "1181116006400m"),
        ("0Gi", "0"),
        ("-2Ki", "-2Ki"),
        ("+5", "5"),
        ("5.", "5"),
        (".5", "500m"),
        ("100E", "100E"),
        ("1e30", "1e30"),
    ],
)
def test_a_quantity_is_kept_in_its_canonical_form(text: str, written: str) -> None:
    """What Go's `Quantity.String` prints: tests of k8s.io/apimachinery/pkg/api/resource say the same."""
    assert canonical(text) == written


@pytest.mark.parametrize("text", ["0.0000000001", "1e-30", "0.1n"])
def test_very_little_is_rounded_up_to_a_billionth(text: str) -> None:
    """Who asks for something gets something."""
    assert canonical(text) == ("1n" if "e" not in text else "1e-9")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "quantities must match the regular expression"),
        ("lots", "quantities must match the regular expression"),
        ("1.2.3", "quantities must match the regular expression"),
        ("1 Gi", "quantities must match the regular expression"),
        ("١", "quantities must match the regular expression"),
        (".", "unable to parse numeric part of quantity"),
        ("Gi", "unable to parse numeric part of quantity"),
        ("9" * 201, "unable to parse numeric part of quantity"),
        ("1Kib", "quantities must match the regular expression"),
        ("1KM", "unable to parse quantity's suffix"),
        ("1e", "unable to parse quantity's suffix"),
        ("1e999999999", "unable to parse quantity's suffix"),
    ],
    ids=lambda text: text[:20] or "empty",
)
def test_what_is_no_quantity_is_refused_in_gos_words(text: str, reason: str) -> None:
    """And an exponent that would fill the memory is none either."""
    with pytest.raises(ValueError, match=reason):
        canonical(text)


@given(number=WHOLE, suffix=st.sampled_from(sorted(SUFFIXES)))
def test_a_quantity_is_its_number_times_its_suffix(number: int, suffix: str) -> None:
    """The decimal arithmetic of the naive reader agrees, up to the billionth."""
    amount = value(f"{number}{suffix}")

    assert amount == number * SUFFIXES[suffix]


@given(QUANTITIES)
def test_the_canonical_form_is_worth_the_same_and_stays(text: str) -> None:
    """Writing it again changes nothing."""
    once = canonical(text)

    assert value(once) == value(text)
    assert canonical(once) == once


@given(st.text(alphabet="0123456789.+-eEinumkKMGTP", max_size=12))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    """Nothing else can happen, however odd it looks."""
    try:
        once = canonical(text)
    except ValueError:
        return

    assert canonical(once) == once

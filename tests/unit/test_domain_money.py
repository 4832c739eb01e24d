"""Money: the laws of `Krw`, `Price` and `Quantity`, and their text."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.money import QUANTITY_STEP, ZERO_KRW, ZERO_QUANTITY, Krw, Price, Quantity, exact, plain

AMOUNTS = st.decimals(min_value="-1e12", max_value="1e12", places=8, allow_nan=False, allow_infinity=False)
POSITIVE = st.decimals(min_value="0.00000001", max_value="1e9", places=8, allow_nan=False, allow_infinity=False)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_won_add_up_in_any_order(a: Decimal, b: Decimal, c: Decimal) -> None:
    assert Krw(a) + Krw(b) == Krw(b) + Krw(a)
    assert (Krw(a) + Krw(b)) + Krw(c) == Krw(a) + (Krw(b) + Krw(c))
    assert Krw(a) + ZERO_KRW == Krw(a)
    assert Krw(a) - Krw(a) == ZERO_KRW
    assert Krw(a) - Krw(b) == Krw(a) + -Krw(b)


@given(POSITIVE, POSITIVE)
def test_quantities_add_and_take_away_exactly(a: Decimal, b: Decimal) -> None:
    assert (Quantity(a) + Quantity(b)) - Quantity(b) == Quantity(a)


@given(POSITIVE, POSITIVE)
def test_won_over_a_price_never_buys_more_than_the_won_pay_for(won: Decimal, price: Decimal) -> None:
    bought = Krw(won) / Price(price)
    assert (Price(price) * bought).value <= won
    assert won < (Price(price) * (bought + Quantity(QUANTITY_STEP))).value
    assert bought.value % QUANTITY_STEP == 0


def test_the_official_market_buy_example_truncates_to_eight_decimals() -> None:
    # upbit-api.md section 5: 6,000 KRW at 160,594,000.
    bought = Krw(6000) / Price(160_594_000)
    assert bought == Quantity("0.00003736")
    assert Price(160_594_000) * bought == Krw("5999.79184")


@given(AMOUNTS)
def test_a_ratio_of_one_changes_nothing(amount: Decimal) -> None:
    assert Krw(amount) * Decimal(1) == Krw(amount)


@given(POSITIVE, POSITIVE)
def test_a_price_scales_back_to_itself(price: Decimal, other: Decimal) -> None:
    assert Price(price).scale(Decimal(2)) / Price(price) == 2
    assert (Price(price) > Price(other)) == (price > other)
    assert (Price(price) <= Price(other)) == (price <= other)


@given(POSITIVE, st.decimals(min_value="0", max_value="1", places=6))
def test_a_share_is_truncated_and_leaves_a_rest(amount: Decimal, ratio: Decimal) -> None:
    whole = Quantity(amount)
    part = whole.share(ratio)
    assert part <= whole
    assert part.value <= amount * ratio
    assert (whole - part) + part == whole


@given(AMOUNTS)
def test_text_and_back_is_the_same_amount(amount: Decimal) -> None:
    text = str(Krw(amount))
    assert Krw(text) == Krw(amount)
    assert "e" not in text.lower()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+3", "1000"),
        ("1E-8", "0.00000001"),
        ("0.10", "0.1"),
        ("100", "100"),
        ("0E+2", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("-12.340", "-12.34"),
    ],
)
def test_plain_text_has_no_exponent_and_no_idle_zeros(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize("kind", [Krw, Price, Quantity])
@pytest.mark.parametrize("value", [0.1, 1.0, True, None, b"1"])
def test_a_float_never_becomes_money(kind: Any, value: Any) -> None:
    with pytest.raises(TypeError):
        kind(value)


@pytest.mark.parametrize("value", ["nan", "Infinity", "-Infinity", "twelve", ""])
def test_what_is_no_finite_number_never_becomes_money(value: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        Krw(value)


def test_a_quantity_is_never_negative() -> None:
    assert Quantity(0) == ZERO_QUANTITY
    with pytest.raises(ValueError, match="never negative"):
        Quantity("-0.00000001")
    with pytest.raises(ValueError, match="never negative"):
        Quantity(1) - Quantity(2)


@pytest.mark.parametrize("value", [0, "-1"])
def test_a_price_is_above_zero(value: int | str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Price(value)


def test_kinds_of_money_do_not_compare() -> None:
    won: Any = Krw(5)
    price: Any = Price(5)
    assert won != price
    with pytest.raises(TypeError):
        _ = won < price
    with pytest.raises(TypeError):
        _ = won <= price


def test_an_amount_is_true_unless_it_is_nothing() -> None:
    assert not ZERO_KRW
    assert not ZERO_QUANTITY
    assert Krw(-1)
    assert exact("12") == Decimal(12)

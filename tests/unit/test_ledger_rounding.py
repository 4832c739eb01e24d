"""Rounding: what may be booked away, counted by hand (the execution issue, deliverable 5)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.money import Krw, Price
from makenaide.ledger.postings import Book, Difference, Posting, books, difference, require_balanced
from makenaide.ledger.rounding import BeyondTolerance, Room, Rounded, round_off

AT = datetime(2026, 1, 5, tzinfo=UTC)
PRICES = {"BTC": Price(50_000_000), "XRP": Price(3_000)}


def off(currency: str, amount: str) -> Difference:
    """The account holds so much more than the books."""
    return Difference(currency=currency, books=Decimal(5), balance=Decimal(5) + Decimal(amount))


def room(fills: dict[str, int], booked: dict[str, str] | None = None) -> Room:
    """Twelve fills so far."""
    return Room(upto=12, fills=fills, booked={key: Decimal(each) for key, each in (booked or {}).items()})


def test_the_postings_make_the_books_equal_the_balances_and_cancel_out() -> None:
    found = round_off([off("BTC", "-0.00000001"), off("KRW", "0.02")], room({"BTC": 1, "KRW": 2}), PRICES, AT)
    assert isinstance(found, Rounded)
    assert found.postings == (
        Posting(source="rounding:12", book=Book.ASSETS, currency="BTC", amount=Decimal("-1E-8"), at=AT),
        Posting(source="rounding:12", book=Book.ROUNDING, currency="BTC", amount=Decimal("1E-8"), at=AT),
        Posting(source="rounding:12", book=Book.ASSETS, currency="KRW", amount=Decimal("0.02"), at=AT),
        Posting(source="rounding:12", book=Book.ROUNDING, currency="KRW", amount=Decimal("-0.02"), at=AT),
    )
    assert found.value == Krw("0.52")  # 1e-8 x 50,000,000 = 0.5


@pytest.mark.parametrize(
    ("currency", "amount", "fills", "fits"),
    [
        ("KRW", "0.01", 1, True),
        ("KRW", "-0.01", 1, True),
        ("KRW", "0.010000001", 1, False),
        ("KRW", "0.03", 3, True),
        ("KRW", "0.000000001", 0, False),
        ("XRP", "0.00000001", 1, True),
        ("XRP", "-0.00000002", 1, False),
        ("XRP", "-0.00000002", 2, True),
        ("XRP", "0.00000001", 0, False),
    ],
)
def test_the_bound_is_one_step_a_fill(currency: str, amount: str, fills: int, fits: bool) -> None:
    found = round_off([off(currency, amount)], room({currency: fills}), PRICES, AT)
    assert isinstance(found, Rounded) is fits


def test_a_fill_of_one_coin_excuses_no_other_coin() -> None:
    found = round_off([off("XRP", "0.00000001")], room({"BTC": 100, "KRW": 100}), PRICES, AT)
    assert found == BeyondTolerance(reasons=("XRP: off by 0.00000001, more than 0 for 0 fills",))


def test_one_difference_beyond_tolerance_leaves_nothing_to_be_rounded() -> None:
    found = round_off([off("KRW", "0.01"), off("XRP", "5")], room({"KRW": 1, "XRP": 1}), PRICES, AT)
    assert found == BeyondTolerance(reasons=("XRP: off by 5, more than 0.00000001 for 1 fills",))


@pytest.mark.parametrize(
    ("booked", "amount", "fits"),
    [
        ({}, "1", True),
        ({}, "1.000000001", False),
        ({"KRW": "0.4"}, "0.6", True),
        ({"KRW": "0.4"}, "0.61", False),
        ({"BTC": "0.00000001"}, "-0.5", True),  # 0.5 won and 0.5 won
        ({"BTC": "0.00000001"}, "-0.51", False),
    ],
)
def test_no_more_than_one_won_is_rounded_away_on_one_day(booked: dict[str, str], amount: str, fits: bool) -> None:
    found = round_off([off("KRW", amount)], room({"KRW": 1_000}, booked), PRICES, AT)
    assert isinstance(found, Rounded) is fits
    if isinstance(found, BeyondTolerance):
        assert "KRW rounded in one day, more than 1" in found.reasons[0]


def test_one_step_of_a_dear_coin_may_be_more_than_the_day_allows() -> None:
    found = round_off([off("BTC", "0.00000001")], room({"BTC": 1}), {"BTC": Price(150_000_000)}, AT)
    assert found == BeyondTolerance(reasons=("1.5 KRW rounded in one day, more than 1",))


@pytest.mark.parametrize("booked", [{}, {"ETH": "0.00000001"}])
def test_a_coin_without_a_price_is_not_rounded(booked: dict[str, str]) -> None:
    found = round_off([off("SOL", "0.00000001")], room({"SOL": 1}, booked), PRICES, AT)
    assert isinstance(found, BeyondTolerance)
    assert "SOL: no price to value its rounding at" in found.reasons
    assert len(found.reasons) == 1 + len(booked)


@pytest.mark.parametrize("differences", [[], [off("KRW", "0")]])
def test_no_difference_needs_no_fill_and_no_price(differences: list[Difference]) -> None:
    assert round_off(differences, room({}, {"ETH": "9"}), {}, AT) == Rounded(postings=(), value=Krw(0))


@given(
    st.dictionaries(st.sampled_from(["KRW", "BTC", "XRP"]), st.integers(-(10**12), 10**12), max_size=3),
    st.dictionaries(st.sampled_from(["KRW", "BTC", "XRP"]), st.integers(-3, 3), max_size=3),
)
def test_whatever_is_rounded_leaves_no_difference(whole: dict[str, int], steps: dict[str, int]) -> None:
    held = {key: Decimal(each) / 10**10 for key, each in whole.items()}
    balances = {
        key: held.get(key, Decimal(0)) + Decimal(steps.get(key, 0)) / 10**8 for key in ("KRW", "BTC", "XRP")
    }
    apart = difference(held, balances, Decimal(0), Decimal(0))
    found = round_off(apart, room(dict.fromkeys(balances, 3)), {"BTC": Price(1), "XRP": Price(1)}, AT)
    assert isinstance(found, Rounded)
    require_balanced(found.postings)
    moved = books(found.postings)
    after = {key: held.get(key, Decimal(0)) + moved.get(key, Decimal(0)) for key in balances}
    assert difference(after, balances, Decimal(0), Decimal(0)) == ()

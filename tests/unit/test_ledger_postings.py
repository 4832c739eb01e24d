"""Double entry: postings cancel out, and books are compared with balances both ways."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Side
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import (
    Book,
    Difference,
    Posting,
    books,
    cash_postings,
    difference,
    fill_postings,
    require_balanced,
)
from tests.unit.ledger_fills import START, fill

BUY = fill(Side.BID, "90000000", "0.1", fee="4500")
SALE = fill(Side.ASK, "100000000", "0.04", fee="2000", day=3)


def lines(postings: tuple[Posting, ...]) -> dict[tuple[str, str], Decimal]:
    """Amounts by book and currency."""
    return {(posting.book, posting.currency): posting.amount for posting in postings}


def test_a_buy_is_five_lines() -> None:
    assert lines(fill_postings(BUY)) == {
        ("assets", "BTC"): Decimal("0.1"),
        ("trading", "BTC"): Decimal("-0.1"),
        ("assets", "KRW"): Decimal(-9_004_500),
        ("trading", "KRW"): Decimal(9_000_000),
        ("fees", "KRW"): Decimal(4_500),
    }
    assert {(each.source, each.at) for each in fill_postings(BUY)} == {(BUY.trade_uuid, START)}


def test_a_sale_pays_its_fee_from_the_proceeds() -> None:
    assert lines(fill_postings(SALE)) == {
        ("assets", "BTC"): Decimal("-0.04"),
        ("trading", "BTC"): Decimal("0.04"),
        ("assets", "KRW"): Decimal(3_998_000),
        ("trading", "KRW"): Decimal(-4_000_000),
        ("fees", "KRW"): Decimal(2_000),
    }


def test_a_trade_without_a_fee_has_no_line_for_it() -> None:
    assert (Book.FEES, "KRW") not in lines(fill_postings(replace(BUY, fee=Krw(0))))


def test_a_trade_at_the_tiniest_price_balances_to_its_last_digit() -> None:
    volume, funds, fee = "1000185897525.07616755", "718943624.9999999999966155", "359471.81249999999999830775"
    tiny = replace(BUY, price=Price("0.00071881"), volume=Quantity(volume), funds=Krw(funds), fee=Krw(fee))
    for each in (tiny, replace(tiny, side=Side.ASK)):
        require_balanced(fill_postings(each))


@pytest.mark.parametrize("amount", [1_000_000, -250_000])
def test_money_that_comes_or_goes_is_the_owners(amount: int) -> None:
    made = cash_postings("deposit-1", Krw(amount), START)
    assert lines(made) == {("assets", "KRW"): Decimal(amount), ("capital", "KRW"): Decimal(-amount)}
    require_balanced(made)


FILLS = st.builds(
    Fill,
    trade_uuid=st.uuids().map(str),
    identifier=st.just(BUY.identifier),
    market=st.just(BUY.market),
    side=st.sampled_from(Side),
    price=st.integers(1, 10**9).map(Price),
    volume=st.integers(1, 10**12).map(lambda units: Quantity(Decimal(units) / 10**8)),
    funds=st.decimals("0.00000001", "1000000000", places=8).map(Krw),
    fee=st.decimals("0", "500000", places=9).map(Krw),
    at=st.just(START),
)


@given(st.lists(FILLS, max_size=10, unique_by=lambda each: each.trade_uuid))
def test_every_trade_balances_by_itself_and_no_line_is_double(fills: list[Fill]) -> None:
    postings = [posting for each in fills for posting in fill_postings(each)]
    require_balanced(postings)
    keys = [(posting.source, posting.book, posting.currency) for posting in postings]
    assert len(keys) == len(set(keys))
    held = books(postings)
    coins = sum((each.volume.value if each.side is Side.BID else -each.volume.value for each in fills), Decimal(0))
    assert held.get("BTC", Decimal(0)) == coins


def test_a_missing_or_altered_line_is_found() -> None:
    made = fill_postings(BUY)
    for index, posting in enumerate(made):
        rest = made[:index] + made[index + 1 :]
        with pytest.raises(Inconsistent, match=rf"{BUY.trade_uuid} leave .* {posting.currency} over"):
            require_balanced(rest)
        with pytest.raises(Inconsistent):
            require_balanced((*rest, replace(posting, amount=posting.amount + Decimal("0.00000001"))))


def test_sources_do_not_make_up_for_each_other() -> None:
    more = Posting(source="a", book=Book.ASSETS, currency="KRW", amount=Decimal(5), at=START)
    with pytest.raises(Inconsistent, match="postings of a leave 5 KRW over"):
        require_balanced([more, replace(more, source="b", amount=Decimal(-5))])


def test_books_tell_what_is_held() -> None:
    postings = (*cash_postings("deposit", Krw(10_000_000), START), *fill_postings(BUY), *fill_postings(SALE))
    assert books(postings) == {"KRW": Decimal(4_993_500), "BTC": Decimal("0.06")}
    assert books(()) == {}


@pytest.mark.parametrize(
    ("held", "balances", "differing"),
    [
        ({"KRW": "100", "BTC": "1"}, {"KRW": "100", "BTC": "1"}, []),
        ({"KRW": "100.01"}, {"KRW": "100"}, []),
        ({"KRW": "100.0101"}, {"KRW": "100"}, ["KRW"]),
        ({"BTC": "1"}, {"BTC": "1.00000001"}, []),
        ({"BTC": "1"}, {"BTC": "1.00000002"}, ["BTC"]),
        ({"BTC": "1"}, {"BTC": "0.99999998"}, ["BTC"]),
        ({"BTC": "1"}, {}, ["BTC"]),  # only we know it
        ({}, {"XRP": "5", "ETH": "1"}, ["ETH", "XRP"]),  # only the account knows it
        ({"BTC": "0"}, {"ETH": "0.00000001"}, []),
        ({}, {}, []),
    ],
)
def test_books_and_account_are_compared_both_ways(
    held: dict[str, str], balances: dict[str, str], differing: list[str]
) -> None:
    # Flaw 21: names only, one direction, "in sync" on error.
    ours = {currency: Decimal(amount) for currency, amount in held.items()}
    theirs = {currency: Decimal(amount) for currency, amount in balances.items()}
    assert [each.currency for each in difference(ours, theirs)] == differing
    assert [each.currency for each in difference(theirs, ours)] == differing


def test_a_difference_says_what_each_side_tells() -> None:
    (found,) = difference({"BTC": Decimal("0.10")}, {"BTC": Decimal("0.3")})
    assert found == Difference(currency="BTC", books=Decimal("0.10"), balance=Decimal("0.3"))
    assert str(found) == "BTC: books 0.1, account 0.3"


def test_tolerances_are_arguments() -> None:
    apart = ({"BTC": Decimal(1), "KRW": Decimal(1)}, {"BTC": Decimal(2), "KRW": Decimal(2)})
    assert difference(*apart, coin_tolerance=Decimal(1), krw_tolerance=Decimal(1)) == ()
    exact = difference({"KRW": Decimal("0.001")}, {}, krw_tolerance=Decimal(0))
    assert [each.currency for each in exact] == ["KRW"]

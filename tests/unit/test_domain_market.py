"""Market codes and tick tables with their dates (upbit-api.md section 8)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import (
    Market,
    base_of,
    is_currency,
    is_market,
    market,
    minimum_total,
    quote_of,
    round_down,
    round_up,
    tick_size,
)

BTC = Market("KRW-BTC")
BEFORE_2024 = date(2024, 1, 28)
IN_2024 = date(2024, 1, 29)
BEFORE_2025 = date(2025, 7, 30)
IN_2025 = date(2025, 7, 31)

# One row a price band, one column a table: the page of the venue's reference, in its own order.
TABLE = """
price        2023    2024         2025
2000000      1000    1000         1000
1999999      500     500          1000
1000000      500     500          1000
999999       100     100          500
500000       100     100          500
499999       50      50           100
100000       50      50           100
99999        10      10           50
50000        10      10           50
49999        10      10           10
10000        10      10           10
9999         5       1            5
5000         5       1            5
4999         5       1            1
1000         5       1            1
999          1       0.1          1
100          1       0.1          1
99.9         0.1     0.01         0.1
10           0.1     0.01         0.1
9.99         0.01    0.001        0.01
1            0.01    0.001        0.01
0.999        0.001   0.0001       0.001
0.1          0.001   0.0001       0.001
0.0999       0.0001  0.00001      0.0001
0.01         0.0001  0.00001      0.0001
0.00999      0.0001  0.000001     0.00001
0.001        0.0001  0.000001     0.00001
0.000999     0.0001  0.0000001    0.000001
0.0001       0.0001  0.0000001    0.000001
0.0000999    0.0001  0.00000001   0.0000001
0.00001      0.0001  0.00000001   0.0000001
0.00000999   0.0001  0.00000001   0.00000001
"""
CELLS = [
    (price, day, tick)
    for price, *ticks in (line.split() for line in TABLE.split("\n")[2:-1])
    for days, tick in zip(
        ((date(2017, 10, 1), BEFORE_2024), (IN_2024, BEFORE_2025), (IN_2025,)), ticks, strict=True
    )
    for day in days
]


@pytest.mark.parametrize(("price", "day", "tick"), CELLS)
def test_the_tick_of_a_won_market_follows_price_and_date(price: str, day: date, tick: str) -> None:
    assert tick_size(BTC, Decimal(price), day) == Decimal(tick)


@pytest.mark.parametrize(
    ("code", "price", "day", "tick"),
    [
        ("KRW-ADA", "500", date(2024, 10, 13), "0.1"),
        ("KRW-ADA", "500", date(2024, 10, 14), "1"),
        ("KRW-TRX", "999.9", date(2024, 10, 14), "1"),
        ("KRW-ADA", "1000", date(2024, 10, 14), "1"),
        ("KRW-ADA", "99.9", date(2024, 10, 14), "0.01"),
        ("KRW-XRP", "500", date(2024, 10, 14), "0.1"),
        ("KRW-ADA", "500", date(2024, 1, 28), "1"),
        ("KRW-USDT", "1400", date(2025, 3, 20), "1"),
        ("KRW-USDT", "1400", date(2025, 3, 21), "0.5"),
        ("KRW-USDC", "9999.5", date(2025, 3, 21), "0.5"),
        ("KRW-USDC", "10000", date(2025, 3, 21), "10"),
        ("KRW-USDT", "999", date(2025, 3, 21), "0.1"),
        ("KRW-USDT", "1400", IN_2025, "1"),
        ("BTC-ETH", "0.05", IN_2025, "0.00000001"),
        ("USDT-BTC", "60000", IN_2025, "0.01"),
        ("USDT-XRP", "2.5", IN_2025, "0.001"),
        ("USDT-XRP", "0.5", IN_2025, "0.0001"),
        ("USDT-XRP", "0.00005", IN_2025, "0.00000001"),
    ],
)
def test_named_exceptions_and_other_quotes_have_their_own_ticks(
    code: str, price: str, day: date, tick: str
) -> None:
    assert tick_size(Market(code), Decimal(price), day) == Decimal(tick)


def test_a_price_below_zero_has_no_tick() -> None:
    with pytest.raises(ValueError, match="above zero"):
        tick_size(BTC, Decimal(-1), IN_2025)


CODES = st.sampled_from(["KRW-BTC", "KRW-ADA", "KRW-USDT", "BTC-ETH", "USDT-XRP"]).map(Market)
DAYS = st.dates(min_value=date(2018, 1, 1), max_value=date(2027, 1, 1))
PRICES = st.decimals(min_value="0.00000001", max_value="300000000", places=10, allow_nan=False).filter(bool)


@given(CODES, PRICES, DAYS)
def test_rounding_lands_on_the_tick_of_its_own_band(code: Market, price: Decimal, day: date) -> None:
    for rounded in (round_down(code, price, day), round_up(code, price, day)):
        assert rounded.value % tick_size(code, rounded.value, day) == 0


@given(CODES, PRICES, DAYS)
def test_rounding_stays_within_one_tick_on_the_safe_side(code: Market, price: Decimal, day: date) -> None:
    tick = tick_size(code, price, day)
    below, above = round_down(code, price, day).value, round_up(code, price, day).value
    assert price <= above < price + tick
    assert below <= price or below == tick  # under the lowest tick there is only the tick itself
    assert price - tick < below


@given(CODES, PRICES, DAYS)
def test_a_price_on_its_tick_rounds_to_itself(code: Market, price: Decimal, day: date) -> None:
    on_tick = round_up(code, price, day)
    assert round_up(code, on_tick.value, day) == on_tick == round_down(code, on_tick.value, day)


@pytest.mark.parametrize("text", ["KRW-BTC", "krw-btc", "  KRW-btc\n"])
def test_a_market_is_written_in_upper_case(text: str) -> None:
    assert market(text) == "KRW-BTC"


@pytest.mark.parametrize("text", ["", "BTC", "KRW-", "-BTC", "EUR-BTC", "KRW-BTC-ETH", "KRW_BTC", "KRW-비트"])
def test_what_is_no_market_code_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnknownMarket, match="expected QUOTE-BASE"):
        market(text)


def test_codes_are_known_by_their_spelling() -> None:
    markets = ["KRW-BTC", "BTC-1INCH", "USDT-BTC"]
    currencies = ["KRW", "1INCH"]
    neither = ["krw-btc", "KRW_BTC", "KRW-BTC ", "EUR-BTC", "KRW-BTC-X", "btc", "BTC ", "비트", "B" * 16, ""]
    every = markets + currencies + neither
    assert [each for each in every if is_market(each)] == markets
    assert [each for each in every if is_currency(each)] == currencies


def test_a_code_tells_quote_and_base() -> None:
    assert (quote_of(BTC), base_of(BTC)) == ("KRW", "BTC")


@pytest.mark.parametrize(("code", "least"), [("KRW-BTC", "5000"), ("BTC-ETH", "0.00005"), ("USDT-BTC", "0.5")])
def test_each_quote_has_its_smallest_order(code: str, least: str) -> None:
    assert minimum_total(Market(code)) == Decimal(least)

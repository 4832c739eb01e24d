"""Market codes and their tick tables, with the dates from which each table holds.

Source: upbit-api.md section 8 (KRW tables before 2024-01-29, from 2024-01-29, from 2025-07-31 and the named
exceptions between). The venue's own `/orderbook/instruments` tells only the step at the present price, so these
tables decide near a band's edge, in replays and in the simulator.
"""

import re
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import NewType

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.money import Price

Market = NewType("Market", str)
"""QUOTE-BASE in upper case, such as "KRW-BTC"."""

_CURRENCY = re.compile(r"[A-Z0-9]{1,15}")
_CODE = re.compile(rf"(KRW|BTC|USDT)-{_CURRENCY.pattern}")

Bands = tuple[tuple[Decimal, Decimal], ...]
"""(price from, inclusive; tick), highest band first; the last band starts at zero."""


def _bands(text: str) -> Bands:
    pairs = (part.split(":") for part in text.split())
    return tuple((Decimal(start), Decimal(tick)) for start, tick in pairs)


_LOW_2023 = "0.1:0.001 0:0.0001"
_LOW_2024 = "0.1:0.0001 0.01:0.00001 0.001:0.000001 0.0001:0.0000001 0:0.00000001"
_LOW_2025 = "0.1:0.001 0.01:0.0001 0.001:0.00001 0.0001:0.000001 0.00001:0.0000001 0:0.00000001"

_KRW_TABLES: tuple[tuple[date, Bands], ...] = (
    (
        date(2025, 7, 31),
        _bands(
            "1000000:1000 500000:500 100000:100 50000:50 10000:10 5000:5 1000:1 100:1 10:0.1 1:0.01 " + _LOW_2025
        ),
    ),
    (
        date(2024, 1, 29),
        _bands(
            "2000000:1000 1000000:500 500000:100 100000:50 50000:10 10000:10 5000:1 1000:1 100:0.1 10:0.01 "
            "1:0.001 " + _LOW_2024
        ),
    ),
    (
        date.min,
        _bands(
            "2000000:1000 1000000:500 500000:100 100000:50 50000:10 10000:10 5000:5 1000:5 100:1 10:0.1 "
            "1:0.01 " + _LOW_2023
        ),
    ),
)
_USDT = _bands("10:0.01 1:0.001 0.1:0.0001 0.01:0.00001 0.001:0.000001 0.0001:0.0000001 0:0.00000001")
_BTC = _bands("0:0.00000001")

_COARSE_SINCE, _FINE_SINCE = date(2024, 10, 14), date(2025, 3, 21)
_COARSE_HUNDREDS = frozenset("ADA ALGO BLUR CELO ELF EOS GRS GRT ICX MANA MINA POL SAND SEI STG TRX".split())
_FINE_THOUSANDS = frozenset({"USDT", "USDC"})

TICK_DATES = tuple(sorted({_COARSE_SINCE, _FINE_SINCE, *(since for since, _ in _KRW_TABLES if since > date.min)}))
"""The KST dates on which price steps of some market became others; between two of them they stay what they are."""

_MINIMUM_TOTAL = {"KRW": Decimal(5000), "BTC": Decimal("0.00005"), "USDT": Decimal("0.5")}


def market(text: str) -> Market:
    """`text` as a market code, upper-cased; `UnknownMarket` if it has not the form QUOTE-BASE."""
    code = text.strip().upper()
    if not _CODE.fullmatch(code):
        raise UnknownMarket(f"market: expected QUOTE-BASE such as KRW-BTC, got {text!r}")
    return Market(code)


def is_market(text: str) -> bool:
    """Whether `text` is spelled as a market code to the letter: "krw-btc" is not."""
    return _CODE.fullmatch(text) is not None


def is_currency(text: str) -> bool:
    """Whether `text` is spelled as the code of a currency: "KRW", "BTC", "1INCH"."""
    return _CURRENCY.fullmatch(text) is not None


def quote_of(code: Market) -> str:
    """The currency that prices are written in: "KRW" of "KRW-BTC"."""
    return code.partition("-")[0]


def base_of(code: Market) -> str:
    """The coin that is traded: "BTC" of "KRW-BTC"."""
    return code.partition("-")[2]


def minimum_total(code: Market) -> Decimal:
    """The venue's smallest order total in the quote currency (upbit-api.md section 5)."""
    return _MINIMUM_TOTAL[quote_of(code)]


def tick_size(code: Market, price: Decimal, on: date) -> Decimal:
    """The price step of `code` at `price` on the KST date `on`."""
    for start, tick in _table(code, on):
        if price >= start:
            return tick
    raise ValueError(f"a price is above zero: {price}")


def round_down(code: Market, price: Decimal, on: date) -> Price:
    """`price` on the tick at or below it: the safe direction for a buy's limit."""
    return Price(_rounded(code, price, on, ROUND_FLOOR))


def round_up(code: Market, price: Decimal, on: date) -> Price:
    """`price` on the tick at or above it: the safe direction for a stop or a sell's limit."""
    return Price(_rounded(code, price, on, ROUND_CEILING))


def _rounded(code: Market, price: Decimal, on: date, rounding: str) -> Decimal:
    tick = tick_size(code, price, on)
    rounded = (price / tick).to_integral_value(rounding) * tick
    return rounded if rounded > 0 else tick


@lru_cache(maxsize=4096)
def _table(code: Market, on: date) -> Bands:
    quote, base = quote_of(code), base_of(code)
    if quote != "KRW":
        return _USDT if quote == "USDT" else _BTC
    since, bands = next((since, bands) for since, bands in _KRW_TABLES if on >= since)
    if since != date(2024, 1, 29):
        return bands
    if base in _COARSE_HUNDREDS and on >= _COARSE_SINCE:
        return tuple((start, Decimal(1) if start == 100 else tick) for start, tick in bands)
    if base in _FINE_THOUSANDS and on >= _FINE_SINCE:
        half = Decimal("0.5")
        return tuple((start, half if start in (1000, 5000) else tick) for start, tick in bands)
    return bands

"""Whatever the venue answers, the client's calls end in a value or in an error that the caller knows."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makenaide.domain.errors import Unavailable, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.order import Identifier, OrderType
from makenaide.exchange.http import Response
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.outcomes import Replacement
from makenaide.exchange.upbit.retry import RetrySettings
from makenaide.exchange.venue import CandleUnit
from tests.unit.test_upbit_client import ENTRY, IDENTIFIER
from tests.unit.test_upbit_wire import CANDLE, CHANCE, LIMIT_SELL, LISTING, MARKET_BUY, TICKER
from tests.unit.upbit_script import KEYS, START, stand

BTC, ETH = Market("KRW-BTC"), Market("KRW-ETH")
NEW = Replacement(type=OrderType.MARKET, identifier=Identifier("i-2"))

CALLS: dict[str, Callable[[UpbitClient], object]] = {
    "markets": lambda client: client.markets(),
    "day candles": lambda client: client.day_candles(BTC, START, 5),
    "candles": lambda client: client.candles(BTC, CandleUnit.DAYS, START, 5),
    "trades": lambda client: client.trades(BTC),
    "tickers": lambda client: client.tickers([ETH]),
    "all tickers": lambda client: client.tickers_of(["KRW"]),
    "books": lambda client: client.books([BTC]),
    "instruments": lambda client: client.instruments([BTC]),
    "accounts": lambda client: client.accounts(),
    "chance": lambda client: client.chance(BTC),
    "wallets": lambda client: client.wallets(),
    "keys": lambda client: client.api_keys(),
    "deposits": lambda client: client.deposits(most=150),
    "withdrawals": lambda client: client.withdrawals(most=150),
    "place": lambda client: client.place(ENTRY),
    "test": lambda client: client.test_order(ENTRY),
    "exchange": lambda client: client.cancel_and_new(IDENTIFIER, NEW),
    "order": lambda client: client.order(IDENTIFIER),
    "by uuid": lambda client: client.by_uuid("u-1"),
    "orders": lambda client: client.orders([IDENTIFIER]),
    "orders by uuid": lambda client: client.orders_by_uuid(["u-1"]),
    "open orders": lambda client: client.open_orders(),
    "closed orders": lambda client: client.closed_orders(START, START + timedelta(days=1)),
    "cancel": lambda client: client.cancel(IDENTIFIER),
    "cancel many": lambda client: client.cancel_many([IDENTIFIER]),
    "cancel all": lambda client: client.cancel_all([BTC], None),
    "withdrawal right": lambda client: client.withdrawal_right(),
    "address": lambda client: client.address_allowed(),
}
VALUED = ("place", "test", "exchange", "cancel many", "withdrawal right", "address")
"""These never raise for anything that the venue answers: their doubts are values."""

BOOK = {"market": "KRW-BTC", "timestamp": 1, "orderbook_units": [dict.fromkeys(("bid_price", "bid_size"), 1)]}
SEEDS: list[Any] = [
    [json.loads(CANDLE)],
    [json.loads(TICKER)],
    [json.loads(LISTING)],
    [BOOK],
    MARKET_BUY,
    [LIMIT_SELL],
    LIMIT_SELL | {"new_order_uuid": "u-2"},
    CHANCE,
    [{"currency": "BTC", "wallet_state": "working", "block_state": None}],
    [{"access_key": "a", "expire_at": "2026-03-01T09:00:00+09:00"}],
    [
        {
            "uuid": "d",
            "currency": "BTC",
            "amount": "1",
            "fee": "0",
            "state": "DONE",
            "created_at": "2026-03-01T00:00:00Z",
        }
    ],
    {"success": {"orders": [{"uuid": "u", "market": "KRW-BTC"}]}, "failed": {"orders": []}},
    {"error": {"name": "order_not_found", "message": "words"}},
    {"error": {"name": 404, "message": "Code not found"}},
]
HOSTILE = [
    *(
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html><body>502</body></html>",
        b"Too many API requests.",
        b"\xff\xfe",
        b"[null]",
    ),
    *(
        b"[{}]",
        b'[{"market":',
        b"9" * 5000,
        b'{"error":null}',
        b'{"error":{"name":{}}}',
        b"\x1f\x8b\x08",
        b"[" * 9999,
    ),
    b'{"uuid":"a","uuid":""}',
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["1e999999999", "-1", "NaN", "sNaN", "Infinity", "0", "KRW-BTC", "9999-12-31T23:59:59+00:00", "1_0"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
ONCE = RetrySettings(attempts=1, breaker_failures=1000)


def changed(value: Any, draw: Callable[..., Any]) -> Any:
    """`value` with something in it replaced, dropped or doubled."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 5)) == 0:
            return {each: part for each, part in value.items() if each != name}
        return value | {name: changed(value[name], draw)}
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        return [changed(value[0], draw), *value[1:]] + (value if draw(st.booleans()) else [])
    return draw(VALUES)


def met(name: str, response: Response) -> None:
    """The call answers, or raises what its caller expects, in few words and without our secret."""
    words = said(name, response)
    assert words == "" or name not in VALUED
    assert len(words) <= 500
    assert KEYS.secret not in words


def said(name: str, response: Response) -> str:
    """What the call's error says; "" when it answers."""
    try:
        CALLS[name](stand([response], settings=ONCE).client)
    except (Unavailable, UnknownMarket) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [200, 404, 429])
def test_hostile_bodies_are_met_by_every_call(name: str, status: int) -> None:
    for body in HOSTILE:
        met(name, Response(status=status, headers={"date": "x", "remaining-req": "y"}, body=body))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(CALLS)), status=st.sampled_from([200, 201, 400, 404]))
def test_almost_right_replies_are_met_by_every_call(data: st.DataObject, name: str, status: int) -> None:
    value = changed(data.draw(st.sampled_from(SEEDS)), data.draw)
    met(name, Response(status=status, headers={}, body=json.dumps(value).encode(errors="replace")))


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(sorted(CALLS)), body=st.binary(max_size=200), status=st.integers(100, 599))
def test_any_bytes_are_met_by_every_call(name: str, body: bytes, status: int) -> None:
    met(name, Response(status=status, headers={}, body=body))


def test_a_whole_page_of_html_is_not_repeated_in_the_error() -> None:
    page = b"<html>" + b"x" * 1_000_000
    with pytest.raises(VenueGarbled) as caught:
        stand([Response(status=200, headers={}, body=page)]).client.accounts()
    assert "GET /v1/accounts" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_number_of_a_million_digits_is_garbage() -> None:
    row = b'[{"currency":"KRW","balance":"' + b"9" * 1_000_000 + b'","locked":"0"}]'
    with pytest.raises(VenueGarbled, match="not a sensible amount"):
        stand([Response(status=200, headers={}, body=row)]).client.accounts()
    thin = b'[{"currency":"KRW","balance":"0.' + b"1" * 1_000_000 + b'","locked":"0"}]'
    with pytest.raises(VenueGarbled, match="digits"):
        stand([Response(status=200, headers={}, body=thin)]).client.accounts()


def test_a_zero_with_an_exponent_is_a_plain_zero() -> None:
    body = b'[{"currency":"KRW","balance":"0E-9999999","locked":"-0.00"}]'
    held = stand([Response(status=200, headers={}, body=body)]).client.accounts()["KRW"]
    assert f"{held.free:f} {held.locked:f}" == "0 0"

"""The calls of the official `upbit-sdk`, each written once for its synchronous and its asynchronous client.

Besides what a call promises, every field that the SDK's own models require has to be in the reply.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from upbit import AsyncUpbit, Upbit

from tests.peers.callers.tally import Wrong, acall, call

MARKET = "KRW-BTC"
TICK = 1000
VOLUME = "0.001"
LAGGING = {"prevented_volume", "remaining_volume"}
"""Required by the SDK's model of an order, though an order by total has neither (upbit-api.md section 12)."""
MINUTES = (1, 3, 5, 10, 15, 30, 60, 240)
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One call: `act` gets the client and what earlier calls found, `holds` judges the reply."""

    name: str
    act: Callable[[Any, Found], Any]
    holds: Callable[[Any], object] = bool

    def judge(self, found: Any) -> bool:
        """Whether the reply is what the call promises, and whole."""
        return bool(self.holds(found)) and _whole(found)


def _below(found: Found, share: str) -> str:
    """A bid's price that rests: a share of the last price, on the tick."""
    last = Decimal(found["ticker"][0].trade_price)
    return str(int(last * Decimal(share)) // TICK * TICK)


def _limit(client: Any, found: Found, **more: Any) -> Any:
    price = _below(found, "0.9")
    return client.orders.create(market=MARKET, side="bid", ord_type="limit", price=price, volume=VOLUME, **more)


def _models(found: Any) -> list[Any]:
    """The SDK's models in a reply: one, a list of them, or a page."""
    rows = getattr(found, "items", found)
    rows = rows if isinstance(rows, list) else [rows]
    return [each for each in rows if hasattr(each, "model_fields_set")]


def _whole(found: Any) -> bool:
    """Whether every field that the SDK's models require has come."""
    for each in _models(found):
        required = {name for name, field in type(each).model_fields.items() if field.is_required()}
        missing = required - each.model_fields_set - LAGGING
        if missing:
            raise Wrong(f"{type(each).__name__} without {', '.join(sorted(missing))}")
    return True


def _waits(order: Any) -> bool:
    return bool(order.state == "wait" and order.ord_type == "limit")


def _minutes(unit: int, client: Any, _: Found) -> Any:
    return client.candles.list_minutes(unit=unit, market=MARKET, count=3)


QUOTATION = [
    Step("markets", lambda client, _: client.trading_pairs.list(is_details=True)),
    Step("ticker", lambda client, _: client.tickers.list_by_trading_pairs(markets=MARKET)),
    Step("tickers of a quote", lambda client, _: client.tickers.list_by_quote_currencies(quote_currencies="KRW")),
    Step("candles: seconds", lambda client, _: client.candles.list_seconds(market=MARKET, count=3)),
    *(Step(f"candles: minutes/{unit}", partial(_minutes, unit)) for unit in MINUTES),
    Step("candles: days", lambda client, _: client.candles.list_days(market=MARKET, count=3)),
    Step("candles: weeks", lambda client, _: client.candles.list_weeks(market=MARKET, count=3)),
    Step("candles: months", lambda client, _: client.candles.list_months(market=MARKET, count=3)),
    Step("candles: years", lambda client, _: client.candles.list_years(market=MARKET, count=3)),
    Step(
        "order book",
        lambda client, _: client.orderbooks.list(markets=MARKET),
        lambda rows: rows[0].orderbook_units,
    ),
    Step("order book instruments", lambda client, _: client.orderbooks.list_instruments(markets=MARKET)),
    Step("trades", lambda client, _: client.trades.list(market=MARKET, count=5)),
]

ORDERS = [
    Step("accounts", lambda client, _: client.accounts.list()),
    Step("order chance", lambda client, _: client.orders.retrieve_chance(market=MARKET)),
    Step(
        "test order",
        lambda client, found: client.orders.test_create(
            market=MARKET, side="bid", ord_type="limit", price=_below(found, "0.9"), volume=VOLUME
        ),
    ),
    Step("place: limit", lambda client, found: _limit(client, found, identifier=found["identifier"]), _waits),
    Step("order by uuid", lambda client, found: client.orders.retrieve(uuid=found["place: limit"].uuid), _waits),
    Step(
        "order by identifier",
        lambda client, found: client.orders.retrieve(identifier=found["identifier"]),
        _waits,
    ),
    Step(
        "open orders", lambda client, _: client.orders.list_open(market=MARKET), lambda page: len(page.items) == 1
    ),
    Step(
        "orders by ids",
        lambda client, found: client.orders.list_by_uuids(uuids=[found["place: limit"].uuid]),
        lambda rows: len(rows) == 1,
    ),
    Step("cancel", lambda client, found: client.orders.cancel(uuid=found["place: limit"].uuid)),
    Step(
        "place: limit, post_only", lambda client, found: _limit(client, found, time_in_force="post_only"), _waits
    ),
    Step(
        "cancel by ids",
        lambda client, found: client.orders.cancel_by_uuids(uuids=[found["place: limit, post_only"].uuid]),
        lambda result: result.success.count == 1,
    ),
    Step("place: limit again", _limit, _waits),
    Step(
        "cancel and new",
        lambda client, found: client.orders.cancel_and_new(
            prev_order_uuid=found["place: limit again"].uuid,
            new_ord_type="limit",
            new_price=_below(found, "0.8"),
            new_volume="remain_only",
        ),
        lambda order: order.new_order_uuid,
    ),
    Step(
        "batch cancel",
        lambda client, _: client.orders.cancel_open(quote_currencies="KRW", cancel_side="bid"),
        lambda result: result.success.count == 1,
    ),
    Step(
        "place: market buy",
        lambda client, _: client.orders.create(market=MARKET, side="bid", ord_type="price", price="20000"),
    ),
    Step(
        "place: best buy",
        lambda client, _: client.orders.create(
            market=MARKET, side="bid", ord_type="best", price="20000", time_in_force="ioc"
        ),
    ),
    Step(
        "order with trades",
        lambda client, found: client.orders.retrieve(uuid=found["place: market buy"].uuid),
        lambda order: order.trades,
    ),
    Step(
        "place: market sell",
        lambda client, _: client.orders.create(market=MARKET, side="ask", ord_type="market", volume="0.0002"),
    ),
    Step("closed orders", lambda client, _: client.orders.list_closed(market=MARKET, limit=5)),
]

MONEY = [
    Step("wallet status", lambda client, _: client.wallet_status.list()),
    Step("api keys", lambda client, _: client.api_keys.list()),
    Step("deposits", lambda client, _: client.deposits.list(), lambda page: page.items == []),
    Step("deposit chance", lambda client, _: client.deposits.retrieve_chance(currency="BTC", net_type="BTC")),
    Step("deposit addresses", lambda client, _: client.deposits.list_coin_addresses(), lambda rows: rows == []),
    Step("withdrawals", lambda client, _: client.withdraws.list(), lambda page: page.items == []),
    Step("withdrawal chance", lambda client, _: client.withdraws.retrieve_chance(currency="BTC", net_type="BTC")),
    Step(
        "withdrawal addresses", lambda client, _: client.withdraws.list_coin_addresses(), lambda rows: rows == []
    ),
    Step("pockets", lambda client, _: client.pockets.list()),
]

STEPS = [*QUOTATION, *ORDERS, *MONEY]


def run() -> None:
    """Every call by the synchronous client."""
    found: Found = {"identifier": "peers-sync"}
    with Upbit(max_retries=0) as client:
        for step in STEPS:
            found[step.name] = call(step.name, partial(step.act, client, found), step.judge)


async def arun() -> None:
    """Every call by the asynchronous client."""
    found: Found = {"identifier": "peers-async"}
    async with AsyncUpbit(max_retries=0) as client:
        for step in STEPS:
            found[step.name] = await acall(step.name, partial(step.act, client, found), step.judge)


if __name__ == "__main__":
    if sys.argv[1:] == ["async"]:
        asyncio.run(arun())
    else:
        run()

"""ccxt's `upbit`: its unified calls, with the address put into `urls`."""

import functools
from decimal import Decimal
from typing import Any

import ccxt

from tests.peers.callers.tally import base_url, call, keys

SYMBOL = "BTC/KRW"
TIMEFRAMES = ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "1h", "4h", "1d", "1w", "1M", "1y")
AMOUNT = 0.001
BEST = {"ordType": "best", "cost": 20000, "timeInForce": "IOC"}


def client() -> Any:
    """ccxt's client."""
    access, secret = keys()
    made = ccxt.upbit({"apiKey": access, "secret": secret})
    made.urls["api"] = {"public": base_url(), "private": base_url()}
    return made


def below(last: float, share: str) -> float:
    """A bid's price that rests: a share of the last price, on the tick."""
    return float(int(Decimal(str(last)) * Decimal(share)) // 1000 * 1000)


def quotation(upbit: Any) -> float:
    """The public calls; returns the last price."""
    call("load_markets", upbit.load_markets)
    ticker = call("fetch_ticker", lambda: upbit.fetch_ticker(SYMBOL), lambda found: found["last"] > 0)
    call("fetch_tickers", lambda: upbit.fetch_tickers([SYMBOL, "ETH/KRW"]), lambda found: len(found) == 2)
    call("fetch_order_book", lambda: upbit.fetch_order_book(SYMBOL), lambda found: found["bids"] and found["asks"])
    call("fetch_order_books", lambda: upbit.fetch_order_books([SYMBOL, "ETH/KRW"]), lambda found: len(found) == 2)
    call("fetch_trades", lambda: upbit.fetch_trades(SYMBOL, limit=5))
    for each in TIMEFRAMES:
        call(f"fetch_ohlcv: {each}", functools.partial(upbit.fetch_ohlcv, SYMBOL, each, limit=3))
    return float(ticker["last"])


def orders(upbit: Any, last: float) -> None:
    """Placing, looking and cancelling."""
    bid = functools.partial(upbit.create_order, SYMBOL, "limit", "buy", AMOUNT)
    call("fetch_balance", upbit.fetch_balance, lambda found: found["KRW"]["free"] > 0)
    call("fetch_trading_fee", lambda: upbit.fetch_trading_fee(SYMBOL), lambda found: found["taker"] == 0.0005)
    call("create_order: test", lambda: bid(below(last, "0.9"), {"test": True}))
    first = call("create_order: limit", lambda: bid(below(last, "0.9")), lambda found: found["status"] == "open")
    call("fetch_order", lambda: upbit.fetch_order(first["id"]), lambda found: found["id"] == first["id"])
    call("fetch_open_orders", lambda: upbit.fetch_open_orders(SYMBOL), lambda found: len(found) == 1)
    second = call(
        "edit_order",
        lambda: upbit.edit_order(first["id"], SYMBOL, "limit", "buy", AMOUNT, below(last, "0.8")),
    )
    call("cancel_order", lambda: upbit.cancel_order(newest(upbit)["id"]), lambda found: second and found["id"])
    call("fetch_canceled_orders", lambda: upbit.fetch_canceled_orders(SYMBOL), lambda found: len(found) >= 2)
    call("create_order: market buy", lambda: upbit.create_market_buy_order_with_cost(SYMBOL, 20000))
    call("create_order: market sell", lambda: upbit.create_order(SYMBOL, "market", "sell", 0.0002))
    call(
        "create_order: best",
        lambda: upbit.create_order(SYMBOL, "market", "buy", 1, None, BEST),
    )
    call("create_order: post only", lambda: bid(below(last, "0.9"), {"postOnly": True}))
    call("fetch_closed_orders", lambda: upbit.fetch_closed_orders(SYMBOL))


def newest(upbit: Any) -> Any:
    """The order that waits."""
    return upbit.fetch_open_orders(SYMBOL)[0]


def money(upbit: Any) -> None:
    """Deposits, withdrawals and addresses, of which there are none."""
    call("fetch_deposits", lambda: upbit.fetch_deposits("KRW"), lambda found: found == [])
    call("fetch_withdrawals", lambda: upbit.fetch_withdrawals("KRW"), lambda found: found == [])
    call("fetch_deposit_addresses", upbit.fetch_deposit_addresses, lambda found: len(found) == 0)


if __name__ == "__main__":
    exchange = client()
    orders(exchange, quotation(exchange))
    money(exchange)

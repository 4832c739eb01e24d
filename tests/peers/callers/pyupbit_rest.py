"""pyupbit, whose host is hardcoded: its `requests` is given one that leads to the simulator.

The library swallows every error and gives None, or the error's own dictionary, in its place.
"""

import functools
from types import SimpleNamespace
from typing import Any

import pyupbit
import requests
from pyupbit import request_api

from tests.peers.callers.tally import base_url, call, keys

HOST = "https://api.upbit.com"
MARKET = "KRW-BTC"
INTERVALS = (*(f"minute{unit}" for unit in (1, 3, 5, 10, 15, 30, 60, 240)), "day", "week", "month")


def _redirected(send: Any) -> Any:
    @functools.wraps(send)
    def elsewhere(url: str, **more: Any) -> Any:
        return send(url.replace(HOST, base_url()), timeout=10, **more)

    return elsewhere


def redirect() -> None:
    """Send the library's requests to the simulator."""
    sends = {name: _redirected(getattr(requests, name)) for name in ("get", "post", "delete")}
    request_api.requests = SimpleNamespace(**sends)


def filled(found: Any) -> bool:
    """Whether the library gave rows and no error."""
    return found is not None and len(found) > 0 and not (isinstance(found, dict) and "error" in found)


def quotation() -> float:
    """The public calls; returns the last price."""
    call(
        "get_tickers",
        lambda: pyupbit.get_tickers(fiat="KRW", is_details=True),
        lambda rows: "market_event" in rows[0],
    )
    last = call("get_current_price", lambda: pyupbit.get_current_price(MARKET))
    call(
        "get_current_price of many",
        lambda: pyupbit.get_current_price([MARKET, "KRW-ETH"]),
        lambda found: len(found) == 2,
    )
    call("get_orderbook", lambda: pyupbit.get_orderbook(MARKET), lambda found: found["orderbook_units"])
    for interval in INTERVALS:
        call(f"get_ohlcv: {interval}", functools.partial(pyupbit.get_ohlcv, MARKET, interval, 3), filled)
    return float(last)


def orders(upbit: Any, last: float) -> None:
    """Placing, looking and cancelling."""
    price = last * 0.9 // 1000 * 1000
    call("get_balances", upbit.get_balances, filled)
    call("get_balance", lambda: upbit.get_balance("KRW"))
    call("get_chance", lambda: upbit.get_chance(MARKET), filled)
    order = call("buy_limit_order", lambda: upbit.buy_limit_order(MARKET, price, 0.001), filled)
    call("get_order by uuid", lambda: upbit.get_order(order["uuid"]), lambda found: found["uuid"] == order["uuid"])
    call("get_order of a market", lambda: upbit.get_order(MARKET), lambda rows: rows[0]["uuid"] == order["uuid"])
    call("get_individual_order", lambda: upbit.get_individual_order(order["uuid"]), filled)
    call("cancel_order", lambda: upbit.cancel_order(order["uuid"]), lambda found: found["uuid"] == order["uuid"])
    call("buy_market_order", lambda: upbit.buy_market_order(MARKET, 20000), filled)
    call("get_order: cancelled", lambda: upbit.get_order(MARKET, state="cancel"), filled)
    call("sell_market_order", lambda: upbit.sell_market_order(MARKET, 0.0001), filled)
    call("get_order: done", lambda: upbit.get_order(MARKET, state="done"), filled)
    call("sell_limit_order", lambda: upbit.sell_limit_order(MARKET, last * 1.1 // 1000 * 1000, 0.0001), filled)


def money(upbit: Any) -> None:
    """Deposits, withdrawals, wallets and keys."""
    call("get_deposit_list", lambda: upbit.get_deposit_list("KRW"), lambda found: found == [])
    call("get_withdraw_list", lambda: upbit.get_withdraw_list("KRW"), lambda found: found == [])
    call("get_deposit_withdraw_status", upbit.get_deposit_withdraw_status, filled)
    call("get_api_key_list", upbit.get_api_key_list, filled)


if __name__ == "__main__":
    redirect()
    account = pyupbit.Upbit(*keys())
    orders(account, quotation())
    money(account)

"""ccxt's `upbit` of ccxt.pro: the streams, with their address put into `urls`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.pro

from tests.peers.callers.tally import acall, base_url, keys

SYMBOL = "BTC/KRW"


def client() -> Any:
    """ccxt's streaming client."""
    access, secret = keys()
    made = ccxt.pro.upbit({"apiKey": access, "secret": secret})
    address = base_url().replace("http", "ws", 1) + "/websocket/v1"
    made.urls["api"] = {"public": base_url(), "private": base_url(), "ws": address}
    return made


async def beside(watch: Callable[[], Awaitable[Any]], act: Callable[[], Awaitable[Any]]) -> Any:
    """What `watch` sees of `act`, which is done once the subscription stands."""
    watching = asyncio.ensure_future(watch())
    await asyncio.sleep(0.7)
    await act()
    return await watching


async def run() -> None:
    """Every stream once."""
    upbit = client()
    try:
        await upbit.load_markets()
        await acall("watch_ticker", lambda: upbit.watch_ticker(SYMBOL), lambda found: found["last"] > 0)
        await acall("watch_trades", lambda: upbit.watch_trades(SYMBOL))
        await acall("watch_order_book", lambda: upbit.watch_order_book(SYMBOL), lambda found: found["asks"])
        await acall("watch_ohlcv", lambda: upbit.watch_ohlcv(SYMBOL, "1s"))

        async def buy() -> Any:
            return await upbit.create_market_buy_order_with_cost(SYMBOL, 20000)

        await acall("watch_orders", lambda: beside(lambda: upbit.watch_orders(SYMBOL), buy))
        await acall("watch_balance", lambda: beside(upbit.watch_balance, buy), lambda found: found["KRW"])
        await acall("watch_my_trades", lambda: beside(lambda: upbit.watch_my_trades(SYMBOL), buy))
    finally:
        await upbit.close()


if __name__ == "__main__":
    asyncio.run(run())

"""The streams of the official `upbit-sdk`: every public and private type, its formats, both clients."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from os import environ
from typing import Any

from upbit import AsyncUpbit, Upbit

from tests.peers.callers.tally import Wrong, acall, base_url, call

MARKET = "KRW-BTC"
CANDLES = ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m")
FORMATS = ("SIMPLE", "JSON_LIST", "SIMPLE_LIST")
SETTLED = 0.5
"""Seconds after which a subscription stands."""


def first(manager: Any, act: Callable[[], Any] | None = None) -> Any:
    """The first event of a stream; `act` makes one happen."""
    with manager as stream:
        if act is not None:
            time.sleep(SETTLED)
            act()
        return stream.recv()


def until(manager: Any, act: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """The event that is `wanted` among those that `act` causes."""
    with manager as stream:
        time.sleep(SETTLED)
        act()
        for _ in range(50):
            event = stream.recv()
            if wanted(event):
                return event
    raise Wrong("50 events, and not the one wanted")


def opened(stream: Any, layout: str | None = None) -> Any:
    """The first event of a public stream, in one of the short layouts if told."""
    return first(stream([MARKET], format=layout))


def three(stream: Any) -> list[Any]:
    """The first events of a public stream."""
    return many(stream([MARKET]), 3)


def candle(streams: Any, interval: str) -> Any:
    """The first candle."""
    return first(streams.candle([MARKET], interval=interval))


def ordered(streams: Any, act: Callable[[], Any], state: str) -> Any:
    """The event of an own order in `state`."""
    return until(streams.my_order([MARKET]), act, lambda event: event.state == state)


def many(manager: Any, count: int) -> list[Any]:
    """The first `count` events of a stream."""
    with manager as stream:
        return [stream.recv() for _ in range(count)]


def public(client: Any) -> None:
    """Everything that needs no key."""
    streams = client.ws_stream
    for kind in ("ticker", "trade", "orderbook"):
        stream = getattr(streams, kind)
        call(f"{kind}", partial(opened, stream), lambda event: event.code == MARKET)
        call(
            f"{kind}: realtime",
            partial(three, stream),
            lambda events: events[-1].stream_type == "REALTIME",
        )
        for layout in FORMATS:
            call(f"{kind}: {layout}", partial(opened, stream, layout))
    for interval in CANDLES:
        call(
            f"candle.{interval}",
            partial(candle, streams, interval),
            lambda event: event.opening_price is not None,
        )
    call("several types", lambda: many(streams.subscribe(ticker=[MARKET], trade=[MARKET], orderbook=[MARKET]), 3))
    call("list subscriptions", lambda: subscriptions(streams.ticker([MARKET])))
    call("reply to a wrong request", lambda: wrong(client), lambda event: "NO_CODES" in str(event))


def subscriptions(manager: Any) -> Any:
    """What the venue says that is subscribed."""
    with manager as stream:
        stream.recv()
        return stream.list_subscriptions()


def wrong(client: Any) -> Any:
    """The error frame of a request without codes."""
    with client.ws_public.connect_public() as connection:
        connection.send([{"ticket": "peers"}, {"type": "ticker"}])
        return connection.recv_bytes(timeout=5)


def announce() -> None:
    """Publish an announcement as the operator of the simulator."""
    body = json.dumps({"category": "wallet", "title": "Deposits resume", "body": "At once."}).encode()
    request = urllib.request.Request(  # noqa: S310 - an address of this test
        base_url() + "/simulator/announcements",
        body,
        {"Content-Type": "application/json", "Makenaide-Operator": environ["OPERATOR"]},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - as above
        reply.read()


def private(client: Any) -> None:
    """What needs a key, with something to see made to happen."""
    streams = client.ws_stream

    def buy() -> Any:
        return client.orders.create(market=MARKET, side="bid", ord_type="price", price="20000")

    for state in ("trade", "cancel"):
        call(
            f"myOrder: {state}",
            partial(ordered, streams, buy, state),
        )
    call("myAsset", lambda: first(streams.my_asset(), buy), lambda event: event.assets)
    call("announcement", lambda: first(streams.announcement(categories=["wallet"], include_body=True), announce))
    call(
        "several private types",
        lambda: first(streams.subscribe_private(my_order=[MARKET], my_asset=True), buy),
    )


async def afirst(manager: Any) -> Any:
    """The first event of an asynchronous stream."""
    async with manager as stream:
        return await stream.recv()


async def asynchronous() -> None:
    """The same by the asynchronous client."""
    async with AsyncUpbit(max_retries=0) as client:
        streams = client.ws_stream
        for kind in ("ticker", "trade", "orderbook"):
            stream = getattr(streams, kind)
            await acall(f"async {kind}", partial(afirst, stream([MARKET])))
        await acall("async candle.1s", lambda: afirst(streams.candle([MARKET])))

        async def bought() -> Any:
            async with streams.my_order([MARKET]) as stream:
                await asyncio.sleep(SETTLED)
                await client.orders.create(market=MARKET, side="bid", ord_type="price", price="20000")
                return await stream.recv()

        await acall("async myOrder", bought, lambda event: event.code == MARKET)


if __name__ == "__main__":
    with Upbit(max_retries=0) as upbit:
        public(upbit)
        private(upbit)
    asyncio.run(asynchronous())

"""The face under ASGI without a socket: a reply that nobody waits for any more."""

import asyncio
from dataclasses import dataclass

from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.rest.asgi import Message, application
from makenaide.exchange.simulator.rest.delivery import Delivery
from tests.unit.simulator_street import faced, flat, opened

SCOPE: Message = {
    "type": "http",
    "method": "GET",
    "path": "/v1/market/all",
    "query_string": b"",
    "headers": [],
    "client": ("127.0.0.1", 1),
}


@dataclass
class Slow:
    """A door whose replies take a quarter of an hour."""

    def deliver(self, request: Request, peer: str) -> Delivery:
        """A body of a thousand bytes, one a second."""
        return Delivery(response=Response(status=200, headers={}, body=b"x" * 1000), speed=1)

    def settle(self) -> None:
        """Nothing is ever due."""


def test_a_slow_body_ends_when_its_caller_hangs_up() -> None:
    coming: list[Message] = [{"type": "http.request"}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def answered() -> None:
        async with asyncio.timeout(5):
            await application(faced(opened(flat())), Slow())(SCOPE, receive, send)

    asyncio.run(answered())
    assert [each["type"] for each in sent] == ["http.response.start"]

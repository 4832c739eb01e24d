"""The face under ASGI: one HTTP request in, one reply out, as far as the door lets it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import unquote_plus

from makenaide.exchange.http import Pairs, Request, Response
from makenaide.exchange.simulator.rest.delivery import Delivery, Door, OpenDoor
from makenaide.exchange.simulator.rest.face import Face

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

LARGEST_BODY = 1_000_000
"""Bytes; no call of the venue comes near."""

TRANSPORT: Final = "makenaide.transport"
"""The name among a scope's extensions under which the server shows a connection's asyncio transport."""

_PIECE_SECONDS: Final = 0.02
"""How often a slow body goes on."""


def application(face: Face, door: Door | None = None) -> Application:
    """The ASGI application that hands each HTTP request to `door` (default: straight to `face`)."""
    entrance = door or OpenDoor(face)

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        request = await _request(scope, receive, send)
        if request is None:
            return
        delivery = entrance.deliver(request, scope["client"][0])
        if delivery.later is not None:
            asyncio.get_running_loop().call_later(delivery.later, entrance.settle)
        if delivery.response is None:
            await _gone(receive, delivery.stall)
            await _hang_up(scope, receive)
            return
        await send(_head(delivery.response))
        if delivery.speed is not None and not await _dripped(delivery, receive, send):
            return
        if delivery.cut:
            await send(
                {"type": "http.response.body", "body": delivery.response.body[_sent(delivery) : delivery.cut_at]}
                | {"more_body": True}
            )
            await _hang_up(scope, receive)
            return
        await send({"type": "http.response.body", "body": delivery.response.body[_sent(delivery) :]})

    return answer


async def _request(scope: Message, receive: Receive, send: Send) -> Request | None:
    """The whole request; None when the caller left, or was told that its body is too large."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            await send({"type": "http.response.start", "status": 413, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return None
        if not message.get("more_body", False):
            break
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=pairs(scope["query_string"].decode("latin-1")),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body or None,
    )


def _head(response: Response) -> Message:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", str(len(response.body)).encode()))
    return {"type": "http.response.start", "status": response.status, "headers": headers}


def _sent(delivery: Delivery) -> int:
    """The bytes that the dripping has sent."""
    if delivery.speed is None or delivery.response is None:
        return 0
    whole = len(delivery.response.body)
    return whole if delivery.cut_at is None else min(whole, delivery.cut_at)


async def _dripped(delivery: Delivery, receive: Receive, send: Send) -> bool:
    """Send the body piece by piece at its speed; the caller finishes the reply. False when nobody waits for it."""
    if delivery.response is None or delivery.speed is None:
        return True
    end, at = _sent(delivery), 0
    piece = max(1, round(delivery.speed * _PIECE_SECONDS))
    while at < end:
        chunk = delivery.response.body[at : min(at + piece, end)]
        if await _gone(receive, len(chunk) / delivery.speed):
            return False
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        at += len(chunk)
    return True


async def _gone(receive: Receive, seconds: float) -> bool:
    """Wait for `seconds`, or until the caller has hung up, which is told."""
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True
    return False


async def _hang_up(scope: Message, receive: Receive) -> None:
    """Close the connection after what was sent; without a server's transport the reply is just never ended."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        return
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def pairs(query: str) -> Pairs:
    """A raw query string as decoded names and values in sent order; `[` and `]` may come encoded or not."""
    parts = (part.partition("=") for part in query.split("&") if part)
    return tuple((unquote_plus(name), unquote_plus(value)) for name, _, value in parts)

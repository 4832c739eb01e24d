"""The streams under ASGI and uvicorn: the sockets that carry the hub's sessions.

Frames do not pass through ASGI's `send`: a pulse writes them straight to the connection, all of a pulse in one
write, and a client that does not read what it is sent is dropped before it costs memory.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame as WireFrame

from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.rest.asgi import TRANSPORT, Application, Message, Receive, Send, pairs
from makenaide.exchange.simulator.settings import Pace
from makenaide.exchange.simulator.stream.door import Admission, admit
from makenaide.exchange.simulator.stream.hub import Hub
from makenaide.exchange.simulator.stream.session import Session

WIRE: Final = "makenaide.wire"
"""The name among a scope's extensions under which the server shows the WebSocket connection itself."""


class Connection(WebSocketsSansIOProtocol):
    """A WebSocket that shows itself to the application, and takes frames without waiting.

    The server never pings; `busy` is the loop's time of the last bytes of data, whoever sent them.
    """

    busy: float = 0.0

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        self.busy = self.loop.time()
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = {**(self.scope.get("extensions") or {})}
            self.scope["extensions"] = extensions | {TRANSPORT: self.transport, WIRE: self}

    def data_received(self, data: bytes) -> None:
        self.busy = self.loop.time()
        super().data_received(data)

    def handle_text(self, event: WireFrame) -> None:
        # As bytes, so that text which is no UTF-8 is answered like any other nonsense.
        super().handle_bytes(event)

    @property
    def idle(self) -> float:
        """Seconds in which neither side has sent anything: what Upbit's page calls idle."""
        return self.loop.time() - self.busy

    def push(self, payloads: Sequence[bytes], unread: int) -> bool:
        """Send binary frames; False when the client has left or more than `unread` bytes wait for it."""
        transport = self.transport
        if self.disconnected or self.close_sent or transport.is_closing():
            return False
        try:
            for payload in payloads:
                self.conn.send_binary(payload)
        except WebSocketException:
            return False
        data = b"".join(self.conn.data_to_send())
        if transport.get_write_buffer_size() + len(data) > unread:
            return False
        transport.write(data)
        self.busy = self.loop.time()
        return True


@dataclass(frozen=True, slots=True)
class SocketLine:
    """A session's way to its socket."""

    wire: Connection
    unread: int

    def deliver(self, payloads: Sequence[bytes]) -> None:
        """Send each payload as one binary message, or drop the client that does not read."""
        if not self.wire.push(payloads, self.unread):
            self.drop()

    def drop(self) -> None:
        """Cut the connection: the client sees it end without a close frame."""
        self.wire.transport.abort()


def streams(hub: Hub) -> Application:
    """The ASGI application of the WebSocket endpoints; needs `Connection` as uvicorn's protocol."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        peer = scope["client"][0]
        entered = admit(hub.face, _request(scope), peer)
        if isinstance(entered, Response):
            await _refuse(entered, send)
            return
        headers = [(b"remaining-req", entered.remaining.encode())]
        await send({"type": "websocket.accept", "headers": headers})
        wire: Connection = scope["extensions"][WIRE]
        line = SocketLine(wire, hub.settings.unread_bytes)
        session = hub.connect(line, peer, entered.key)
        try:
            await _talk(hub, session, entered, receive)
            if session.ended:
                await asyncio.sleep(hub.settings.error_close_ms / 1000)
                await send({"type": "websocket.close", "code": 1000})
        finally:
            hub.leave(session)

    return serve


async def _talk(hub: Hub, session: Session, entered: Admission, receive: Receive) -> None:
    if entered.unknown:
        session.refuse("INVALID_AUTH")
        hub.pulse()
    while not session.ended:
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        hub.receive(session, message.get("bytes") or message.get("text") or b"")


def _request(scope: Message) -> Request:
    return Request(
        method="GET",
        path=scope["path"],
        query=pairs(scope["query_string"].decode("latin-1")),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
    )


async def _refuse(reply: Response, send: Send) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
    await send({"type": "websocket.http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": reply.body})


def both(http: Application, hub: Hub) -> Application:
    """HTTP and WebSockets together: what a request has done is told before its reply leaves."""
    sockets = streams(hub)
    stepped = hub.face.venue.settings.pace is Pace.STEPPED

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await sockets(scope, receive, send)
            return

        async def telling(message: Message) -> None:
            if hub.sessions and (stepped or hub.stirred):
                hub.pulse()
            await send(message)

        await http(scope, receive, telling)
        if hub.sessions and (stepped or hub.stirred):
            hub.pulse()

    return serve


async def beat(hub: Hub) -> None:
    """For ever: in real pace, pulse on the grid of order books; in any pace, cut the idle."""
    loop = asyncio.get_running_loop()
    stepped = hub.face.venue.settings.pace is Pace.STEPPED
    interval = hub.settings.grid_ms / 1000
    while True:
        await asyncio.sleep(interval - loop.time() % interval)
        drop_idle(hub)
        if hub.sessions and not stepped:
            hub.follow()
            for _ in hub.steps():
                await asyncio.sleep(0)


def drop_idle(hub: Hub) -> None:
    """Cut every connection on which nothing was said for too long."""
    for session in list(hub.sessions):
        line = session.line
        if isinstance(line, SocketLine) and line.wire.idle > hub.settings.idle_seconds:
            hub.leave(session)
            line.drop()

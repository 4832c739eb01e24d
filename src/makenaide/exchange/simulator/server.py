"""The face on a socket: uvicorn with httptools under a raw ASGI application, one request after the other.

    Server(face).run(announce=print)      # until SIGTERM, SIGINT, `stop`, or the end of the watched standard input

Everything runs in one thread, so the venue needs no locks. Nothing is printed here.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.rest.asgi import TRANSPORT, application
from makenaide.exchange.simulator.rest.delivery import Door
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.stream.asgi import Connection, beat, both
from makenaide.exchange.simulator.stream.hub import Hub

MOST_BYTES: Final = 1_000_000
"""A larger WebSocket message is not even read: the connection is closed with 1009."""

IDLE_SECONDS: Final = 75
"""A connection without a request is closed after that long: the default of the gateways that have Upbit's replies."""


class Server:
    """Serves `face` on the loopback address `host`, as its keys are no secrets; port 0 takes any free one.

    With a `door`, requests come to the face through it alone; `hub` holds the streams. The socket is bound at once,
    so `port` is known before `run`; `Misconfigured` when it cannot be had.
    """

    def __init__(
        self,
        face: Face,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        door: Door | None = None,
    ) -> None:
        if not _loopback(host):
            raise Misconfigured(f"host: {host} is not loopback, and the simulator's keys are no secrets")
        self._socket = _bound(host, port)
        self.hub = Hub(face)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            both(application(face, door), self.hub),
            http=_Protocol,
            ws=Connection,
            ws_max_size=MOST_BYTES,
            ws_ping_interval=None,
            timeout_keep_alive=IDLE_SECONDS,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        self._server = _Uvicorn(config)

    def run(self, announce: Callable[[int], None], *, watch_parent: bool = False) -> None:
        """Serve until told to stop; `announce` gets the port once requests are taken.

        With `watch_parent`, the end of standard input also stops: a killed parent leaves no orphan.
        """
        try:
            asyncio.run(self._serve(announce, watch_parent))
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Finish the requests under way, then let `run` return; from any thread."""
        self._server.should_exit = True

    async def _serve(self, announce: Callable[[int], None], watch_parent: bool) -> None:
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(each, self.stop)
        if watch_parent:
            threading.Thread(target=self._watch_parent, daemon=True, name="parent").start()
        serving = asyncio.ensure_future(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.002)
        if self._server.started:
            announce(self.port)
        beating = asyncio.ensure_future(self._beat())
        await serving
        beating.cancel()
        await asyncio.wait([beating])
        if not beating.cancelled():
            beating.result()

    async def _beat(self) -> None:
        try:
            await beat(self.hub)
        finally:
            self.stop()  # streams that stand still would go unnoticed

    def _watch_parent(self) -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        self.stop()


class _Protocol(HttpToolsProtocol):
    """HTTP that shows an application the transport under it, so that misbehaviour can be played on it."""

    def on_headers_complete(self) -> None:
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]
        super().on_headers_complete()


class _Uvicorn(uvicorn.Server):
    """Without uvicorn's own signal handling, which would raise the signal again after a clean stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    try:
        bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # Head and body of a reply are two writes; without this the second waits 40 ms for the first one's ACK. The
        # connections inherit it; asyncio itself sets it only on sockets that name their protocol.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return bound  # noqa: TRY300 - all of it may fail
    except (OSError, OverflowError) as cause:
        raise Misconfigured(f"port: {host} port {port} cannot be listened on: {cause}") from cause

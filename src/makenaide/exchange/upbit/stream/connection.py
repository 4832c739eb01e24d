"""One WebSocket connection: the seam between the stream and the wire.

The library is imported where a connection is opened: it costs 33 ms, and most commands open none.
"""

import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from makenaide import __version__
from makenaide.exchange.http import NotConnected, Response
from makenaide.exchange.upbit.address import address
from makenaide.exchange.upbit.settings import UPBIT
from makenaide.exchange.upbit.stream.settings import FRAME_LIMIT, SocketSettings

if TYPE_CHECKING:
    from websockets.http11 import Response as Upgrade
    from websockets.sync.client import ClientConnection

PUBLIC = "/websocket/v1"
PRIVATE = "/websocket/v1/private"
"""The venue's endpoints (upbit-api.md, section 1)."""

# The library writes the headers, the token among them, to its debug log: it gets a logger that has none.
_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.INFO)


class Refused(NotConnected):
    """The upgrade was answered with another status than 101: nothing was opened. `response` is the whole answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"the upgrade was refused with {response.status}")
        self.response = response


class Closed(Exception):
    """The connection is over, with or without a close frame."""


class Socket(Protocol):
    """An open connection, used by one thread; everything but `upgrade` and `close` may raise `Closed`."""

    @property
    def upgrade(self) -> Response:
        """The answer that opened it."""
        ...

    def send(self, text: str) -> None:
        """Send one text message."""
        ...

    def receive(self, timeout: float) -> bytes | None:
        """The next message, text or binary, as bytes; None when none came within `timeout` seconds."""
        ...

    def ping(self) -> Callable[[], bool]:
        """Send a protocol ping; the answer tells whether its pong has come."""
        ...

    def close(self) -> None:
        """Close, saying so if the other side listens; never raises, takes no longer than the settings allow."""
        ...


Opener = Callable[[str, Mapping[str, str]], Socket]
"""Opens a connection to a path with extra headers; raises `NotConnected`, or `Refused` with the answer."""


class WebSocketOpener:
    """An `Opener` over the network.

    Sends no `Origin` (the venue then allows one request in 10 s: upbit-api.md, section 7), offers no compression,
    takes no proxy from the environment, follows no redirect. `Misconfigured` as `address` says.
    """

    def __init__(self, base_url: str = UPBIT, settings: SocketSettings | None = None) -> None:
        self._place = address(base_url)
        self._settings = settings or SocketSettings()

    def __call__(self, path: str, headers: Mapping[str, str]) -> Socket:
        """Open `path`."""
        from websockets.exceptions import InvalidStatus, WebSocketException  # noqa: PLC0415 - see above
        from websockets.sync.client import connect  # noqa: PLC0415

        settings, place = self._settings, self._place
        stack = ExitStack()
        try:
            opened = connect(
                f"{'wss' if place.secure else 'ws'}://{place.spelled}{path}",
                # A socket of ours: the library then has nowhere to follow a redirect or a proxy to.
                sock=socket.create_connection((place.host, place.port), timeout=settings.connect),
                origin=None,
                compression=None,
                additional_headers=dict(headers),
                user_agent_header=f"makenaide/{__version__}",
                proxy=None,
                open_timeout=settings.open,
                # The stream pings by itself, on its own clock.
                ping_interval=None,
                close_timeout=settings.close,
                max_size=FRAME_LIMIT,
                max_queue=settings.backlog,
                logger=_wire_log,
            )
            return _Wire(stack.enter_context(opened), stack)
        except InvalidStatus as cause:
            raise Refused(_answer(cause.response)) from cause
        except (WebSocketException, OSError, ValueError, EOFError) as cause:
            raise NotConnected(f"{type(cause).__name__}: {cause}") from cause


class _Wire:
    """`Socket` over the library's connection, which reads ahead in a thread of its own."""

    def __init__(self, connection: "ClientConnection", stack: ExitStack) -> None:
        from websockets.exceptions import WebSocketException  # noqa: PLC0415

        self._connection = connection
        self._stack = stack
        self._faults = (WebSocketException, OSError)

    @property
    def upgrade(self) -> Response:
        response = self._connection.response
        assert response is not None  # noqa: S101 - the library's handshake is over
        return _answer(response)

    def send(self, text: str) -> None:
        try:
            self._connection.send(text)
        except self._faults as cause:
            raise Closed(_words(cause)) from cause

    def receive(self, timeout: float) -> bytes | None:
        try:
            return self._connection.recv(timeout, decode=False)
        except TimeoutError:
            return None
        except self._faults as cause:
            raise Closed(_words(cause)) from cause

    def ping(self) -> Callable[[], bool]:
        try:
            return self._connection.ping().is_set
        except self._faults as cause:
            raise Closed(_words(cause)) from cause

    def close(self) -> None:
        self._stack.close()


def _answer(upgrade: "Upgrade") -> Response:
    headers = {name.lower(): value for name, value in upgrade.headers.raw_items()}
    return Response(status=upgrade.status_code, headers=headers, body=bytes(upgrade.body or b""))


def _words(cause: Exception) -> str:
    return f"{type(cause).__name__}: {cause}"[:200]

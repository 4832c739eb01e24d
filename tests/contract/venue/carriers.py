"""How cases reach a venue: calls in process, or requests and streams over sockets."""

import http.client
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from makenaide.exchange.http import Request, Response, Transport
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.stream.door import admit
from makenaide.exchange.simulator.stream.hub import Hub
from makenaide.exchange.upbit.stream.frames import Frame
from makenaide.exchange.upbit.stream.wire import parse
from makenaide.exchange.upbit.transport import UrllibTransport, target
from tests.unit.simulator_listener import Listener, Wire


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over the wire; `headers` in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded; numbers with a fraction as Decimal, to the digit."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def error(self) -> tuple[int, Any]:
        """Status and name of a refusal."""
        found = self.json
        assert list(found) == ["error"], found
        assert list(found["error"]) == ["name", "message"], found
        assert isinstance(found["error"]["message"], str)
        return self.status, found["error"]["name"]


class Socket(Protocol):
    """One stream."""

    def say(self, message: str | bytes) -> None:
        """Send anything."""
        ...

    def raw(self) -> list[bytes]:
        """Every frame that has come since the last look; each was binary."""
        ...

    def closed(self) -> int | None:
        """The code with which the venue closed the stream; None while it is open."""
        ...


@dataclass
class Ear:
    """A stream and how a case talks to it."""

    socket: Socket
    remaining: str

    def ask(self, *parts: Mapping[str, object], shape: str | None = None) -> None:
        """Send a request with a ticket, these type objects, and a format."""
        whole: list[Mapping[str, object]] = [{"ticket": "t"}, *parts]
        self.socket.say(json.dumps([*whole, {"format": shape}] if shape else whole))

    def heard(self) -> list[Any]:
        """What has come since the last look, decoded to the digit."""
        return [json.loads(each, parse_float=Decimal) for each in self.socket.raw()]

    def frames(self) -> list[Frame]:
        """What has come since the last look, read by our own parser."""
        return [frame for each in self.socket.raw() for frame in parse(each)]

    def error(self) -> str:
        """The name in the one error frame that has come; the stream was then closed with 1000."""
        (found,) = self.heard()
        assert list(found) == ["error"], found
        assert list(found["error"]) == ["name", "message"]
        assert self.socket.closed() == 1000
        return str(found["error"]["name"])


class Carrier(Protocol):
    """How requests and streams reach the venue."""

    def send(self, request: Request) -> Reply:
        """One exchange, raw."""
        ...

    def connect(self, path: str, headers: Mapping[str, str]) -> Ear | Reply:
        """Ask for an upgrade."""
        ...

    def transport(self) -> Transport:
        """What our client is given."""
        ...


@dataclass
class InProcess:
    """The face and the hub, called."""

    face: Face
    hub: Hub

    def send(self, request: Request) -> Reply:
        reply = self.face.handle(request)
        self.hub.pulse()
        return Reply(reply.status, reply.headers, reply.body)

    def connect(self, path: str, headers: Mapping[str, str]) -> Ear | Reply:
        entered = admit(self.face, Request(method="GET", path=path, headers=headers), "127.0.0.1")
        if isinstance(entered, Response):
            return Reply(entered.status, entered.headers, entered.body)
        wire = Wire()
        session = self.hub.connect(wire, "127.0.0.1", entered.key)
        if entered.unknown:
            session.refuse("INVALID_AUTH")
        return Ear(Called(self.hub, session, wire), entered.remaining)

    def transport(self) -> Transport:
        return self.face


@dataclass
class Called(Listener):
    """A stream in process."""

    def raw(self) -> list[bytes]:
        self.hub.pulse()
        return super().raw()

    def closed(self) -> int | None:
        if self.wire.dropped:
            return 1006
        return 1000 if self.session.ended else None


@dataclass
class Served:
    """A real server on a loopback port."""

    port: int
    opened: ExitStack = field(default_factory=ExitStack)

    def send(self, request: Request) -> Reply:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request(request.method, target(request.path, request.query), request.body, dict(request.headers))
            reply = line.getresponse()
            return Reply(reply.status, {name.lower(): text for name, text in reply.getheaders()}, reply.read())
        finally:
            line.close()

    def connect(self, path: str, headers: Mapping[str, str]) -> Ear | Reply:
        try:
            socket = self.opened.enter_context(
                connect(
                    f"ws://127.0.0.1:{self.port}{path}",
                    additional_headers=dict(headers),
                    user_agent_header=None,
                    compression=None,
                    ping_interval=None,
                    close_timeout=1,
                )
            )
        except InvalidStatus as refused:
            reply = refused.response
            return Reply(
                reply.status_code, {name.lower(): text for name, text in reply.headers.items()}, bytes(reply.body)
            )
        assert socket.response is not None
        return Ear(Wired(socket, self), socket.response.headers["remaining-req"])

    def transport(self) -> Transport:
        transport = UrllibTransport(f"http://127.0.0.1:{self.port}")
        self.opened.callback(transport.close)
        return transport


@dataclass
class Wired:
    """A stream over a socket."""

    socket: ClientConnection
    served: Served

    def say(self, message: str | bytes) -> None:
        self.socket.send(message)
        # The first answered ping may overtake the task that handles the message, the second one can't.
        for _ in range(2):
            assert self.socket.ping().wait(5)

    def raw(self) -> list[bytes]:
        found: list[bytes] = []
        try:
            # A request lets the venue tell what has happened, and what came before the pong has come.
            self.served.send(Request(method="GET", path="/simulator/clock"))
            assert self.socket.ping(ack_on_close=True).wait(5)
        except ConnectionClosed:
            pass
        try:
            while True:
                frame = self.socket.recv(timeout=0)
                assert isinstance(frame, bytes)
                found.append(frame)
        except (TimeoutError, ConnectionClosed):
            return found

    def closed(self) -> int | None:
        try:
            self.socket.recv(timeout=1)
        except ConnectionClosed as end:
            return 1006 if end.rcvd is None else end.rcvd.code
        except TimeoutError:
            return None
        raise AssertionError("a frame after the last one")

"""What a case is asked through: raw calls, our own client and the streams, in process or over a real server."""

import http.client
import json
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from queue import Queue
from typing import Any, Protocol
from uuid import UUID

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from makenaide.exchange.http import Pairs, Request, Response, Transport
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.rest.gatekeeper import query_text
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import (
    ApiKey,
    FaceSettings,
    QuotaSettings,
    StreamSettings,
    VenueSettings,
)
from makenaide.exchange.simulator.stream.door import admit
from makenaide.exchange.simulator.stream.hub import Hub
from makenaide.exchange.simulator.stream.session import Session
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Limiter, LimiterSettings
from makenaide.exchange.upbit.stream.frames import Frame
from makenaide.exchange.upbit.stream.wire import parse
from makenaide.exchange.upbit.transport import UrllibTransport, target
from tests.contract.venue.case import World
from tests.unit.simulator_listener import Wire
from tests.unit.simulator_street import SECRET, token
from tests.unit.upbit_script import StepClock

RIGHTS = frozenset(
    "view_account view_orders make_orders view_withdrawals withdraw view_deposits deposit transfer "
    "manage_pockets".split()
)
"""Every permission group of upbit-api.md section 3."""

PUBLIC = ("/v1/market", "/v1/candles", "/v1/trades", "/v1/ticker", "/v1/orderbook", "/simulator")
ELSEWHERE = "192.0.2.7"


def keys(now: datetime) -> list[ApiKey]:
    """Keys of two accounts: trading ones, one with every right, one with each right alone, and useless ones."""
    made = [ApiKey(access=name, secret=SECRET, account=name) for name in ("paper", "other")]
    made.append(ApiKey(access="all", secret=SECRET, account="paper", scopes=RIGHTS))
    for right in sorted(RIGHTS):
        made.append(ApiKey(access=right, secret=SECRET, account="paper", scopes=frozenset({right})))
    made.append(ApiKey(access="none", secret=SECRET, account="paper", scopes=frozenset()))
    made.append(ApiKey(access="old", secret=SECRET, account="paper", expires_at=now))
    made.append(ApiKey(access="far", secret=SECRET, account="paper", addresses=(ELSEWHERE,)))
    made.append(ApiKey(access="near", secret=SECRET, account="paper", addresses=(ELSEWHERE, "127.0.0.1")))
    return made


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
class Called:
    """A stream in process."""

    hub: Hub
    session: Session
    wire: Wire

    def say(self, message: str | bytes) -> None:
        self.hub.receive(self.session, message)

    def raw(self) -> list[bytes]:
        self.hub.pulse()
        came, self.wire.payloads = self.wire.payloads, []
        return came

    def closed(self) -> int | None:
        if self.wire.dropped:
            return 1006
        return 1000 if self.session.ended else None


@dataclass
class Served:
    """A real server on a loopback port."""

    port: int
    sockets: list[ClientConnection] = field(default_factory=list)

    def send(self, request: Request) -> Reply:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request(
                request.method, target(request.path, request.query), request.body, dict(request.headers)
            )
            reply = line.getresponse()
            return Reply(reply.status, {name.lower(): text for name, text in reply.getheaders()}, reply.read())
        finally:
            line.close()

    def connect(self, path: str, headers: Mapping[str, str]) -> Ear | Reply:
        try:
            socket = connect(
                f"ws://127.0.0.1:{self.port}{path}",
                additional_headers=dict(headers),
                user_agent_header=None,
                compression=None,
                ping_interval=None,
                close_timeout=1,
            )
        except InvalidStatus as refused:
            reply = refused.response
            return Reply(
                reply.status_code, {name.lower(): text for name, text in reply.headers.items()}, bytes(reply.body)
            )
        self.sockets.append(socket)
        assert socket.response is not None
        return Ear(Wired(socket, self), socket.response.headers["remaining-req"])

    def transport(self) -> Transport:
        return UrllibTransport(f"http://127.0.0.1:{self.port}")


@dataclass
class Wired:
    """A stream over a socket."""

    socket: ClientConnection
    served: Served

    def say(self, message: str | bytes) -> None:
        self.socket.send(message)

    def raw(self) -> list[bytes]:
        found: list[bytes] = []
        try:
            # A request lets the venue tell what has happened. The first answered ping may overtake the task that
            # handles a message, the second one can't.
            for _ in range(2):
                assert self.socket.ping().wait(5)
            self.served.send(Request(method="GET", path="/simulator/clock"))
            assert self.socket.ping().wait(5)
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


@dataclass
class Rig:
    """One venue, asked from outside; its operator and its clock at hand."""

    venue: Venue
    carrier: Carrier
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    clients: dict[str, UpbitClient] = field(default_factory=dict)

    @property
    def operator(self) -> Operator:
        """Who runs the venue; what it does is noticed with the next request."""
        return Operator(self.venue)

    @property
    def client(self) -> UpbitClient:
        """Our client with the trading key of the account "paper"."""
        return self.customer("paper")

    def customer(self, access: str) -> UpbitClient:
        """Our client with the key `access`."""
        if access not in self.clients:
            clock = StepClock()
            self.clients[access] = UpbitClient(
                transport=self.carrier.transport(),
                limiter=Limiter(LimiterSettings(), clock, random.Random(1)),
                keys=Keys(access=access, secret=SECRET),
                clock=clock,
                ids=lambda: str(UUID(int=next(self.numbers))),
                rng=random.Random(2),
            )
        return self.clients[access]

    def nonce(self) -> str:
        """A fresh one."""
        return f"nonce-{next(self.numbers)}"

    def send(
        self, method: str, path: str, query: Pairs = (), body: bytes | None = None, **headers: str
    ) -> Reply:
        """One request with exactly these headers ("_" for "-")."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.carrier.send(Request(method=method, path=path, query=query, headers=named, body=body))

    def get(self, path: str, *pairs: tuple[str, str], key: str = "paper", **named: object) -> Reply:
        """GET /v1/`path`, signed where it must be; a list is sent as name[] once for each value."""
        return self._bare("GET", path, (*pairs, *_pairs(named)), key)

    def delete(self, path: str, *pairs: tuple[str, str], key: str = "paper", **named: object) -> Reply:
        """DELETE /v1/`path`."""
        return self._bare("DELETE", path, (*pairs, *_pairs(named)), key)

    def post(self, path: str, body: Mapping[str, object], key: str = "paper") -> Reply:
        """POST /v1/`path` with a JSON body."""
        text = "&".join(f"{name}={_spelled(value)}" for name, value in body.items())
        headers = {
            "Authorization": token(key, text, self.nonce()),
            "Content-Type": "application/json; charset=utf-8",
        }
        raw = json.dumps(body).encode()
        return self.carrier.send(Request(method="POST", path=f"/v1/{path}", headers=headers, body=raw))

    def order(self, key: str = "paper", **body: object) -> Any:
        """Place an order that must be accepted, in KRW-BTC unless told; the reply."""
        reply = self.post("orders", {"market": "KRW-BTC"} | body, key)
        assert reply.status == 201, reply
        return reply.json

    def refusal(self, key: str = "paper", **body: object) -> tuple[int, Any]:
        """Place an order that must be refused."""
        return self.post("orders", {"market": "KRW-BTC"} | body, key).error

    def seen(self, uuid: object, key: str = "paper") -> Any:
        """The order as GET /v1/order shows it now."""
        reply = self.get("order", uuid=uuid, key=key)
        assert reply.status == 200, reply
        return reply.json

    def held(self, currency: str, key: str = "paper") -> tuple[Decimal, Decimal]:
        """What GET /v1/accounts shows as free and as locked."""
        rows = {row["currency"]: row for row in self.get("accounts", key=key).json}
        row = rows.get(currency, {"balance": "0", "locked": "0"})
        return Decimal(row["balance"]), Decimal(row["locked"])

    def wait(self, seconds: float) -> None:
        """Let the venue's time pass."""
        at = self.venue.now + timedelta(seconds=seconds)
        reply = self.send("GET", "/simulator/clock", makenaide_time=at.isoformat(timespec="microseconds"))
        assert reply.status == 200, reply

    def settle(self) -> None:
        """Let pass what cancels and balances may take to arrive."""
        self.wait(2)

    def connect(self, path: str = "", **headers: str) -> Ear | Reply:
        """Ask for a stream at /websocket/v1`path`."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.carrier.connect(f"/websocket/v1{path}", named)

    def listen(self, key: str | None = None) -> Ear:
        """A stream: the private one of `key`, or the public one."""
        headers = {} if key is None else {"Authorization": token(key, "", self.nonce())}
        ear = self.connect("" if key is None else "/private", **headers)
        assert isinstance(ear, Ear), ear
        return ear

    def _bare(self, method: str, path: str, pairs: Pairs, key: str) -> Reply:
        path = f"/v1/{path}"
        signed = {} if path.startswith(PUBLIC) else {"Authorization": token(key, query_text(pairs), self.nonce())}
        return self.carrier.send(Request(method=method, path=path, query=pairs, headers=signed))


def _pairs(named: Mapping[str, object]) -> Pairs:
    found: list[tuple[str, str]] = []
    for name, value in named.items():
        if isinstance(value, list | tuple):
            found += [(f"{name}[]", str(each)) for each in value]
        else:
            found.append((name, str(value)))
    return tuple(found)


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def built(world: World) -> Face:
    """The face of a new venue in `world`."""
    venue = Venue(world.data(), VenueSettings(**world.venue))  # type: ignore[arg-type]
    for name in ("paper", "other"):
        venue.open_account(name, {currency: Decimal(amount) for currency, amount in world.balances.items()})
    quota: dict[str, Any] = {"enforced": False, **world.quota}
    settings = FaceSettings(
        quota=QuotaSettings(**quota),
        stream=StreamSettings(**world.stream),  # type: ignore[arg-type]
        **world.face,  # type: ignore[arg-type]
    )
    return Face(venue, keys(venue.now), settings)


def in_process(world: World) -> Rig:
    """A rig that calls."""
    face = built(world)
    return Rig(face.venue, InProcess(face, Hub(face)))


@contextmanager
def over_sockets(world: World) -> Iterator[Rig]:
    """A rig that speaks to a real server."""
    server = Server(built(world))
    ports: Queue[int] = Queue()
    thread = threading.Thread(target=server.run, args=(ports.put,))
    thread.start()
    served = Served(ports.get(timeout=10))
    try:
        yield Rig(server.hub.face.venue, served)
    finally:
        for socket in served.sockets:
            socket.close()
        server.stop()
        thread.join(10)
    assert not thread.is_alive()


def texts(row: Mapping[str, object], names: Sequence[str]) -> bool:
    """Whether all of `names` are decimal numbers in strings."""
    return all(isinstance(row[name], str) and Decimal(str(row[name])).is_finite() for name in names)

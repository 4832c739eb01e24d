"""What a case is asked through: raw calls, our own client and the streams, in process or over a real server."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from makenaide.exchange.http import Pairs, Request
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
from makenaide.exchange.simulator.stream.hub import Hub
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from tests.contract.serving import PATIENCE, started
from tests.contract.venue.carriers import Carrier, Ear, InProcess, Reply, Served
from tests.contract.venue.case import World
from tests.unit.simulator_street import SECRET, token
from tests.unit.upbit_script import StepClock, client_of

RIGHTS = frozenset(
    "view_account view_orders make_orders view_withdrawals withdraw view_deposits deposit transfer "
    "manage_pockets".split()
)
"""Every permission group of upbit-api.md section 3."""

STOPPING: list[threading.Thread] = []
"""Servers on their way out: the next case need not wait for them."""

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


@dataclass
class Rig:
    """One venue, asked from outside; its operator and its clock at hand."""

    venue: Venue
    carrier: Carrier
    ids: Callable[[], str] = field(default_factory=lambda: map("client-{}".format, count(1)).__next__)
    nonce: Callable[[], str] = field(default_factory=lambda: map("nonce-{}".format, count(1)).__next__)
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
            keys = Keys(access=access, secret=SECRET)
            self.clients[access] = client_of(self.carrier.transport(), StepClock(), keys, self.ids)
        return self.clients[access]

    def send(self, method: str, path: str, query: Pairs = (), body: bytes | None = None, **headers: str) -> Reply:
        """One request with exactly these headers ("_" for "-")."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.carrier.send(Request(method=method, path=path, query=query, headers=named, body=body))

    def get(self, path: str, *pairs: tuple[str, str], key: str = "paper", **named: Any) -> Reply:
        """GET /v1/`path`, signed where it must be; a list is sent as name[] once for each value."""
        return _bare(self, "GET", path, (*pairs, *_pairs(named)), key)

    def delete(self, path: str, *pairs: tuple[str, str], key: str = "paper", **named: Any) -> Reply:
        """DELETE /v1/`path`."""
        return _bare(self, "DELETE", path, (*pairs, *_pairs(named)), key)

    def post(self, path: str, body: Mapping[str, object], key: str = "paper") -> Reply:
        """POST /v1/`path` with a JSON body."""
        text = "&".join(f"{name}={_spelled(value)}" for name, value in body.items())
        headers = {
            "Authorization": token(key, text, self.nonce()),
            "Content-Type": "application/json; charset=utf-8",
        }
        raw = json.dumps(body).encode()
        return self.carrier.send(Request(method="POST", path=f"/v1/{path}", headers=headers, body=raw))

    def order(self, key: str = "paper", **body: Any) -> Any:
        """Place an order that must be accepted, in KRW-BTC unless told; the reply."""
        reply = self.post("orders", {"market": "KRW-BTC"} | body, key)
        assert reply.status == 201, reply
        return reply.json

    def refusal(self, key: str = "paper", **body: Any) -> tuple[int, Any]:
        """Place an order that must be refused."""
        return self.post("orders", {"market": "KRW-BTC"} | body, key).error

    def seen(self, uuid: object, key: str = "paper") -> Any:
        """The order as GET /v1/order shows it now."""
        reply = self.get("order", uuid=uuid, key=key)
        assert reply.status == 200, reply
        return reply.json

    def held(self, currency: str, key: str = "paper") -> tuple[Any, Any]:
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


def _bare(rig: Rig, method: str, path: str, pairs: Pairs, key: str) -> Reply:
    path = f"/v1/{path}"
    signed = {} if path.startswith(PUBLIC) else {"Authorization": token(key, query_text(pairs), rig.nonce())}
    return rig.carrier.send(Request(method=method, path=path, query=pairs, headers=signed))


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
    thread, served = started(server), Served(server.port)
    try:
        with served.opened:
            yield Rig(server.hub.face.venue, served)
    finally:
        server.stop()
        STOPPING.append(thread)


def all_stopped() -> bool:
    """Wait for every server that was told to stop; whether all have."""
    for thread in STOPPING:
        thread.join(PATIENCE)
    return not any(thread.is_alive() for thread in STOPPING)

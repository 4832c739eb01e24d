"""A wire that fails: requests lost, replies lost after the venue acted, wrong statuses, doubles and late arrivals."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from makenaide.exchange.http import Interrupted, NotConnected, Request, Response, Transport
from makenaide.exchange.simulator.stepped import SteppedClock


class Kind(StrEnum):
    """What happens to a request."""

    NOT_CONNECTED = "not connected"
    REQUEST_LOST = "request lost"
    REPLY_LOST = "reply lost"
    LATE = "arrives after the next look"
    TWICE = "arrives twice"
    SERVER_ERROR = "500"
    TOO_MANY = "429"
    BLOCKED = "418"
    HTML = "html"
    EMPTY = "empty 201"
    NOT_FOUND = "404"
    OFFLINE = "market offline"
    NO_MARKET = "no such market"
    NO_TRADES = "the trades are not listed yet"
    SHUT = "the market is not active"
    HALF = "only the first trade has happened yet"


_REPLIES = {
    Kind.SERVER_ERROR: Response(status=500, headers={}, body=b'{"error":{"name":"server_error","message":""}}'),
    Kind.TOO_MANY: Response(status=429, headers={}, body=b"Too many API requests."),
    Kind.BLOCKED: Response(status=418, headers={}, body=b"Too many API requests. Blocked for 3 seconds."),
    Kind.HTML: Response(status=502, headers={"content-type": "text/html"}, body=b"<html>Bad Gateway</html>"),
    Kind.NOT_FOUND: Response(status=404, headers={}, body=b'{"error":{"name":"order_not_found","message":""}}'),
    Kind.OFFLINE: Response(status=400, headers={}, body=b'{"error":{"name":"market_offline","message":""}}'),
    Kind.NO_MARKET: Response(status=400, headers={}, body=b'{"error":{"name":"notfoundmarket","message":""}}'),
    Kind.EMPTY: Response(status=201, headers={}, body=b"{}"),
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """The next `times` requests of `method` whose path begins with `path` meet `kind`."""

    kind: Kind
    method: str = "POST"
    path: str = "/v1/orders"
    times: int = 1
    about: str = ""
    skip: int = 0

    def meets(self, request: Request) -> bool:
        """Whether this fault is for `request`; counts it."""
        same = request.method == self.method and request.path.startswith(self.path)
        if not same or self.about not in f"{request.query} {request.body!r}" or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Stamped:
    """Tells the venue our time with each request, as the real transport does in a stepped run."""

    inner: Transport
    clock: SteppedClock

    def send(self, request: Request) -> Response:
        headers = {**request.headers, **self.clock.stamp()}
        return self.inner.send(
            Request(
                method=request.method, path=request.path, query=request.query, headers=headers, body=request.body
            )
        )


@dataclass(slots=True)
class FaultyTransport:
    """Carries requests to `inner` unless a fault is planned; `sent` are all that were tried, `seen` looks on."""

    inner: Transport
    faults: list[Fault] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)
    seen: Callable[[Request], None] = lambda request: None
    answered: Callable[[Request], None] = lambda request: None
    _late: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        self.seen(request)
        fault = next((fault for fault in self.faults if fault.meets(request)), None)
        response = self.inner.send(request) if fault is None else self._broken(fault.kind, request)
        if fault is None:
            for late in self._late:
                self.inner.send(late)
            self._late.clear()
        self.answered(request)
        return response

    def orders(self) -> list[Request]:
        """The orders that were tried."""
        return [each for each in self.sent if (each.method, each.path) == ("POST", "/v1/orders")]

    def _broken(self, kind: Kind, request: Request) -> Response:
        if kind in _REPLIES:
            return _REPLIES[kind]
        if kind in (Kind.NO_TRADES, Kind.HALF, Kind.SHUT):
            return _rewritten(self.inner.send(request), kind)
        if kind is Kind.NOT_CONNECTED:
            raise NotConnected("refused")
        if kind is Kind.TWICE:
            self.inner.send(request)
            return self.inner.send(request)
        if kind is Kind.REPLY_LOST:
            self.inner.send(request)
        if kind is Kind.LATE:
            self._late.append(request)
        raise Interrupted(str(kind))


def _rewritten(response: Response, kind: Kind) -> Response:
    """`GET /v1/order` as it may look a moment after the trades, or `GET /v1/orders/chance` of a closed market."""
    order = json.loads(response.body)
    if kind is Kind.SHUT:
        order["market"]["state"] = "delisted"
    elif kind is Kind.NO_TRADES:
        order["trades"] = []
    else:
        first = order["trades"][0]
        fee = (
            Decimal(order["paid_fee"])
            * Decimal(first["funds"])
            / sum(Decimal(t["funds"]) for t in order["trades"])
        )
        order |= {"state": "wait", "trades": [first], "trades_count": 1, "executed_volume": first["volume"]}
        order["paid_fee"] = f"{fee:f}"
    return Response(status=response.status, headers=response.headers, body=json.dumps(order).encode())

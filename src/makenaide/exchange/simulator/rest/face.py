"""The HTTP face of the venue, without a socket: one `Request` in, one `Response` out.

    face = Face(venue, keys=[ApiKey(access="a", secret="s", account="paper")])
    face.handle(Request(method="GET", path="/v1/market/all")).status   # 200

A call passes, in this order: the clock, the route, the gatekeeper (signed calls), the rate limit, the handler.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from typing import Final

import msgspec

from makenaide.domain.clock import Clock
from makenaide.domain.errors import DiskFull, MakenaideError, Misconfigured
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.errors import NO_ROUTE, Refused, bad_quotation, refused
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import openapi
from makenaide.exchange.simulator.rest.batch import Batch
from makenaide.exchange.simulator.rest.books import Books
from makenaide.exchange.simulator.rest.compression import SMALLEST, Compression, accepts_gzip, weak_tag
from makenaide.exchange.simulator.rest.control import TIME_HEADER, Control
from makenaide.exchange.simulator.rest.deposits import Deposits
from makenaide.exchange.simulator.rest.gatekeeper import Gatekeeper, Visit
from makenaide.exchange.simulator.rest.lists import Lists
from makenaide.exchange.simulator.rest.payload import payload
from makenaide.exchange.simulator.rest.pockets import Pockets
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.quota import Quota, Verdict
from makenaide.exchange.simulator.rest.quotation import Quotation
from makenaide.exchange.simulator.rest.route import Guarded, Open, Route
from makenaide.exchange.simulator.rest.trades import Trades
from makenaide.exchange.simulator.rest.trading import Trading
from makenaide.exchange.simulator.rest.travel import Travel
from makenaide.exchange.simulator.rest.wallets import Wallets
from makenaide.exchange.simulator.rest.withdrawals import Withdrawals
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace

_MINUTES: Final = "/v1/candles/minutes/"
_NOT_CACHED: Final = "no-cache, no-store, max-age=0, must-revalidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A request on its way: its headers in lower case, its sender, and the headers that its reply will have."""

    request: Request
    headers: Mapping[str, str]
    peer: str
    extra: dict[str, str]


DISK_FULL: Final = 507
"""The status (RFC 4918, Insufficient Storage) of a command that was not done because its log has no room."""


_NUMBERS = msgspec.json.Encoder(decimal_format="number")
_TEXTS = msgspec.json.Encoder()


class Face:
    """Answers requests for `venue`. In real pace `clock` moves the venue's time before each of them."""

    def __init__(
        self,
        venue: Venue,
        keys: Sequence[ApiKey],
        settings: FaceSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings = settings or FaceSettings()
        self.venue = venue
        self._stepped = venue.settings.pace is Pace.STEPPED
        if not self._stepped and clock is None:
            raise Misconfigured("pace: real needs a clock")
        self._clock = clock
        self.settings = settings
        self.gatekeeper = Gatekeeper(keys, settings)
        self.quota = Quota(settings.quota)
        self._compression = Compression()
        self.control = Control(venue)
        self.routes: tuple[Route, ...] = (
            *Quotation(venue.floor).routes(),
            *Trades(venue.floor, venue.settlement.prints).routes(),
            *Books(venue.floor).routes(),
            *Trading(venue).routes(),
            *Lists(venue).routes(),
            *Batch(venue).routes(),
            *Wallets(venue).routes(),
            *Deposits(venue).routes(),
            *Withdrawals(venue).routes(),
            *Pockets(venue, keys).routes(),
            *Travel(venue).routes(),
            *(self.control.routes() if self._stepped else ()),
            Open(method="GET", path=openapi.PATH, group=None, handler=lambda _query: self._description),
        )
        self._description = openapi.document(self.routes)
        self._routes = {(route.method, route.path): route for route in self.routes}
        self._date: tuple[datetime, str] | None = None

    def handle(self, request: Request, peer: str = "127.0.0.1") -> Response:
        """The reply to `request` from address `peer`; never raises for anything that a caller can send."""
        call = _Call(
            request=request,
            headers={name.lower(): value for name, value in request.headers.items()},
            peer=peer,
            extra={},
        )
        try:
            self.tick(call.headers)
            route = self._route(request.method, request.path)
            if route is None:
                return self.refusal(Refused(404, "not_found", NO_ROUTE), call.extra)
            return self._answer_open(route, call) if isinstance(route, Open) else self._answer_guarded(route, call)
        except (Refused, MakenaideError) as fault:
            return self.refusal(fault, call.extra)

    def refusal(self, fault: Refused | MakenaideError, extra: Mapping[str, str]) -> Response:
        """The reply to a call that ended in `fault`."""
        match fault:
            case Refused():
                return self._error(fault.status, fault.name, fault.message, extra)
            case DiskFull():
                # Upbit has no such status: it tells the trader beside us whose disk it is.
                return self._error(DISK_FULL, "insufficient_storage", str(fault), extra)
            case _:
                return self._error(500, "internal_server_error", str(fault), extra)

    def too_many(self, verdict: Verdict, extra: Mapping[str, str]) -> Response:
        """The reply to a call that the `verdict` refuses."""
        extra = {**extra, "remaining-req": verdict.header}
        if self.settings.quota.json_body:
            return self._error(verdict.status, "too_many_requests", verdict.message, extra)
        plain = {"content-type": "text/plain; charset=utf-8"}
        return self._reply(verdict.status, verdict.message.encode(), extra | plain)

    def send(self, request: Request) -> Response:
        """`handle` as a `Transport`: a client in the same process needs no socket, and nothing packed for one."""
        plain = {name: text for name, text in request.headers.items() if name.lower() != "accept-encoding"}
        return self.handle(replace(request, headers=plain))

    def group(self, method: str, path: str) -> str | None:
        """The rate limit group of a call; None where none counts it."""
        route = self._route(method, path)
        return None if route is None else route.group

    def forget_nonce(self, request: Request) -> None:
        """Take the nonce of `request` for a new one once more: a gateway behind the check sends it again."""
        self.gatekeeper.forget(
            next((text for name, text in request.headers.items() if name.lower() == "authorization"), None)
        )

    def tick(self, headers: Mapping[str, str] | None = None) -> None:
        """Let the venue's time follow: the clock in real pace, else the stepping header, if there is one."""
        headers = headers or {}
        if not self._stepped and self._clock is not None:
            self.venue.advance(self._clock.now())
        elif TIME_HEADER in headers:
            self.control.step(headers[TIME_HEADER])

    def _route(self, method: str, path: str) -> Route | None:
        route = self._routes.get((method, path))
        if route is None and method == "GET" and path.startswith(_MINUTES):
            return Open(method=method, path=path, group="candle", handler=_no_such_unit)
        return route

    def _answer_open(self, route: Open, call: _Call) -> Response:
        query = Query(call.request.query)
        if route.group is None:
            return self._reply(200, _NUMBERS.encode(route.handler(query)), call.extra)
        group = "origin" if "origin" in call.headers else route.group
        verdict = self.quota.spend(group, call.peer, self.venue.now)
        call.extra["remaining-req"] = verdict.header
        call.extra["limit-by-ip"] = "Yes"
        call.extra["cache-control"] = _NOT_CACHED
        if verdict.status != 200:
            return self.too_many(verdict, call.extra)
        return self._quoted(_NUMBERS.encode(route.handler(query)), call)

    def _quoted(self, body: bytes, call: _Call) -> Response:
        """A quotation reply: tagged, and packed for who can unpack it."""
        tag = call.extra["etag"] = weak_tag(body)
        call.extra["vary"] = "Accept-Encoding"
        if len(body) >= SMALLEST and accepts_gzip(call.headers.get("accept-encoding", "")):
            call.extra["content-encoding"] = "gzip"
            body = self._compression.packed(body, tag)
        return self._reply(200, body, call.extra)

    def _answer_guarded(self, route: Guarded, call: _Call) -> Response:
        request, lenient = call.request, self.settings.body_parameters
        brought = payload(request, call.headers, lenient=lenient)
        visit = Visit(
            authorization=call.headers.get("authorization"),
            parameters=brought.signed,
            peer=call.peer,
            at=self.venue.now,
            scope=route.scope,
        )
        account = self.venue.accounts.get(self.gatekeeper.enter(visit).account)
        if account is None:
            raise refused("invalid_access_key")
        if route.group is not None:
            verdict = self.quota.spend(route.group, f"account {account.name}", self.venue.now)
            call.extra["remaining-req"] = verdict.header
            if verdict.status != 200:
                return self.too_many(verdict, call.extra)
        if request.method == "DELETE" and request.body and not lenient:
            raise refused("QUERY_PARAMETER_NOT_SUPPORTED")
        answer = route.handler(account, brought.query, brought.body)
        return self._reply(route.success, _TEXTS.encode(answer), call.extra)

    def _error(self, status: int, name: str | int, message: str, extra: Mapping[str, str]) -> Response:
        # A caller in the same process can send lone surrogates, which no reply can hold.
        sayable = message.encode("utf-8", "replace").decode()
        return self._reply(status, _TEXTS.encode({"error": {"name": name, "message": sayable}}), extra)

    def _reply(self, status: int, body: bytes, extra: Mapping[str, str]) -> Response:
        headers = {"content-type": "application/json; charset=utf-8", "date": self._dated(), **extra}
        return Response(status=status, headers=headers, body=body)

    def _dated(self) -> str:
        second = self.venue.now.replace(microsecond=0)
        if self._date is None or self._date[0] != second:
            self._date = second, format_datetime(second, usegmt=True)
        return self._date[1]


def _no_such_unit(_query: Query) -> object:
    raise bad_quotation("invalid")

"""The HTTP face of the venue, without a socket: one `Request` in, one `Response` out.

    face = Face(venue, keys=[ApiKey(access="a", secret="s", account="paper")])
    face.handle(Request(method="GET", path="/v1/market/all")).status   # 200

A call passes, in this order: the clock, the route, the key (signed calls), the rate limit, the right, the handler.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

import msgspec

from makenaide.domain.clock import Clock
from makenaide.domain.errors import DiskFull, MakenaideError, Misconfigured
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.errors import NO_ROUTE, Refused, bad_quotation, refused
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.control import TIME_HEADER, Control
from makenaide.exchange.simulator.rest.gatekeeper import Gatekeeper, Visit, body_text, query_text
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.quota import Quota, Verdict
from makenaide.exchange.simulator.rest.quotation import Quotation
from makenaide.exchange.simulator.rest.route import Guarded, Open, Route
from makenaide.exchange.simulator.rest.trading import Trading
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace

TOO_MANY: Final = "Too many API requests."
_MINUTES: Final = "/v1/candles/minutes/"


class _Spelled(str):
    """A JSON number of a body, kept as it was written: its text is what was signed."""

    __slots__ = ()


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
_BODIES = msgspec.json.Decoder(float_hook=_Spelled)


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
        self._settings = settings
        self._gatekeeper = Gatekeeper(keys, settings.out_of_scope_status)
        self._quota = Quota(settings.quota)
        self._control = Control(venue)
        routes: list[Route] = [*Quotation(venue.floor).routes(), *Trading(venue).routes()]
        if self._stepped:
            routes += self._control.routes()
        self._routes = {(route.method, route.path): route for route in routes}
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
            self._tick(call.headers)
            route = self._route(request.method, request.path)
            if route is None:
                return self._error(404, "not_found", NO_ROUTE, call.extra)
            return self._answer_open(route, call) if isinstance(route, Open) else self._answer_guarded(route, call)
        except Refused as refusal:
            return self._error(refusal.status, refusal.name, refusal.message, call.extra)
        except DiskFull as fault:
            # Upbit has no such status: it tells the trader beside us whose disk it is.
            return self._error(DISK_FULL, "insufficient_storage", str(fault), call.extra)
        except MakenaideError as fault:
            return self._error(500, "internal_server_error", str(fault), call.extra)

    def send(self, request: Request) -> Response:
        """`handle` under the name that a `Transport` has: a client in the same process needs no socket."""
        return self.handle(request)

    def _tick(self, headers: Mapping[str, str]) -> None:
        if not self._stepped and self._clock is not None:
            self.venue.advance(self._clock.now())
        elif TIME_HEADER in headers:
            self._control.step(headers[TIME_HEADER])

    def _route(self, method: str, path: str) -> Route | None:
        route = self._routes.get((method, path))
        if route is None and method == "GET" and path.startswith(_MINUTES):
            return Open(method=method, path=path, group="candle", handler=_no_such_unit)
        return route

    def _answer_open(self, route: Open, call: _Call) -> Response:
        if route.group is not None:
            group = "origin" if "origin" in call.headers else route.group
            verdict = self._quota.spend(group, call.peer, self.venue.now)
            call.extra.update({"remaining-req": verdict.header, "limit-by-ip": "Yes", "cache-control": "no-cache"})
            if verdict.status != 200:
                return self._too_many(verdict, call.extra)
        return self._reply(200, _NUMBERS.encode(route.handler(Query(call.request.query))), call.extra)

    def _answer_guarded(self, route: Guarded, call: _Call) -> Response:
        request, body = call.request, _body(call.request)
        visit = Visit(
            authorization=call.headers.get("authorization"),
            parameters=_parameters(request, body),
            peer=call.peer,
            at=self.venue.now,
        )
        key = self._gatekeeper.enter(visit)
        account = self.venue.accounts.get(key.account)
        if account is None:
            raise refused("invalid_access_key")
        if route.group is not None:
            verdict = self._quota.spend(route.group, f"account {account.name}", self.venue.now)
            call.extra["remaining-req"] = verdict.header
            if verdict.status != 200:
                return self._too_many(verdict, call.extra)
        self._gatekeeper.require_scope(key, route.scope)
        if request.method == "DELETE" and request.body:
            raise refused("QUERY_PARAMETER_NOT_SUPPORTED")
        answer = route.handler(account, Query(request.query), body or {})
        return self._reply(route.success, msgspec.json.encode(answer), call.extra)

    def _too_many(self, verdict: Verdict, extra: dict[str, str]) -> Response:
        blocked = f" Blocked for {verdict.blocked} seconds." if verdict.blocked else ""
        if self._settings.quota.json_body:
            return self._error(verdict.status, "too_many_requests", TOO_MANY + blocked, extra)
        plain = {"content-type": "text/plain; charset=utf-8"}
        return self._reply(verdict.status, (TOO_MANY + blocked).encode(), extra | plain)

    def _error(self, status: int, name: str | int, message: str, extra: dict[str, str]) -> Response:
        return self._reply(status, msgspec.json.encode({"error": {"name": name, "message": message}}), extra)

    def _reply(self, status: int, body: bytes, extra: dict[str, str]) -> Response:
        headers = {"content-type": "application/json; charset=utf-8", "date": self._dated()}
        return Response(status=status, headers=headers | extra, body=body)

    def _dated(self) -> str:
        second = self.venue.now.replace(microsecond=0)
        if self._date is None or self._date[0] != second:
            self._date = second, format_datetime(second, usegmt=True)
        return self._date[1]


def _no_such_unit(_query: Query) -> object:
    raise bad_quotation("invalid")


def _body(request: Request) -> dict[str, object] | None:
    """The JSON object of a POST; an empty one without a body, None when it cannot be read."""
    if request.method != "POST" or not request.body:
        return {}
    try:
        body = _BODIES.decode(request.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return body if isinstance(body, dict) else None


def _parameters(request: Request, body: dict[str, object] | None) -> str | None:
    if request.method == "POST":
        return None if body is None else body_text(body)
    return query_text(request.query)

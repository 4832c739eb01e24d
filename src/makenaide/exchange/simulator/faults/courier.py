"""The courier between the callers and the face, who loses, delays, doubles and spoils what the plan of faults says.

Courier(face, Faults(rules, seed=1)).deliver(request, "127.0.0.1")      # over a socket and in process alike
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final, Protocol

import msgspec

from makenaide.domain.clock import Clock
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.errors import Refused, refused
from makenaide.exchange.simulator.faults.plan import REASONS, Call, Faults, Form, Kind, Rule, Told
from makenaide.exchange.simulator.rest.control import TIME_HEADER
from makenaide.exchange.simulator.rest.delivery import Delivery
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.rest.quota import Quota, Verdict
from makenaide.exchange.simulator.table import instant

_STRUCK: Final = "/v1/"
_JSON: Final = "application/json; charset=utf-8"
_TYPES: Final = {Form.JSON: _JSON, Form.HTML: "text/html", Form.TEXT: "text/plain; charset=utf-8"}


class Operator(Protocol):
    """Answers the calls of whoever runs the simulator."""

    def answer(self, request: Request, peer: str) -> Response | None:
        """The reply to one of its calls, None to any other."""
        ...


def calls(face: Face) -> list[tuple[str, str | None]]:
    """Every call of `face` that a fault can strike: its name and its rate limit group."""
    return [(f"{each.method} {each.path}", each.group) for each in face.routes if each.path.startswith(_STRUCK)]


@dataclass(slots=True, kw_only=True)
class _Late:
    """A request that arrives at `due`, once `behind` others have gone first."""

    request: Request
    peer: str
    due: datetime
    behind: int


class Courier:
    """Delivers requests to `face` and replies to their callers; `clock` is the face's own (None in stepped pace).

    Faults strike calls under /v1 alone: the simulator's own calls always arrive.
    """

    def __init__(
        self,
        face: Face,
        faults: Faults | None = None,
        clock: Clock | None = None,
        operator: Operator | None = None,
    ) -> None:
        self.face = face
        self.faults = faults if faults is not None else Faults()
        self._clock = clock
        self._operator = operator
        self._late: list[_Late] = []
        face.control.before = self._arrive

    def deliver(self, request: Request, peer: str = "127.0.0.1") -> Delivery:
        """Let `request` meet its faults; never raises for anything that a caller can send."""
        if not (self._late or self.faults.listed()) and request.path.startswith(_STRUCK):
            return Delivery(response=self.face.handle(request, peer))
        at = self._moment(request)
        waiting = list(self._late)
        self._arrive(at)
        delivery = self._delivered(request, peer, at)
        for late in waiting:
            late.behind -= 1
        self._arrive(self.face.venue.now)
        return delivery

    def settle(self) -> None:
        """Let the late requests arrive that are due now."""
        self._arrive(self.face.venue.now if self._clock is None else self._clock.now())

    def _delivered(self, request: Request, peer: str, at: datetime) -> Delivery:
        if not request.path.startswith(_STRUCK):
            answer = None if self._operator is None else self._operator.answer(request, peer)
            return Delivery(response=answer or self.face.handle(request, peer))
        if not self.faults.listed():
            return Delivery(response=self.face.handle(request, peer))
        call = Call(
            name=f"{request.method} {request.path}", group=self.face.group(request.method, request.path), at=at
        )
        delivery: Delivery | None = None
        skew = 0.0
        for rule in self.faults.met(call):
            if rule.kind is Kind.SKEW:
                skew += rule.seconds
            else:
                delivery = self._struck(rule, request, peer, call)
        delivery = delivery or Delivery(response=self.face.handle(request, peer))
        return _skewed(delivery, skew) if skew else delivery

    def _struck(self, rule: Rule, request: Request, peer: str, call: Call) -> Delivery:
        match rule.kind:
            case Kind.NOT_CONNECTED:
                return Delivery(response=None, refused=True)
            case Kind.REQUEST_LOST:
                return Delivery(response=None)
            case Kind.REPLY_LOST:
                self.face.handle(request, peer)
                return Delivery(response=None)
            case Kind.LATE:
                due = call.at + timedelta(seconds=rule.delay)
                self._late.append(_Late(request=request, peer=peer, due=due, behind=rule.behind))
                return Delivery(response=None, later=rule.delay)
            case Kind.TWICE:
                return Delivery(response=self._twice(rule, request, peer))
            case Kind.STALL:
                if rule.performed:
                    self.face.handle(request, peer)
                return Delivery(response=None, stall=rule.seconds)
            case Kind.SERVER_ERROR | Kind.OFFLINE | Kind.TOO_MANY | Kind.BLOCKED:
                if rule.performed and rule.kind is Kind.SERVER_ERROR:
                    self.face.handle(request, peer)
                return Delivery(response=_refusal(rule, call, self.face.quota))
            case _:
                return _spoiled(rule, self.face.handle(request, peer))

    def _twice(self, rule: Rule, request: Request, peer: str) -> Response:
        first = self.face.handle(request, peer)
        if rule.unchecked:
            self.face.forget_nonce(request)
        second = self.face.handle(request, peer)
        return first if rule.told is Told.FIRST else second

    def _moment(self, request: Request) -> datetime:
        """The venue's time at which `request` arrives; nothing is moved."""
        now = self.face.venue.now
        if self._clock is not None:
            return max(self._clock.now(), now)
        stamped = next((text for name, text in request.headers.items() if name.lower() == TIME_HEADER), None)
        try:
            return now if stamped is None else max(instant(stamped), now)
        except ValueError:
            return now  # the face refuses it

    def _arrive(self, at: datetime) -> None:
        for late in sorted(self._late, key=lambda each: each.due):
            if late.due <= at and late.behind <= 0:
                self._late.remove(late)
                self.face.handle(self._stamped(late), late.peer)

    def _stamped(self, late: _Late) -> Request:
        """The late request; where requests carry the time, with the time of its arrival."""
        if self._clock is not None:
            return late.request
        headers = {name: text for name, text in late.request.headers.items() if name.lower() != TIME_HEADER}
        headers[TIME_HEADER] = late.due.isoformat(timespec="microseconds")
        return replace(late.request, headers=headers)


def _spoiled(rule: Rule, response: Response) -> Delivery:
    """The reply of a call that was performed, spoilt on its way."""
    match rule.kind:
        case Kind.CUT:
            return Delivery(response=response, cut_at=rule.cut_at)
        case Kind.SLOW:
            return Delivery(response=response, speed=rule.speed)
        case Kind.HTML:
            headers = {**response.headers, "content-type": _TYPES[Form.HTML]}
            return Delivery(
                response=Response(status=200, headers=_unpacked(headers), body=_page(200, "Please wait"))
            )
        case _:
            return Delivery(response=replace(response, headers=_unpacked(response.headers), body=b""))


def _unpacked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of another body than the one that they were made for."""
    return {name: text for name, text in headers.items() if name not in ("content-encoding", "etag")}


def _refusal(rule: Rule, call: Call, quota: Quota) -> Response:
    """A reply to a request that the venue never looked at, or does not own up to."""
    headers = {"date": format_datetime(call.at.astimezone(UTC).replace(microsecond=0), usegmt=True)}
    if rule.kind is Kind.OFFLINE:
        known = refused("market_offline")
        return _written(known.status, Form.JSON, known, headers)
    if rule.kind is Kind.SERVER_ERROR:
        reason = REASONS[rule.status]
        known = refused("internal_server_error")
        told = known if rule.status == known.status else Refused(rule.status, known.name, reason)
        return _written(rule.status, rule.form or Form.JSON, told, headers)
    if call.group is not None:
        headers["remaining-req"] = quota.header(call.group, 0)
    verdict = Verdict(418, "", blocked=round(rule.seconds)) if rule.kind is Kind.BLOCKED else Verdict(429, "")
    told = Refused(verdict.status, "too_many_requests", verdict.message)
    return _written(told.status, rule.form or Form.TEXT, told, headers)


def _written(status: int, form: Form, refusal: Refused, headers: dict[str, str]) -> Response:
    match form:
        case Form.JSON:
            body = msgspec.json.encode({"error": {"name": refusal.name, "message": refusal.message}})
        case Form.HTML:
            body = _page(status, REASONS.get(status, refusal.message))
        case Form.TEXT:
            body = refusal.message.encode()
        case Form.EMPTY:
            return Response(status=status, headers=headers, body=b"")
    return Response(status=status, headers=headers | {"content-type": _TYPES[form]}, body=body)


def _page(status: int, title: str) -> bytes:
    return f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>\r\n".encode()


def _skewed(delivery: Delivery, seconds: float) -> Delivery:
    if delivery.response is None or "date" not in delivery.response.headers:
        return delivery
    told = parsedate_to_datetime(delivery.response.headers["date"]) + timedelta(seconds=seconds)
    headers = {**delivery.response.headers, "date": format_datetime(told.replace(microsecond=0), usegmt=True)}
    return replace(delivery, response=replace(delivery.response, headers=headers))

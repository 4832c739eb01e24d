"""Stepping the venue's time over HTTP: the one thing of the face that the real Upbit does not have.

Only in stepped pace. A caller moves the time in two ways: by the header `Makenaide-Time` of any request, which is
the moment at which it sends, and by `POST /simulator/advance`, which sleeps until a fence is touched.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.market import market as market_code
from makenaide.domain.money import Price, plain
from makenaide.exchange.simulator.core.errors import invalid_field
from makenaide.exchange.simulator.core.validation import Body, given
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Kind, Open, Parameter, Route
from makenaide.exchange.simulator.table import instant
from makenaide.exchange.venue import Fence

TIME_HEADER: Final = "makenaide-time"
"""ISO time with offset; the venue's time moves there before the request is handled, never backwards."""


class Control:
    """Moves a stepped venue's time."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.before: Callable[[datetime], None] | None = None
        """Told how far an advance is about to run: whoever holds requests back lets them arrive on the way."""

    def routes(self) -> list[Route]:
        """The stepping calls."""
        return [
            Open(method="GET", path="/simulator/clock", group=None, handler=lambda _query: self.clock()),
            Guarded(
                method="POST",
                path="/simulator/advance",
                group=None,
                scope=None,
                handler=lambda _who, _query, body: self.advance(body),
                parameters=(Parameter("until", required=True), Parameter("fences", Kind.OBJECT)),
            ),
        ]

    def step(self, text: str) -> None:
        """Move to the header's moment; `Refused` when it is no time with an offset."""
        self._venue.advance(_moment(text, "Makenaide-Time"))

    def clock(self) -> Json:
        """GET /simulator/clock: the time now, and the range in which there is something to trade."""
        data = self._venue.data
        return {
            "now": _written(self._venue.now),
            "first_slot": _written(data.first_slot),
            "end": _written(data.end),
        }

    def advance(self, body: Body) -> Json:
        """POST /simulator/advance: up to `until`, or to the first touch of a fence; then the fenced markets' bids."""
        until = given(body.get("until"), "until")
        fences = _fences(body.get("fences", {}))
        at = self._venue.watch(_moment(until, "until"), fences, self.before)
        bids = self._venue.floor.best_bids(fences)
        return {"at": _written(at), "bids": {market: plain(bid) for market, bid in bids.items()}}


def _fences(given: object) -> dict[Market, Fence]:
    if not isinstance(given, Mapping):
        raise invalid_field("fences")
    fences = {}
    for code, fence in given.items():
        try:
            fences[market_code(str(code))] = Fence(
                floor=Price(str(fence["floor"])), peak=Price(str(fence["peak"]))
            )
        except (UnknownMarket, KeyError, TypeError, ValueError):
            raise invalid_field(f"fences.{code}") from None
    return fences


def _moment(text: str, field: str) -> datetime:
    try:
        return instant(text)
    except ValueError:
        raise invalid_field(field) from None


def _written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")

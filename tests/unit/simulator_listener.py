"""A client of the simulator's streams without a socket: what it is sent is kept as it came."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import (
    ALL_SCOPES,
    ApiKey,
    FaceSettings,
    Pace,
    QuotaSettings,
    StreamSettings,
    VenueSettings,
)
from makenaide.exchange.simulator.stream.hub import Hub
from makenaide.exchange.simulator.stream.session import Session
from tests.unit.simulator_street import BEGIN, SECRET, Street, flat, opened


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = BEGIN) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class Wire:
    """Keeps what it is given."""

    payloads: list[bytes] = field(default_factory=list)
    dropped: bool = False

    def deliver(self, payloads: Sequence[bytes]) -> None:
        self.payloads += payloads

    def drop(self) -> None:
        self.dropped = True


@dataclass
class Listener:
    """One session and its wire."""

    hub: Hub
    session: Session
    wire: Wire

    def ask(self, *parts: dict[str, Any], format_: str | None = None) -> None:
        """Send a request with a ticket, these type objects, and a format."""
        whole = [{"ticket": "t"}, *parts, *([{"format": format_}] if format_ else [])]
        self.say(json.dumps(whole))

    def say(self, message: str | bytes) -> None:
        """Send anything."""
        self.hub.receive(self.session, message)

    def raw(self) -> list[bytes]:
        """What has come since the last look."""
        came, self.wire.payloads = self.wire.payloads, []
        return came

    def heard(self) -> list[Any]:
        """What has come since the last look, decoded."""
        return [json.loads(each) for each in self.raw()]

    def kinds(self) -> list[str]:
        """Type and stream type of what has come."""
        return [f"{each['type']} {each['stream_type']}" for each in self.heard()]


def hub_of(venue: Venue, *, quota: bool = False, watch: Watch | None = None, **stream: Any) -> Hub:
    """A hub over `venue` with these stream settings; rate limits only with `quota`."""
    settings = FaceSettings(quota=QuotaSettings(enforced=quota), stream=StreamSettings(**stream))
    keys = [ApiKey(access=name, secret=SECRET, account=name) for name in venue.accounts]
    return Hub(Face(venue, keys, settings, watch))


def listen(hub: Hub, account: str | None = None, scopes: frozenset[str] = ALL_SCOPES) -> Listener:
    """A new client of the public endpoint, or of the private one as `account`."""
    key = None if account is None else ApiKey(access=account, secret=SECRET, account=account, scopes=scopes)
    wire = Wire()
    return Listener(hub, hub.connect(wire, "127.0.0.1", key), wire)


def listener(street: Street | None = None) -> Listener:
    """A client of the public endpoint of a venue over `street`, by default a flat one."""
    return listen(hub_of(opened(street or flat())))


def pass_time(hub: Hub, seconds: float) -> None:
    """Let the venue's time pass, and tell."""
    hub.face.venue.advance(hub.face.venue.now + timedelta(seconds=seconds))
    hub.pulse()


def in_real_pace(street: Street, **stream: Any) -> tuple[Hub, Watch]:
    """A hub whose venue follows a clock of the test's."""
    watch = Watch()
    venue = Venue(street, VenueSettings(pace=Pace.REAL))
    venue.open_account("paper", {})
    return hub_of(venue, watch=watch, **stream), watch

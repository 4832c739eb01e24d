"""A venue that is being opened in the background, while others already look at what needs none.

To open a simulated world takes seconds; whoever asks it something waits for it, and hears why it could not be opened.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from makenaide.app.endings import Endings
from makenaide.domain.clock import Clock
from makenaide.domain.errors import MakenaideError, Misconfigured
from makenaide.domain.market import Market
from makenaide.exchange.paper import PaperVenue
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.outcomes import (
    Allowed,
    HasRight,
    ListedRights,
    NoRight,
    NotAllowed,
    Unclear,
)
from makenaide.exchange.venue import Venue
from makenaide.strategy.signal import BTC

_CLOSE_SECONDS = 10.0
_FRESH = timedelta(seconds=60)
_NARROW = timedelta(milliseconds=700)
_PHASES = (0.3, 0.4)
"""Pauses between replies that narrow the bounds of the clock's offset: the dates are cut to whole seconds."""
NO_PROBE = "not known: no harmless probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A venue with the clock that it is asked by."""

    venue: Venue
    clock: Clock
    endings: Endings | None = None


Opening = Callable[[], AbstractContextManager[Opened]]


class Late:
    """Opens in a thread of its own from `start` on, and closes there at `stop`. Thread-safe."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._ready = threading.Event()
        self._over = threading.Event()
        self._opened: Opened | None = None
        self._cause = ""
        self._thread = threading.Thread(target=self._run, name="venue", daemon=True)

    def start(self) -> None:
        """Begin to open."""
        self._thread.start()

    def stop(self) -> None:
        """Close. What is still being opened then, or does not close within seconds, ends with this process."""
        self._over.set()
        if self._ready.is_set():
            self._thread.join(_CLOSE_SECONDS)

    def opened(self) -> Opened:
        """What was opened, once it is; `Misconfigured` with the reason why it could not be."""
        self._ready.wait()
        if self._opened is None:
            raise Misconfigured(self._cause)
        return self._opened

    @property
    def venue(self) -> Venue:
        """The venue, as one that waits for itself."""
        return cast("Venue", _Waiting(self))

    def _run(self) -> None:
        try:
            with self._opening() as opened:
                self._opened = opened
                self._ready.set()
                self._over.wait()
        except (MakenaideError, OSError) as cause:
            self._cause = f"the venue cannot be opened: {cause}"
        finally:
            self._ready.set()


class _Waiting:
    def __init__(self, late: Late) -> None:
        self._late = late

    def __getattr__(self, name: str) -> Any:
        return getattr(self._late.opened().venue, name)


@dataclass(frozen=True, slots=True)
class VenueSkew:
    """`ops.scene.Skew` by the dates of the venue's replies; a new one is asked for unless the newest is fresh.

    `narrow`: ask a few times, at different phases of the second. Not where asking makes the time pass.
    """

    opened: Callable[[], Opened]
    narrow: bool

    def clock_skew(self) -> tuple[timedelta, timedelta] | None:
        """The bounds of (venue's clock - ours)."""
        at = self.opened()
        client = client_of(at.venue)
        if client is None:
            return None
        known = client.clock_offset()
        if known is None or at.clock.now() - known.at > _FRESH:
            client.tickers([BTC])
            known = client.clock_offset()
        for pause in _PHASES if self.narrow else ():
            if known is None or known.high - known.low <= _NARROW:
                break
            at.clock.sleep(pause)
            client.tickers([BTC])
            known = client.clock_offset()
        return None if known is None else (known.low, known.high)


@dataclass(frozen=True, slots=True)
class VenueEnds:
    """`ops.scene.Ends` by the venue's stream."""

    opened: Callable[[], Opened]

    def look(self, markets: Sequence[Market]) -> Mapping[Market, date | None]:
        """By market, its announced end; nothing where the venue has no stream."""
        endings = self.opened().endings
        return {} if endings is None else endings.look(markets)


@dataclass(frozen=True, slots=True)
class KeyRights:
    """`ops.scene.Rights` of the key that the venue is asked with, by questions that change nothing."""

    opened: Callable[[], Opened]

    def rights(self) -> dict[str, str]:
        """By right "yes", "no", or why it is not known; `Misconfigured` where there is no key to ask with."""
        client = account_client(self.opened().venue)
        if client is None:
            raise Misconfigured("this venue knows no keys")
        found: dict[str, str] = {}
        match client.withdrawal_right():
            case HasRight():
                found["withdraw"] = "yes"
            case NoRight():
                found["withdraw"] = "no"
            case Unclear(cause):
                found["withdraw"] = cause
        match client.address_allowed():
            case Allowed():
                found["address"] = "yes"
            case NotAllowed():
                found["address"] = "no"
            case Unclear(cause):
                found["address"] = cause
        return found | _listed(client)


def _listed(client: UpbitClient) -> dict[str, str]:
    """The rights that the venue itself lists for the key: only a key that manages pockets is shown the list."""
    names = ("deposit", "transfer")
    match client.listed_rights():
        case NoRight():
            return {"pockets": "no", **dict.fromkeys(names, NO_PROBE)}
        case ListedRights(rights):
            return {"pockets": "yes", **{name: "yes" if name in rights else "no" for name in names}}
        case Unclear(cause):
            return {"pockets": cause, **dict.fromkeys(names, NO_PROBE)}


def client_of(venue: Venue) -> UpbitClient | None:
    """The client whose replies tell the market's time; None where there is none."""
    asked = venue.quotation if isinstance(venue, PaperVenue) else venue
    return asked if isinstance(asked, UpbitClient) else None


def account_client(venue: Venue) -> UpbitClient | None:
    """The client that signs for the account; None where there is none."""
    asked = venue.trading if isinstance(venue, PaperVenue) else venue
    return asked if isinstance(asked, UpbitClient) else None

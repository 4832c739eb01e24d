"""The simulated venue of a rehearsal: behind a courier who loses things; it can be killed and rebuilt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any, Protocol

import msgspec

from makenaide.exchange.http import Interrupted, NotConnected, Request, Response
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.commandlog import Command, perform
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.faults.courier import Courier
from makenaide.exchange.simulator.faults.plan import Faults, Rule
from makenaide.exchange.simulator.faults.transport import DoorTransport
from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ALL_SCOPES, ApiKey, FaceSettings, VenueSettings
from makenaide.exchange.simulator.stepped import SteppedClock
from makenaide.exchange.upbit.auth import Keys

NAME = "rehearsal"
"""The one account of the venue."""

KEYS = Keys(access="access-of-the-rehearsal", secret="s" * 64)

_SCOPES = ALL_SCOPES | {"view_deposits", "view_withdrawals"}
"""With the right to see what a person moved: else every deposit would be unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one deed of somebody else did to the account's balances.

    `sources` are the trades or the transfer that the venue's lists show of it; none: nothing tells of it.
    """

    at: datetime
    name: str
    amounts: Mapping[str, Decimal]
    sources: tuple[str, ...]


@dataclass(slots=True)
class MemoryLog:
    """The venue's command log, kept as the lines that would stand in its file: only the trader's process dies."""

    lines: list[bytes] = field(default_factory=list)

    def append(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        """Keep one command."""
        told = Command(n=len(self.lines), at=at, command=command, body=dict(body))
        self.lines.append(msgspec.json.encode(told))

    def replay(self, venue: Venue) -> None:
        """Do every command again on the fresh `venue`."""
        for line in self.lines:
            perform(venue, msgspec.json.decode(line, type=Command))


class Deeds(Protocol):
    """What other people and the venue's operator do, in the order of time."""

    def due(self, exchange: "Exchange", until: datetime) -> None:
        """Do all that is planned up to `until`."""
        ...

    def following(self, now: datetime) -> datetime | None:
        """When the next deed after `now` is planned; None when there is none."""
        ...


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A venue over `data` that opens with `won` on the account `NAME`.

    `rules` are the faults on the wire; their counts outlive a rebuilding, as does everything in `log`.
    """

    data: MarketData
    settings: VenueSettings
    won: Decimal
    rules: Sequence[Rule] = ()
    fault_seed: int = 1
    deeds: Deeds | None = None
    log: MemoryLog = field(default_factory=MemoryLog)
    faults: Faults = field(init=False)
    venue: Venue = field(init=False)
    courier: Courier = field(init=False)
    counted: dict[str, int] = field(init=False, default_factory=dict)
    witnessed: list[tuple[str, str]] = field(default_factory=list)
    """The entries that were sent though they must not have been: which law forbade it, and the identifier."""

    changes: list[Change] = field(default_factory=list)
    """What others did to the account's balances, in the order of time."""

    dark: list[tuple[datetime, datetime]] = field(default_factory=list)
    """Stretches that are over in which the venue did not answer, or no process lived; in the order of their ends."""

    absences: list[tuple[datetime, datetime]] = field(default_factory=list)
    """Stretches without a trader, though his guard may have lived on; in the order of time."""

    _dark_since: datetime | None = field(init=False, default=None)
    _nonces: "count[int]" = field(init=False, default_factory=count)

    def __post_init__(self) -> None:
        self.faults = Faults((), self.fault_seed)
        for rule in self.rules:
            self.faults.add(rule)
        self.rebuild()

    def rebuild(self) -> None:
        """Forget everything that is not in the command log: also requests that are still on their way."""
        self.venue = Venue(self.data, self.settings)
        self.log.replay(self.venue)
        self.venue.journal = self.log
        if NAME not in self.venue.accounts:
            self.venue.open_account(NAME, {"KRW": self.won})
        key = ApiKey(access=KEYS.access, secret=KEYS.secret, account=NAME, scopes=_SCOPES)
        face = Face(self.venue, [key], FaceSettings())
        self.courier = Courier(face, self.faults)

    def calm(self) -> None:
        """From now on nothing goes wrong on the wire any more; what is late still arrives."""
        self.counted = self.struck()
        self.faults.clear()

    def live(self, until: datetime) -> None:
        """Let others do what they have planned up to `until`."""
        if self.deeds is not None:
            self.deeds.due(self, until)

    def nonce(self) -> str:
        """A name that no request had before, in whatever process."""
        return f"nonce-{next(self._nonces)}"

    def darkens(self, at: datetime) -> None:
        """From now on nobody gets an answer."""
        if self._dark_since is None:
            self._dark_since = at

    def lightens(self, at: datetime) -> None:
        """The venue answered at `at`."""
        if self._dark_since is not None:
            self.dark.append((self._dark_since, at))
            self._dark_since = None

    def darkness(self, until: datetime) -> Sequence[tuple[datetime, datetime]]:
        """Every dark stretch, the present one up to `until`."""
        return self.dark if self._dark_since is None else [*self.dark, (self._dark_since, until)]

    @property
    def account(self) -> Account:
        """The account in its private state: the truth by which the books are judged."""
        return self.venue.accounts[NAME]

    def balances(self) -> dict[str, Decimal]:
        """What the account holds, free, locked and pending."""
        return {currency: holding.total for currency, holding in self.account.wallet}

    def ours(self) -> list[Order]:
        """Every order that carries one of our identifiers, in the order in which it was taken."""
        return [each for each in self.account.history if (each.ticket.identifier or "").startswith("mk1-")]

    def others(self) -> list[Order]:
        """Every order that a person made by hand, in the order in which it was taken."""
        return [each for each in self.account.history if not (each.ticket.identifier or "").startswith("mk1-")]

    def struck(self) -> dict[str, int]:
        """How often each kind of fault has struck so far."""
        found: dict[str, int] = {}
        for planned in self.faults.listed():
            found[planned.rule.kind.value] = found.get(planned.rule.kind.value, 0) + planned.struck
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """The way to the venue: tells it our time with each request, and lets happen what others have planned first.

    `forbids` names the laws that forbid buying for that position at this moment.
    """

    exchange: Exchange
    clock: SteppedClock
    forbids: Callable[[str], Sequence[str]]

    def send(self, request: Request) -> Response:
        """Send once; raises `NotConnected` or `Interrupted` where a socket's client would."""
        if request.method == "POST" and request.path == "/v1/orders":
            self._witness(request)
        self.exchange.live(self.clock.now())
        door = DoorTransport(door=self.exchange.courier, wait=self.clock.sleep)
        headers = {**request.headers, **self.clock.stamp()}
        plain = {name: text for name, text in headers.items() if name.lower() != "accept-encoding"}
        told = Request(
            method=request.method, path=request.path, query=request.query, headers=plain, body=request.body
        )
        asked = self.clock.now()
        try:
            response = door.send(told)
        except (NotConnected, Interrupted):
            self.exchange.darkens(asked)
            raise
        if request.path.startswith("/v1/"):
            self._heard(response, asked)
        return response

    def _heard(self, response: Response, asked: datetime) -> None:
        """An answer of JSON ends the darkness, unless it tells of a fault of the venue's, or of its maintenance."""
        try:
            msgspec.json.decode(response.body)
        except msgspec.DecodeError:
            self.exchange.darkens(asked)
            return
        down = self.exchange.data.offline(self.clock.now())
        if down or response.status >= 500 or response.status in (418, 429):
            self.exchange.darkens(asked)
        else:
            self.exchange.lightens(self.clock.now())

    def _witness(self, request: Request) -> None:
        """Note an entry that must not be sent now; a bid that cannot fill is none."""
        body = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
        identifier = str(body.get("identifier", ""))
        position, _, leg = identifier.removeprefix("mk1-").partition("-")[2].rpartition("-")
        if leg.startswith("e") and body.get("time_in_force") != "post_only":
            self.exchange.witnessed += [(law, identifier) for law in self.forbids(position)]

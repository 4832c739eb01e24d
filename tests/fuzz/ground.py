"""A small simulated exchange for one block of inputs, its journal in memory, and the laws that it must keep."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

import msgspec

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.exchange.simulator.core.commandlog import Command, perform
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.faults.console import Console
from makenaide.exchange.simulator.faults.courier import Courier
from makenaide.exchange.simulator.faults.plan import Faults
from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import (
    ApiKey,
    ExclusionName,
    FaceSettings,
    Pace,
    QuotaSettings,
    RejectedIdentifier,
    SelfMatch,
    StreamSettings,
    TakingPostOnly,
    VenueSettings,
)
from tests.unit.simulator_listener import Watch
from tests.unit.simulator_street import BEGIN, BTC, ETH_BTC, SECRET, XRP, Street, seconds
from tests.unit.test_simulator_openapi import EVERY_SCOPE
from tests.unit.test_simulator_venue_laws import totals
from tests.unit.test_simulator_venue_money import assert_locks_match

TOKEN = "the-operators-token"
FUNDS = {"KRW": Decimal(50_000_000), "BTC": Decimal("0.5"), "XRP": Decimal(30_000), "ETH": Decimal(2)}
KEYS = (
    ApiKey(access="one", secret=SECRET, account="one", scopes=EVERY_SCOPE),
    ApiKey(access="two", secret=SECRET, account="two", scopes=EVERY_SCOPE),
    ApiKey(access="narrow", secret=SECRET, account="one", scopes=frozenset({"view_account"})),
    ApiKey(
        access="homely", secret=SECRET, account="one", addresses=("127.0.0.1",), expires_at=BEGIN + seconds(9000)
    ),
)


@cache
def tape() -> Tape:
    """Generated prices of eight markets."""
    return generate(GeneratorSettings(seed=7, markets=8, history_days=220, days=40, first_day=date(2026, 1, 5)))


@dataclass
class Notes:
    """A journal in memory, each command as the bytes that the log would keep."""

    kept: list[bytes] = field(default_factory=list)

    def append(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        line = Command(n=len(self.kept), at=at, command=command, body=dict(body))
        self.kept.append(msgspec.json.encode(line))


@dataclass
class Ground:
    """The exchange of a block: face, courier and console over one venue of two accounts."""

    data: MarketData
    settings: VenueSettings
    face_settings: FaceSettings
    watch: Watch = field(default_factory=Watch)
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        self.venue = self._venue()
        self.venue.journal = self.notes
        clock = self.watch if self.settings.pace is Pace.REAL else None
        self.face = Face(self.venue, KEYS, self.face_settings, clock)
        self.faults = Faults()
        self.console = Console(self.venue, self.faults, TOKEN, clock)
        self.courier = Courier(self.face, self.faults, clock, self.console)
        self.before = totals(self.venue)

    def require_laws(self) -> None:
        """Nothing is made or lost, nothing is below zero, and what is locked is locked for something."""
        now = totals(self.venue)
        changed = {
            name: (now[name], self.before.get(name)) for name in now if now[name] != self.before.get(name, 0)
        }
        assert not changed, changed
        assert_locks_match(self.venue)

    def require_same_from_notes(self) -> None:
        """A venue that is rebuilt from the journal is this one."""
        again = self._venue()
        for line in self.notes.kept:
            perform(again, msgspec.json.decode(line, type=Command))
        again.advance(self.venue.now)
        assert again.state() == self.venue.state()

    def near(self, market: str, rng: random.Random) -> str:
        """A price on the tick near the market's own, as text; "1000" where there is no such market."""
        try:
            price = self.venue.floor.price(Market(market)) * Decimal(rng.choice(("0.9", "0.98", "1", "1", "1.02")))
            tick = self.venue.floor.tick(Market(market), price)
        except (UnknownMarket, KeyError):
            return "1000"
        return format(price // tick * tick, "f")

    def _venue(self) -> Venue:
        venue = Venue(self.data, self.settings)
        for name in ("one", "two"):
            venue.open_account(name, FUNDS)
        return venue


def ground(rng: random.Random) -> Ground:
    """A new exchange: a hand-made street or generated prices, and any of the open points."""
    settings = VenueSettings(
        pace=Pace.REAL if rng.random() < 0.2 else Pace.STEPPED,
        rejected_identifier=rng.choice(list(RejectedIdentifier)),
        test_burns_identifier=rng.random() < 0.5,
        self_match=rng.choice(list(SelfMatch)),
        taking_post_only=rng.choice(list(TakingPostOnly)),
        cancel_delay_ms=rng.choice((0, 0, 1500)),
        exclusion_name=rng.choice(list(ExclusionName)),
        balance_lag_ms=rng.choice((0, 0, 700)),
        book_share=rng.choice((Decimal(1), Decimal("0.3"))),
        far_price_ratio=rng.choice((Decimal(0), Decimal(10))),
        withdrawals_locked=rng.random() < 0.1,
    )
    face = FaceSettings(
        quota=QuotaSettings(enforced=rng.random() < 0.2, json_body=rng.random() < 0.3),
        stream=StreamSettings(public_on_private=rng.random() < 0.5),
        nonce_seconds=rng.choice((0, 600)),
        nonces_kept=rng.choice((50, 1_000_000)),
        body_parameters=rng.random() < 0.5,
    )
    return Ground(tape() if rng.random() < 0.5 else _street(rng), settings, face)


def _street(rng: random.Random) -> Street:
    def jumps(scale: int) -> list[tuple[timedelta, Decimal]]:
        return [
            (seconds(number * 2500), Decimal(rng.choice((98, 99, 100, 101, 103)) * scale)) for number in range(4)
        ]

    steps = {BTC: jumps(1_000_000), XRP: jumps(10), ETH_BTC: [(seconds(0), Decimal("0.03"))]}
    return Street(steps=steps, size=Decimal("0.01"), volume=Decimal("0.0123456789"))

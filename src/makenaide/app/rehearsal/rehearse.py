"""A rehearsal: one seed, so many days of market time, every fault of the simulator, and crashes at drawn effects."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from makenaide.app.rehearsal.case import Violation
from makenaide.app.rehearsal.deeds import Agenda, halts, operators_deeds, persons_deeds
from makenaide.app.rehearsal.exchange import Exchange
from makenaide.app.rehearsal.fuse import At, Chooser, Drawn
from makenaide.app.rehearsal.life import Fate, Life
from makenaide.app.rehearsal.memory import MemoryFiles
from makenaide.app.rehearsal.process import HALT, Plan, won
from makenaide.app.rehearsal.span import busy_span
from makenaide.app.rehearsal.storm import storm
from makenaide.app.rehearsal.weather import events, with_falls
from makenaide.config import Config
from makenaide.exchange.simulator.prices.staged import Staged
from makenaide.exchange.simulator.settings import RejectedIdentifier
from makenaide.execution.halt import HaltFile

MARKETS = 36
"""Markets of a generated world: few enough to be quick, enough to find something to buy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one rehearsal is made of. `harshness` scales the faults on the wire (0: none)."""

    config: Config
    seed: int
    days: int
    harshness: float = 2.0
    crashes: int = 14
    falls: int = 6
    people: bool = True
    markets: int = MARKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one rehearsal tried and found."""

    seed: int
    days: int
    effects: Mapping[str, int] = field(default_factory=dict)
    crashes: tuple[str, ...] = ()
    guard_deaths: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    deeds: Mapping[str, int] = field(default_factory=dict)
    orders: int = 0
    fills: int = 0
    checks: int = 0
    found: tuple[Violation, ...] = ()

    @property
    def replay(self) -> str:
        """The command that shows the same again."""
        return f"makenaide rehearse --seed {self.seed} --days {self.days}"


def plan_of(trial: Trial, conninfo: str) -> Plan:
    """The world of `trial` over the empty database at `conninfo`."""
    config, rng = trial.config, random.Random(f"world {trial.seed}")  # noqa: S311 - a rehearsal is drawn, no secret
    span = busy_span(
        replace(config.market, seed=trial.seed, markets=trial.markets), (config.strategy, config.risk), trial.days
    )
    span = with_falls(rng, span, trial.falls)
    happenings = events(rng, span)
    markets = sorted({market for bought in span.chances.values() for market in bought}) or [
        each.market for each in span.tape.listings(span.first)
    ]
    files = MemoryFiles()
    deeds = operators_deeds(rng, span, markets) + halts(rng, span, HaltFile(files=files, path=HALT))
    if trial.people:
        deeds += persons_deeds(rng, span, markets)
    settings = replace(
        config.venue,
        seed=trial.seed,
        balance_lag_ms=rng.choice((0, 300, 2500)),
        book_share=rng.choice((Decimal(1), Decimal(1), Decimal("0.4"))),
        rejected_identifier=rng.choice(tuple(RejectedIdentifier)),
    )
    exchange = Exchange(
        data=Staged(span.tape, happenings) if happenings else span.tape,
        settings=settings,
        won=won(config),
        rules=storm(rng, span.first, span.last, trial.harshness) if trial.harshness else (),
        fault_seed=trial.seed,
        deeds=Agenda(deeds),
    )
    return Plan(config=config, exchange=exchange, conninfo=conninfo, first=span.first, last=span.last, files=files)


def life_of(trial: Trial, plan: Plan) -> Life:
    """The life of `plan` with the drawn crashes of `trial`."""
    rng = random.Random(f"crashes {trial.seed}")  # noqa: S311 - as above
    span = max(40, 95 * trial.days // max(1, trial.crashes))

    def chooser(number: int) -> Chooser:
        return Drawn(rng, span) if number < trial.crashes else At()

    return Life(
        plan=plan,
        choosers=chooser,
        death=Fate(rng, plan),
        alone=lambda: rng.random() < 0.6,
        outlives=lambda: rng.random() < 0.5,
    )


def rehearse(trial: Trial, conninfo: str) -> Outcome:
    """Run `trial` on the empty database at `conninfo`; the same trial gives the same outcome."""
    plan = plan_of(trial, conninfo)
    tally = life_of(trial, plan).run()
    exchange = plan.exchange
    deeds: Counter[str] = exchange.deeds.done if isinstance(exchange.deeds, Agenda) else Counter()
    return Outcome(
        seed=trial.seed,
        days=trial.days,
        effects=dict(sorted(tally.effects.items())),
        crashes=tuple(tally.crashes),
        guard_deaths=tally.guard_deaths,
        faults=exchange.counted,
        deeds=dict(sorted(deeds.items())),
        orders=len(exchange.ours()),
        fills=sum(len(each.trades) for each in exchange.ours()),
        checks=tally.checks,
        found=tuple(tally.found),
    )

"""`rehearse`: whole worlds in which everything goes wrong, and whether one of the laws broke."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from makenaide.app.rehearsal.campaign import DayReport, Extent, Summary, Told, rehearse_all, rehearse_day, stage
from makenaide.app.rehearsal.case import Violation
from makenaide.app.rehearsal.day import Strike
from makenaide.app.rehearsal.keeping import Keeper
from makenaide.app.rehearsal.laws import LAWS
from makenaide.app.rehearsal.rehearse import Outcome, Trial
from makenaide.catalogue import Text
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe, table
from makenaide.domain.errors import Inconsistent, Misconfigured

_DAY = 14
"""Days among which the busiest is looked for."""

_SHOWN = 20
"""Violations that people are shown; JSON has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options: `seeds` from `seed` on, `days` each; `crashes`: every crash point of a full day as well.

    `at`, `storm` and `alone` name one run of that day to be shown again.
    """

    seed: int
    seeds: int
    days: int
    workers: int
    crashes: bool
    at: str | None
    storm: int | None
    alone: bool


def rehearse_worlds(asked: Asked, *, as_json: bool) -> None:
    """Run what is asked, tell it, and keep it as evidence; `Inconsistent` (exit code 12) when a law broke."""
    env, text = environment()
    keeper = Keeper(env)
    trials = [
        Trial(config=env.config, seed=seed, days=asked.days)
        for seed in range(asked.seed, asked.seed + asked.seeds)
    ]
    extent = Extent(seed=asked.seed, only=_strike(asked))
    with stage() as copies, _progress(text) as told:
        day = None
        if asked.crashes or extent.only is not None:
            one = Trial(config=env.config, seed=asked.seed, days=_DAY)
            day = rehearse_day(one, copies, extent, asked.workers, told)
        outcomes = () if extent.only is not None else rehearse_all(trials, copies, asked.workers, told)
    summary = Summary(outcomes=outcomes, day=day)
    result = _result(asked, summary) | dict(keeper.stamps(datetime.now(UTC)))
    kept = extent.only is None
    if kept:
        keeper.keep(result)
    if as_json:
        print_json(result)
    else:
        _show(summary, text)
        if kept:
            console().print(text("rehearse.kept"))
    if summary.violations:
        raise Inconsistent(text("rehearse.broken", count=summary.violations))


def _strike(asked: Asked) -> Strike | None:
    if asked.at is None:
        return None
    try:
        return Strike(
            deaths=tuple(int(each) for each in asked.at.split(",")), storm=asked.storm, alone=asked.alone
        )
    except ValueError:
        raise Misconfigured(f"--at: expected numbers of effects such as 12 or 12,5, got {asked.at!r}") from None


def _result(asked: Asked, summary: Summary) -> dict[str, Any]:
    outcomes = summary.outcomes
    return {
        "seed": asked.seed,
        "seeds": len(outcomes),
        "days": asked.days,
        "violations": summary.violations,
        "found": [_told(each, one.replay) for one in outcomes for each in one.found]
        + ([] if summary.day is None else [_told(each, how) for how, each in summary.day.found]),
        "laws": list(LAWS),
        "checks": sum(each.checks for each in outcomes) + (summary.day.checks if summary.day else 0),
        "crashes": sum(len(each.crashes) for each in outcomes) + (summary.day.crashes if summary.day else 0),
        "effects": dict(sorted(summary.effects.items())),
        "faults": dict(sorted(summary.faults.items())),
        "orders": sum(each.orders for each in outcomes),
        "fills": sum(each.fills for each in outcomes),
        "worlds": [_world(each) for each in outcomes],
        "day": None if summary.day is None else _day(summary.day),
    }


def _told(violation: Violation, replay: str) -> dict[str, str]:
    return {
        "law": violation.law,
        "evidence": violation.evidence,
        "at": violation.at.isoformat(),
        "replay": replay,
    }


def _world(outcome: Outcome) -> dict[str, Any]:
    return {
        "seed": outcome.seed,
        "effects": dict(outcome.effects),
        "crashes": list(outcome.crashes),
        "guard_deaths": outcome.guard_deaths,
        "faults": dict(outcome.faults),
        "deeds": dict(outcome.deeds),
        "orders": outcome.orders,
        "fills": outcome.fills,
        "checks": outcome.checks,
        "violations": len(outcome.found),
    }


def _day(day: DayReport) -> dict[str, Any]:
    return {
        "seed": day.seed,
        "slot": day.slot,
        "orders": day.orders,
        "points": day.points,
        "of_cycle": day.of_cycle,
        "of_watch": day.of_watch,
        "recoveries": day.recoveries,
        "pairs": day.pairs,
        "crashes": day.crashes,
        "checks": day.checks,
        "violations": len(day.found),
    }


@contextmanager
def _progress(text: Text) -> Iterator[Told]:
    """A bar for each part on a terminal; nothing in a pipe."""
    err = console(error=True)
    columns = (TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks: dict[str, Any] = {}
        names = {
            "seeds": text("rehearse.part.seeds"),
            "points": text("rehearse.part.points"),
            "measures": text("rehearse.part.measures"),
            "recoveries": text("rehearse.part.recoveries"),
            "pairs": text("rehearse.part.pairs"),
        }

        def told(part: str, done: int, whole: int) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(names[part], total=whole)
            bar.update(tasks[part], completed=done)

        yield told


def _show(summary: Summary, text: Text) -> None:
    out = console()
    rows = [*_worlds(summary, text), *_points(summary.day, text), _verdict(summary, text)]
    out.print(table([("", "left"), ("", "left")], rows, text("rehearse.title")))
    for how, each in _found(summary)[:_SHOWN]:
        out.print(f"[red]{each.law}[/] {safe(each.evidence)}", soft_wrap=True)
        out.print(f"  {text('rehearse.replay', how=safe(how))}", soft_wrap=True)


def _found(summary: Summary) -> list[tuple[str, Violation]]:
    of_day = [] if summary.day is None else summary.day.found
    return [*of_day, *((one.replay, each) for one in summary.outcomes for each in one.found)]


def _worlds(summary: Summary, text: Text) -> Iterator[tuple[str, str]]:
    outcomes = summary.outcomes
    if not outcomes:
        return
    yield text("rehearse.worlds"), f"{len(outcomes):,} x {outcomes[0].days}"
    yield text("rehearse.effects"), _counted(summary.effects)
    yield text("rehearse.crashes"), f"{sum(len(each.crashes) for each in outcomes):,}"
    yield text("rehearse.faults"), f"{summary.faults.total():,}"
    yield text("rehearse.kinds"), _counted(summary.faults)
    yield text("rehearse.orders"), f"{sum(each.orders for each in outcomes):,}"
    yield text("rehearse.fills"), f"{sum(each.fills for each in outcomes):,}"


def _points(day: DayReport | None, text: Text) -> Iterator[tuple[str, str]]:
    if day is None:
        return
    yield text("rehearse.day"), f"{day.slot[:10]} ({day.orders})"
    yield text("rehearse.points"), f"{day.points:,} ({day.of_cycle:,} + {day.of_watch:,})"
    yield text("rehearse.recoveries"), f"{day.recoveries:,}"
    yield text("rehearse.pairs"), f"{day.pairs:,}"


def _verdict(summary: Summary, text: Text) -> tuple[str, str]:
    checks = sum(each.checks for each in summary.outcomes) + (summary.day.checks if summary.day else 0)
    colour = "red" if summary.violations else "green"
    told = text("rehearse.verdict", laws=summary.laws, checks=f"{checks:,}")
    return told, f"[{colour}]{summary.violations:,}[/]"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {many:,}" for name, many in sorted(Counter(counts).items()))

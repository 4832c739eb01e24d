"""Runs of one day with a planted fault: which laws say so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from makenaide.app.rehearsal.day import Day, DayWorld, Strike, fresh_life
from makenaide.app.rehearsal.deeds import Agenda, Deed
from makenaide.app.rehearsal.fuse import ORDER, At, Chooser
from makenaide.exchange.simulator.faults.plan import Kind, Rule
from makenaide.execution.submit import Desk
from makenaide.store.scratch import Copies

Deeds = Callable[["Runs"], Sequence[Deed]]


class AfterSend:
    """Dies right after an order was sent."""

    def dies(self, number: int, name: str) -> bool:
        return name == f"after {ORDER}"


@dataclass(frozen=True, slots=True)
class Runs:
    """A handful of runs of one day: without a fault, and with each fault of the wire that variants stumble over."""

    day: Day
    world: DayWorld
    copies: Copies

    def wires(self) -> Sequence[tuple[Rule, ...]]:
        """Of the day's first order: nothing goes wrong; its reply is lost; it comes late; it comes very late."""
        soon = self.day.slot + timedelta(minutes=10)
        return (
            (),
            self.reply_lost(),
            (
                Rule(kind=Kind.LATE, calls=ORDER, times=1, delay=9.0),
                Rule(kind=Kind.OFFLINE, calls=ORDER, skip=1, times=1),
            ),
            (
                Rule(kind=Kind.LATE, calls=ORDER, times=1, delay=3600.0),
                Rule(kind=Kind.NOT_CONNECTED, calls=ORDER, skip=1, end=soon),
            ),
        )

    def reply_lost(self) -> tuple[Rule, ...]:
        """The reply to the day's first order is lost."""
        return (Rule(kind=Kind.REPLY_LOST, calls=ORDER, times=1),)

    def broken(self, desk: type[Desk] = Desk) -> set[str]:
        """The laws that broke in any of the runs: each wire, and a death right after the first order was sent."""
        found: set[str] = set()
        for rules in self.wires():
            found |= self.broken_once(rules, desk=desk)
        return found | self.broken_once(chooser=AfterSend(), desk=desk)

    def broken_once(
        self,
        rules: Sequence[Rule] = (),
        *,
        deeds: Sequence[Deed] = (),
        chooser: Chooser | None = None,
        desk: type[Desk] = Desk,
    ) -> set[str]:
        """The laws that broke in one run, in which others do `deeds`, every one of which the venue took."""
        life = fresh_life(self.world, self.copies, "planted", Strike(deaths=()))
        life.plan = replace(life.plan, desk=desk)
        first = chooser or At()
        life.choosers = lambda number: At() if number else first
        for rule in rules:
            life.plan.exchange.faults.add(rule)
        agenda = Agenda(deeds)
        life.plan.exchange.deeds = agenda
        found = {each.law for each in life.run().found}
        assert agenda.done.total() == len(deeds)
        return found

    def at(self, **after: float) -> datetime:
        """So long after the day's slot."""
        return self.day.slot + timedelta(**after)

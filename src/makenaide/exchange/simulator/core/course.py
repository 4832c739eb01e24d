"""How the venue's time passes: what is due happens in the order of time, between what happens to resting orders."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.agenda import Agenda, Arrival, Deed, Ending
from makenaide.exchange.simulator.core.intake import Intake


class Course:
    """Moves the floor's `now`; a cancel takes effect `delay` after it was asked for."""

    def __init__(self, intake: Intake, accounts: Mapping[str, Account], agenda: Agenda, delay: timedelta) -> None:
        self._intake = intake
        self._accounts = accounts
        self._agenda = agenda
        self._delay = delay

    def run(self, until: datetime) -> None:
        """Let time pass up to `until`, with all that happens on the way."""
        floor, resting = self._intake.floor, self._intake.resting
        resting.look(floor.data, floor.now, until)
        while True:
            due = self._agenda.next(until)
            event = resting.next(floor.now, until if due is None else due)
            if event is not None:
                floor.now = event.at
                resting.happen(event, self._intake.wake)
            elif due is not None:
                floor.now = due
                # Out only when it is done: what a missing book keeps from being done is tried again.
                self._do(self._agenda.first())
                self._agenda.pop()
            else:
                break
        floor.now = until

    def end(self, ending: Ending) -> None:
        """A cancel is asked for: it takes effect now, or is on its way."""
        if not self._delay:
            self._do(ending)
            return
        ending.order.ending_at = self._intake.floor.now + self._delay
        self._agenda.add(ending.order.ending_at, ending)

    def state(self) -> list[str]:
        """What is still to come, in words, for comparing two venues."""
        return self._intake.resting.state() + self._agenda.state()

    def _do(self, deed: Deed) -> None:
        match deed:
            case Arrival():
                self._intake.settlement.arrive(deed, self._intake.floor.now)
            case Ending():
                self._intake.end(self._accounts[deed.order.account], deed)

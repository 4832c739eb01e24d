"""What came to light after a person had decided about the balance that it changed: it stands in the books already."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from makenaide.domain.market import base_of, quote_of
from makenaide.execution.reconcile.facts import Event, Moved, Traded
from makenaide.store.reconciliation import DecidedBalance


@dataclass(slots=True)
class Decided:
    """Meets events with `decisions`; each stands for one late transfer at most, and for all that was over by then."""

    decisions: tuple[DecidedBalance, ...]
    _met: set[int] = field(default_factory=set)

    def covering(self, event: Event) -> int | None:
        """The number of the finding with which `event` went into the books; None when it is in none of them.

        When a balance was decided about, the books told all that it held: what was over by then is in them. A
        transfer that was only under way then may be: one of the very amount is.
        """
        match event:
            case Moved():
                return self._moved(event)
            case Traded():
                return self._traded(event)

    def _moved(self, event: Moved) -> int | None:
        for each in self._of(event.currency):
            if event.at <= each.until:
                return each.finding_id
        for each in self._of(event.currency):
            under_way = event.begun is not None and event.begun <= each.until
            fresh = not each.met and each.finding_id not in self._met
            if under_way and fresh and each.amount == event.amount:
                self._met.add(each.finding_id)
                return each.finding_id
        return None

    def _traded(self, event: Traded) -> int | None:
        """Both of its currencies were decided about after it: else a part of it would never be booked."""
        found = []
        for currency in (base_of(event.market), quote_of(event.market)):
            later = [each.finding_id for each in self._of(currency) if event.at <= each.until]
            if not later:
                return None
            found.append(later[0])
        return found[0]

    def _of(self, currency: str) -> Iterable[DecidedBalance]:
        return (each for each in self.decisions if each.currency == currency)

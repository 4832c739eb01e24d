"""Planted faults: each variant of the code breaks the protocol on purpose, and the laws must say so.

The same few runs pass with the real code. A fault that the laws do not see here would not be seen in a rehearsal.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from makenaide.domain import intent
from makenaide.domain.intent import StoredOrder
from makenaide.domain.order import (
    Answer,
    Event,
    Leg,
    NoAnswer,
    OrderLife,
    OrderRequest,
    OrderState,
    Rejected,
    advance,
)
from makenaide.exchange.upbit.calls.placing import PlacingCalls
from makenaide.execution import booking
from makenaide.execution.guard.keeper import Keeper
from makenaide.execution.halt import Halt, HaltFile, HaltPermit
from makenaide.execution.permit import Forbidden
from makenaide.execution.protocol import OrderProtocol
from makenaide.execution.submit import Desk
from makenaide.ledger.fill import Fill
from tests.crash.planting import Runs

Patch = pytest.MonkeyPatch


def test_the_real_code_breaks_no_law_in_these_runs(runs: Runs) -> None:
    assert runs.day.orders >= 2
    assert runs.broken() == set()


class Hasty(Desk):
    """Sends before it commits."""

    def submit(self, prepare: Callable[[], StoredOrder]) -> StoredOrder | Forbidden:
        def sent() -> StoredOrder:
            order = prepare()
            self.venue.place(order.request)
            return order

        return Desk.submit(self, sent)


def test_an_order_that_is_sent_before_it_is_committed_is_found(runs: Runs) -> None:
    assert "sent_after_commit" in runs.broken(Hasty)


def test_a_timeout_that_is_taken_for_a_refusal_is_found(runs: Runs, monkeypatch: Patch) -> None:
    real = PlacingCalls.place

    def sure(self: PlacingCalls, request: OrderRequest) -> Answer:
        answer = real(self, request)
        return Rejected("timeout", answer.cause) if isinstance(answer, NoAnswer) else answer

    monkeypatch.setattr(PlacingCalls, "place", sure)
    assert {"dead_stays_dead", "trade_posted_once", "books_equal"} <= runs.broken()


def test_a_refusal_of_a_second_send_that_is_taken_as_final_is_found(runs: Runs, monkeypatch: Patch) -> None:
    def final(life: OrderLife, event: Event) -> OrderLife:
        after = advance(life, event)
        return replace(after, state=OrderState.REJECTED) if isinstance(event, Rejected) else after

    monkeypatch.setattr(intent, "advance", final)
    assert {"dead_stays_dead", "trade_posted_once", "books_equal"} <= runs.broken()


def test_an_order_that_is_voided_by_time_alone_is_found(runs: Runs, monkeypatch: Patch) -> None:
    real = OrderProtocol._again

    def impatient(self: OrderProtocol, order: StoredOrder) -> StoredOrder:
        old = self.clock.now() - order.created_at > timedelta(seconds=60)
        return self._void(order, "too old") if old and order.leg is Leg.ENTRY else real(self, order)

    monkeypatch.setattr(OrderProtocol, "_again", impatient)
    assert {"dead_stays_dead", "trade_posted_once"} <= runs.broken()


def test_a_fill_that_is_posted_twice_is_found(runs: Runs, monkeypatch: Patch) -> None:
    real = booking._new_fills

    def doubled(*about: object) -> tuple[Fill, ...]:
        fills = real(*about)  # type: ignore[arg-type]
        return (*fills, *(replace(each, trade_uuid=f"{each.trade_uuid}-again") for each in fills))

    monkeypatch.setattr(booking, "_new_fills", doubled)
    assert {"trade_posted_once", "books_equal"} <= runs.broken()


def test_an_entry_that_is_sent_before_the_guard_has_its_stop_is_found(runs: Runs, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Keeper, "forbids", lambda self, order: None)
    assert "guarded_before_sent" in runs.broken()


def test_an_entry_that_is_sent_although_a_person_halted_buying_is_found(runs: Runs, monkeypatch: Patch) -> None:
    monkeypatch.setattr(HaltPermit, "forbids", lambda self, order: None)
    monkeypatch.setattr(HaltFile, "halt", lambda self: Halt(reason="planted"))
    assert "nothing_bought_forbidden" in runs.broken()

"""A fault for every other law: each of them can break, and says so.

What a fault does beside the law that it is planted for is not asked: one lie has many consequences.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from makenaide.app.rehearsal import laws
from makenaide.app.rehearsal.deeds import AIRDROP, Deed
from makenaide.app.rehearsal.exchange import NAME, Exchange
from makenaide.domain.intent import StoredOrder
from makenaide.domain.market import base_of
from makenaide.domain.money import QUANTITY_STEP, Quantity, plain
from makenaide.domain.order import Answer, Identifier, NoAnswer, OrderRequest, Side
from makenaide.domain.reason import Exit
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.upbit.calls.placing import PlacingCalls
from makenaide.execution import booking
from makenaide.execution.guard.keeper import Keeper
from makenaide.execution.guard.seller import Seller
from makenaide.execution.protocol import OrderProtocol
from makenaide.execution.reconcile import Reconciliation, rounds
from makenaide.execution.reconcile.book import Bookkeeper
from makenaide.pipeline import cycle, entering, leaving
from makenaide.risk.exits import ExitSignal, PositionFacts
from makenaide.store.journal import stop_history
from tests.crash.planting import Runs

Patch = pytest.MonkeyPatch


def airdrops(at: datetime) -> list[Deed]:
    """Coins in every market, which nothing tells of."""

    def act(exchange: Exchange) -> None:
        for each in exchange.data.listings(at):
            Operator(exchange.venue).airdrop(NAME, base_of(each.market), Decimal(1))

    return [Deed(at, AIRDROP, act)]


def more_of_all(at: datetime) -> list[Deed]:
    """A person buys in every market that the account holds."""

    def act(exchange: Exchange) -> Sequence[str]:
        held = [code for code, each in exchange.account.wallet if code != "KRW" and each.free]
        for code in held:
            body = {"market": f"KRW-{code}", "side": "bid", "ord_type": "price", "price": plain(Decimal(500_000))}
            exchange.venue.place(NAME, body)
        return [trade.uuid for each in exchange.others() for trade in each.trades]

    return [Deed(at, "manual buy of all", act)]


def test_the_real_code_breaks_no_law_beside_these_people(runs: Runs) -> None:
    at = runs.at(hours=2)
    assert runs.broken_once(deeds=more_of_all(at)) == set()
    assert runs.broken_once(deeds=airdrops(at)) == set()
    assert runs.broken_once(deeds=airdrops(runs.at(seconds=1))) == set()


def test_a_timeout_that_is_answered_by_a_new_number_is_found(runs: Runs, monkeypatch: Patch) -> None:
    real = PlacingCalls.place

    def twice(self: PlacingCalls, request: OrderRequest) -> Answer:
        answer = real(self, request)
        if not isinstance(answer, NoAnswer) or request.side is Side.ASK:
            return answer
        return real(self, replace(request, identifier=Identifier(f"{request.identifier[:-2]}77")))

    monkeypatch.setattr(PlacingCalls, "place", twice)
    assert {"identifier_once", "sent_after_commit"} <= runs.broken_once(runs.reply_lost())


def test_a_process_that_ends_by_itself_is_found(runs: Runs, monkeypatch: Patch) -> None:
    real, often = cycle._collect, iter([True])

    def collect(*about: Any) -> Any:
        if next(often, False):
            raise LookupError("a fault of the program")
        return real(*about)

    monkeypatch.setattr(cycle, "_collect", collect)
    assert runs.broken_once() == {"runs_on"}


def test_an_order_in_doubt_that_nobody_looks_for_is_found(runs: Runs, monkeypatch: Patch) -> None:
    real = OrderProtocol.step

    def forgetful(self: OrderProtocol, order: StoredOrder) -> StoredOrder:
        return order if order.life.state.doubtful else real(self, order)

    monkeypatch.setattr(OrderProtocol, "step", forgetful)
    assert "unknown_settles" in runs.broken_once(runs.reply_lost())


def test_a_position_without_a_stop_is_found(runs: Runs, monkeypatch: Patch) -> None:
    monkeypatch.setattr(entering, "put_stop", lambda *_: None)
    monkeypatch.setattr(Keeper, "forbids", lambda self, order: None)
    assert "stop_guards" in runs.broken_once()


def test_a_position_that_the_guard_never_hears_of_is_found(runs: Runs, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Keeper, "publish", lambda self: None)
    monkeypatch.setattr(Keeper, "forbids", lambda self, order: None)
    assert {"guard_holds", "guarded_before_sent"} <= runs.broken_once()


def test_a_stop_that_falls_is_found(runs: Runs, monkeypatch: Patch) -> None:
    """The database refuses a stop that falls, so that the law is shown a false history."""
    monkeypatch.setattr(laws, "stop_history", lambda *about: stop_history(*about)[::-1])
    assert "stop_rises" in runs.broken_once()


def test_a_touched_stop_that_sells_nothing_is_found(runs: Runs, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Seller, "step", lambda self, watched, bid: self.later(watched))
    assert "touched_stop_sells" in runs.broken_once()


def test_a_trade_without_postings_is_found(runs: Runs, monkeypatch: Patch) -> None:
    monkeypatch.setattr(booking, "fill_postings", lambda _fill: ())
    assert "postings_balance" in runs.broken_once()


def test_a_sale_of_more_than_is_ours_is_found(runs: Runs, monkeypatch: Patch) -> None:
    real = PlacingCalls.place

    def greedy(self: PlacingCalls, request: OrderRequest) -> Answer:
        if request.side is Side.ASK and request.volume is not None:
            more = (request.volume.value * Decimal("1.1")).quantize(QUANTITY_STEP)
            request = replace(request, volume=Quantity(more))
        return real(self, request)

    monkeypatch.setattr(PlacingCalls, "place", greedy)
    assert "sells_within_lot" in runs.broken_once(deeds=more_of_all(runs.at(hours=2)))


def test_an_exit_after_an_entry_of_its_slot_is_found(runs: Runs, monkeypatch: Patch) -> None:
    leave, report = cycle._leave, cycle._report
    left: list[Any] = []

    def later(*about: Any) -> dict[str, Any]:
        left.append(about)
        return {}

    def late(*about: Any) -> Any:
        leave(*left.pop())
        return report(*about)

    def idle(facts: PositionFacts, *_: object) -> tuple[ExitSignal, ...]:
        return (ExitSignal(kind=Exit.NO_PROGRESS, quantity=facts.quantity, evidence={}),)

    monkeypatch.setattr(leaving, "exits_at_close", idle)
    monkeypatch.setattr(cycle, "_leave", later)
    monkeypatch.setattr(cycle, "_report", late)
    assert "exits_first" in runs.broken_once()


def test_an_entry_in_a_market_that_a_finding_closes_is_found(runs: Runs, monkeypatch: Patch) -> None:
    real = rounds._standing

    def blind(*about: Any) -> Reconciliation:
        return replace(real(*about), closed_markets=frozenset(), account_open=True)

    monkeypatch.setattr(rounds, "_standing", blind)
    assert "nothing_bought_closed" in runs.broken_once(deeds=airdrops(runs.at(seconds=1)))


def test_a_persons_trade_that_nobody_deals_with_is_found(runs: Runs, monkeypatch: Patch) -> None:
    monkeypatch.setattr(rounds._Round, "_not_covered", lambda self, events: [])
    broken = runs.broken_once(deeds=more_of_all(runs.at(hours=2)))
    assert {"others_are_dealt_with", "findings_have_cause"} <= broken


def test_coins_out_of_nowhere_that_are_no_finding_are_found(runs: Runs, monkeypatch: Patch) -> None:
    def find(self: Bookkeeper, unknown: Iterable[object]) -> None:
        """Nothing is ever unknown."""

    monkeypatch.setattr(Bookkeeper, "find", find)
    assert "unexplained_is_found" in runs.broken_once(deeds=airdrops(runs.at(hours=2)))

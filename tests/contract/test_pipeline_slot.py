"""One slot: who is bought and who is not, with the rule that spoke; what is left, and what a missing candle mutes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.order import Leg, position_id
from makenaide.domain.reason import Exit, Refusal
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import WalletState
from makenaide.exchange.simulator.prices.tape import Window
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.report import build_report
from makenaide.risk.settings import RiskSettings
from makenaide.store.db import Database
from makenaide.store.journal import all_fills, latest_stops
from makenaide.store.orders import orders_of_position
from tests.contract.charts import ETH, FIRST, SOL, XRP, Chart, bitcoin, hours, tape
from tests.contract.faults import Fault, Kind
from tests.contract.trading import NAME, RISK, Exchange, Trader, open_trader

ADA = Market("KRW-ADA")
DAY = timedelta(days=1)
BREAKS = Chart(market=ETH, price=5_000_000, last=0.03, days=[0.01, 0.01, 0.01])
BREAKS_TOO = Chart(market=XRP, price=3_000, last=0.03, days=[0.01, 0.01, 0.01], turnover=2e10)
WIDE_STOPS = replace(RISK, hard_low=Decimal("0.07"))


def begun(journal: Database, *charts: Chart, leader: bool = True, **settings: Any) -> Trader:
    """An account on these markets, beside BTC unless the gate has no leader."""
    exchange = Exchange(tape=tape(*([bitcoin(3)] if leader else []), *charts))
    return open_trader(journal, exchange, **settings)


def days(trader: Trader, many: int) -> None:
    """The first `many` slots, with the stops watched between them."""
    again = trader.reopened() if trader.account.last_slot else trader
    again.session = replace(again.session, account=replace(again.account, last_slot=FIRST + (many - 1) * DAY))
    again.run()


def exits(trader: Trader) -> list[str]:
    """The reasons of all sales, in time."""
    fills = all_fills(trader.db, trader.account.account_id)
    return [each.reason for each in fills if each.reason != "entry"]


# ---- entering ----


def late(trader: Trader) -> None:
    trader.clock.move_to(FIRST + hours(1.1))


def richer(trader: Trader) -> None:
    trader.exchange.deposit("KRW", Decimal(1))


def cannot_look(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/accounts", times=4))


def no_book(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/orderbook", times=4))


def no_chance(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.SHUT, method="GET", path="/v1/orders/chance"))


def wallet_paused(trader: Trader) -> None:
    Operator(trader.exchange.venue).set_wallet("ETH", WalletState.PAUSED)


def no_wallets(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/status/wallet", times=4))


def in_doubt(trader: Trader) -> None:
    """An older entry in the market is unknown for ever."""
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=9999, about="KRW-ETH"))
    trader.buy(ETH, "0.1", slot=FIRST - DAY)
    trader.clock.sleep(61)


def nothing(trader: Trader) -> None:
    """All is well with the world."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is set, or done before the slot, and the rule that then speaks."""

    refusal: Refusal
    risk: RiskSettings = RISK
    before: Callable[[Trader], None] = nothing
    silent: Sequence[int] = ()
    leader: bool = True
    turnover: float = 1e10


CASES = [
    Case(refusal=Refusal.LATE, before=late),
    Case(refusal=Refusal.GATE_SHUT, leader=False),
    Case(refusal=Refusal.TOO_VOLATILE, risk=replace(RISK, max_atr_percent=Decimal("0.1"))),
    Case(refusal=Refusal.DAILY_LIMIT, risk=replace(RISK, entries_per_day=0)),
    Case(refusal=Refusal.POSITION_LIMIT, risk=replace(RISK, max_positions=0)),
    Case(
        refusal=Refusal.EXPOSURE_LIMIT,
        risk=replace(RISK, total_cap=Decimal("0.001"), minimum_total=Decimal(20_000)),
    ),
    Case(refusal=Refusal.MARKET_CLOSED, before=in_doubt),
    Case(refusal=Refusal.MARKET_CLOSED, before=no_book),
    Case(refusal=Refusal.MARKET_CLOSED, before=no_chance),
    Case(refusal=Refusal.BOOKS_DIFFER, before=richer),
    Case(refusal=Refusal.BOOKS_DIFFER, before=cannot_look),
    Case(refusal=Refusal.WALLET_SHUT, before=wallet_paused),
    Case(refusal=Refusal.WALLET_SHUT, before=no_wallets),
    Case(refusal=Refusal.WIDE_SPREAD, risk=replace(RISK, max_spread=Decimal("0.0001"))),
    Case(refusal=Refusal.SHALLOW_BOOK, silent=[0]),
    Case(refusal=Refusal.SHALLOW_BOOK, risk=replace(RISK, depth_share=Decimal("0.001")), turnover=4e8),
    Case(refusal=Refusal.NO_CASH, risk=replace(RISK, reserve=Decimal(9_995_000))),
    Case(refusal=Refusal.BELOW_MINIMUM, risk=replace(RISK, minimum_total=Decimal(1_000_000))),
    Case(refusal=Refusal.NOT_FILLED, risk=replace(RISK, entry_slip=Decimal(0))),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.refusal} {case.before.__name__}")
def test_each_rule_that_speaks_is_stored_with_what_it_looked_at(journal: Database, case: Case) -> None:
    chart = replace(BREAKS, silent=case.silent, turnover=case.turnover)
    trader = begun(journal, chart, leader=case.leader, risk=case.risk)
    case.before(trader)
    trader.wire.sent.clear()
    run_cycle(trader.session, FIRST)
    assert trader.decisions()[ETH] == case.refusal
    assert [each for each in trader.wire.orders() if b"post_only" not in (each.body or b"")] == []
    evidence = trader.evidence(ETH)
    assert evidence["features"]["breakout"] is True
    assert {"features", "limits"} <= evidence.keys() or case.before is no_book
    report = build_report(journal, trader.account)
    assert report.refusals[case.refusal] == 1
    assert [(each.market, each.refusal) for each in report.signals] == [(ETH, case.refusal)]


def test_nothing_speaking_against_it_is_a_buy_within_every_bound(journal: Database) -> None:
    trader = begun(journal, BREAKS)
    run_cycle(trader.session, FIRST)
    assert trader.decisions()[ETH] is None
    sizing = trader.evidence(ETH)["sizing"]
    allowed = [Decimal(value) for name, value in sizing.items() if name.startswith("allowed_")]
    (fill,) = all_fills(journal, trader.account.account_id)
    assert 0 < fill.fill.funds.value <= min(allowed)
    (entry,) = orders_of_position(journal, trader.account.account_id, position_id(ETH, FIRST))
    assert entry.decision_id is not None
    stop = latest_stops(journal, entry.account_id, [entry.position_id])[entry.position_id]
    assert entry.evidence["stop"] == str(stop.price)
    trader.laws()


class Unkept:
    """Evidence that cannot be kept."""

    def renew(self) -> None:
        raise Unavailable("the table evidence is locked")


def test_evidence_that_cannot_be_kept_holds_up_no_slot_and_no_exit(journal: Database) -> None:
    """Law 1: doubt blocks buys (the gate's permit sees to that), and everything else goes on."""
    trader = begun(journal, BREAKS)
    trader.session = replace(trader.session, ready=Unkept())
    run_cycle(trader.session, FIRST)
    report = build_report(journal, trader.account)
    assert report.runs == {"done": 1}
    assert len(report.equity) == 1


def test_wallets_are_looked_at_once_a_slot(journal: Database) -> None:
    trader = begun(journal, BREAKS, BREAKS_TOO)
    run_cycle(trader.session, FIRST)
    looked = [each for each in trader.wire.sent if each.path == "/v1/status/wallet"]
    assert (len(looked), len(trader.positions())) == (1, 2)


def test_a_wallet_that_cannot_be_looked_at_is_written_down_as_unknown(journal: Database) -> None:
    trader = begun(journal, BREAKS)
    no_wallets(trader)
    run_cycle(trader.session, FIRST)
    assert trader.evidence(ETH)["limits"]["wallet_working"] == "unknown"


def test_the_largest_turnover_is_bought_first_and_three_a_day_are_enough(journal: Database) -> None:
    turnovers = {SOL: 3e10, ADA: 4e10}
    others = [replace(BREAKS_TOO, market=market, turnover=won) for market, won in turnovers.items()]
    trader = begun(journal, BREAKS, BREAKS_TOO, *others)
    run_cycle(trader.session, FIRST)
    decided = trader.decisions()
    assert [market for market, refusal in decided.items() if refusal is None] == [ADA, SOL, XRP]
    assert decided[ETH] == Refusal.DAILY_LIMIT
    assert [each.fill.market for each in all_fills(journal, trader.account.account_id)] == [ADA, SOL, XRP]
    trader.laws()


def test_a_buy_that_stays_unknown_closes_its_market_and_the_next_candidate_is_bought(journal: Database) -> None:
    trader = begun(journal, BREAKS, BREAKS_TOO)
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=99, about="KRW-XRP"))
    run_cycle(trader.session, FIRST)
    assert trader.decisions() == {"KRW-BTC": "no_breakout", "KRW-ETH": None, "KRW-XRP": None}
    assert [each.market for each in trader.positions()] == [ETH]
    report = build_report(journal, trader.account)
    assert len(report.unsettled) == 1
    assert run_cycle(trader.session, FIRST).equity is None, "a finished slot is left alone"


def test_an_entry_that_the_venue_refuses_is_counted(journal: Database) -> None:
    trader = begun(journal, BREAKS)
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE))
    run_cycle(trader.session, FIRST)
    assert build_report(journal, trader.account).refusals[Refusal.VENUE_REFUSED] == 1
    assert trader.positions() == ()
    trader.laws()


@pytest.mark.parametrize(
    ("risk", "refusal"),
    [
        (replace(RISK, monthly_loss_limit=Decimal("0.0001")), Refusal.MONTHLY_LOSS),
        (replace(RISK, drawdown_limit=Decimal("0.0001")), Refusal.DRAWDOWN),
        (replace(RISK, max_positions=1), Refusal.POSITION_LIMIT),
        (RISK, None),
    ],
)
def test_what_was_lost_or_is_held_since_yesterday_counts_today(
    journal: Database, risk: RiskSettings, refusal: Refusal | None
) -> None:
    later = replace(BREAKS_TOO, last=0, days=[0.03, 0, 0])
    trader = begun(journal, replace(BREAKS, days=[-0.02, 0, 0]), later, risk=risk)
    days(trader, 3)
    assert trader.decisions(FIRST + DAY)[XRP] == refusal


@pytest.mark.parametrize(
    ("risk", "refusal"),
    [
        (RISK, Refusal.COOLING_DOWN),
        (replace(RISK, cooldown_days=0, stops_in_week=1), Refusal.STOPPED_OUT),
        (replace(RISK, cooldown_days=0), None),
    ],
)
def test_a_stop_is_remembered_for_days(journal: Database, risk: RiskSettings, refusal: Refusal | None) -> None:
    trader = begun(journal, replace(BREAKS, days=[-0.1, 0.2, 0]), risk=risk)
    days(trader, 4)
    assert exits(trader)[0] == Exit.HARD_STOP
    assert trader.decisions(FIRST + 2 * DAY)[ETH] == refusal
    assert trader.decisions(FIRST + 3 * DAY) == {}, "the closing slot enters nothing"
    trader.laws()


# ---- leaving ----


@pytest.mark.parametrize(
    ("chart", "risk", "reason"),
    [
        (replace(BREAKS, days=[-0.05, 0, 0]), WIDE_STOPS, Exit.STAGE),
        (replace(BREAKS, days=[0, 0, 0]), replace(RISK, idle_days=1), Exit.NO_PROGRESS),
        (
            replace(BREAKS, warnings=(Window(start=FIRST + hours(20), end=None),)),
            RISK,
            Exit.WARNING,
        ),
    ],
    ids=["stage", "no progress", "warning"],
)
def test_the_closed_candle_ends_a_position(
    journal: Database, chart: Chart, risk: RiskSettings, reason: Exit
) -> None:
    trader = begun(journal, chart, risk=risk)
    days(trader, 2)
    assert exits(trader) == [reason]
    assert trader.positions() == ()
    trader.laws()


def test_a_shut_wallet_keeps_nobody_from_leaving(journal: Database) -> None:
    trader = begun(journal, replace(BREAKS, days=[0, 0, 0]), risk=replace(RISK, idle_days=1))
    run_cycle(trader.session, FIRST)
    assert len(trader.positions()) == 1
    wallet_paused(trader)
    trader.clock.move_to(FIRST + DAY + timedelta(seconds=10))
    run_cycle(trader.session, FIRST + DAY)
    assert exits(trader) == [Exit.NO_PROGRESS]
    trader.laws()


def test_a_rest_too_small_to_sell_is_left_alone_at_the_close(journal: Database) -> None:
    trader = begun(journal, replace(BREAKS, last=0, days=[-0.02, 0]), risk=replace(RISK, idle_days=1))
    trader.buy(ETH, "0.00099")
    trader.clock.move_to(FIRST + DAY + timedelta(seconds=10))
    run_cycle(trader.session, FIRST + DAY)
    assert exits(trader) == []
    assert len(trader.positions()) == 1
    trader.laws()


def test_a_third_is_taken_once_and_the_rest_goes_on(journal: Database) -> None:
    trader = begun(journal, replace(BREAKS, days=[0.12, 0.12, 0.02]))
    days(trader, 4)
    assert exits(trader) == [Exit.THIRD]
    (left,) = trader.positions()
    assert left.facts.third_taken
    assert left.facts.quantity < left.facts.initial_quantity
    trader.laws()


def test_a_missing_candle_mutes_only_the_rules_that_need_it(journal: Database) -> None:
    warned = replace(BREAKS_TOO, warnings=(Window(start=FIRST + hours(20), end=None),))
    trader = begun(journal, BREAKS, warned, risk=replace(RISK, idle_days=1))
    run_cycle(trader.session, FIRST)
    trader.clock.move_to(FIRST + DAY + timedelta(seconds=10))
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/candles", times=999))
    run_cycle(trader.session, FIRST + DAY)
    assert exits(trader) == [Exit.WARNING], "no progress needs the close, a warning does not"
    assert [each.market for each in trader.positions()] == [ETH]
    trader.laws()


def test_an_exit_that_cannot_be_made_mutes_no_other(journal: Database) -> None:
    trader = begun(journal, BREAKS, BREAKS_TOO, risk=replace(RISK, idle_days=1))
    run_cycle(trader.session, FIRST)
    body = {"market": ETH, "side": "bid", "ord_type": "limit", "price": "4000000", "volume": "0.01"}
    name = f"mk1-0001-{position_id(ETH, FIRST)}-x01"
    trader.exchange.venue.place(NAME, body | {"identifier": name})
    trader.clock.move_to(FIRST + DAY + timedelta(seconds=10))
    run_cycle(trader.session, FIRST + DAY)
    assert exits(trader) == [Exit.NO_PROGRESS]
    sold = {each.fill.market for each in all_fills(journal, trader.account.account_id) if each.reason != "entry"}
    assert sold == {XRP}
    tried = orders_of_position(journal, trader.account.account_id, position_id(ETH, FIRST))
    assert [each.leg for each in tried] == [Leg.ENTRY], "a number that somebody else used is not used"


def test_books_that_differ_stop_no_exit_and_raise_an_alarm(journal: Database) -> None:
    trader = begun(journal, BREAKS, risk=replace(RISK, idle_days=1))
    run_cycle(trader.session, FIRST)
    trader.exchange.deposit("KRW", Decimal(5))
    trader.clock.move_to(FIRST + DAY + timedelta(seconds=10))
    run_cycle(trader.session, FIRST + DAY)
    assert exits(trader) == [Exit.NO_PROGRESS]
    assert trader.alarms() == ["alarm.books_differ"]

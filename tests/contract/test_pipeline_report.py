"""Report, trace and valuation: told from stored rows alone, the same whoever asks and however often."""

import json
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import Krw, Quantity
from makenaide.domain.order import Leg, Side, identifier, position_id
from makenaide.domain.reason import Exit
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import cash_postings, fill_postings
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.report import build_report, closed_trades, shown_day
from makenaide.pipeline.trace import CANDLES, trace_data, trace_order
from makenaide.pipeline.valuation import equity_points, value_account
from makenaide.store.adapters import to_json
from makenaide.store.db import Database, Role
from makenaide.store.journal import JournalFill, put_fill, put_postings
from makenaide.store.orders import commit_order
from tests.contract.charts import BTC, ETH, FIRST, HISTORY, XRP, Chart, bitcoin, hours, tape
from tests.contract.conftest import Connect
from tests.contract.faults import Fault, Kind
from tests.contract.trading import Exchange, Trader, changed, open_trader

DAY = timedelta(days=1)
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
WORLD = tape(
    bitcoin(5, parts=1),
    Chart(market=ETH, price=5_000_000, last=0.03, days=[0.12, 0.12, -0.2, 0.0005, 0.0005], parts=1),
    Chart(market=XRP, price=3_000, days=[0.001, 0.03, 0.01, 0.01, 0.01], parts=1),
)


def finished(journal: Database) -> Trader:
    """The tiny world, run to its end: one position closed, one still open."""
    trader = open_trader(journal, Exchange(tape=WORLD), last_slot=FIRST + 4 * DAY)
    assert trader.run()
    trader.laws()
    return trader


def plain(value: Any) -> Any:
    """`value` as JSON, for the golden file."""
    if is_dataclass(value) and not isinstance(value, type):
        if [each.name for each in fields(value)] == ["value"]:
            return str(value)
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else str(value)


def test_the_report_of_a_tiny_world_is_what_it_was(journal: Database, rewrite_golden: bool) -> None:
    trader = finished(journal)
    text = json.dumps(plain(build_report(journal, trader.account)), indent=1, ensure_ascii=False) + "\n"
    file = GOLDEN / "tiny_report.json"
    if rewrite_golden:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_the_report_adds_up(journal: Database) -> None:
    trader = finished(journal)
    report = build_report(journal, trader.account)
    assert report.stamp == "generated"
    assert report.finished
    assert (report.days, report.markets, report.runs) == (4, 3, {"done": 5})
    assert report.gate_open_days == 4
    assert (report.flaws, report.unsettled, report.alarms) == ((), (), {})
    (trade,) = report.trades
    assert trade.exits == (Exit.THIRD, Exit.TRAILING_STOP)
    assert trade.pnl == trade.proceeds - trade.cost
    (left,) = report.open_positions
    assert left.market == XRP
    assert left.mark is not None
    assert left.gain is not None
    assert report.result is not None
    assert report.result.start == report.equity[0].equity
    assert report.result.end == report.equity[-1].equity
    assert report.result.month_to_date == report.result.months["2026-01"]
    assert report.result.rolling_30 == report.result.time_weighted  # four days are all there is
    assert report.result.end.value == Decimal(trader.exchange.balances()["KRW"]) + (left.value or Krw(0)).value
    assert sum(report.exits.values()) == 2


def test_reading_changes_nothing_and_says_the_same_again(journal: Database, connect: Connect) -> None:
    trader = finished(journal)
    reader = connect(Role.READER)
    first = build_report(reader, trader.account)
    assert build_report(reader, trader.account) == first


def test_an_account_without_a_slot_has_an_empty_report(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    report = build_report(journal, trader.account)
    assert report.result is None
    assert (report.equity, report.trades, report.open_positions) == ((), (), ())
    assert not report.finished
    assert (report.first_slot, report.last_slot) == (FIRST, None)
    assert (report.days, report.markets) == (0, 0)


def test_money_that_came_in_is_no_profit(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    run_cycle(trader.session, FIRST)
    before = build_report(journal, trader.account).result
    gift = Krw(5_000_000)
    trader.exchange.deposit("KRW", gift.value)
    trader.clock.move_to(FIRST + hours(5))
    with journal.transaction():
        put_postings(journal, trader.account.account_id, cash_postings("cash:gift", gift, trader.clock.now()))
    trader.clock.move_to(FIRST + DAY + timedelta(seconds=10))
    run_cycle(trader.session, FIRST + DAY)
    after = build_report(journal, trader.account).result
    assert before is not None
    assert after is not None
    assert after.deposited - before.deposited == gift
    assert after.end.value - before.end.value > 5_000_000
    assert abs(after.time_weighted) < Decimal("0.01")
    trader.laws()


def test_a_deposit_that_is_learnt_of_after_the_next_valuation_is_no_profit_either(journal: Database) -> None:
    """The venue lists a deposit late: its own time lies before a valuation in which it was not booked yet (E2)."""
    trader = open_trader(journal, Exchange(tape=WORLD))
    run_cycle(trader.session, FIRST)
    gift, made = Krw(5_000_000), FIRST - timedelta(minutes=1)
    trader.exchange.deposit("KRW", gift.value)
    with journal.transaction():
        put_postings(journal, trader.account.account_id, cash_postings("deposit-uuid", gift, made))
    present = value_account(journal, trader.session.venue, trader.account)
    points = equity_points(journal, trader.account, present, trader.clock.now() + timedelta(seconds=1))
    assert [point.flow for point in points] == [Krw(10_000_000), gift]
    for day in (1, 2):
        trader.clock.move_to(FIRST + day * DAY + timedelta(seconds=10))
        run_cycle(trader.session, FIRST + day * DAY)
    report = build_report(journal, trader.account)
    assert [row.flow for row in report.equity] == [Krw(10_000_000), gift, Krw(0)]
    assert report.result is not None
    assert report.result.deposited == Krw(15_000_000)
    assert abs(report.result.time_weighted) < Decimal("0.02")
    trader.laws()


def test_a_position_of_which_nobody_has_seen_a_price_yet_has_no_value(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    trader.buy(ETH, "0.1")
    (left,) = build_report(journal, trader.account).open_positions
    assert (left.mark, left.value, left.gain) == (None, None, None)


def test_where_nobody_bids_the_last_close_is_the_value(journal: Database) -> None:
    chart = Chart(market=ETH, price=5_000_000, days=[0.01, 0.01], silent=range(1, 47))
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), chart)))
    trader.buy(ETH, "0.1")
    trader.clock.move_to(FIRST + DAY + timedelta(seconds=10))
    run_cycle(trader.session, FIRST + DAY)
    valued = value_account(journal, trader.session.venue, trader.account)
    (close,) = journal.rows("candle_last", feed=trader.account.feed, market=ETH, before=FIRST + DAY, many=1)
    assert valued.marks[ETH].value == close.close
    assert valued.equity == valued.cash + valued.invested
    assert valued.positions == 1


def test_a_holding_whose_market_left_the_venue_is_marked_down_and_stops_no_other(journal: Database) -> None:
    gone = Chart(market=ETH, price=5_000_000, days=[0.01, 0.01], delisted_at=FIRST + hours(20))
    stays = Chart(market=XRP, price=3_000, days=[0.01, -0.2])
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), gone, stays)), last_slot=FIRST + DAY)
    trader.buy(ETH, "0.1")
    trader.buy(XRP, "100")
    trader.run()
    marks = value_account(journal, trader.session.venue, trader.account).marks
    assert marks[ETH].value < 4_500_000
    assert 3_000 < marks[XRP].value < 3_200
    alone = value_account(journal, trader.session.venue, trader.account)
    assert alone.positions == 2


def test_the_present_is_a_point_only_after_the_last_valuation(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    run_cycle(trader.session, FIRST)
    present = value_account(journal, trader.session.venue, trader.account)
    now = trader.clock.now()
    assert len(equity_points(journal, trader.account, present, now - timedelta(seconds=5))) == 1
    later = equity_points(journal, trader.account, present, now + timedelta(seconds=5))
    assert [point.flow for point in later] == [Krw(10_000_000), Krw(0)]


# ---- trace ----


def test_a_trade_is_traced_from_its_candles_to_its_postings(journal: Database, connect: Connect) -> None:
    finished(journal)
    reader = connect(Role.READER)
    name = identifier("0001", position_id(ETH, FIRST), Leg.EXIT, 2)
    trace = trace_order(reader, name)
    assert trace.slot == FIRST
    assert len(trace.candles) == min(HISTORY, CANDLES)
    assert trace.candles[-1].start == FIRST - DAY
    assert trace.gate["open"] is True
    assert trace.evidence.keys() == {"features", "limits", "sizing", "entry"}
    assert [each.order.reason for each in trace.orders] == ["entry", "third", "trailing_stop"]
    assert [each.price for each in trace.stops] == sorted(each.price for each in trace.stops)
    for each in trace.orders:
        sums: dict[str, Decimal] = {}
        for posting in each.postings:
            sums[posting.currency] = sums.get(posting.currency, Decimal(0)) + posting.amount
        assert set(sums.values()) == {Decimal(0)}
        assert each.fills
    uuid = trace.orders[0].events[-1]["uuid"]
    assert replace(trace_order(reader, uuid), asked=name) == trace
    data = json.loads(to_json(trace_data(trace)))
    assert data["signal"] == {"verdict": "buy"}
    assert data["orders"][0]["intent"]["time_in_force"] == "ioc"
    assert data["orders"][1]["intent"]["price"] is None
    assert data["features"]["breakout"] is True


def test_an_order_without_a_decision_is_traced_as_far_as_it_goes(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    order = trader.buy(BTC, "0.01")
    data = trace_data(trace_order(journal, order.identifier))
    assert (data["slot"], data["candles"], data["gate"]) == (None, [], {})
    assert data["signal"] == {"verdict": "unknown"}
    assert len(data["orders"]) == 1


def test_an_unknown_order_is_named(journal: Database) -> None:
    open_trader(journal, Exchange(tape=WORLD))
    with pytest.raises(Misconfigured, match="'nobody' is neither an identifier of ours"):
        trace_order(journal, "nobody")


def test_alarms_and_doubts_are_in_the_report(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=99))
    trader.exchange.deposit("KRW", Decimal(7))
    order = trader.buy(ETH, "0.1")
    run_cycle(trader.session, FIRST)
    report = build_report(journal, trader.account)
    assert report.unsettled == (order.identifier,)
    assert report.alarms == {"alarm.books_differ": 1}


def test_days_are_shown_in_korean_time() -> None:
    assert shown_day(FIRST) == "2026-01-03 09:00"


@pytest.mark.parametrize("share", ["0.4", "1"])
def test_a_position_bought_and_sold_within_one_second_is_told_in_that_order(journal: Database, share: str) -> None:
    """The venue stamps trades to the second, and its trade ids tell nothing about which came first."""
    trader = open_trader(journal, Exchange(tape=WORLD))
    entry = trader.entry(ETH, "1")
    leaving = changed(
        replace(entry, leg=Leg.EXIT, reason=Exit.HARD_STOP),
        identifier=identifier(trader.account.installation, entry.position_id, Leg.EXIT, 1),
        side=Side.ASK,
    )
    for order, trade, volume in ((entry, "ffff", "1"), (leaving, "0000", share)):
        with journal.transaction():
            commit_order(journal, order)
            post(trader, order, trade, Quantity(volume))
    if share == "1":
        (closed,) = closed_trades(journal, trader.account.account_id)
        assert (closed.quantity, closed.exits) == (Quantity(1), (Exit.HARD_STOP,))
        assert trader.positions() == ()
    else:
        (position,) = trader.positions()
        assert (position.facts.quantity, position.facts.initial_quantity) == (Quantity("0.6"), Quantity(1))


def post(trader: Trader, order: StoredOrder, trade: str, volume: Quantity) -> None:
    """Post one trade of `order` at its limit, at the time of the trader's clock, without a fee."""
    price = order.request.price
    assert price is not None
    fill = Fill(
        trade_uuid=trade,
        identifier=order.identifier,
        market=order.request.market,
        side=order.request.side,
        price=price,
        volume=volume,
        funds=price * volume,
        fee=Krw(0),
        at=trader.clock.now(),
    )
    entry = JournalFill(fill=fill, position_id=order.position_id, reason=order.reason)
    put_fill(trader.db, trader.account.account_id, entry, fill_postings(fill))

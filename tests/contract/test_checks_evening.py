"""E1-E3 and E7 over real books: a reader of its own, a real ledger, the simulated venue."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.catalogue import texts
from makenaide.cli.found import sentence
from makenaide.domain.clock import kst
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Krw
from makenaide.domain.verdict import Verdict
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import WalletState
from makenaide.exchange.simulator.prices.tape import Window
from makenaide.execution.leave import leave
from makenaide.monitoring.measures import Name, Registry
from makenaide.ops.check import Checklist
from makenaide.ops.checks.evening import EVENING
from makenaide.ops.checks.keys import LINE
from makenaide.ops.checks.losses import losses
from makenaide.ops.checks.outcome import daily_report, month_return
from makenaide.ops.checks.tomorrow import tomorrow
from makenaide.ops.runner import run_check
from makenaide.ops.scene import Scene
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.report import build_report, closed_trades
from makenaide.store.adapters import to_json
from makenaide.store.announcements import Announcement, put_announcement
from makenaide.store.candles import mark_gone
from makenaide.store.db import Database, Role
from makenaide.store.measures import put_samples
from makenaide.store.runs import EquityRow, put_equity
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, tape
from tests.contract.conftest import Connect
from tests.contract.test_pipeline_report import WORLD, finished
from tests.contract.trading import Exchange, Trader, open_trader, whole
from tests.unit.evening_scene import KEY, Shop, evening, keys, said

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def looked(db: Database, trader: Trader, now: datetime, **more: Any) -> Scene:
    """A scene over `db`."""
    return evening(now=now, books=lambda: nullcontext(db), account=trader.account, **more)


def valued(db: Database, trader: Trader, slot: datetime, equity: int, **more: Any) -> None:
    """The account was worth so much in `slot`; `marks` by market."""
    marks: Mapping[str, str] = more.pop("marks", {})
    plain: dict[str, Any] = {"cash": Krw(0), "flow": Krw(0), "bitcoin": None}
    row = EquityRow(slot=slot, valued_at=slot, equity=Krw(equity), **(plain | more))
    put_equity(db, trader.account.account_id, row, marks)


def note(db: Database, trader: Trader, at: datetime) -> None:
    """Somebody has listened until `at`."""
    registry = Registry()
    registry.note(Name.LISTEN, "announcement", 30.0)
    put_samples(db, trader.account.account_id, registry.take(at))


# ---- E1 ----


def test_the_report_of_the_last_slot_is_made_and_told_in_numbers(journal: Database, connect: Connect) -> None:
    trader = finished(journal)
    now = FIRST + 4 * DAY + 9 * HOUR
    found = daily_report(looked(connect(Role.READER), trader, now))
    assert said(found) == ("PASS", "e1_ready")
    report = build_report(journal, trader.account)
    assert found.value["equity"] == report.equity[-1].equity.value
    assert found.value["positions"] == len(report.open_positions) == 1
    (left,) = report.open_positions
    assert left.value is not None
    assert left.gain is not None
    assert found.value["unrealised"] == pytest.approx(left.value.value * left.gain / (1 + left.gain))
    assert found.value["exposure"] == pytest.approx(
        left.value.value / report.equity[-1].equity.value, abs=Decimal("0.000001")
    )
    assert (found.value["trades"], found.value["win_rate"], found.value["fills"]) == (0, None, 0)
    assert found.value["win_rate_ever"] in (Decimal(0), Decimal(1))
    assert found.taken_at == now
    assert to_json(found.value)


def test_gains_of_all_days_are_those_of_the_closed_trades(journal: Database) -> None:
    trader = finished(journal)
    report = build_report(journal, trader.account)
    days = [
        daily_report(looked(journal, trader, FIRST + day * DAY + HOUR)).value["realised"] for day in range(-1, 4)
    ]
    assert sum(days) == report.statistics.pnl.value
    assert max(days) == report.statistics.pnl.value, "it was sold on one of them"
    before = [
        daily_report(looked(journal, trader, FIRST + (day + 1) * DAY + HOUR)).value["full_day"]["realised"]
        for day in range(-1, 4)
    ]
    assert before == days


def test_the_day_of_an_entry_tells_its_slippage_and_the_slots_refusals(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    run_cycle(trader.session, FIRST)
    found = daily_report(looked(journal, trader, FIRST + HOUR))
    (entry,) = journal.rows("fill_entries", account_id=trader.account.account_id)
    (position,) = trader.positions()
    assert found.value["slippage"] == pytest.approx(
        position.facts.entry.value / Decimal(entry.evidence["close"]) - 1, abs=Decimal("0.000001")
    )
    refused = [each for each in build_report(journal, trader.account).signals if each.slot == FIRST]
    assert sum(found.value["refused"].values()) == len(refused)


def test_the_last_full_trading_day_is_reported_beside_today_so_far(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    run_cycle(trader.session, FIRST)
    today = daily_report(looked(journal, trader, FIRST + 9 * HOUR))
    assert today.value["full_day"]["fills"] == 0
    valued(journal, trader, FIRST + DAY, 10_000_000)
    found = daily_report(looked(journal, trader, FIRST + DAY + 9 * HOUR))
    day = found.value["full_day"]
    assert (day["day"], day["since"]) == (str(kst(FIRST).date()), FIRST.isoformat())
    same = ("realised", "fees", "fills", "trades", "win_rate", "slippage")
    assert {each: day[each] for each in same} == {each: today.value[each] for each in same}
    assert day["fills"] > 0
    assert found.value["fills"] == 0
    said_of = found.said.values
    assert (said_of["day"], said_of["day_fills"], said_of["fills"]) == (day["day"], day["fills"], 0)
    later = daily_report(looked(journal, trader, FIRST + 2 * DAY)).value
    assert (later["full_day"]["fills"], later["fills"]) == (0, 0)


def test_a_slot_that_nobody_valued_is_missed_after_an_hour(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    valued(journal, trader, FIRST, 10_000_000)
    told = {
        9 * HOUR: ("PASS", "e1_ready"),
        DAY + HOUR: ("PASS", "e1_ready"),
        DAY + HOUR + timedelta(seconds=1): ("FAIL", "e1_late"),
        2 * DAY: ("FAIL", "e1_late"),
        -timedelta(seconds=1): ("UNKNOWN", "e1_future"),
    }
    for later, expected in told.items():
        assert said(daily_report(looked(journal, trader, FIRST + later))) == expected


def test_an_account_without_a_slot_is_unknown_to_all_three(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    scene = looked(journal, trader, FIRST)
    found = [said(look(scene)) for look in (daily_report, month_return, losses)]
    assert found == [("UNKNOWN", "e1_none"), ("UNKNOWN", "e2_few"), ("UNKNOWN", "e3_none")]


def test_without_an_account_or_a_database_every_look_is_unknown() -> None:
    for check in EVENING:
        if check.id in ("E1", "E2", "E3", "E7"):
            found = run_check(check, evening()).evidence
            assert said(found) == ("UNKNOWN", "raised")


# ---- E2 ----


@pytest.mark.parametrize(
    ("worth", "verdict", "key"),
    [
        ([100], "UNKNOWN", "e2_few"),
        ([100, 105], "PASS", "e2_goal"),
        ([100, 101], "PASS", "e2_below"),
        ([100, 94], "FAIL", "e2_danger"),
    ],
)
def test_the_month_is_told_from_stored_valuations(
    journal: Database, connect: Connect, worth: list[int], verdict: str, key: str
) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    for day, each in enumerate(worth):
        valued(journal, trader, FIRST + day * DAY, each, bitcoin=Decimal(100 + day))
    now = FIRST + (len(worth) - 1) * DAY + 9 * HOUR
    found = month_return(looked(connect(Role.READER), trader, now))
    assert said(found) == (verdict, key)
    if len(worth) > 1:
        assert found.value["month"] == Decimal(worth[-1] - 100) / 100
        assert found.value["bitcoin_month"] == Decimal("0.01")
        assert (found.value["cash"], found.value["interval"]) == (0, None)


def test_a_deposit_is_no_return_and_an_old_valuation_none_at_all(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    valued(journal, trader, FIRST, 100)
    valued(journal, trader, FIRST + DAY, 1_010, flow=Krw(900))
    assert month_return(looked(journal, trader, FIRST + DAY + HOUR)).value["month"] == Decimal("0.01")
    assert said(month_return(looked(journal, trader, FIRST + 4 * DAY)))[0] == "PASS"
    old = month_return(looked(journal, trader, FIRST + 4 * DAY + HOUR))
    assert said(old) == ("UNKNOWN", "e2_stale")


# ---- E3 ----


def bought(journal: Database, **evidence: str) -> Trader:
    """An account with 0.1 ETH, whose stop is 5 % below what was paid."""
    trader = open_trader(journal, Exchange(tape=WORLD))
    entry = trader.entry(ETH, "0.1")
    trader.send(replace(entry, evidence={**entry.evidence, **evidence}))
    return trader


def test_an_open_trade_is_held_against_its_own_stop(journal: Database) -> None:
    """The fee of 0.05 % is part of the loss."""
    trader = bought(journal)
    (position,) = trader.positions()
    told = {
        "1.1": ("PASS", "e3_within"),
        "0.9406": ("PASS", "e3_within"),
        "0.94": ("WARN", "e3_trade"),
        "0.926": ("WARN", "e3_trade"),
        "0.925": ("FAIL", "e3_trade"),
    }
    for day, (ratio, expected) in enumerate(told.items()):
        mark = position.facts.entry.scale(Decimal(ratio))
        valued(journal, trader, FIRST + day * DAY, 10_000_000, marks={ETH: str(mark)})
        found = losses(looked(journal, trader, FIRST + day * DAY + HOUR))
        assert said(found) == expected
        worst = found.value["worst_trade"]
        assert worst["open"] is True
        assert worst["distance"] == pytest.approx(Decimal("0.05"), abs=Decimal("0.000001"))
        assert worst["loss"] == pytest.approx(1 - Decimal(ratio) / Decimal("1.0005"), abs=Decimal("0.00001"))
        assert found.value["marks"] == "last valuation"
        told_of = sentence(found.said, texts("en"))
        gain = (Decimal(ratio) / Decimal("1.0005") - 1) * 100
        assert f"worst trade: {worst['position']} at {gain:.2f} %" in told_of
        assert "is 0.00 % below its peak (safe)" in told_of


def test_coins_taken_over_are_measured_from_the_price_at_which_they_were(journal: Database) -> None:
    trader = bought(journal, adopted_at="4000000")
    (position,) = trader.positions()
    valued(journal, trader, FIRST, 10_000_000, marks={ETH: "3900000"})
    found = losses(looked(journal, trader, FIRST + HOUR))
    assert found.value["worst_trade"]["loss"] == Decimal("0.025")
    assert position.facts.entry.value == 4_000_000


def test_the_present_price_of_the_venue_counts_where_it_answers(journal: Database) -> None:
    trader = bought(journal)
    valued(journal, trader, FIRST, 10_000_000, flow=Krw(10_000_000), marks={ETH: "1"})
    now = trader.clock.now()
    found = losses(looked(journal, trader, now, venue=trader.session.venue))
    assert (found.value["marks"], said(found)) == ("order books", ("PASS", "e3_within"))
    assert found.value["marked_at"] == now.isoformat()
    silent = losses(looked(journal, trader, now, venue=Shop()))
    assert (silent.value["marks"], silent.verdict) == ("last valuation", Verdict.FAIL)


def test_a_closed_trade_counts_in_its_month_only(journal: Database) -> None:
    trader = bought(journal)
    (position,) = trader.positions()
    assert leave(trader.desk, trader.account, position, whole(position))
    assert trader.positions() == ()
    valued(journal, trader, FIRST, 10_000_000)
    found = losses(looked(journal, trader, FIRST + HOUR))
    assert (found.value["trades"], found.value["worst_trade"]["open"]) == (1, False)
    valued(journal, trader, FIRST + 30 * DAY, 10_000_000)
    (closed,) = closed_trades(journal, trader.account.account_id)
    assert kst(closed.closed).month == 1
    later = losses(looked(journal, trader, datetime(2026, 2, 1, 1, tzinfo=UTC)))
    assert (later.value["trades"], later.value["worst_trade"]) == (0, None)


@pytest.mark.parametrize(("hours", "trades"), [(26, 1), (27, 0)])
def test_what_was_closed_on_the_last_evening_of_a_month_counts_on_the_next(
    journal: Database, monkeypatch: pytest.MonkeyPatch, hours: int, trades: int
) -> None:
    trader = bought(journal)
    (position,) = trader.positions()
    assert leave(trader.desk, trader.account, position, whole(position))
    (closed,) = closed_trades(journal, trader.account.account_id)
    now = closed.closed + hours * HOUR
    valued(journal, trader, FIRST, 10_000_000)
    monkeypatch.setattr("makenaide.ops.checks.losses._month_start", lambda _: closed.closed + HOUR)
    assert losses(looked(journal, trader, now)).value["trades"] == trades


@pytest.mark.parametrize(
    ("worth", "verdict", "spoken", "state"),
    [
        ([100, 92], "PASS", "e3_within", "watch"),
        ([100, 80, 99], "PASS", "e3_within", "safe"),
        ([100, 91], "WARN", "e3_drawdown", "warning"),
        ([100, 84], "FAIL", "e3_drawdown", "danger"),
    ],
)
def test_the_accounts_fall_is_that_from_its_peak(
    journal: Database, worth: list[int], verdict: str, spoken: str, state: str
) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD))
    for day, each in enumerate(worth):
        valued(journal, trader, FIRST + day * DAY, each)
    found = losses(looked(journal, trader, FIRST + len(worth) * DAY))
    assert said(found) == (verdict, spoken)
    assert "worst trade: - at - %" in sentence(found.said, texts("en"))
    assert found.said.values["state"] == state
    assert found.value["drawdown"] == Decimal(100 - worth[-1]) / 100
    assert found.value["maximum_drawdown"] == Decimal(100 - min(worth)) / 100


def test_of_a_trade_and_an_account_that_both_fail_the_account_speaks_and_tells_of_both(journal: Database) -> None:
    trader = bought(journal)
    (position,) = trader.positions()
    valued(journal, trader, FIRST, 10_000_000, marks={ETH: str(position.facts.entry)})
    mark = position.facts.entry.scale(Decimal("0.5"))
    valued(journal, trader, FIRST + DAY, 8_000_000, marks={ETH: str(mark)})
    found = losses(looked(journal, trader, FIRST + DAY + HOUR))
    assert (said(found), keys(found)) == (("FAIL", "e3_drawdown"), ["e3_drawdown", "e3_trade"])
    told = sentence(found.said, texts("en"))
    assert str(position.position_id) in told
    assert "20.00 % below" in told


def test_what_has_no_price_and_prices_that_are_old_are_unknown(journal: Database) -> None:
    trader = bought(journal)
    valued(journal, trader, FIRST, 10_000_000)
    assert said(losses(looked(journal, trader, FIRST + HOUR))) == ("UNKNOWN", "e3_unseen")
    other = open_trader(journal, Exchange(tape=WORLD), account_id="0002bbbbbbbb")
    valued(journal, other, FIRST, 10_000_000)
    assert said(losses(looked(journal, other, FIRST + 3 * DAY))) == ("PASS", "e3_within")
    assert said(losses(looked(journal, other, FIRST + 3 * DAY + HOUR))) == ("UNKNOWN", "e3_stale")


# ---- E7 ----


CLOUDED = tape(
    bitcoin(5, parts=1),
    Chart(
        market=ETH,
        price=5_000_000,
        days=[0.001] * 5,
        parts=1,
        warnings=(Window(start=FIRST + DAY, end=FIRST + 3 * DAY),),
    ),
    Chart(market=XRP, price=3_000, days=[0.001] * 5, parts=1),
)


def holder(journal: Database) -> Trader:
    trader = open_trader(journal, Exchange(tape=CLOUDED))
    trader.buy(ETH, "0.1")
    return trader


def test_a_quiet_tomorrow_passes_and_says_what_a_key_would_have_shown(journal: Database) -> None:
    trader = holder(journal)
    now = trader.clock.now()
    found = tomorrow(looked(journal, trader, now, venue=trader.session.venue))
    assert said(found) == ("PASS", "e7_quiet")
    assert found.value["day"] == "2026-01-04"
    assert (found.value["markets"], found.value["held"]) == (3, {"KRW-ETH": []})
    assert found.value["wallets"] == {"ETH": ["working"]}
    assert found.value["announcements"] == "MAKENAIDE_UPBIT_ACCESS_KEY is not set"
    assert found.value["ends"] == {}
    assert to_json(found.value)


def test_a_held_market_under_a_warning_fails(journal: Database) -> None:
    trader = holder(journal)
    trader.clock.move_to(FIRST + DAY + HOUR)
    found = tomorrow(looked(journal, trader, trader.clock.now(), venue=trader.session.venue))
    assert said(found) == ("FAIL", "e7_held_warned")
    assert (found.value["warnings"], found.value["held"]) == (1, {"KRW-ETH": ["warning"]})


@dataclass(frozen=True)
class Told:
    """What the stream's tickers tell of ends; None: the stream cannot be opened."""

    ends: Mapping[Market, date | None] | None

    def look(self, markets: Sequence[Market]) -> Mapping[Market, date | None]:
        if self.ends is None:
            raise Unavailable("no stream")
        return {code: self.ends[code] for code in markets if code in self.ends}


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ({ETH: None}, ["e7_quiet"]),
        ({ETH: date(2026, 2, 1)}, ["e7_held_ends"]),
        ({XRP: date(2026, 2, 1)}, ["e7_ends_unseen"]),  # of what is held nobody could tell
        (None, ["e7_ends_unseen"]),
    ],
)
def test_the_announced_end_of_a_held_market_fails_and_one_that_nobody_saw_is_unknown(
    journal: Database, ends: Mapping[Market, date | None] | None, expected: list[str]
) -> None:
    trader = holder(journal)
    scene = replace(looked(journal, trader, trader.clock.now(), venue=trader.session.venue), ends=Told(ends))
    assert keys(tomorrow(scene)) == expected


def test_a_halted_wallet_of_a_held_coin_warns(journal: Database) -> None:
    trader = holder(journal)
    Operator(trader.exchange.venue).set_wallet("ETH", WalletState.PAUSED)
    found = tomorrow(looked(journal, trader, trader.clock.now(), venue=trader.session.venue))
    assert said(found) == ("WARN", "e7_wallet_halted")


def test_a_venue_that_does_not_answer_is_unknown_and_with_a_key_so_is_silence(journal: Database) -> None:
    trader = holder(journal)
    now = trader.clock.now()
    assert keys(tomorrow(looked(journal, trader, now, venue=Shop()))) == ["e7_markets_unseen"]
    keyed = tomorrow(looked(journal, trader, now, venue=Shop(), key=KEY))
    assert keys(keyed) == ["e7_markets_unseen", "e7_wallets_unseen", "e7_deaf"]
    deaf = tomorrow(looked(journal, trader, now, venue=trader.session.venue, live=True))
    assert keys(deaf) == ["e7_deaf"]


def test_a_pass_without_a_key_says_what_nobody_saw_and_by_which_line(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD), last_slot=FIRST)
    trader.buy(ETH, "0.1")
    run_cycle(trader.session, FIRST)
    absent = ["e7_no_wallets", "e7_unheard"]
    for key, line in ((None, LINE), (KEY, "--endless is not given")):
        found = tomorrow(looked(journal, trader, FIRST + HOUR, key=key))
        assert said(found) == ("PASS", "e7_quiet")
        assert [(each.key, each.values["line"]) for each in found.said.more] == [(each, line) for each in absent]
        assert found.value["not_applicable"] == absent
        assert sentence(found.said, texts("en")).count(line) == 2


def test_announcements_are_read_from_the_books(journal: Database, connect: Connect) -> None:
    trader = holder(journal)
    now = trader.clock.now()

    def announce(uuid: str, category: str, title: str, at: datetime = now - HOUR) -> None:
        heard = Announcement(
            uuid=uuid, listed_at=at, category=category, title=title, body=None, url=None, heard_at=now
        )
        put_announcement(journal, heard)

    reader = connect(Role.READER)
    scene = looked(reader, trader, now, venue=trader.session.venue, key=KEY)
    announce("a", "maintenance", "서버 점검 (1월 3일)", now - 6 * DAY)
    assert said(tomorrow(scene)) == ("PASS", "e7_quiet")
    announce("a", "maintenance", "서버 점검 (1월 4일 02:00)")
    assert said(tomorrow(scene)) == ("WARN", "e7_maintenance")
    announce("b", "trade", "[red]이더리움(ETH)\x1b[31m 거래지원 종료 안내 (1/20)")
    found = tomorrow(scene)
    assert keys(found) == ["e7_end_announced", "e7_maintenance"]
    assert "\x1b" in found.said.values["titles"]
    announce("c", "event", "서버 점검 (1월 4일)")
    assert tomorrow(scene).value["announcements"] == 2
    note(journal, trader, now + 15 * DAY)
    heard = looked(reader, trader, now + 16 * DAY, venue=trader.session.venue, key=KEY)
    assert "e7_deaf" not in keys(tomorrow(heard)), "nothing is announced, and somebody listens"
    later = looked(reader, trader, now + 16 * DAY + HOUR, venue=trader.session.venue, key=KEY)
    assert keys(tomorrow(later))[-1] == "e7_deaf"
    assert "e7_end_announced" in keys(tomorrow(later)), "an end is announced a month ahead"
    old = looked(reader, trader, now + 61 * DAY, venue=trader.session.venue, key=KEY)
    assert tomorrow(old).value["announcements"] == 0


def test_a_world_that_stands_still_is_told_by_the_list_that_it_stored(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD), last_slot=FIRST)
    trader.buy(ETH, "0.1")
    run_cycle(trader.session, FIRST)
    scene = looked(journal, trader, FIRST + HOUR)
    assert said(tomorrow(scene)) == ("PASS", "e7_quiet")
    (position,) = trader.positions()
    mark_gone(journal, trader.account.feed, [position.market], FIRST)
    assert said(tomorrow(scene)) == ("FAIL", "e7_held_gone")


# ---- the list ----


def test_the_list_is_nine_checks_in_the_guides_order_and_those_about_money_are_marked() -> None:
    assert [check.id for check in EVENING] == [f"E{number}" for number in range(1, 10)]
    assert [check.id for check in EVENING if check.money] == ["E1", "E2", "E3", "E6"]
    assert {check.list for check in EVENING} == {Checklist.EVENING}

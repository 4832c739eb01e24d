"""The gate on a real database: fresh evidence of every line opens it, and the trader renews it before it enters."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from makenaide.app.late import Opened
from makenaide.app.scene import scenes_within
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.reason import Refusal
from makenaide.domain.verdict import Verdict
from makenaide.execution.permit import Forbidden
from makenaide.ops.check import Check, Checklist, Severity
from makenaide.ops.checks.buying import LASTING, READINESS, candles, journal, money, orders, schema
from makenaide.ops.evidence import Evidence, Said
from makenaide.ops.gate import Gate
from makenaide.ops.record import keep_alone
from makenaide.ops.runner import run_check
from makenaide.ops.scene import Scene
from makenaide.store.candles import put_listings
from makenaide.store.db import Database
from makenaide.store.evidence import account_subject, latest_evidence
from tests.contract.charts import FIRST
from tests.contract.looking import environment
from tests.contract.manual import Person
from tests.contract.trading import Trader
from tests.unit.morning_scene import HandMade, scene

FEW = timedelta(minutes=5)


@dataclass(slots=True)
class Looks:
    """Checks whose verdicts a test sets, and how often each was looked at."""

    verdicts: dict[str, Verdict]
    valid_for: dict[str, timedelta] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    fault: Exception | None = None

    def checks(self) -> tuple[Check, ...]:
        return tuple(
            Check(id=name, list=Checklist.READINESS, severity=Severity.MAJOR, look=self._look(name))
            for name in self.verdicts
        )

    def _look(self, name: str) -> Callable[[Scene], Evidence]:
        def look(at: Scene) -> Evidence:
            self.seen.append(name)
            if self.fault is not None:
                raise self.fault
            return Evidence(
                verdict=self.verdicts[name],
                value={"name": name},
                source="the test",
                taken_at=at.now,
                valid_for=self.valid_for.get(name, FEW),
                said=Said("fine"),
            )

        return look


def gate(trader: Trader, looks: Looks | None = None) -> Gate:
    """The trader's gate, over its own connection."""
    at = Opened(venue=trader.session.venue, clock=trader.clock)
    env = environment(trader.exchange.guard)
    return Gate(
        db=trader.db,
        account_id=trader.account.account_id,
        clock=trader.clock,
        scene=scenes_within(env, trader.db, replace(trader.account, last_slot=FIRST), at),
        checks=READINESS if looks is None else looks.checks(),
    )


def cause(found: Forbidden | None) -> str:
    if found is None:
        return ""
    assert found.refusal is Refusal.NOT_READY
    return found.cause


def test_it_is_closed_until_everything_was_looked_at_and_again_when_it_has_expired(trader: Trader) -> None:
    looks = Looks({"B1": Verdict.PASS, "B2": Verdict.NOT_APPLICABLE, "B3": Verdict.WARN}, {"B3": LASTING})
    shut = gate(trader, looks)
    assert cause(shut.forbids(None)) == "B1 missing, B2 missing, B3 missing"
    shut.renew()
    assert shut.forbids(None) is None
    trader.clock.sleep(FEW.total_seconds() + 1)
    assert cause(shut.forbids(None)) == "B1 expired, B2 expired"
    shut.renew()
    assert shut.forbids(None) is None
    assert looks.seen == ["B1", "B2", "B3", "B1", "B2"], "what counts for long is not looked at again"


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.FAIL])
def test_one_bad_verdict_closes_it_whatever_was_found_before(trader: Trader, verdict: Verdict) -> None:
    looks = Looks({"B1": Verdict.PASS, "B2": Verdict.PASS})
    shut = gate(trader, looks)
    shut.renew()
    looks.verdicts["B2"] = verdict
    shut.renew()
    assert cause(shut.forbids(None)) == f"B2 {verdict}"
    looks.verdicts["B2"] = Verdict.PASS
    shut.renew()
    assert shut.forbids(None) is None


def test_a_list_that_looked_before_and_is_written_after_overrules_no_bad_finding(trader: Trader) -> None:
    """A person's list sees books and venue equal; they part; the trader looks; then the list is written down."""
    looks = Looks({"B1": Verdict.PASS, "B2": Verdict.PASS})
    shut = gate(trader, looks)
    early = [run_check(check, shut.scene()) for check in shut.checks]
    trader.clock.sleep(2)
    looks.verdicts["B2"] = Verdict.FAIL
    shut.renew()
    with trader.db.transaction():
        keep_alone(trader.db, trader.account.account_id, early)
    assert cause(shut.forbids(None)) == "B2 overruled"
    trader.clock.sleep(2)
    looks.verdicts["B2"] = Verdict.PASS
    shut.renew()
    trader.clock.sleep(FEW.total_seconds() + 1)
    shut.renew()
    assert shut.forbids(None) is None


def test_a_look_that_breaks_is_evidence_against_buying_and_never_raises(trader: Trader) -> None:
    looks = Looks({"B1": Verdict.PASS})
    shut = gate(trader, looks)
    shut.renew()
    looks.fault = ZeroDivisionError("broken")
    shut.renew()
    assert cause(shut.forbids(None)) == "B1 UNKNOWN"


def test_evidence_of_another_account_opens_nothing(trader: Trader) -> None:
    looks = Looks({"B1": Verdict.PASS})
    other = replace(gate(trader, looks), account_id="0002bbbbbbbb")
    other.renew()
    assert cause(gate(trader, looks).forbids(None)) == "B1 missing"


def test_a_clock_that_was_set_back_opens_nothing_until_somebody_looks_again(trader: Trader) -> None:
    looks = Looks({"B1": Verdict.PASS})
    shut = gate(trader, looks)
    trader.clock.sleep(3600)
    shut.renew()
    assert shut.forbids(None) is None

    class Earlier:
        def now(self) -> Any:
            return trader.clock.now() - timedelta(hours=1)

        def sleep(self, seconds: float) -> None:
            raise AssertionError

    behind = replace(shut, clock=Earlier(), scene=lambda: replace(shut.scene(), now=Earlier().now()))
    assert cause(behind.forbids(None)) == "B1 from the future"
    behind.renew()
    assert cause(behind.forbids(None)) == "", "the look that was taken last speaks, whatever it is dated"


def test_an_entry_is_refused_in_its_commit(person: Person) -> None:
    trader = person.trader
    shut = gate(trader, Looks({"B1": Verdict.FAIL}))
    shut.renew()
    desk = replace(trader.desk, permits=(*trader.desk.permits, shut))
    market = Market("KRW-BTC")
    refused = desk.submit(lambda: trader.entry(market, "0.001"))
    assert isinstance(refused, Forbidden)
    assert refused.refusal is Refusal.NOT_READY


# ---- the real list, in the trader's thread ----


def listed(trader: Trader) -> None:
    """The market list of today, and yesterday's candles of its only market."""
    now = trader.clock.now()
    row = {"market": "KRW-BTC", "korean_name": "비트코인", "english_name": "Bitcoin", "warning": False}
    put_listings(trader.db, trader.account.feed, [row], now)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    trader.db.connection.execute(
        b"insert into candle (feed, market, minutes, start, open, high, low, close, volume, turnover)"
        b" values (%(feed)s, 'KRW-BTC', 1440, %(day)s, 100, 101, 99, 100, 1, 100)",
        {"feed": trader.account.feed, "day": day},
    )


def test_the_real_list_opens_in_a_few_milliseconds(trader: Trader) -> None:
    listed(trader)
    shut = gate(trader)
    shut.renew()
    assert cause(shut.forbids(None)) == ""
    trader.clock.sleep(600)
    began = time.perf_counter()
    shut.renew()
    took = time.perf_counter() - began
    assert cause(shut.forbids(None)) == ""
    assert took < 0.5, "some 10 ms on a quiet machine"
    kept = latest_evidence(trader.db, account_subject(trader.account.account_id), ["b2"])["b2"]
    assert kept.detail["said"]["key"] == "b2_equal"


def test_books_that_differ_close_and_a_venue_that_is_away_is_unknown(trader: Trader) -> None:
    at = replace(scene(HandMade(), account=trader.account), books=books(trader), venue=trader.session.venue)
    at = replace(at, now=trader.clock.now())
    assert money(at).said.key == "b2_equal"
    trader.exchange.deposit("KRW", trader.exchange.won)
    found = money(replace(at, account=replace(trader.account, last_slot=FIRST)))
    assert (found.verdict, found.said.key) == (Verdict.FAIL, "b2_differ")
    assert "KRW: 10000000 / 20000000" in found.said.values["names"]
    check = next(each for each in READINESS if each.look is money)
    away = run_check(check, replace(at, venue=None)).evidence
    assert (away.verdict, away.said.key) == (Verdict.UNKNOWN, "raised")


def test_candles_of_the_day_before_do_not_open_today(trader: Trader) -> None:
    at = replace(scene(HandMade(), account=trader.account), books=books(trader), now=trader.clock.now())
    assert candles(at).verdict is Verdict.UNKNOWN, "no list of markets"
    listed(trader)
    found = candles(at)
    assert found.verdict is Verdict.PASS
    assert found.valid_until.isoformat()[11:19] == "00:00:00", "until the next candle closes, 09:00 KST"
    assert candles(replace(at, now=found.valid_until)).verdict is Verdict.FAIL


def test_orders_in_doubt_close_and_sound_books_do_not(trader: Trader) -> None:
    at = replace(scene(HandMade(), account=trader.account), books=books(trader), now=trader.clock.now())
    assert [look(at).verdict for look in (orders, journal, schema)] == [Verdict.PASS] * 3
    trader.db.do(
        "orders_commit",
        identifier="mk1-x",
        account_id=trader.account.account_id,
        position_id="KRW-BTC-20260105T0900",
        decision_id=None,
        leg="e",
        number=1,
        reason="entry",
        market="KRW-BTC",
        side="bid",
        type="limit",
        price=1000,
        volume=10,
        total=None,
        time_in_force="ioc",
        evidence={},
        created_at=trader.clock.now(),
        sender="trader",
    )
    for state, doubt, expected in (("accepted", False, "b8_open"), ("unknown", True, "b8_doubt")):
        trader.db.do(
            "order_event_put",
            identifier="mk1-x",
            at=trader.clock.now(),
            event="Test",
            state=state,
            doubt=doubt,
            uuid=None,
            spent=False,
            detail={},
        )
        found = orders(at)
        assert (found.verdict, found.said.key) == (Verdict.WARN, expected)


def books(trader: Trader) -> Any:
    return lambda: nullcontext(trader.db)


def test_another_schema_is_a_failure(trader: Trader, connect: Callable[..., Database]) -> None:
    owner = connect()
    owner.connection.execute(b"delete from migration where version = (select max(version) from migration)")
    at = replace(scene(HandMade(), account=trader.account), books=books(trader))
    assert (schema(at).verdict, schema(at).said.key) == (Verdict.FAIL, "b10_other")


def test_a_venue_whose_clock_errs_closes(trader: Trader) -> None:
    looks = Looks({"B1": Verdict.PASS})
    looks.fault = Unavailable("no reply")
    shut = gate(trader, looks)
    shut.renew()
    assert cause(shut.forbids(None)) == "B1 UNKNOWN"

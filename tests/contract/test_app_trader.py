"""A session of the app: what opens it decides how much of the venue's limits it takes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.app.admission import Admission
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.halted import halt_file
from makenaide.app.identity import source
from makenaide.app.permits import permits
from makenaide.app.trader import open_session
from makenaide.app.venues import open_market
from makenaide.app.wanted import wanted_account
from makenaide.domain.errors import Inconsistent, LiveClosed, Misconfigured
from makenaide.domain.money import Krw
from makenaide.domain.reason import Refusal
from makenaide.environment import load
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Group, LimiterSettings
from makenaide.exchange.venue import Balance
from makenaide.execution.steadiness import SteadyTime
from makenaide.ledger.postings import cash_postings
from makenaide.ops.gate import Gate
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.interlude import compared
from makenaide.store.accounts import Account
from makenaide.store.claims import claims
from makenaide.store.db import Database
from makenaide.store.journal import books, put_postings
from makenaide.store.reconciliation import lots, opening
from tests.contract.charts import FIRST
from tests.contract.residents import Place

pytestmark = pytest.mark.sockets


def test_a_command_that_only_looks_keeps_to_a_persons_share_and_a_run_to_the_traders(
    journal: Database, tmp_path: Path
) -> None:
    env = load({"MAKENAIDE_HOME": str(tmp_path)})
    wanted = wanted_account(env, source(env.config, {"days": 2, "markets": 3}))
    for only_look in (True, False):  # so it is the look that opens the account
        with open_session(env, journal, wanted, StopFlag(), only_look=only_look) as session:
            venue = session.venue
            assert isinstance(venue, UpbitClient)
            venue.limiter.require_share(Group.ORDER)
            if only_look:
                with pytest.raises(Misconfigured, match="order-cancel-all"):
                    venue.limiter.require_share(Group.ORDER_CANCEL_ALL)
            else:
                venue.limiter.require_share(Group.ORDER_CANCEL_ALL)
    assert session.account.settings["config"]["upbit"]["limiter"]["ticker"] == LimiterSettings().ticker


def test_no_live_account_opens_without_its_admission(journal: Database, tmp_path: Path) -> None:
    """Whatever command opens a session: the way to a real key leads through `app.live` alone."""
    env = load({"MAKENAIDE_HOME": str(tmp_path)})
    wanted = wanted_account(env, source(env.config, {"mode": "live"}))
    another = Admission(account_id="0" * 12, keys=Keys(access="a", secret="b"))
    for admission in (None, another):
        with (
            pytest.raises(LiveClosed, match="was not admitted"),
            open_session(env, journal, replace(wanted, admission=admission), StopFlag()),
        ):
            pass
    mine = replace(another, account_id=wanted.account_id)
    with (
        pytest.raises(Inconsistent, match="holds paper rows, not live ones"),
        open_session(env, journal, replace(wanted, admission=mine), StopFlag()),
    ):
        pass
    with (
        pytest.raises(LiveClosed, match="leads to paper only"),
        open_market(env.config, wanted.source, tmp_path, StopFlag()),
    ):
        pass


def test_every_session_asks_the_kill_switch_and_notes_it_once_and_limits_where_they_are_set(
    journal: Database, tmp_path: Path
) -> None:
    env = replace(load({"MAKENAIDE_HOME": str(tmp_path)}), values={"live": {"day_krw": 1_000_000}})
    wanted = wanted_account(env, source(env.config, {"days": 2, "markets": 3}))
    with open_session(env, journal, wanted, StopFlag()) as session:
        assert [type(each).__name__ for each in session.desk.permits] == [
            "HaltPermit",
            "Budget",
            "Gate",
            "Paused",
            "Keeper",
        ]
        session.note_halt()
        assert noted(journal) == []
        switch = halt_file(tmp_path)
        for reason in ("enough", "enough", None, None, "again"):
            switch.lift() if reason is None else switch.set(reason, "kim", FIRST)
            assert (session.desk.permits[0].forbids(None) is not None) is (reason is not None)
            session.note_halt()
        assert noted(journal) == ["halt.set", "halt.lift", "halt.set"]


def test_nobody_buys_before_everything_that_buying_needs_was_looked_at(journal: Database, tmp_path: Path) -> None:
    """The trader's own session, its venue and its gate: closed, looked at, open, and closed again by a bad look."""
    env = load({"MAKENAIDE_HOME": str(tmp_path), "MAKENAIDE_MARKET__HISTORY_DAYS": "20"})
    wanted = wanted_account(env, source(env.config, {"days": 2, "markets": 3}))
    with open_session(env, journal, wanted, StopFlag()) as session:
        (gate,) = (each for each in session.desk.permits if isinstance(each, Gate))
        assert session.ready is gate
        closed = gate.forbids(None)
        assert closed is not None
        assert closed.refusal is Refusal.NOT_READY
        assert "B2 missing" in closed.cause
        slot = session.account.first_slot
        assert slot is not None
        run_cycle(session, slot)
        assert gate.forbids(None) is None
        with journal.transaction():
            put_postings(journal, wanted.account_id, cash_postings("test:stray", Krw(7), slot))
        session.clock.sleep(600)
        expired = gate.forbids(None)
        assert expired is not None
        assert "B2 expired" in expired.cause
        gate.renew()
        differing = gate.forbids(None)
        assert differing is not None
        assert differing.cause == "B2 FAIL"


def test_on_the_wall_clock_a_jump_of_the_clock_forbids_buying_until_it_is_compared(
    journal: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = load({"MAKENAIDE_HOME": str(tmp_path), "MAKENAIDE_MARKET__HISTORY_DAYS": "3"})
    wanted = wanted_account(env, source(env.config, {"endless": True, "markets": 3}))
    here, slept, now = Place(wanted.folder), [timedelta(0)], WallClock.now
    monkeypatch.setattr(WallClock, "now", lambda self: now(self) + slept[0])
    try:
        with open_session(env, journal, wanted, StopFlag()) as session:
            (permit,) = (each for each in session.desk.permits if isinstance(each, SteadyTime))
            assert permit.forbids(None) is None
            slept[0] = timedelta(hours=3)
            told = permit.forbids(None)
            assert told is not None
            assert told.refusal is Refusal.NOT_READY
            compared(session)
            assert permit.forbids(None) is None
    finally:
        here.end()


def noted(db: Database) -> list[str]:
    """The halts in the audit trail."""
    rows = db.connection.execute(b"select action from audit where action like 'halt.%' order by audit_id")
    return [row.action for row in rows]


def test_permits_of_a_live_account_hold_limits_and_a_rehearsal_whatever_is_set(
    journal: Database, tmp_path: Path
) -> None:
    config = load({"MAKENAIDE_HOME": str(tmp_path)}).config
    account = Account(
        account_id="0001aaaaaaaa",
        venue="upbit",
        mode="live",
        feed="upbit",
        installation="0001",
        identity={},
        settings={"live": True},
        first_slot=None,
        last_slot=None,
    )
    found = permits(config, journal, account, halt_file(tmp_path), WallClock(StopFlag()))
    answers = [each.forbids(None) for each in found]
    assert [answer and answer.refusal for answer in answers] == [None, Refusal.LIVE_LIMIT, Refusal.HALTED]
    paper = replace(account, mode="paper", settings={})
    assert len(permits(config, journal, paper, halt_file(tmp_path), WallClock(StopFlag()))) == 1


def test_a_trader_on_the_wall_clock_goes_on_when_its_venue_is_killed(journal: Database, tmp_path: Path) -> None:
    env = load({"MAKENAIDE_HOME": str(tmp_path), "MAKENAIDE_MARKET__HISTORY_DAYS": "3"})
    wanted = wanted_account(env, source(env.config, {"endless": True, "markets": 3}))
    here = Place(wanted.folder)
    try:
        with open_session(env, journal, wanted, StopFlag()) as session:
            before = session.venue.accounts()
            killed = here.kill_venue()
            assert session.venue.accounts() == before
            assert here.address.alive
            assert here.address.pid != killed.pid
            assert claims(wanted.folder / "venue-users") != ()
        assert claims(wanted.folder / "venue-users") == ()
    finally:
        here.end()


def test_an_account_without_won_is_opened_with_its_coins_and_books_nothing_from_before(
    journal: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = load({"MAKENAIDE_HOME": str(tmp_path)})
    wanted = wanted_account(env, source(env.config, {"days": 2, "markets": 3}))
    coins = {"XRP": Balance(currency="XRP", free=Decimal(5), locked=Decimal(1))}
    monkeypatch.setattr(UpbitClient, "accounts", lambda self: coins)
    for _ in range(2):
        with open_session(env, journal, wanted, StopFlag()):
            pass
    assert books(journal, wanted.account_id) == {"XRP": Decimal(6)}
    assert lots(journal, wanted.account_id)["XRP"].quantity == 6
    rows = journal.rows("audit_of", account_id=wanted.account_id, action="account.open")
    assert [row.detail["krw"] for row in rows] == ["0"], "once"
    assert opening(journal, wanted.account_id) is not None

"""A person's commands: sell, adopt, pause, resume and reconcile, beside a finished account and a running one."""

from tests.acceptance.worlds import LIVELY, NEVER, Home, require_sound, require_told

RUN = ("run", "--json", "--days", "365", "--markets", "12", "--seed", "5")
ENDLESS = ("run", "--json", "--endless", "--markets", "4")


def held(home: Home) -> list[str]:
    """The markets in which the system holds something."""
    account = home.must("status", "--json").data()["account"]
    return [each["market"] for each in account["positions"]]


def stopped_while_holding(home: Home) -> list[str]:
    """Stop a run at a moment when something is held; what. It goes on and is stopped again until that is so."""
    for _ in range(10):
        going = home.start(*RUN)
        going.wait_for(lambda: home.must("status", "--json").data()["account"] is not None and bool(held(home)))
        assert going.end().code == 0
        if found := held(home):
            return found
    raise AssertionError("never stopped while something was held")


def test_a_person_sells_pauses_and_reconciles_a_stopped_account(home: Home) -> None:
    home.configure(LIVELY)
    before = stopped_while_holding(home)
    require_told(home.call("sell", "KRW-NOPE"), 3, "nothing of the system's is held in KRW-NOPE")
    assert home.call("sell").code == home.call("sell", before[0], "--all").code == 2
    sold = home.call("sell", "--all", "--json")
    parts = [part for wish in sold.data()["wishes"] for part in wish["positions"]]
    assert [part["market"] for part in parts] == sorted(before)
    assert {part["state"] for part in parts} <= {"closed", "dust"}
    assert len(held(home)) == sum(1 for part in parts if part["state"] == "dust")
    state = home.must("reconcile", "--json").data()
    assert state["equal"] is True
    assert state["findings"] == []
    assert "same" in home.must("reconcile").out
    assert home.must("pause", "krw-btc", "--json").data()["paused_markets"] == ["KRW-BTC"]
    assert "KRW-BTC" in home.must("pause", "KRW-BTC").out
    assert home.must("resume", "KRW-BTC", "--json").data()["paused_markets"] == []
    require_told(home.call("adopt", "KRW-BTC", "--stop", "50"), 3, "--stop: expected 1 to 1 percent")
    require_told(home.call("adopt", "KRW-BTC", "--stop", "much"), 3, "--stop: expected percent such as 7")
    require_told(home.call("adopt", "KRW-BTC", "--stop", "1"), 12, "no coins of the person")
    require_told(home.call("reconcile", "--resolve", "99"), 3, "finding 99: there is none")
    require_sound(home)


def test_a_running_trader_carries_out_what_a_person_wishes(home: Home) -> None:
    home.configure(LIVELY + NEVER)
    going = home.start(*ENDLESS)
    going.wait_for(lambda: " KRW\n" in going.said())
    require_told(home.call("adopt", "KRW-BTC", "--stop", "1"), 12, "no coins of the person")
    assert home.must("pause", "KRW-BTC", "--json").data()["paused"] is True
    assert home.must("sell", "--all", "--json").data() == {"wishes": []}
    stopped = going.end()
    assert stopped.code == 0, stopped.err
    require_sound(home)

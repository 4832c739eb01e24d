"""`makenaide drain` as a person meets it: beside a running trader, with a guard that stays and one that goes."""

from makenaide.app.clock import boot_seconds
from makenaide.app.guardpost import Watch
from tests.acceptance.holding import QUICK, Holder, prices
from tests.acceptance.worlds import Home, require_sound, require_told


def watch(home: Home) -> Watch:
    """How the guard stands."""
    return home.post().standing(boot_seconds()).watch


def test_draining_ends_the_trader_and_leaves_positions_to_the_guard_or_to_nobody_who_was_not_asked(
    home: Home,
) -> None:
    require_told(home.call("drain"), 3, "no such account yet")
    assert home.must("status", "--json").data()["halt"]["reason"] == "drain", "buys are blocked before all else"
    home.must("halt", "--lift", "--yes")
    with prices(5) as served:
        home.configure(QUICK.format(url=served.url))
        holder = Holder(home, served)
        coin = served.coins()[-1]
        trader = holder.begin([coin])
        holder.adopt(coin)
        guard = home.post().on_duty()
        assert guard is not None

        done = home.must("drain", "--json").data()
        assert trader.outcome().code == 0, "it was asked, not killed"
        assert (done["safe"], done["trader_ended"], done["guard"]) == (True, trader.process.pid, guard.pid)
        (position,) = done["guarded"]
        assert coin in position
        assert done["left"] == done["unguarded"] == done["foreign"] == []
        assert done["halt"]["reason"] == "drain"
        assert home.post().on_duty() == guard
        assert watch(home) is Watch.WATCHING
        assert holder.balance(coin), "nothing was sold"

        end_guard(home)
        korean = home.must("drain", env={"MAKENAIDE_LANG": "ko"})
        assert position in korean.out, "a guard that is missing is started"
        assert "가드가 지킴" in korean.out
        assert "makenaide halt --lift" in korean.out
        assert watch(home) is Watch.WATCHING

        holder.operator("faults", {"kind": "offline", "calls": "GET /v1/orders/open", "times": 6})
        left = home.call("drain", "--seconds", "0", "--json")
        assert left.code == 13, left.err
        assert left.data()["safe"] is False
        assert [each["kind"] for each in left.data()["left"]] == ["unknown"]
        assert left.data()["guarded"] == [position]
        assert "open orders" in left.err

        bare = home.must("drain", "--accept-unguarded", "--json").data()
        assert (bare["safe"], bare["guarded"], bare["unguarded"], bare["guard"]) == (True, [], [position], None)
        assert watch(home) is Watch.NONE

        assert home.call("sell", "--all", "--json").code == 0
        assert home.must("drain", "--json").data()["guarded"] == []
        assert watch(home) is Watch.NONE, "nothing is open: nobody has to watch"
        assert home.must("reconcile", "--json").data()["equal"] is True
        require_sound(home)


def end_guard(home: Home) -> None:
    """As a person does who does not care."""
    assert "ended" in home.must("guard", "--stop", "--accept-unguarded").out

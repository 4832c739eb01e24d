"""`kill -9` of real processes around a stop: the guard sells, whoever died; what it sold is booked once."""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal

from makenaide.app.clock import boot_seconds
from makenaide.app.guardpost import Watch
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.execution.disk import Disk
from makenaide.execution.guard.pulse import FileLink
from makenaide.store.claims import exclusive
from makenaide.store.embedded import PUBLIC
from makenaide.store.home import Home as PostgresHome
from tests.acceptance.holding import QUICK, Holder, prices
from tests.acceptance.worlds import Home, dead, require_sound

SEEDS = (1, 2, 3)
GUARDED_AGAIN = 5.0
"""Seconds from `kill -9` of the guard to guarded again: the issue's figure."""


def guard_of(holder: Holder) -> int:
    """The guard's process."""
    guard = holder.home.post().on_duty()
    assert guard is not None
    return guard.pid


def kill(pid: int) -> None:
    """`kill -9`, of a process that may be gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    assert dead([pid])


def kill_trader(holder: Holder) -> None:
    """`kill -9` of the run."""
    assert holder.going is not None
    holder.going.kill()


def is_sold(holder: Holder, market: Market) -> Callable[[], bool]:
    """Whether the venue has none of its coins left."""
    return lambda: holder.balance(market) == 0


def is_booked(holder: Holder, market: Market, amount: Decimal) -> Callable[[], bool]:
    """Whether the books have the whole sale."""
    return lambda: holder.sold().get(market) == amount


def killed_trader(holder: Holder, market: Market) -> None:
    """The guard sells without its trader; the next run books it."""
    amount = holder.balance(market)
    kill_trader(holder)
    holder.prices.fall(market)
    holder.wait_for(is_sold(holder, market), "the guard sells alone")
    assert market not in holder.sold(), "nobody was there to book it"
    holder.run(is_booked(holder, market, amount))


def killed_guard(holder: Holder, market: Market) -> None:
    """A guard that is killed is replaced within five seconds, buys are forbidden meanwhile, the next guard sells."""
    amount, post = holder.balance(market), holder.home.post()
    first, held = guard_of(holder), post.heartbeat()
    kill(first)
    began = time.monotonic()
    holder.wait_for(lambda: post.standing(boot_seconds()).watch is Watch.WATCHING, "guarded again")
    seconds = time.monotonic() - began
    sys.stdout.write(f"guarded again {seconds:.2f} s after kill -9 of the guard\n")
    assert guard_of(holder) != first
    assert seconds < GUARDED_AGAIN
    beat = post.heartbeat()
    assert held is not None
    assert beat is not None
    assert (beat.version, beat.digest, beat.stops) == (held.version, held.digest, held.stops), "the same stops"

    link = FileLink(files=Disk(), path=post.heartbeat_file, boot=boot_seconds, silent_seconds=1.0)
    with exclusive(post.start_lock, 5.0, Unavailable("somebody starts a guard")):
        kill(guard_of(holder))
        holder.wait_for(lambda: link.ack() is None, "the guard is not heard")
        holder.prices.fall(market)
        time.sleep(0.5)
        assert holder.balance(market) == amount, "nobody is there to sell it"
    holder.wait_for(is_sold(holder, market), "the next guard sells what fell while nobody watched")
    holder.wait_for(is_booked(holder, market, amount), "booked by the trader that lived on")


def killed_database(holder: Holder, market: Market) -> None:
    """PostgreSQL dies as the price falls; the guard needs it for nothing."""
    amount = holder.balance(market)
    running = PostgresHome(holder.home.path, PUBLIC).cluster().running()
    assert running is not None
    holder.prices.fall(market)
    kill(running.pid)
    holder.wait_for(is_sold(holder, market), "the guard sells without the database")
    going, booked = holder.going, is_booked(holder, market, amount)
    assert going is not None
    holder.wait_for(lambda: booked() or going.process.poll() is not None, "the trader goes on, or ends")
    assert "Traceback" not in going.said()
    if not booked():
        holder.run(booked)


def killed_at_random(holder: Holder, market: Market, seed: int) -> None:
    """Trader and guard die at moments of their own around the fall."""
    rng = random.Random(seed)
    amount, guard = holder.balance(market), guard_of(holder)
    assert holder.going is not None
    trader = holder.going.process.pid
    deaths = [
        threading.Timer(rng.uniform(0, 0.6), lambda: kill(guard)),
        threading.Timer(rng.uniform(0, 0.6), lambda: kill(trader)),
    ]
    for each in deaths:
        each.start()
    time.sleep(rng.uniform(0, 0.4))
    holder.prices.fall(market)
    for each in deaths:
        each.join()
    holder.going.process.wait()
    holder.run(is_booked(holder, market, amount))
    assert holder.balance(market) == 0


def test_whoever_is_killed_the_guard_sells_at_the_stop_and_it_is_booked_once(home: Home) -> None:
    with prices(5 + len(SEEDS)) as served:
        home.configure(QUICK.format(url=served.url))
        holder = Holder(home, served)
        coins = [market for market in served.coins() if market not in ("KRW-BTC", "KRW-USDT")]
        holder.begin(coins)
        whole = {market: holder.balance(market) for market in coins}
        for killed, market in zip((killed_trader, killed_guard, killed_database), coins, strict=False):
            holder.adopt(market)
            killed(holder, market)
        for seed, market in zip(SEEDS, coins[3:], strict=True):
            holder.adopt(market)
            killed_at_random(holder, market, seed)
        require_laws(holder, whole)


def require_laws(holder: Holder, whole: dict[Market, Decimal]) -> None:
    """Everything was sold once, at the stop, by the guard, and the books are what the venue holds."""
    assert holder.held() == set()
    assert holder.sold() == whole, "each of them whole, and once"
    names = holder.journal()
    assert len(names) == len(set(names)), "no identifier is intended twice"
    assert holder.going is not None
    stopped = holder.going.end()
    assert stopped.code == 0, stopped.err
    assert holder.home.must("reconcile", "--json").data()["equal"] is True
    require_sound(holder.home)

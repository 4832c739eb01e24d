"""A crash before and after the n-th effect, for all n: each run is finished by the next, with the same result.

The world is small on purpose: one entry, one third of its profit, one stop. An effect is a commit of the database
or a request to the venue; after the crash the database connection is gone, the venue comes back from its command
log, and a new process goes on. House protocol (docs/why/0003-order-protocol.md), sections 1 to 4.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from makenaide.domain.reason import Exit
from makenaide.exchange.http import Request
from makenaide.exchange.simulator.stepped import SteppedClock
from makenaide.pipeline.report import Report, build_report
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.embedded import EmbeddedPostgres
from tests.contract.charts import ETH, FIRST, Chart, bitcoin, tape
from tests.contract.trading import Exchange, Trader, open_trader

WORLD = tape(
    bitcoin(4, parts=1),
    Chart(market=ETH, price=5_000_000, last=0.03, days=[0.12, 0.12, -0.2, 0.0005], parts=1),
)
LAST = FIRST + timedelta(days=3)


class SimulatedCrash(BaseException):
    """The process is gone: nothing in it may catch this."""


@dataclass(slots=True)
class Fuse:
    """Counts effects and crashes at number `at` (None: never)."""

    at: int | None = None
    names: list[str] = field(default_factory=list)

    def burn(self, name: str) -> None:
        """One more point at which a process can die."""
        self.names.append(name)
        if len(self.names) - 1 == self.at:
            raise SimulatedCrash(name)


class CrashingDatabase(Database):
    """A connection whose process dies before or after a commit."""

    burn: Callable[[str], None] = staticmethod(lambda name: None)
    depth = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As in `Database`, with a place to die at each end."""
        self.depth += 1
        try:
            with super().transaction():
                yield
                if self.depth == 1:
                    self.burn("before commit")
            if self.depth == 1:
                self.burn("after commit")
        finally:
            self.depth -= 1


@dataclass(slots=True, kw_only=True)
class Life:
    """One account from its opening to its last slot, through as many processes as it takes."""

    conninfo: str
    schema: str
    exchange: Exchange
    account_id: str
    downtime: timedelta = timedelta(0)

    def process(self, fuse: Fuse) -> Trader:
        """Run in a new process until the end, or until `fuse` burns through."""
        settings = StoreSettings(schema=self.schema)
        db = CrashingDatabase.connect(self.conninfo, role=Role.WRITER, settings=settings, application="test")
        db.connection.execute(b"set synchronous_commit = off")  # the process dies here, never the server
        try:
            trader = self.opened(db)
            db.burn = fuse.burn
            trader.wire.seen = lambda request: fuse.burn(f"before {named(request)}")
            trader.wire.answered = lambda request: fuse.burn(f"after {named(request)}")
            assert trader.run()
        except BaseException:
            db.close()
            raise
        return trader

    def opened(self, db: Database) -> Trader:
        """The account, its clock where the venue's stands."""
        clock = SteppedClock(max(self.exchange.venue.now + self.downtime, FIRST + timedelta(seconds=10)))
        return open_trader(db, self.exchange, account_id=self.account_id, last_slot=LAST, clock=clock)


def named(request: Request) -> str:
    """An effect's name, for messages."""
    return f"{request.method} {request.path}"


def told(report: Report) -> Report:
    """`report` without what a crash may change: the account's own name and seconds of a late start."""
    equity = tuple(replace(row, valued_at=row.slot) for row in report.equity)
    trades = tuple(
        replace(trade, opened=trade.opened.replace(second=0, microsecond=0), closed=trade.closed)
        for trade in report.trades
    )
    return replace(report, account=None, equity=equity, trades=trades)  # type: ignore[arg-type]


@pytest.fixture
def begin(postgres: EmbeddedPostgres, journal: Database, schema: str, tmp_path: Path) -> Callable[[int], Life]:
    """A new life by number, on an exchange of its own, in one database."""

    def new(number: int) -> Life:
        folder = tmp_path / str(number)
        folder.mkdir()
        exchange = Exchange(tape=WORLD, folder=folder)
        account_id = f"{number:04x}00000000"
        return Life(conninfo=postgres.conninfo, schema=schema, exchange=exchange, account_id=account_id)

    return new


def undisturbed(begin: Callable[[int], Life]) -> tuple[Fuse, Report]:
    """The run that nothing happens to: its effects, and its report."""
    fuse = Fuse()
    trader = begin(0).process(fuse)
    trader.laws()
    report = build_report(trader.db, trader.account)
    trader.db.close()
    assert [report.exits[kind] for kind in (Exit.THIRD, Exit.TRAILING_STOP)] == [1, 1]
    return fuse, told(report)


def broken_off(life: Life, *crashes: int, downtime: timedelta = timedelta(0)) -> Trader:
    """Run `life` through a crash at each of `crashes`, counted by process, and then to its end.

    `downtime` passes before each new process.
    """
    for at in crashes:
        with suppress(SimulatedCrash):
            life.process(Fuse(at)).db.close()
        life.downtime = downtime
        life.exchange.kill()
        life.exchange.start()
    return life.process(Fuse())


def judge(trader: Trader, expected: Report) -> None:
    """The laws of money hold, and the result is that of a run without a crash."""
    trader.laws()
    assert told(build_report(trader.db, trader.account)) == expected
    trader.db.close()


def test_a_crash_before_or_after_any_effect_changes_nothing(begin: Callable[[int], Life]) -> None:
    fuse, expected = undisturbed(begin)
    assert fuse.names.count("after POST /v1/orders") == 3
    # A read changes nothing at the venue: dying before it is dying after the effect before it.
    points = [at for at, name in enumerate(fuse.names) if not name.startswith("before GET")]
    assert len(points) > 100
    for at in points:
        trader = broken_off(begin(at + 1), at)
        try:
            judge(trader, expected)
        except AssertionError as cause:
            cause.add_note(f"the crash was at effect {at}: {fuse.names[at]}")
            raise


def test_a_crash_while_recovering_from_a_crash_changes_nothing(begin: Callable[[int], Life]) -> None:
    fuse, expected = undisturbed(begin)
    sends = [at for at, name in enumerate(fuse.names) if name.endswith("POST /v1/orders")]
    for number, (first, second) in enumerate((at, again) for at in sends for again in (4, 9)):
        judge(broken_off(begin(number + 1), first, second), expected)


def test_minutes_of_darkness_around_an_order_cost_a_trade_at_most_never_the_books(
    begin: Callable[[int], Life],
) -> None:
    """An entry is not wanted any more then: one that arrived is found, one that did not is never sent again."""
    fuse, _ = undisturbed(begin)
    sends = [at for at, name in enumerate(fuse.names) if name == "before POST /v1/orders"]
    for number, at in enumerate(send + near for send in sends for near in range(-3, 5)):
        trader = broken_off(begin(number + 1), at, downtime=timedelta(minutes=2))
        trader.laws()
        assert trader.positions() == ()
        trader.db.close()

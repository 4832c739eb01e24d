"""How a world is really changed, and put back: rows, rights, files, settings, processes, the exchange.

Each act makes a `Change`: a block in which a world is changed, and after which it is as it was.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from makenaide.app.clock import boot_seconds
from makenaide.app.guardpost import Watch
from makenaide.environment import ACCESS_NAME, SECRET_NAME
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.modes import Mode
from makenaide.store.processes import birth
from tests.matrix.worlds import PATIENCE, World

Change = Callable[[World], AbstractContextManager[object]]

Where = Callable[[World], Path]


def both(*changes: Change) -> Change:
    """One change after the other, undone in the opposite order."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        with ExitStack() as stack:
            for each in changes:
                stack.enter_context(each(world))
            yield

    return change


# ---- the database ----


def rows(command: bytes, **values: object) -> Change:
    """Rows are changed as no trigger allows it."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        with world.owner() as db:
            db.connection.execute(command, values)
        try:
            yield
        finally:
            world.restore()

    return change


def measured(name: str, count: int, *, failures: int = 0, total: float = 0.0, classes: str = "[]") -> Change:
    """A process kept one more sample of `name`: so many values, of so many seconds together."""
    return rows(
        b"insert into measure (account_id, name, label, at, count, failures, total, largest, classes)"
        b" select account_id, %(name)s, 'more', max(finished_at), %(count)s, %(failures)s, %(total)s,"
        b" %(largest)s, %(classes)s::jsonb from run group by account_id",
        name=name,
        count=count,
        failures=failures,
        total=total,
        largest=total / count,
        classes=classes,
    )


def withheld(what: str, whom: str = "makenaide_reader", right: str = "select") -> Change:
    """The right of `whom` to `what`, "table candle", is taken away."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        with world.owner() as db:
            # What a role may not do is written down, and E5 reads it: but this is a changed world, no intruder.
            db.connection.execute(b"alter database postgres set log_min_messages = fatal")
            db.connection.execute(f"revoke {right} on {what} from {whom}".encode())
        try:
            yield
        finally:
            with world.owner() as db:
                db.connection.execute(f"grant {right} on {what} to {whom}".encode())
                db.connection.execute(b"alter database postgres reset log_min_messages")

    return change


def refused(command: bytes) -> Change:
    """Somebody asks something of the database that it refuses, also its owner; that stands in its log."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        log = world.server.log
        size = log.stat().st_size
        with Database.connect(world.server.conninfo, role=Role.OWNER, settings=Mode.PAPER.settings) as db:
            try:
                db.connection.execute(command)
            except psycopg.Error:
                pass
            else:
                raise AssertionError(f"the database allows {command!r}")
        try:
            yield
        finally:
            os.truncate(log, size)

    return change


def connections(many: int) -> Change:
    """So many connections are open at once."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        with ExitStack() as stack:
            for _ in range(many):
                stack.enter_context(Database.connect(world.server.conninfo, role=Role.READER))
            yield

    return change


@contextmanager
def down(world: World) -> Iterator[None]:
    """Nobody uses the database, so that it is down."""
    world.server.stop()
    try:
        yield
    finally:
        world.server.start()


@contextmanager
def killed(world: World) -> Iterator[None]:
    """The database's server was killed."""
    gone = world.server
    os.kill(gone.pid, signal.SIGKILL)
    _until(lambda: birth(gone.pid) is None)
    try:
        yield
    finally:
        world.server = EmbeddedPostgres(world.home.path).start()
        gone.stop()  # its claim


# ---- files and settings ----


def inside(pattern: str) -> Where:
    """A file of the data folder."""
    return lambda world: world.file(pattern)


def written(where: Where, make: Callable[[bytes], bytes]) -> Change:
    """What is in a file becomes what `make` makes of it."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        file = where(world)
        before = file.read_bytes()
        file.write_bytes(make(before))
        try:
            yield
        finally:
            file.write_bytes(before)

    return change


def gone(where: Where) -> Change:
    """A file is not there."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        file = where(world)
        aside = file.rename(file.with_name("aside"))
        try:
            yield
        finally:
            aside.rename(file)

    return change


def folder(where: Where) -> Change:
    """There is a folder where a file is read: as good as a disk that gives nothing back, also for root."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        file = where(world)
        aside = file.with_name("aside")
        was = file.exists()
        if was:
            file.rename(aside)
        file.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(file)
            if was:
                aside.rename(file)

    return change


def setting(name: str, make: Callable[[World], str]) -> Change:
    """A setting of the table [operations] has the value that `make` makes, as TOML."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        with _variables(world, {f"MAKENAIDE_OPERATIONS__{name.upper()}": make(world)}):
            yield

    return change


# ---- processes ----


@contextmanager
def guard_replaced(world: World) -> Iterator[None]:
    """The guard was killed, and its trader has started another one."""
    post = world.home.post()
    first = post.on_duty()
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)

    def another() -> bool:
        guard = post.on_duty()
        watching = post.standing(boot_seconds()).watch is Watch.WATCHING
        return watching and guard is not None and guard.pid != first.pid

    _until(another)
    yield


@contextmanager
def trader_dead(world: World) -> Iterator[None]:
    """The trader was killed, and the steward, who would start it again, hangs; in the end there is another trader."""
    steward, trader = world.steward(), world.trader()
    assert trader is not None
    os.kill(steward.pid, signal.SIGSTOP)
    try:
        os.kill(trader.pid, signal.SIGKILL)
        _until(lambda: not trader.alive)
        yield
        going = world.home.start("run", "--json", "--mode", "live", env=world.env)
        going.wait_for(lambda: world.trader() not in (None, trader))
    finally:
        os.kill(steward.pid, signal.SIGCONT)


# ---- the exchange ----


def other_key(name: str) -> Change:
    """Another key of the same account is in use."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        key = world.key(name)
        with _variables(world, {ACCESS_NAME: key["access"], SECRET_NAME: key["secret"]}):
            yield

    return change


def faulty(**fault: Any) -> Change:
    """The exchange answers some calls as `fault` says."""

    @contextmanager
    def change(world: World) -> Iterator[None]:
        world.operate("POST", "faults", fault)
        try:
            yield
        finally:
            world.operate("DELETE", "faults")

    return change


@contextmanager
def _variables(world: World, more: Mapping[str, str]) -> Iterator[None]:
    before = dict(world.env)
    world.env |= more
    try:
        yield
    finally:
        world.env = before


def _until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)

"""The embedded database's switch: how its server stands, and that it stays up while nobody uses it.

The server lives for as long as somebody claims it (`store.claims`). A start lets it claim itself, so that it stays up
whatever becomes of the workers; a stop lets it go, once everything is proven that has to be. When the machine goes
down the claim goes with it.
"""

import os
from pathlib import Path

from makenaide.store.claims import claims
from makenaide.store.cluster import SUPERUSER, Cluster, Running
from makenaide.store.embedded import PUBLIC
from makenaide.store.home import Home, file_faults
from makenaide.store.processes import birth

STATUS_LINE = 7
"""Of the server's own pid file: starting, ready, stopping (PostgreSQL's miscadmin.h)."""


def running(home: Path) -> Running | None:
    """The server of `home` if it is ready for connections. Never made or started by looking."""
    return _cluster(home).running() if made(home) else None


def status(home: Path) -> str | None:
    """The server's own word for how it stands ("ready", "starting", "stopping"); None when it is down."""
    if not made(home):
        return None
    if running(home) is not None:
        return "ready"
    try:
        lines = (_cluster(home).data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    if len(lines) <= STATUS_LINE or not lines[0].isdigit() or birth(int(lines[0])) is None:
        return None
    return lines[STATUS_LINE].strip()


def address(home: Path) -> str | None:
    """How to reach the server of `home` if it runs, without claiming it: for a look that must change nothing."""
    found = running(home)
    if found is None:
        return None
    place = {
        "host": str(found.socket),
        "port": "5432",
        "user": SUPERUSER,
        "dbname": "postgres",
        "passfile": str(Home(home, PUBLIC).secret),
    }
    return " ".join(f"{name}={_quoted(value)}" for name, value in place.items())


def keep_up(home: Path) -> bool:
    """Let the running server of `home` claim itself; whether it did not yet. Call it while somebody claims it."""
    found = running(home)
    if found is None or kept_up(home):
        return False
    with file_faults(home):
        folder = Home(home, PUBLIC).claims
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / _own(found)).touch(mode=0o600)
    return True


def kept_up(home: Path) -> bool:
    """Whether the server of `home` stays up while nobody uses it."""
    found = running(home)
    return found is not None and (Home(home, PUBLIC).claims / _own(found)).exists()


def let_go(home: Path) -> bool:
    """The server of `home` is to go down with its last user; whether it was kept up before."""
    found = running(home)
    if found is None or not kept_up(home):
        return False
    with file_faults(home):
        (Home(home, PUBLIC).claims / _own(found)).unlink(missing_ok=True)
    return True


def users(home: Path) -> tuple[int, ...]:
    """The processes that use the server of `home`, but for this one and the server itself."""
    found = running(home)
    mine = {os.getpid(), 0 if found is None else found.pid}
    pids = (int(name.partition("-")[0]) for name in claims(Home(home, PUBLIC).claims))
    return tuple(sorted({pid for pid in pids if pid not in mine}))


def made(home: Path) -> bool:
    """Whether a cluster may be there: asking a folder without one for its cluster would leave traces in it."""
    return (home / "postgres").is_dir() or (home / "home.id").exists()


def _cluster(home: Path) -> Cluster:
    return Home(home, PUBLIC).cluster()


def _own(found: Running) -> str:
    return f"{found.pid}-{found.born}-0"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

"""The one database server of a session, in a process that ends it when the session is gone, however that went."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path


@contextmanager
def server(tree: Path, home: Path) -> Iterator[str]:
    """The address of a server that runs for as long as the block lasts; its data in `home`."""
    context = get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_keep, args=(tree, home, ours, theirs))
    process.start()
    theirs.close()
    try:
        yield str(ours.recv())
    finally:
        ours.close()
        process.join()


def _keep(tree: Path, home: Path, ours: Connection, theirs: Connection) -> None:
    ours.close()  # or its end would never be noticed
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.environ["MAKENAIDE_HOME"] = str(home)
    sys.path.insert(0, str(tree / "src"))
    from makenaide.store.db import Database, Role  # noqa: PLC0415 - only this process may know the rooms
    from makenaide.store.embedded import EmbeddedPostgres  # noqa: PLC0415

    postgres = EmbeddedPostgres(home)
    try:
        with postgres:
            with Database.connect(postgres.conninfo, role=Role.OWNER) as db:
                for setting in (b"autovacuum", b"fsync", b"full_page_writes"):
                    db.connection.execute(b"alter system set " + setting + b" = off")
                db.connection.execute(b"select pg_reload_conf()")
            theirs.send(postgres.conninfo)
            theirs.poll(None)
    finally:
        postgres.remove()

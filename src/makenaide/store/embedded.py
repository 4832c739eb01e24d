"""The database that comes with Makenaide: a PostgreSQL server of our own for each home, on a Unix socket only.

    with EmbeddedPostgres(home) as server:
        db = Database.connect(server.conninfo, role=Role.WRITER)

Several processes may use one home: the first starts the server, the last one out stops it. A process that is
killed leaves the server running; the next one adopts it. Nothing listens on the network, and no password is
ever on a command line: the address names the file that holds it.
"""

import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from makenaide.domain.errors import DatabaseUnavailable, Inconsistent, InUse, Misconfigured
from makenaide.store.binaries import Binaries, resolve, usable_by
from makenaide.store.claims import Claim, exclusive
from makenaide.store.cluster import SUPERUSER, Cluster, Running
from makenaide.store.home import Home, file_faults, own_folder

PUBLIC = Path("/var/lib/makenaide")
"""Where root keeps what the server's user must reach, when the home itself is closed to others."""


class EmbeddedPostgres(AbstractContextManager["EmbeddedPostgres"]):
    """The server of one home folder. One object belongs to one process and one thread."""

    def __init__(
        self, home: Path, *, binaries: Binaries | None = None, public: Path = PUBLIC, patience: float = 60.0
    ) -> None:
        """`patience`: seconds for a start, which after a crash includes the repair of the data."""
        if sys.platform == "win32":
            raise Misconfigured("the embedded database needs Linux or macOS: set DATABASE_URL or use WSL")
        self._home = Home(home, public)
        self._binaries = binaries
        self._patience = patience
        self._cluster: Cluster | None = None
        self._claim: Claim | None = None
        self._running: Running | None = None

    def start(self) -> Self:
        """Make the cluster if there is none, start its server if it does not run, and claim its use.

        `DatabaseUnavailable` if it does not start or nothing is installed, `DiskFull`, and `Misconfigured`
        where the home cannot be used.
        """
        if self._claim is not None:
            return self
        with file_faults(self.home):
            self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
            claim = Claim(self._home.claims)
            with _locked(self._home.lock, self._patience):
                claim.take()
                try:
                    self._running = self._attach_or_start()
                except BaseException:
                    claim.drop()
                    raise
        self._claim = claim
        return self

    def stop(self) -> None:
        """Give the claim back; the last one out stops the server. Does nothing when not started."""
        claim, self._claim = self._claim, None
        if claim is None:
            return
        if not self.home.is_dir():  # removed under a running server, which nobody else can find any more
            self._leave(claim)
            return
        with file_faults(self.home), _locked(self._home.lock, self._patience):
            self._leave(claim)

    def remove(self) -> None:
        """Stop the server and delete its data, its password and its identity; `InUse` while others use it."""
        self.stop()
        if not self.home.is_dir():
            if self._cluster is not None:
                shutil.rmtree(self._cluster.folder, ignore_errors=True)
            return
        with file_faults(self.home), _locked(self._home.lock, self._patience):
            others = Claim(self._home.claims).others()
            if others:
                raise InUse(f"the database of {self.home} is in use by {', '.join(others)}")
            cluster = self._home.cluster()
            cluster.stop()
            self._home.erase(cluster)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def home(self) -> Path:
        """The home folder, absolute."""
        return self._home.path

    @property
    def location(self) -> Path:
        """The folder that holds the data and the server's log."""
        return (self._cluster or self._home.cluster()).folder

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.location / "server.log"

    @property
    def pid(self) -> int:
        """The server's process; `Inconsistent` when not started."""
        return self._started().pid

    @property
    def conninfo(self) -> str:
        """How libpq and its tools reach the server, without any password: the file with it is named instead."""
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - the server can start before the driver is loaded

        return make_conninfo(
            host=str(self._started().socket),
            port=5432,
            user=SUPERUSER,
            dbname="postgres",
            passfile=str(self._home.secret),
        )

    @property
    def binaries(self) -> Binaries:
        """The server's own programs, runnable by the server's user: pg_dump of the right version for backups."""
        cluster = self._cluster or self._home.cluster()
        return usable_by(self._binaries or resolve(cluster.major), cluster.account, self._home.public)

    def _started(self) -> Running:
        if self._running is None or self._claim is None:
            raise Inconsistent("the embedded database is not started")
        return self._running

    def _leave(self, claim: Claim) -> None:
        if claim.drop() and self._cluster is not None and self._running is not None:
            self._cluster.stop(self._running)
            shutil.rmtree(self._running.socket, ignore_errors=True)

    def _attach_or_start(self) -> Running:
        cluster = self._cluster = self._home.cluster()
        self._home.close_secret()
        running = cluster.running()
        if running is not None:
            return running
        binaries = self.binaries
        password = self._home.password(new=not cluster.exists)
        if not cluster.exists:
            self._home.prepare(cluster)
            cluster.make(binaries, password)
        if cluster.major != binaries.major:
            raise DatabaseUnavailable(
                f"the data in {cluster.folder} is of PostgreSQL {cluster.major}, the programs are {binaries.version}"
            )
        socket = self._home.socket_folder(cluster.account)
        own_folder(socket, cluster.account)
        return cluster.start(binaries, socket, self._patience)


def _locked(lock: Path, patience: float) -> AbstractContextManager[None]:
    busy = DatabaseUnavailable(f"another process has been starting the database for long ({lock})")
    return exclusive(lock, patience, busy)

"""The embedded database's server, started while the program is still loading the driver and everything else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from makenaide.domain.errors import MakenaideError
from makenaide.environment import Environment
from makenaide.store.embedded import EmbeddedPostgres


class EarlyServer:
    """A server on its way up."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._fault: MakenaideError | OSError | None = None
        self._thread = threading.Thread(target=self._start, name="postgres")
        self._thread.start()

    def _start(self) -> None:
        try:
            self._server.start()
        except (MakenaideError, OSError) as fault:
            self._fault = fault  # raised again where the server is asked for

    def ready(self) -> EmbeddedPostgres:
        """The server, once it is up; raises what its start raised."""
        self._thread.join()
        if self._fault is not None:
            raise self._fault
        return self._server

    def stop(self) -> None:
        """Give the server back, also when it never came up."""
        self._thread.join()
        self._server.stop()


@contextmanager
def early_server(env: Environment) -> Iterator[EarlyServer | None]:
    """The embedded server of `env`, starting from now on; None where DATABASE_URL names another one."""
    if env.database_url is not None:
        yield None
        return
    server = EarlyServer(EmbeddedPostgres(env.home))
    try:
        yield server
    finally:
        server.stop()

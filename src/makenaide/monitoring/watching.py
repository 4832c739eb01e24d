"""Measuring at the two ways out of a process: calls to the exchange, and its connection to the database.

Exchange and database know nothing of it: the one is carried by a transport, the other tells an observer.
"""

from dataclasses import dataclass

from makenaide.exchange.http import Request, Response, Transport
from makenaide.monitoring.measures import Name, Registry
from makenaide.store.db import Database


@dataclass(frozen=True, slots=True)
class MeasuredTransport:
    """Carries requests over `inner` and notes each send by method and path (M9, D1c).

    Failed is whatever brought no 2xx reply, as the client counts it (`UpbitClient.calls`).
    """

    inner: Transport
    registry: Registry

    def send(self, request: Request) -> Response:
        """As `inner` does."""
        begun, failed = self.registry.timer(), True
        try:
            response = self.inner.send(request)
            failed = not 200 <= response.status < 300
        finally:
            seconds = self.registry.timer() - begun
            self.registry.note(Name.API, f"{request.method} {request.path}", seconds, failed=failed)
        return response


@dataclass(frozen=True, slots=True)
class DatabaseMeasures:
    """A database's observer: connections (G4) and statements by name (G5) into `registry`."""

    registry: Registry

    def connected(self, seconds: float, *, failed: bool) -> None:
        """One attempt to connect."""
        self.registry.note(Name.CONNECT, "", seconds, failed=failed)

    def asked(self, query: str, seconds: float, *, failed: bool) -> None:
        """One statement."""
        self.registry.note(Name.QUERY, query, seconds, failed=failed)


def registry_of(db: Database) -> Registry:
    """Where the statements of `db` are counted; from now on, if nobody counted them yet."""
    if not isinstance(db.observer, DatabaseMeasures):
        db.observer = DatabaseMeasures(Registry())
    return db.observer.registry

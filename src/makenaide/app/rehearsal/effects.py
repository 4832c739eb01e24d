"""The ports through which every effect goes, each with a place to die before and after it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from makenaide.app.rehearsal.fuse import Burn
from makenaide.domain.market import Market
from makenaide.exchange.http import Interrupted, NotConnected, Request, Response, Transport
from makenaide.exchange.venue import Fence, Sighting, Watcher
from makenaide.execution.disk import Files
from makenaide.store.db import Database, Row


def _nothing(_name: str) -> None:
    """Before a process is watched, nothing is counted."""


class CrashingDatabase(Database):
    """A connection whose process dies before or after a commit. A transaction that writes nothing is no effect."""

    burn: Burn = staticmethod(_nothing)
    _depth = 0
    _wrote = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As in `Database`, with a place to die at each end."""
        outermost = self._depth == 0
        if outermost:
            self._wrote = False
        self._depth += 1
        try:
            with super().transaction():
                yield
                if outermost and self._wrote:
                    self.burn("before commit")
        finally:
            self._depth -= 1
        if outermost and self._wrote:
            self.burn("after commit")

    def row(self, name: str, **values: Any) -> Row | None:
        """As in `Database`; a query that takes a lease writes."""
        self._wrote |= name == "lease_take"
        return super().row(name, **values)

    def do(self, name: str, **values: Any) -> int:
        """As in `Database`; outside of a transaction it is one of its own."""
        with self._alone():
            self._wrote = True
            return super().do(name, **values)

    def do_many(self, name: str, values: Sequence[Mapping[str, Any]]) -> int:
        """As in `Database`; outside of a transaction it is one of its own."""
        if not values:
            return 0
        with self._alone():
            self._wrote = True
            return super().do_many(name, values)

    def copy(self, name: str, rows: Iterable[Sequence[Any]], types: Sequence[str] = ()) -> int:
        """As in `Database`; outside of a transaction it is one of its own."""
        with self._alone():
            self._wrote = True
            return super().copy(name, rows, types)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._depth:
            yield
            return
        with self.transaction():
            yield


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashingTransport:
    """Carries requests to `inner`. A request that only reads is no effect: dying around it is dying before it."""

    inner: Transport
    burn: Burn

    def send(self, request: Request) -> Response:
        """As `inner`, with a place to die before the request and after its reply (or after none came)."""
        if request.method == "GET" or not request.path.startswith("/v1/"):
            return self.inner.send(request)
        name = f"{request.method} {request.path}"
        self.burn(f"before {name}")
        try:
            response = self.inner.send(request)
        except (NotConnected, Interrupted):
            self.burn(f"after {name}")
            raise
        self.burn(f"after {name}")
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashingWatcher:
    """Eyes whose process may die of what they see. A frame counts only when it touches a fence."""

    inner: Watcher
    burn: Burn

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """As `inner`, with a place to die once a frame has come that calls for action."""
        seen = self.inner.wait(until, fences)
        if any(market in fences and fences[market].touched(bid) for market, bid in seen.bids.items()):
            self.burn("after frame")
        return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashingFiles:
    """Files whose process dies before, in the midst of, or after a write."""

    inner: Files
    burn: Burn

    def read(self, path: Path, start: int = 0) -> bytes | None:
        """As `inner`: no effect."""
        return self.inner.read(path, start)

    def replace(self, path: Path, content: bytes) -> None:
        """As `inner`: the old or the new, never a part."""
        self.burn(f"before file {path.name}")
        self.inner.replace(path, content)
        self.burn(f"after file {path.name}")

    def append(self, path: Path, content: bytes) -> None:
        """As `inner`; a death in the midst leaves a part."""
        self.burn(f"before file {path.name}")
        try:
            self.burn(f"within file {path.name}")
        except BaseException:
            self.inner.append(path, content[: len(content) // 2])
            raise
        self.inner.append(path, content)
        self.burn(f"after file {path.name}")

    def remove(self, path: Path) -> None:
        """As `inner`."""
        self.burn(f"before file {path.name}")
        self.inner.remove(path)
        self.burn(f"after file {path.name}")

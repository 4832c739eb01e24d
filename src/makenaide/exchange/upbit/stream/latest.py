"""The newest book and ticker of each market, as the connection that is open now has sent them.

Whoever wants prices reads here and never waits in a queue: only the newest frame of a market counts.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from makenaide.domain.market import Market
from makenaide.exchange.upbit.stream.frames import BookFrame, TickerFrame

F = TypeVar("F", BookFrame, TickerFrame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[F]):
    """A frame, and when it came on the monotonic clock, in seconds."""

    frame: F
    mark: float


class Latest:
    """A thread-safe map that forgets everything as soon as the connection is lost.

    A quiet market's book may be minutes old and still be the market's book, as long as the connection is alive. So
    what counts is not the age of an entry, but when the connection was last heard at all: `alive`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._version = 0
        self._heard: float | None = None
        self._books: dict[Market, Seen[BookFrame]] = {}
        self._tickers: dict[Market, Seen[TickerFrame]] = {}

    @property
    def version(self) -> int:
        """Rises with every change; hand it to `wait`."""
        return self._version

    def beat(self, mark: float) -> None:
        """Market data of any kind came at `mark` on the monotonic clock."""
        self._heard = mark

    def put(self, frame: BookFrame | TickerFrame, mark: float) -> None:
        """Keep `frame` in place of the market's earlier one, and wake whoever waits."""
        with self._changed:
            if isinstance(frame, BookFrame):
                self._books[frame.book.market] = Seen(frame=frame, mark=mark)
            else:
                self._tickers[frame.market] = Seen(frame=frame, mark=mark)
            self._heard = mark
            self._notify()

    def clear(self) -> None:
        """The connection is lost: what it said is no price any more."""
        with self._changed:
            self._books.clear()
            self._tickers.clear()
            self._heard = None
            self._notify()

    def keep(self, wanted: Callable[[BookFrame | TickerFrame], bool]) -> None:
        """Drop what is not `wanted` any more: it grows old unseen, and must be gone when it is wanted again."""
        with self._changed:
            self._books = {code: seen for code, seen in self._books.items() if wanted(seen.frame)}
            self._tickers = {code: seen for code, seen in self._tickers.items() if wanted(seen.frame)}
            self._notify()

    def forget(self, code: Market, before: float) -> None:
        """Drop the book of `code` unless it came after `before`: somebody knows that it is wrong."""
        with self._changed:
            seen = self._books.get(code)
            if seen is not None and seen.mark <= before:
                del self._books[code]

    def nudge(self) -> None:
        """Wake whoever waits, though nothing came."""
        with self._changed:
            self._notify()

    def wait(self, version: int, seconds: float) -> None:
        """Return as soon as something changes after `version`, or after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout=max(0.0, seconds))

    def alive(self, mark: float, within: float) -> bool:
        """Whether market data came in the `within` seconds before `mark`."""
        heard = self._heard
        return heard is not None and mark - heard <= within

    def books(self, codes: Iterable[Market]) -> Mapping[Market, Seen[BookFrame]]:
        """The books of those of `codes` that have sent one; ask `alive` before they count as prices."""
        with self._changed:
            return {code: self._books[code] for code in codes if code in self._books}

    def tickers(self, codes: Iterable[Market]) -> Mapping[Market, Seen[TickerFrame]]:
        """The tickers of those of `codes` that have sent one; ask `alive` before they count as prices."""
        with self._changed:
            return {code: self._tickers[code] for code in codes if code in self._tickers}

    def _notify(self) -> None:
        self._version += 1
        self._changed.notify_all()

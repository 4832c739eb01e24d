"""A body of work in a thread of its own: whatever it raises or returns becomes an outcome."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

import msgspec

from makenaide.domain.errors import Misconfigured
from makenaide.store.text import storable

Body = Callable[[datetime], Mapping[str, Any]]
"""Does the work of a slot (UTC); what it returns is kept beside the outcome, as plain JSON."""

Spawn = Callable[[str, Callable[[], None]], None]
"""Runs a function, named for people, beside whoever calls."""

DONE, FAILED, MISSED = "done", "failed", "missed"
"""How a slot ends."""

_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a slot ended, and what belongs to it; for a failure "cause" says why."""

    outcome: str
    detail: Mapping[str, Any]


Failed = Callable[[str, datetime, Ended], None]
"""Is told a job's name, its slot (UTC), and how that ended: as failed, or as missed."""


class Attempt:
    """One call of a body. Made, run and asked about by different threads."""

    def __init__(self, body: Body, slot: datetime) -> None:
        self._body = body
        self._slot = slot
        self._ended: Ended | None = None

    @property
    def ended(self) -> Ended | None:
        """What came of it; None while it is under way."""
        return self._ended

    def run(self) -> None:
        """Call the body. Raises nothing of what it raises, but what ends a thread or the process."""
        caught = Caught()
        with caught:
            detail = _plain(self._body(self._slot))
        if caught.cause is None:
            self._ended = Ended(outcome=DONE, detail=detail)
        else:
            self._ended = failed(f"{type(caught.cause).__name__}: {caught.cause}")


class Caught:
    """Keeps the exception that ends its `with` block: a job that breaks must not break the others.

    What is no `Exception` (a thread's or the process's end) goes through.
    """

    def __init__(self) -> None:
        self.cause: Exception | None = None

    def __enter__(self) -> "Caught":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(fault, Exception):
            self.cause = fault
            return True
        return False


def failed(cause: str) -> Ended:
    """A failure, and why."""
    return Ended(outcome=FAILED, detail={"cause": storable(cause)[:_LONGEST]})


def in_thread(name: str, run: Callable[[], None]) -> None:
    """`Spawn` in a thread that does not keep the process alive."""
    threading.Thread(target=run, name=name, daemon=True).start()


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """`detail` as the database can keep it: what JSON does not know becomes text."""
    if not isinstance(detail, Mapping):
        raise Misconfigured(f"the body returned {type(detail).__name__}, not a mapping")
    plain: dict[str, Any] = _clean(msgspec.json.decode(msgspec.json.encode(dict(detail), enc_hook=str)))
    return plain


def _clean(data: Any) -> Any:
    if isinstance(data, dict):
        return {storable(key): _clean(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_clean(each) for each in data]
    return storable(data) if isinstance(data, str) else data

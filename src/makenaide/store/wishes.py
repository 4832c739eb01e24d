"""What a person asks of a running account: wishes for whoever holds the lease, and markets without buys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from makenaide.domain.market import Market
from makenaide.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One wish: "sell" or "adopt" in a market, with what belongs to it; times by the database's clock.

    A sale names its "positions"; a takeover its "stop" (percent) and the "quantity" that was the person's then.
    """

    wish_id: int
    kind: str
    market: Market
    detail: Mapping[str, Any]
    actor: str
    wished_at: datetime
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a wish: `done`, or refused; `detail` tells what."""

    done: bool
    detail: Mapping[str, Any]


def put_wish(db: Database, account_id: str, what: tuple[str, Market, Mapping[str, Any]], actor: str) -> int:
    """Append the wish `what` (kind, market, detail); returns its number."""
    kind, market, detail = what
    row = db.row("wish_put", account_id=account_id, kind=kind, market=market, detail=dict(detail), actor=actor)
    assert row is not None  # noqa: S101 - RETURNING always gives the row
    return int(row.wish_id)


def open_wishes(db: Database, account_id: str) -> tuple[Wish, ...]:
    """Every wish without an end, oldest first."""
    return tuple(
        Wish(
            wish_id=row.wish_id,
            kind=row.kind,
            market=Market(row.market),
            detail=row.detail,
            actor=row.actor,
            wished_at=row.wished_at,
            age=row.age,
        )
        for row in db.rows("wish_open", account_id=account_id)
    )


def outcome_of(db: Database, wish_id: int) -> Outcome | None:
    """What became of the wish; None as long as nobody has dealt with it."""
    row = db.row("wish_outcome", wish_id=wish_id)
    return None if row is None else Outcome(done=row.done, detail=row.outcome)


def end_wish(db: Database, wish_id: int, at: datetime, outcome: Outcome) -> None:
    """Give the wish its end, once."""
    db.do("wish_end_put", wish_id=wish_id, at=at, done=outcome.done, outcome=dict(outcome.detail))


def put_pause(db: Database, account_id: str, pause: tuple[Market, bool], actor: str, at: datetime) -> None:
    """From now on no buys in the market (True), or buys again (False)."""
    market, paused = pause
    db.do("pause_put", account_id=account_id, market=market, paused=paused, actor=actor, at=at)


def paused_markets(db: Database, account_id: str) -> frozenset[Market]:
    """The markets in which a person wants no buys."""
    return frozenset(Market(row.market) for row in db.rows("pause_now", account_id=account_id))

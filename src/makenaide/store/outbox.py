"""The outbox: messages to people, written in the transaction of what they tell of, and what became of each."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from makenaide.store.db import Database, Row
from makenaide.store.text import storable as storable_text

_WORDS = 500
"""Letters of a delivery's detail that are kept."""


class Urgency(StrEnum):
    """How soon a person should read it; PAGE: now."""

    INFO = "info"
    WARNING = "warning"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. `key` makes it the only one of its kind: "morning 2026-11-28T00:00:00+00:00 <account>".

    `title` and `body` are in the user's language and may hold words from outside; `detail` is plain JSON.
    """

    key: str
    account_id: str
    at: datetime
    urgency: Urgency
    title: str
    body: str
    detail: Mapping[str, Any]


class Outcome(StrEnum):
    """What became of one try: only FAILED is tried again."""

    DONE = "done"
    FAILED = "failed"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A message that a channel has not come to an end with; how often it tried, and when last."""

    message_id: int
    tries: int
    tried_at: datetime | None
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One try of `channel`: what came of it, and in words."""

    channel: str
    at: datetime
    outcome: Outcome
    detail: str


def put_message(db: Database, message: Message) -> bool:
    """Append `message`, made storable; False, and nothing kept, when one of its key is there."""
    message = storable(message)
    row = db.row(
        "outbox_put",
        key=message.key,
        account_id=message.account_id,
        at=message.at,
        urgency=message.urgency,
        title=message.title,
        body=message.body,
        detail=dict(message.detail),
    )
    return row is not None


def storable(message: Message) -> Message:
    """`message` with "?" for what no database or wire can hold: it may carry words from outside."""
    return replace(
        message,
        key=_storable(message.key),
        title=_storable(message.title),
        body=_storable(message.body),
        detail=_storable(message.detail),
    )


def message_of(db: Database, key: str) -> Message | None:
    """The message of that key."""
    row = db.row("outbox_of", key=key)
    return None if row is None else _message(row)


def undelivered(db: Database, channel: str, since: datetime, many: int = 100) -> tuple[Undelivered, ...]:
    """What `channel` still has to deliver of the messages written after `since` (wall clock), oldest first."""
    rows = db.rows("outbox_due", channel=channel, since=since, many=many)
    return tuple(
        Undelivered(message_id=row.message_id, tries=row.tries, tried_at=row.tried_at, message=_message(row))
        for row in rows
    )


def put_delivery(db: Database, message_id: int, delivery: Delivery) -> None:
    """Append what became of one try; nothing where the channel has come to its end with the message already."""
    db.do(
        "delivery_put",
        message_id=message_id,
        channel=delivery.channel,
        at=delivery.at,
        outcome=str(delivery.outcome),
        detail=delivery.detail[:_WORDS],
    )


def put_told(db: Database, message: Message, deliveries: Iterable[Delivery]) -> None:
    """Append `message`, which was delivered before it could be written; each channel's end beside it. Once a key."""
    with db.transaction():
        put_message(db, message)
        row = db.row("outbox_of", key=storable(message).key)
        if row is not None:
            for each in deliveries:
                put_delivery(db, row.message_id, each)


def deliveries(db: Database, key: str) -> tuple[Delivery, ...]:
    """Every try with the message of that key, in order."""
    row = db.row("outbox_of", key=key)
    rows = [] if row is None else db.rows("delivery_of", message_id=row.message_id)
    return tuple(
        Delivery(channel=each.channel, at=each.at, outcome=Outcome(each.outcome), detail=each.detail)
        for each in rows
    )


def give_up(db: Database, channel: str, since: datetime, told: tuple[datetime, str]) -> int:
    """Give up each message written up to `since` that `channel` has no end with; `told`: when, and why. How many."""
    at, detail = told
    return db.do("outbox_give_up", channel=channel, since=since, at=at, detail=detail[:_WORDS])


@contextmanager
def channel_held(db: Database, channel: str) -> Iterator[bool]:
    """While inside, nobody else delivers through `channel` (of this schema): False when somebody does already.

    The right is a lock of the session, so it ends with the process, and no transaction is open while one waits for a
    channel. Where the connection is lost, so is the right.
    """
    row = db.row("channel_lock", channel=channel)
    taken = bool(row and row.taken)
    try:
        yield taken
    finally:
        if taken and not db.closed:
            db.row("channel_unlock", channel=channel)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Mapping):
        return {str(_storable(name)): _storable(each) for name, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list | tuple) else value


def _message(row: Row) -> Message:
    return Message(
        key=row.key,
        account_id=row.account_id,
        at=row.at,
        urgency=Urgency(row.urgency),
        title=row.title,
        body=row.body,
        detail=row.detail,
    )

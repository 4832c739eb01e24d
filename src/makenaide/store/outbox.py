"""The outbox: messages to people, written in the transaction of what they tell of, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from makenaide.store.db import Database, Row


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A message that a channel has not delivered yet, and how often it tried."""

    message_id: int
    tries: int
    message: Message


def put_message(db: Database, message: Message) -> bool:
    """Append `message`; False, and nothing kept, when one of its key is there."""
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


def message_of(db: Database, key: str) -> Message | None:
    """The message of that key."""
    row = db.row("outbox_of", key=key)
    return None if row is None else _message(row)


def undelivered(db: Database, channel: str, since: datetime, many: int = 100) -> tuple[Undelivered, ...]:
    """What `channel` still has to deliver of the messages after `since`, oldest first."""
    rows = db.rows("outbox_due", channel=channel, since=since, many=many)
    return tuple(Undelivered(message_id=row.message_id, tries=row.tries, message=_message(row)) for row in rows)


def put_delivery(db: Database, message_id: int, channel: str, at: datetime, told: tuple[bool, str]) -> None:
    """Append what became of one try: `told` is whether it was delivered, and in words."""
    delivered, detail = told
    db.do("delivery_put", message_id=message_id, channel=channel, at=at, delivered=delivered, detail=detail[:500])


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

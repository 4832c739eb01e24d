"""What the exchange announced, as it came: nothing in it is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from makenaide.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One announcement in one version; `category` in the venue's words ("maintenance", "trade", "wallet")."""

    uuid: str
    listed_at: datetime
    category: str
    title: str
    body: str | None
    url: str | None
    heard_at: datetime


def put_announcement(db: Database, heard: Announcement) -> None:
    """Keep what was heard; a version that is known already changes nothing."""
    db.do(
        "announcement_put",
        uuid=heard.uuid,
        listed_at=heard.listed_at,
        category=heard.category,
        title=heard.title,
        body=heard.body,
        url=heard.url,
        heard_at=heard.heard_at,
    )


def announcements(db: Database, since: datetime, categories: Sequence[str]) -> tuple[Announcement, ...]:
    """Every announcement of those categories listed from `since` on, ascending."""
    rows = db.rows("announcement_since", since=since, categories=list(categories))
    return tuple(Announcement(**row._asdict()) for row in rows)


def heard_last(db: Database) -> datetime | None:
    """When the newest announcement came in; None when none ever did."""
    row = db.row("announcement_newest")
    return None if row is None else row.at

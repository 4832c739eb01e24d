"""What is told to one account alone, or to who asked for news: orders, balances, announcements."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from makenaide.exchange.simulator.core.feed import (
    AnnouncementHappening,
    AssetHappening,
    Happening,
    OrderHappening,
    PrintHappening,
)
from makenaide.exchange.simulator.settings import StreamSettings
from makenaide.exchange.simulator.stream import frames
from makenaide.exchange.simulator.stream.session import Frame, Session


class Letters:
    """Writes private frames; `seed` is the venue's, for the ids of balances."""

    def __init__(self, settings: StreamSettings, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._assets_from: dict[str, datetime] = {}

    def subscribed(self, session: Session, now: datetime) -> None:
        """Note when an account first asks for its balances: they may be kept from it for a while."""
        account = session.caller.account
        if account is not None and session.asks_for("myAsset") is not None:
            wait = timedelta(seconds=self._settings.first_assets_seconds)
            self._assets_from.setdefault(account, now + wait)

    def tell(self, sessions: Iterable[Session], happening: Happening, now: datetime) -> None:
        """Put `happening` into the outboxes of those whom it concerns."""
        for session in sessions:
            frame = self._frame(session, happening, now)
            if frame is not None:
                session.outbox.append(frame)

    def _frame(self, session: Session, happening: Happening, now: datetime) -> Frame | None:
        match happening:
            case OrderHappening():
                return _order(session, happening, now)
            case AssetHappening():
                return self._assets(session, happening, now)
            case AnnouncementHappening():
                return self._announcement(session, happening, now)
            case PrintHappening():
                return None  # the street tells it

    def _assets(self, session: Session, happening: AssetHappening, now: datetime) -> Frame | None:
        account, shape = happening.account, session.format
        if account != session.caller.account or session.asks_for("myAsset") is None:
            return None
        if happening.at < self._assets_from[account]:
            return None
        uuid = str(uuid5(NAMESPACE_OID, f"{self._seed} assets {account}"))
        return Frame("myAsset", "", frames.written("myAsset", frames.my_asset(happening, uuid, now, shape), shape))

    def _announcement(self, session: Session, happening: AnnouncementHappening, now: datetime) -> Frame | None:
        notice = happening.announcement
        asked = session.asks_for("announcement", category=notice.category)
        if asked is None:
            return None
        whole = asked.include_body and len(notice.body or "") <= self._settings.largest_body
        values = frames.announcement(happening, now, include_body=whole)
        return Frame("announcement", "", frames.written("announcement", values, session.format))


def _order(session: Session, happening: OrderHappening, now: datetime) -> Frame | None:
    market = happening.order.market
    if happening.account != session.caller.account or session.asks_for("myOrder", market=market) is None:
        return None
    return Frame("myOrder", market, frames.written("myOrder", frames.my_order(happening, now), session.format))

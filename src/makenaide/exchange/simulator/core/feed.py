"""What happens to the accounts, in the order in which it happens: what private streams are told from.

The feed is append-only. A reader remembers a position and asks for what came since; the oldest happenings are
forgotten, and a reader that was too slow for that is told so instead of being told less.
"""

from collections import deque
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.exchange.simulator.core.orders import ZERO, Order, Trade, truncated
from makenaide.exchange.simulator.core.wallet import Wallet
from makenaide.exchange.simulator.market import PublicTrade

KEPT = 20_000
"""Happenings that the feed remembers."""

CATEGORIES = (
    *("notice", "trade", "wallet", "maintenance", "digital_asset", "nft", "service", "event"),
    *("note", "trading", "airdrop", "feature", "disclosure"),
)
"""The kinds of announcements: upbit-api.md section 9.3, then the further ones that the official SDK lists."""


class OrderNews(StrEnum):
    """Why an order is in the news (upbit-api.md section 9.3, myOrder's state)."""

    WAIT = "wait"
    WATCH = "watch"
    TRADE = "trade"
    DONE = "done"
    CANCEL = "cancel"
    PREVENTED = "prevented"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHappening:
    """`order` as it stood right after it happened; `trade` is set for a trade alone. `at` is aware UTC."""

    at: datetime
    news: OrderNews
    order: Order
    trades: int
    trade: Trade | None = None

    @property
    def account(self) -> str:
        """Whose order it is."""
        return self.order.account

    @property
    def is_maker(self) -> bool | None:
        """Whether the order stood in the book and was taken; None when nothing traded."""
        return None if self.trade is None else self.trade.taker is not self.order.side

    @property
    def average(self) -> Decimal:
        """The mean price so far, to 8 decimals; zero before the first trade."""
        return truncated(self.order.funds / self.order.executed) if self.order.executed else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetHappening:
    """The balances that have just changed: currency, what is free, what is locked."""

    at: datetime
    account: str
    holdings: tuple[tuple[str, Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A notice of the venue's operator; `body` is Markdown. `uuid` names an earlier notice that this one replaces."""

    category: str
    title: str
    url: str = ""
    body: str | None = None
    uuid: str | None = None

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            raise Misconfigured(f"category: expected one of {', '.join(CATEGORIES)}, got {self.category!r}")
        if not self.title:
            raise Misconfigured("title: an announcement needs one")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementHappening:
    """A notice was published, or published anew; `first_at` is when it first was."""

    at: datetime
    uuid: str
    first_at: datetime
    announcement: Announcement

    @property
    def updated(self) -> bool:
        """Whether it replaces an earlier notice."""
        return self.announcement.uuid is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintHappening:
    """An account's execution as the public sees it."""

    at: datetime
    market: Market
    trade: PublicTrade


Happening = OrderHappening | AssetHappening | AnnouncementHappening | PrintHappening


class Feed:
    """Happenings by position; every `at` is aware UTC."""

    def __init__(self, kept: int = KEPT) -> None:
        self._happenings: deque[Happening] = deque(maxlen=kept)
        self._count = 0
        self._published: dict[str, datetime] = {}

    @property
    def position(self) -> int:
        """How many happenings there have been."""
        return self._count

    def since(self, position: int) -> list[Happening] | None:
        """What has happened since `position`; None when some of it is forgotten."""
        missing = self._count - position
        if missing > len(self._happenings):
            return None
        return list(islice(self._happenings, len(self._happenings) - missing, None)) if missing else []

    def ordered(self, order: Order, at: datetime, news: OrderNews | None = None) -> None:
        """`order` is in the news: by default because of the state that it has now."""
        news = news or OrderNews(order.status.value)
        self._add(OrderHappening(at=at, news=news, order=_still(order), trades=len(order.trades)))

    def traded(self, order: Order, trade: Trade) -> None:
        """`order` has just traded."""
        self._add(
            OrderHappening(
                at=trade.at, news=OrderNews.TRADE, order=_still(order), trades=len(order.trades), trade=trade
            )
        )

    def moved(self, account: str, wallet: Wallet, currencies: Sequence[str], at: datetime) -> None:
        """The balances of `currencies` in `account` have changed."""
        holdings = ((each, wallet.holding(each)) for each in currencies)
        rows = tuple((each, holding.free, holding.locked) for each, holding in holdings)
        self._add(AssetHappening(at=at, account=account, holdings=rows))

    def printed(self, market: Market, trade: PublicTrade, at: datetime) -> None:
        """The public saw `trade`."""
        self._add(PrintHappening(at=at, market=market, trade=trade))

    def known(self, uuid: str) -> bool:
        """Whether a notice of that name was published."""
        return uuid in self._published

    def published(self, announcement: Announcement, uuid: str, at: datetime) -> None:
        """A notice goes out under `uuid`."""
        first = self._published.setdefault(uuid, at)
        self._add(AnnouncementHappening(at=at, uuid=uuid, first_at=first, announcement=announcement))

    def state(self) -> list[str]:
        """The notices that can be published anew, in words, for comparing two venues."""
        return [f"announced {uuid} {at.isoformat()}" for uuid, at in self._published.items()]

    def _add(self, happening: Happening) -> None:
        self._happenings.append(happening)
        self._count += 1


def _still(order: Order) -> Order:
    """The order as it stands; its trades are left behind, for they are told one by one."""
    still = copy(order)
    still.trades = []
    return still

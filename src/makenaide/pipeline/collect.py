"""Collecting: the venue's list of markets, the closed day candles that are not stored yet, and wallet states."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from makenaide.domain.candle import Candle
from makenaide.domain.clock import DAY, day_start, trading_day
from makenaide.domain.errors import Unavailable, UnknownMarket
from makenaide.domain.market import Market, quote_of
from makenaide.exchange.venue import Listing, Quotation, WalletState
from makenaide.pipeline.session import Session
from makenaide.store.candles import KnownListing, known_listings, mark_gone, put_listings
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

HISTORY_DAYS = 400
"""How far back a market is collected when it is met first: 260 days to trade, and room for the stage's memory."""

_PAGE = 200
_SHRINK = 0.10
"""When more than this share of the known markets vanishes from one reply, the old list is believed (trading.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Markets:
    """The KRW markets that are believed to be listed; `shrunk` when the venue's reply was not believed."""

    listings: tuple[Listing, ...]
    shrunk: bool

    @property
    def codes(self) -> tuple[Market, ...]:
        """The market codes, in order."""
        return tuple(listing.market for listing in self.listings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """How many candles came in, and the markets of which none could be had with the cause."""

    candles: int
    failed: dict[Market, str]


def refresh_listings(session: Session, at: datetime) -> Markets:
    """Read and store the venue's list; the old one stands, with an alarm, when too much vanished at once."""
    feed = session.account.feed
    listed = tuple(listing for listing in session.venue.markets() if quote_of(listing.market) == "KRW")
    known = {code: each for code, each in known_listings(session.db, feed).items() if each.gone_at is None}
    gone = sorted(known.keys() - {listing.market for listing in listed})
    if known and len(gone) > _SHRINK * len(known):
        _alarm(session, at, {"known": len(known), "vanished": len(gone)})
        return Markets(listings=_believed(known), shrunk=True)
    rows = [{key: value for key, value in asdict(listing).items() if key != "cautions"} for listing in listed]
    with session.db.transaction():
        session.lease.check()
        put_listings(session.db, feed, rows, at)
        mark_gone(session.db, feed, gone, at)
    return Markets(listings=tuple(sorted(listed, key=lambda listing: listing.market)), shrunk=False)


def _believed(known: Mapping[Market, KnownListing]) -> tuple[Listing, ...]:
    return tuple(
        Listing(market=code, korean_name=row.korean_name, english_name=row.english_name, warning=row.warning)
        for code, row in sorted(known.items())
    )


def _alarm(session: Session, at: datetime, detail: dict[str, int]) -> None:
    log.error("the market list shrank too much to be believed", extra={"action": "alarm.list_shrank", **detail})
    with session.db.transaction():
        session.lease.check()
        put_audit(
            session.db,
            AuditEntry(
                account_id=session.account.account_id,
                at=at,
                actor="pipeline",
                action="alarm.list_shrank",
                detail=detail,
            ),
        )


def working_wallets(session: Session) -> Mapping[str, bool]:
    """Whether each coin's wallet works, by currency: on one of its networks at least. What lacks is unknown.

    Nothing at all is known when the venue does not answer: that may keep anybody from buying, but stops no run.
    """
    try:
        wallets = session.venue.wallets()
    except Unavailable as cause:
        log.warning("no wallet states", extra={"action": "collect.wallets", "cause": str(cause)})
        return {}
    working = {each.currency for each in wallets if each.state is WalletState.WORKING}
    return {each.currency: each.currency in working for each in wallets}


def collect(session: Session, markets: Iterable[Market], at: datetime) -> Collected:
    """Store every closed day candle of `markets` that is missing before `at`; one market's fault mutes only it."""
    today = trading_day(at)
    candles: list[Candle] = []
    failed: dict[Market, str] = {}
    for market in markets:
        if session.stopping():
            break
        try:
            candles += missing_days(session.venue, market, session.history.newest(market, today), today - DAY)
        except (Unavailable, UnknownMarket) as cause:
            failed[market] = str(cause)
            log.warning("no candles", extra={"action": "collect.failed", "market": market, "cause": str(cause)})
    try:
        with session.db.transaction():
            session.lease.check()
            session.history.add(candles)
    except BaseException:
        session.history.forget()
        raise
    session.require_going_on()
    return Collected(candles=len(candles), failed=failed)


def missing_days(venue: Quotation, market: Market, newest: date | None, last: date) -> Sequence[Candle]:
    """The day candles after `newest` (None: the last `HISTORY_DAYS`) up to `last`, read page by page, ascending.

    Pages follow the oldest candle that came, never arithmetic, and end with an empty page: a day without a trade
    has no candle (upbit-api.md section 11, pitfall 2).
    """
    first = last - timedelta(days=HISTORY_DAYS - 1) if newest is None else newest + DAY
    found: list[Candle] = []
    before = day_start(last + DAY)
    while before > day_start(first):
        count = min(_PAGE, (before - day_start(first)).days)
        page = [each for each in venue.day_candles(market, before, count) if each.start >= day_start(first)]
        if not page:
            break
        found = [*page, *found]
        before = page[0].start
    return found

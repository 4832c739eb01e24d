"""Who plays on the stage: for each market code the data behind it, its listing, its price steps, its thin books."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market, quote_of
from makenaide.exchange.simulator.market import CAUTIONS, BookSides, MarketData
from makenaide.exchange.simulator.prices.grid import Grid
from makenaide.exchange.simulator.prices.incidents import Event, Thin, TickTable
from makenaide.exchange.simulator.prices.roles import Role, curtains, roles
from makenaide.exchange.simulator.prices.trimmed import Trimmed
from makenaide.exchange.venue import Listing

_MILLISECOND = timedelta(milliseconds=1)

Listings = tuple[Listing, ...]


class Cast:
    """The roles that `events` give to the markets of `data`; a code without an event stands for itself."""

    def __init__(self, data: MarketData, events: Sequence[Event]) -> None:
        self._data = data
        self._roles = roles(data, events)
        self._curtain, self._curtains = curtains(events, self._roles)
        self._trimmed: dict[Market, Trimmed] = {}
        self._thins = tuple(each for each in events if isinstance(each, Thin))
        self._tables = sorted((each for each in events if isinstance(each, TickTable)), key=lambda each: each.at)
        self._changes = sorted({at for role in self._roles.values() for at in role.changes()})
        self._lists: dict[int, tuple[Listings, Listings]] = {}

    def role(self, market: Market) -> Role:
        """What `market` stands for, at whatever time."""
        return self._roles.get(market) or Role(code=market, source=market)

    def listed(self, market: Market, at: datetime) -> Role:
        """The same; `UnknownMarket` unless the code is in use at `at`."""
        role = self.role(market)
        if not role.listed(at):
            raise UnknownMarket(f"simulator: {market} is not listed at {at.isoformat()}")
        return role

    def market(self, market: Market, at: datetime) -> Trimmed:
        """The data behind a code that is in use at `at`."""
        return self.source(self.listed(market, at))

    def source(self, role: Role) -> Trimmed:
        """The data behind a role, without what is not to be seen."""
        known = self._trimmed.get(role.source)
        if known is None:
            known = Trimmed(self._data, role.source, self._curtains.get(role.source, self._curtain))
            self._trimmed[role.source] = known
        return known

    def listings(self, at: datetime) -> Listings:
        """The markets listed at `at`, in code order; remembered from change to change."""
        base, place = self._data.listings(at), bisect_right(self._changes, at)
        known = self._lists.get(place)
        if known is not None and known[0] == base:
            return known[1]
        listed = self._listed_at(base, at)
        self._lists[place] = base, listed
        return listed

    def thinned(self, market: Market, at: datetime, sides: BookSides) -> BookSides:
        """`sides` with as few levels as the events leave."""
        for thin in self._thins:
            if thin.market == market and thin.start <= at and (thin.end is None or at < thin.end):
                sides = BookSides(sides.bids[: thin.bids], sides.asks[: thin.asks])
        return sides

    def grid(self, market: Market, at: datetime) -> Grid | None:
        """The price steps of the latest event; None where the data's own are in force."""
        found = None
        for table in self._tables:
            if table.quote == quote_of(market) and table.at <= at:
                found = table
        return None if found is None or found.bands is None else Grid(found.bands)

    def eras(self, role: Role, after: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The part of [after, until] in which the code is in use, cut where tables of price steps change."""
        begin, last = max(after, role.opens), until if until < role.closes else role.closes - _MILLISECOND
        for table in self._tables:
            if begin < table.at <= last:
                yield begin, table.at - _MILLISECOND
                begin = table.at
        if begin <= last:
            yield begin, last

    def _listed_at(self, base: Listings, at: datetime) -> Listings:
        known = {each.market: each for each in base}
        listed = [each for each in base if each.market not in self._roles]
        for role in self._roles.values():
            if role.listed(at):
                found = known.get(role.source) or self._preview(role, at)
                if found is not None:
                    listed.append(_flagged(found, role, at))
        return tuple(sorted(listed, key=lambda each: each.market))

    def _preview(self, role: Role, at: datetime) -> Listing | None:
        if not role.previewed(at):
            return None
        return next((each for each in self._data.listings(role.trades_from) if each.market == role.source), None)


def _flagged(listing: Listing, role: Role, at: datetime) -> Listing:
    up = role.flags(at) | set(listing.cautions)
    return replace(
        listing,
        market=role.code,
        warning=listing.warning or role.warned(at),
        cautions=tuple(name for name in CAUTIONS if name in up),
    )

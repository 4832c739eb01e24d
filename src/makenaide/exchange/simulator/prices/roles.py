"""What each market code stands for once events are added to data: from when to when, and with which flags."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from makenaide.domain.market import Market
from makenaide.domain.parameter import near
from makenaide.exchange.simulator.market import MarketData, ever_listed
from makenaide.exchange.simulator.prices.curtain import Curtain, curtain
from makenaide.exchange.simulator.prices.incidents import (
    Caution,
    Delisting,
    Event,
    Maintenance,
    Misfit,
    NewListing,
    Rename,
    TickTable,
    Warned,
)
from makenaide.exchange.simulator.prices.moments import to_ms

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """`code` is the data's market `source`, listed in [opens, closes); before `trades_from` it is only previewed.

    `leaves` is set where a delisting is announced: from when that is known.
    """

    code: Market
    source: Market
    opens: datetime = _ALWAYS
    trades_from: datetime = _ALWAYS
    closes: datetime = _NEVER
    leaves: datetime | None = None
    warnings: tuple[tuple[datetime, datetime], ...] = ()
    cautions: tuple[tuple[str, datetime, datetime], ...] = ()

    def listed(self, at: datetime) -> bool:
        """Whether the code is in use at `at`; what the data says of its source comes on top."""
        return self.opens <= at < self.closes

    def previewed(self, at: datetime) -> bool:
        """Whether it is listed without a market yet."""
        return self.opens <= at < self.trades_from

    def warned(self, at: datetime) -> bool:
        """Whether an added warning stands."""
        return any(start <= at < end for start, end in self.warnings)

    def flags(self, at: datetime) -> frozenset[str]:
        """The added cautions that are up."""
        return frozenset(name for name, start, end in self.cautions if start <= at < end)

    def changes(self) -> Iterable[datetime]:
        """The moments at which its listing may change."""
        yield from (self.opens, self.trades_from, self.closes)
        for start, end in self.warnings:
            yield from (start, end)
        for _, start, end in self.cautions:
            yield from (start, end)


def roles(data: MarketData, events: Sequence[Event]) -> dict[Market, Role]:
    """The role of every code that an event names; `Misfit` for an event that fits neither data nor others."""
    cast: dict[Market, Role] = {}
    for rename in sorted((each for each in events if isinstance(each, Rename)), key=lambda each: each.at):
        _rename(data, cast, rename)
    for event in events:
        if not isinstance(event, Rename | Maintenance | TickTable):
            role = cast.get(event.market) or _role(data, event, event.market)
            cast[event.market] = _played(data, role, event)
    for event in events:
        if (
            isinstance(event, NewListing | Delisting | Rename)
            and cast[event.market].closes <= cast[event.market].opens
        ):
            raise Misfit(event, "the market would end before it begins")
    return cast


def curtains(events: Sequence[Event], cast: Mapping[Market, Role]) -> tuple[Curtain, dict[Market, Curtain]]:
    """What no market shows, and what single markets of the data do not show, by market."""
    downs = [(to_ms(each.start), to_ms(each.end)) for each in events if isinstance(each, Maintenance)]
    listings = [each for each in events if isinstance(each, NewListing)]
    return curtain(downs), {cast[each.market].source: curtain([*downs, (0, to_ms(each.at))]) for each in listings}


def _role(data: MarketData, event: Event, market: Market) -> Role:
    if not ever_listed(data, market):
        listed = [each.market for each in data.listings(data.first_slot)]
        raise Misfit(event, f"there is no such market{near(market, listed)}")
    return Role(code=market, source=market)


def _rename(data: MarketData, cast: dict[Market, Role], event: Rename) -> None:
    old = cast.get(event.market) or _role(data, event, event.market)
    if event.new in cast or ever_listed(data, event.new):
        raise Misfit(event, f"{event.new} is a market already")
    if old.closes != _NEVER:
        raise Misfit(event, "it is renamed before")
    cast[event.market] = replace(old, closes=event.at)
    cast[event.new] = Role(code=event.new, source=old.source, opens=event.at)


def _played(data: MarketData, role: Role, event: Event) -> Role:
    match event:
        case Warned():
            return replace(role, warnings=(*role.warnings, (event.start, event.end or _NEVER)))
        case Caution():
            return replace(role, cautions=(*role.cautions, (event.name, event.start, event.end or _NEVER)))
        case Delisting():
            if role.closes != _NEVER:
                raise Misfit(event, "it is delisted or renamed by another event")
            warned = (*role.warnings, (event.announced, event.at))
            return replace(role, closes=event.at, leaves=event.announced, warnings=warned)
        case NewListing():
            return _opened(data, role, event)
        case _:
            return role


def _opened(data: MarketData, role: Role, event: NewListing) -> Role:
    if role.opens != _ALWAYS:
        raise Misfit(event, "it is listed or renamed by another event")
    if role.code not in {each.market for each in data.listings(event.at)}:
        raise Misfit(event, f"the data has no such market at {event.at.isoformat()}")
    return replace(role, opens=event.preview_from or event.at, trades_from=event.at)

"""From a JSON body to a valid `Ticket`, with the venue's own error names (upbit-api.md sections 4.3, 5 and 6).

`parse` looks at the form alone, `check_steps` at the steps of price and volume, `check_total` at minimum and maximum.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import market as market_code
from makenaide.domain.market import minimum_total, quote_of
from makenaide.domain.money import plain
from makenaide.domain.order import OrderType, Side, TimeInForce
from makenaide.exchange.simulator.core.errors import invalid_field, refused
from makenaide.exchange.simulator.core.orders import Ticket, truncated
from makenaide.exchange.simulator.core.wallet import spelled
from makenaide.exchange.simulator.settings import SelfMatch, VenueSettings

Body = Mapping[str, object]

IDENTIFIER_LENGTH = 64
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_Choice = TypeVar("_Choice", bound=StrEnum)


class Spelled:
    """A JSON number with a fraction, kept as it was written: its text is what was signed."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


@dataclass(frozen=True, slots=True)
class _Form:
    """Which amounts an order type takes on a side; the rest must be absent."""

    price: bool
    volume: bool


_FORMS: Mapping[tuple[OrderType, Side], _Form] = {
    (OrderType.LIMIT, Side.BID): _Form(True, True),
    (OrderType.LIMIT, Side.ASK): _Form(True, True),
    (OrderType.PRICE, Side.BID): _Form(True, False),
    (OrderType.MARKET, Side.ASK): _Form(False, True),
    (OrderType.BEST, Side.BID): _Form(True, False),
    (OrderType.BEST, Side.ASK): _Form(False, True),
}

_TIMES: Mapping[OrderType, tuple[TimeInForce | None, ...]] = {
    OrderType.LIMIT: (None, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY),
    OrderType.PRICE: (None,),
    OrderType.MARKET: (None,),
    OrderType.BEST: (TimeInForce.IOC, TimeInForce.FOK),
}


def identifier_of(body: Body) -> str | None:
    """The body's identifier, or None; `Refused` when it is no text of 1 to 64 characters."""
    value = body.get("identifier")
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= IDENTIFIER_LENGTH:
        raise invalid_field("identifier")
    return value


def parse(body: Body, self_match: SelfMatch) -> Ticket:
    """The ticket that `body` asks for, its volume cut to 8 decimals; `Refused` when its form is wrong.

    `self_match` is what an omitted smp_type means.
    """
    code = given(body.get("market"), "market")
    side = _choice(body, "side", Side)
    kind = _choice(body, "ord_type", OrderType)
    try:
        market = market_code(code)
    except UnknownMarket:
        raise refused("notfoundmarket", code) from None
    amounts = {name: _number(body, name) for name in ("price", "volume")}
    _require_form(kind, side, amounts)
    by_total = kind is not OrderType.LIMIT
    volume = amounts["volume"]
    return Ticket(
        market=market,
        side=side,
        type=kind,
        price=None if by_total else amounts["price"],
        total=amounts["price"] if by_total else None,
        volume=None if volume is None else truncated(volume),
        time_in_force=_time_in_force(body, kind),
        self_match=_self_match(body, self_match),
        identifier=identifier_of(body),
    )


def given(value: object, field: str) -> str:
    """A text that a call must have; `Refused` when it is missing or no text."""
    if value is None or value == "":
        raise invalid_field(field, missing=True)
    if not isinstance(value, str):
        raise invalid_field(field)
    return value


def amount_of(body: Body, field: str) -> Decimal:
    """An amount above zero that a body must have; `Refused` otherwise."""
    amount = _number(body, field)
    if not amount:
        raise invalid_field(field, missing=amount is None)
    return amount


def check_steps(ticket: Ticket, tick: Callable[[Decimal], Decimal]) -> None:
    """`Refused` unless price and volume are on their grids; `tick` is the market's price step at a price."""
    price, volume = ticket.price, ticket.volume
    if price is not None and (not price or price % tick(price)):
        raise refused(f"invalid_price_{ticket.side}")
    if volume is not None and not volume:
        raise refused(f"invalid_volume_{ticket.side}")


def check_total(ticket: Ticket, settings: VenueSettings, total: Decimal) -> None:
    """`Refused` unless `total`, the order's worth in the quote currency, is what the venue takes."""
    side, market = ticket.side, ticket.market
    if total < minimum_total(market):
        raise refused(f"under_min_total_{side}")
    maximum = settings.maximum(market)
    if maximum is not None and total > maximum:
        if side is Side.ASK:
            raise refused("volume_too_large")
        raise refused("over_krw_funds_bid", f"{plain(maximum)} {quote_of(market)}")


def body_of(ticket: Ticket, self_match: SelfMatch) -> dict[str, str]:
    """The body that `parse` turns into an equal ticket, with the same `self_match`: what the command log keeps."""
    price = ticket.price if ticket.total is None else ticket.total
    named = {
        "market": ticket.market,
        "side": ticket.side.value,
        "ord_type": ticket.type.value,
        "price": None if price is None else plain(price),
        "volume": None if ticket.volume is None else plain(ticket.volume),
        "time_in_force": None if ticket.time_in_force is None else ticket.time_in_force.value,
        "smp_type": None if ticket.self_match is self_match else ticket.self_match.value,
        "identifier": ticket.identifier,
    }
    return {name: value for name, value in named.items() if value is not None}


def _require_form(kind: OrderType, side: Side, amounts: Mapping[str, Decimal | None]) -> None:
    form = _FORMS.get((kind, side))
    given = _Form(amounts["price"] is not None, amounts["volume"] is not None)
    if form != given:
        raise refused(f"create_{side}_error")


def _time_in_force(body: Body, kind: OrderType) -> TimeInForce | None:
    value = body.get("time_in_force")
    try:
        chosen = None if value is None else TimeInForce(str(value))
    except ValueError:
        raise refused("invalid_time_in_force") from None
    if chosen not in _TIMES[kind]:
        raise refused("invalid_time_in_force")
    return chosen


def _self_match(body: Body, default: SelfMatch) -> SelfMatch:
    if body.get("smp_type") is None:
        return default
    chosen = _choice(body, "smp_type", SelfMatch)
    if body.get("time_in_force") == TimeInForce.POST_ONLY and chosen is not SelfMatch.NONE:
        raise refused("invalid_post_only")
    return chosen


def _choice(body: Body, field: str, choices: type[_Choice]) -> _Choice:
    try:
        return choices(given(body.get(field), field))
    except ValueError:
        raise invalid_field(field) from None


def _number(body: Body, field: str) -> Decimal | None:
    value = body.get(field)
    if value is None:
        return None
    # Clients send numbers as well as strings (upbit-api.md section 4.3); an exponent is refused (pitfall 7).
    text = str(value) if isinstance(value, str | int | Spelled) and not isinstance(value, bool) else ""
    if not _NUMBER.fullmatch(text):
        raise invalid_field(field)
    return spelled(Decimal(text))

"""Whether the venue takes an order: every rule, in the order in which the rules are asked.

Maintenance, form, market, price step, volume, minimum, maximum, identifier, funds, depth of the book; where the
identifier is looked at is a setting, as the real order of checks is not published (upbit-api.md section 13).
"""

from decimal import Decimal

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import quote_of
from makenaide.domain.order import OrderType, Side
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import refused
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.orders import Ticket
from makenaide.exchange.simulator.core.validation import Body, check_amounts, identifier_of, parse
from makenaide.exchange.simulator.settings import IdentifierCheck, VenueSettings


def admit(account: Account, body: Body, floor: Floor, settings: VenueSettings) -> Ticket:
    """The ticket of `body`; `Refused` by the first rule that speaks."""
    require_online(floor)
    if settings.identifier_check is IdentifierCheck.FIRST:
        _require_fresh(account, identifier_of(body))
    ticket = parse(body)
    _require_open(account, ticket, floor, settings)
    check_amounts(ticket, settings, _last_price(ticket, floor), floor.now)
    if settings.identifier_check is IdentifierCheck.BEFORE_FUNDS:
        _require_fresh(account, ticket.identifier)
    if account.wallet.holding(ticket.lock_currency).free < ticket.lock(settings.fee(ticket.market)):
        raise refused(f"insufficient_funds_{ticket.side}", ticket.lock_currency)
    _require_depth(ticket, floor, settings)
    _require_fresh(account, ticket.identifier)
    return ticket


def require_online(floor: Floor) -> None:
    """`Refused` with market_offline during maintenance."""
    if floor.offline:
        raise refused("market_offline")


def _require_open(account: Account, ticket: Ticket, floor: Floor, settings: VenueSettings) -> None:
    if ticket.market not in floor.listed():
        raise refused("notfoundmarket", ticket.market)
    if ticket.market in settings.limit_only and ticket.type is not OrderType.LIMIT:
        raise refused("not_supported_ord_type")
    if account.name in settings.unconsented and quote_of(ticket.market) != "KRW":
        raise refused("thirdparty_agreement_required")


def _last_price(ticket: Ticket, floor: Floor) -> Decimal:
    """The last price; a market that has none, such as one that the real exchange just closed, is none at all."""
    try:
        return floor.price(ticket.market)
    except UnknownMarket:
        raise refused("notfoundmarket", ticket.market) from None


def _require_fresh(account: Account, identifier: str | None) -> None:
    if identifier is not None and identifier in account.identifiers:
        raise refused("duplicated_identifier")


def _require_depth(ticket: Ticket, floor: Floor, settings: VenueSettings) -> None:
    """The 30-level rule: an order at any price must fit into the book (upbit-api.md section 5)."""
    if ticket.type not in (OrderType.PRICE, OrderType.MARKET):
        return
    book = floor.book(ticket.market)
    if ticket.side is Side.BID:
        fits = sum(price * size for price, size in book.asks) >= ticket.funds
    else:
        fits = sum(size for _, size in book.bids) >= (ticket.volume or 0)
    if not fits:
        raise refused(settings.beyond_book)

"""Whether the venue takes an order: every rule, in the order in which the rules are asked.

Maintenance, form, market, price and volume steps, minimum and maximum, identifier, funds, depth of the book: the
order is a setting, as the real one is not published (upbit-api.md section 13).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from makenaide.domain.errors import Inconsistent, UnknownMarket
from makenaide.domain.market import quote_of
from makenaide.domain.order import OrderType, Side, TimeInForce
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import refused
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.orders import ZERO, Ticket
from makenaide.exchange.simulator.core.validation import Body, check_steps, check_total, identifier_of, parse
from makenaide.exchange.simulator.market import MarketState
from makenaide.exchange.simulator.settings import Check, TakingPostOnly, VenueSettings


@dataclass(slots=True, kw_only=True)
class Application:
    """An order's body before the venue; `freed` is what its own account gets back before the order is made."""

    account: Account
    body: Body
    floor: Floor
    settings: VenueSettings
    freed: Decimal = ZERO
    parsed: Ticket | None = None

    @property
    def ticket(self) -> Ticket:
        """What the body asks for, once its form was found right."""
        if self.parsed is None:
            raise Inconsistent("an order was judged before its form")
        return self.parsed


def admit(application: Application) -> Ticket:
    """The ticket of the body; `Refused` by the first rule that speaks."""
    try:
        for check in application.settings.checks:
            _CHECKS[check](application)
    except UnknownMarket as gone:
        # A market without a price, such as one that the real exchange has just closed, is none at all, unless it
        # is listed and there is another reason.
        _check_market(application)
        raise refused("notfoundmarket", str(application.body["market"])) from gone
    return application.ticket


def require_online(floor: Floor) -> None:
    """`Refused` with market_offline during maintenance."""
    if floor.offline:
        raise refused("market_offline")


def _check_online(it: Application) -> None:
    require_online(it.floor)


def _check_form(it: Application) -> None:
    it.parsed = parse(it.body, it.settings.self_match)


def _check_market(it: Application) -> None:
    market, settings = it.ticket.market, it.settings
    if market not in it.floor.listed():
        raise refused("notfoundmarket", str(it.body["market"]))  # as it was written
    if it.floor.data.standing(market, it.floor.now).state is MarketState.PREVIEW:
        raise refused(settings.preview_refusal)
    if market in settings.limit_only and it.ticket.type is not OrderType.LIMIT:
        raise refused("not_supported_ord_type")
    if it.account.name in settings.unconsented and quote_of(market) != "KRW":
        raise refused("thirdparty_agreement_required", status=settings.consent_status)


def _check_price(it: Application) -> None:
    ticket, far = it.ticket, it.settings.far_price_ratio
    check_steps(ticket, lambda price: it.floor.tick(ticket.market, price))
    if far and ticket.price is not None:
        last = it.floor.price(ticket.market)
        if ticket.price > last * far or ticket.price * far < last:
            raise refused(f"invalid_price_{ticket.side}")


def _check_total(it: Application) -> None:
    check_total(
        it.ticket, it.settings, it.ticket.funds or it.floor.price(it.ticket.market) * (it.ticket.volume or 0)
    )


def _check_identifier(it: Application) -> None:
    identifier = identifier_of(it.body)
    if identifier is not None and identifier in it.account.identifiers:
        raise refused("duplicated_identifier")


def _check_funds(it: Application) -> None:
    ticket = it.ticket
    free = it.account.wallet.holding(ticket.lock_currency).free + it.freed
    if free < ticket.lock(it.settings.fee(ticket.market)):
        raise refused(f"insufficient_funds_{ticket.side}", ticket.lock_currency)


def _check_depth(it: Application) -> None:
    """What the book must hold: all of an order at any price (upbit-api.md section 5), nothing for post_only."""
    ticket = it.ticket
    # Asked for any order: a book that cannot be had, as on a real exchange that is down, must speak before an order
    # is kept that could then not be matched.
    book = it.floor.book(ticket.market)
    if ticket.type in (OrderType.PRICE, OrderType.MARKET):
        if ticket.side is Side.BID:
            fits = sum(price * size for price, size in book.asks) >= ticket.funds
        else:
            fits = sum(size for _, size in book.bids) >= (ticket.volume or 0)
        if not fits:
            raise refused(it.settings.beyond_book)
    elif ticket.time_in_force is TimeInForce.POST_ONLY and it.settings.taking_post_only is TakingPostOnly.REFUSED:
        against = book.asks if ticket.side is Side.BID else book.bids
        if against and not ticket.refuses(against[0][0]):
            raise refused("invalid_post_only")


_CHECKS: Final[Mapping[Check, Callable[[Application], None]]] = {
    Check.MAINTENANCE: _check_online,
    Check.FORM: _check_form,
    Check.MARKET: _check_market,
    Check.PRICE: _check_price,
    Check.TOTAL: _check_total,
    Check.IDENTIFIER: _check_identifier,
    Check.FUNDS: _check_funds,
    Check.DEPTH: _check_depth,
}

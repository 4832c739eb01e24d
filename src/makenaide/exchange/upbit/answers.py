"""What one send of an order brought: the wire's reply as a value (house.md, section 5, rule 3).

Only a refusal that the venue's documents list by name is a refusal. Everything that is not plainly accepted, plainly
not taken or plainly refused is *no answer*, because a wrong "rejected" is how an order gets doubled.
"""

from makenaide.domain.money import plain
from makenaide.domain.order import (
    Accepted,
    Answer,
    Duplicate,
    Identifier,
    NoAnswer,
    NotAccepted,
    OrderRequest,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
)
from makenaide.exchange.http import Pairs, Response
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.limiter import BLOCKED, TOO_MANY
from makenaide.exchange.upbit.orders import replaced
from makenaide.exchange.upbit.outcomes import Passed, Replacement, Replacing, Tested
from makenaide.exchange.upbit.wire import placed_uuid, refusal

DUPLICATE = "duplicated_identifier"

REFUSALS = frozenset(
    """
    validation_error invalid_parameter
    create_bid_error create_ask_error
    insufficient_funds_bid insufficient_funds_ask
    under_min_total_bid under_min_total_ask over_krw_funds_bid
    invalid_price_bid invalid_price_ask invalid_volume_bid invalid_volume_ask volume_too_large invalid_funds
    invalid_time_in_force invalid_post_only not_supported_ord_type
    notfoundmarket thirdparty_agreement_required market_offline
    no_authorization_token jwt_verification invalid_query_payload
    invalid_access_key expired_access_key no_authorization_ip no_authorization_i_p out_of_scope
    """.split()
)
"""Names that mean "this order was not made" (upbit-api.md, section 6, the rows that can concern an order).

`nonce_used` is left out on purpose: our nonces never repeat, so it says that this very request arrived twice, and
the first arrival may have made the order.
"""


_BUYS_TOTAL = frozenset({"total"})
_SELLS_VOLUME = frozenset({"volume"})
_AMOUNTS = {
    (OrderType.LIMIT, Side.BID): frozenset({"price", "volume"}),
    (OrderType.LIMIT, Side.ASK): frozenset({"price", "volume"}),
    (OrderType.PRICE, Side.BID): _BUYS_TOTAL,
    (OrderType.MARKET, Side.ASK): _SELLS_VOLUME,
    (OrderType.BEST, Side.BID): _BUYS_TOTAL,
    (OrderType.BEST, Side.ASK): _SELLS_VOLUME,
}
"""The amounts that each order must state, and it may state no other (upbit-api.md, section 4.3)."""


def order_body(request: OrderRequest) -> Pairs:
    """The fields of POST /v1/orders in the order in which they are sent; ValueError for an impossible mix."""
    amounts = {
        name: plain(amount.value)
        for name, amount in (("price", request.price), ("volume", request.volume), ("total", request.total))
        if amount is not None
    }
    if _AMOUNTS.get((request.type, request.side)) != frozenset(amounts) or not _timed_rightly(request):
        raise ValueError(f"no order of the venue has this form: {request}")
    fields = (
        ("market", request.market),
        ("side", request.side.value),
        ("ord_type", request.type.value),
        ("volume", amounts.get("volume")),
        # The venue's `price` is a unit price for limit orders and a total for the buys that spend one.
        ("price", amounts.get("price", amounts.get("total"))),
        ("time_in_force", None if request.time_in_force is None else request.time_in_force.value),
        ("identifier", request.identifier),
    )
    return tuple((name, value) for name, value in fields if value is not None)


def trial_body(request: OrderRequest) -> Pairs:
    """The fields of POST /v1/orders/test: the order's own but for the identifier, which a test might use up."""
    return tuple((name, value) for name, value in order_body(request) if name != "identifier")


def replacement_body(old: Identifier, new: Replacement) -> Pairs:
    """The fields of POST /v1/orders/cancel_and_new in the order in which they are sent; ValueError as above."""
    remaining = new.volume is None and new.total is None
    stated = frozenset(
        name
        for name, is_stated in (
            ("price", new.price is not None),
            ("volume", remaining or new.volume is not None),
            ("total", new.total is not None),
        )
        if is_stated
    )
    forms = [_AMOUNTS.get((new.type, side)) for side in Side]
    if stated not in forms or not _timed_rightly(new):
        raise ValueError(f"no order of the venue has this form: {new}")
    price = new.total if new.price is None else new.price
    fields = (
        ("prev_order_identifier", old),
        ("new_ord_type", new.type.value),
        ("new_volume", "remain_only" if remaining else None if new.volume is None else plain(new.volume.value)),
        ("new_price", None if price is None else plain(price.value)),
        ("new_identifier", new.identifier),
        ("new_time_in_force", None if new.time_in_force is None else new.time_in_force.value),
    )
    return tuple((name, value) for name, value in fields if value is not None)


def _timed_rightly(order: OrderRequest | Replacement) -> bool:
    """A limit order may state a time in force, a best order must state ioc or fok, the others none."""
    if order.type is OrderType.LIMIT:
        return True
    if order.type is OrderType.BEST:
        return order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    return order.time_in_force is None


def answer(response: Response, wait: float, identifier: Identifier | None = None) -> Answer:
    """The reply to one send; `wait` is for how many seconds the limiter shut the group because of it.

    A reply that names another order than `identifier` is the answer to something else: it says nothing of this one.
    """
    if 200 <= response.status < 300:
        uuid = placed_uuid(response.body, identifier)
        return NoAnswer(f"answered {response.status} without an order id") if uuid is None else Accepted(uuid)
    return _unaccepted(response, wait)


def _unaccepted(response: Response, wait: float) -> NotAccepted | Rejected | Duplicate | NoAnswer:
    if response.status in (TOO_MANY, BLOCKED):
        # By status whatever the body: it has been plain text (upbit-api.md, section 11, pitfall 9).
        return NotAccepted(wait)
    why = refusal(response.body)
    if why is None or not 400 <= response.status < 500:
        return NoAnswer(f"answered {response.status}")
    if why.name == DUPLICATE:
        return Duplicate()
    if why.name in REFUSALS:
        return Rejected(why.name, why.message)
    return NoAnswer(f"answered {response.status} {why.name}: {why.message}")


def trial_answer(response: Response, wait: float) -> Tested:
    """The reply to a test order; `wait` as in `answer`."""
    found = answer(response, wait)
    if isinstance(found, Accepted):
        return Passed()
    if isinstance(found, Duplicate):
        return NoAnswer(f"a test without an identifier was answered {DUPLICATE}")
    return found


def replacement_answer(response: Response, wait: float, old: Identifier) -> Replacing:
    """The reply to a cancel-and-new of `old`; `wait` as in `answer`."""
    if 200 <= response.status < 300:
        try:
            return replaced("POST /v1/orders/cancel_and_new", response.body, old)
        except VenueGarbled as cause:
            return NoAnswer(str(cause))
    why = refusal(response.body)
    if response.status == 404 and why is not None and why.name == "order_not_found":
        # Nothing to cancel, and without a cancellation there is no new order (upbit-api.md, section 4.7).
        return Rejected(why.name, why.message)
    return _unaccepted(response, wait)

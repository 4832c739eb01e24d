"""Calls that ask for cancellations; a taken request is not yet an end: look at the order again (section 4.7)."""

from collections.abc import Sequence

from makenaide.domain.market import Market
from makenaide.domain.order import Identifier, Side
from makenaide.exchange.upbit import orders
from makenaide.exchange.upbit.errors import VenueGarbled, VenueRefused, VenueUnavailable
from makenaide.exchange.upbit.line import Call, Line, chunks
from makenaide.exchange.upbit.outcomes import Cancels

MOST_CANCELS_BY_ID = 20
MOST_PAIRS = 20
MOST_CANCELS = 300


class CancellingCalls:
    """Cancellations, each asked for once."""

    __slots__ = ()
    _line: Line

    def cancel(self, identifier: Identifier) -> bool:
        """Ask, once, for the order's cancellation; False when the venue has no such order to cancel.

        False says nothing of the order's fate: one that has ended is not found either. True is a request taken, not
        an end: look at the order again. `VenueUnavailable` when nothing is known.
        """
        call = Call(method="DELETE", path="/v1/order", query=(("identifier", identifier),), private=True)
        try:
            self._line.single(call)
        except VenueRefused as refused:
            if refused.not_found:
                return False
            raise
        return True

    def cancel_many(self, identifiers: Sequence[Identifier]) -> Cancels:
        """Ask for the cancellation of each of `identifiers`, twenty a call; a call without an answer stops no other.

        What a reply does not speak of is `unknown`, as is every order of a call that was refused or not answered.
        """
        whole = Cancels()
        for asked in chunks(identifiers, MOST_CANCELS_BY_ID):
            query = tuple(("identifiers[]", each) for each in asked)
            call = Call(method="DELETE", path="/v1/orders/uuids", query=query, private=True)
            try:
                part = orders.cancels(call.name, self._line.single(call).body)
            except (VenueUnavailable, VenueRefused, VenueGarbled) as cause:
                part = Cancels(causes=(str(cause),))
            named = {each.identifier for each in (*part.taken, *part.failed)}
            whole = Cancels(
                taken=whole.taken + part.taken,
                failed=whole.failed + part.failed,
                unknown=whole.unknown + tuple(each for each in asked if each not in named),
                causes=whole.causes + part.causes,
            )
        return whole

    def cancel_all(self, pairs: Sequence[Market], side: Side | None, count: int = MOST_CANCELS) -> Cancels:
        """Ask for the cancellation of the newest `count` (1 to 300) waiting orders in `pairs` (1 to 20).

        `side` None means both. Markets and side are always sent: without them the venue would cancel everything of
        everybody who uses the account. ValueError without a market; `VenueUnavailable` when nothing is known.
        """
        if not 1 <= len(pairs) <= MOST_PAIRS:
            raise ValueError(f"pairs: expected 1..{MOST_PAIRS}, got {len(pairs)}")
        if not 1 <= count <= MOST_CANCELS:
            raise ValueError(f"count: expected 1..{MOST_CANCELS}, got {count}")
        query = (
            ("cancel_side", "all" if side is None else side.value),
            ("pairs", ",".join(pairs)),
            ("count", str(count)),
            ("order_by", "desc"),
        )
        call = Call(method="DELETE", path="/v1/orders/open", query=query, private=True)
        # One batch in two seconds is all the venue takes: the next one waits for its turn.
        return orders.cancels(call.name, self._line.single(call, self._line.settings.patience).body)

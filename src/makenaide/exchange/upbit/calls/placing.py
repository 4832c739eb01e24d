"""Calls that send an order: each goes out once, and what is not plainly answered is a value that says so."""

from makenaide.domain.order import Answer, Identifier, NoAnswer, NotAccepted, NotSent, OrderRequest
from makenaide.exchange.http import Interrupted, NotConnected
from makenaide.exchange.upbit.answers import (
    answer,
    order_body,
    replacement_answer,
    replacement_body,
    trial_answer,
    trial_body,
)
from makenaide.exchange.upbit.limiter import NoTurn
from makenaide.exchange.upbit.line import Call, Line, Reply
from makenaide.exchange.upbit.outcomes import Replacement, Replacing, Tested


class PlacingCalls:
    """Order, test order, and the exchange of an open order for another; what is said of `place` holds for all."""

    __slots__ = ()
    _line: Line

    def place(self, request: OrderRequest) -> Answer:
        """Send `request` once, as it is, and say what came of it; whatever the wire does is a value, never raised.

        Without a turn within the patience nothing is sent: `NotAccepted` with the wait. ValueError for a request
        that no order type of the venue fits, `Misconfigured` without keys.
        """
        call = Call(method="POST", path="/v1/orders", body=order_body(request), private=True)
        reply = self._post(call)
        return answer(reply.response, reply.shut, request.identifier) if isinstance(reply, Reply) else reply

    def test_order(self, request: OrderRequest) -> Tested:
        """Have the venue check the order without making it; sent once, and never with its identifier."""
        call = Call(method="POST", path="/v1/orders/test", body=trial_body(request), private=True)
        reply = self._post(call)
        return trial_answer(reply.response, reply.shut) if isinstance(reply, Reply) else reply

    def cancel_and_new(self, old: Identifier, new: Replacement) -> Replacing:
        """Ask, once, that the order `old` be cancelled and `new` be made after its end; never repeated here."""
        body = replacement_body(old, new)
        reply = self._post(Call(method="POST", path="/v1/orders/cancel_and_new", body=body, private=True))
        return replacement_answer(reply.response, reply.shut, old) if isinstance(reply, Reply) else reply

    def _post(self, call: Call) -> Reply | NotSent | NotAccepted | NoAnswer:
        turn = self._line.take(call)
        if isinstance(turn, NoTurn):
            return NotAccepted(turn.wait)
        try:
            return self._line.once(call, turn)
        except NotConnected as cause:
            return NotSent(str(cause))
        except Interrupted as cause:
            return NoAnswer(str(cause))

"""An order as it was committed, before the first byte of it leaves: the request, where it comes from, its life."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from makenaide.domain.order import (
    Burning,
    Event,
    Identifier,
    Leg,
    OrderLife,
    OrderRequest,
    OrderType,
    Overtaken,
    PositionId,
    Side,
    TimeInForce,
    advance,
)

TRADER = "trader"
GUARD = "guard"
PERSON = "person"
"""Who sends orders: two processes of ours, and the person in the app, whose orders are only booked."""

WITH_DUST = "with_dust"
"""In an exit's evidence: the dust of earlier positions that it sells along, quantity as text by position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """A committed intent. `reason` is "entry" or the exit rule; `evidence` what it was computed from.

    `sender` is the process that committed it. `burn` is the request that spends the identifier of an unwanted order,
    once that has been decided.
    """

    request: OrderRequest
    account_id: str
    position_id: PositionId
    decision_id: int | None
    leg: Leg
    number: int
    reason: str
    evidence: Mapping[str, Any]
    created_at: datetime
    sender: str = TRADER
    burn: OrderRequest | None = None
    life: OrderLife = field(default_factory=OrderLife)

    @property
    def identifier(self) -> Identifier:
        """The venue's idempotency key."""
        return self.request.identifier

    def after(self, event: Event) -> "StoredOrder":
        """The order once `event` has happened to it; `Inconsistent` when it cannot follow. Pure."""
        life = advance(self.life, event)
        match event:
            case Burning():
                return replace(self, life=life, burn=burn_request(self.request, event))
            case Overtaken(sender, volume, reason, with_dust):
                return replace(
                    self,
                    life=life,
                    request=replace(self.request, volume=volume),
                    sender=sender,
                    reason=reason,
                    evidence={**self.evidence, WITH_DUST: with_dust},
                )
            case _:
                return replace(self, life=life)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How long an order has been in doubt: its last send (aware; None = never), and the looks in vain since."""

    sent_at: datetime | None
    looks: int


def burn_request(order: OrderRequest, burning: Burning) -> OrderRequest:
    """The bid that spends the identifier of `order`: it may rest for a moment, never take (protocol, point 6)."""
    return replace(
        order,
        side=Side.BID,
        type=OrderType.LIMIT,
        price=burning.price,
        volume=burning.volume,
        total=None,
        time_in_force=TimeInForce.POST_ONLY,
    )

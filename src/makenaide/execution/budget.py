"""The limits for real money as a permit: weighed in the entry's own transaction, so that no two pass together."""

from dataclasses import dataclass
from decimal import Decimal

from makenaide.domain.clock import Clock, day_start, trading_day
from makenaide.domain.errors import Inconsistent
from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import ZERO_KRW, Krw
from makenaide.domain.order import OrderRequest, OrderState
from makenaide.domain.reason import Refusal
from makenaide.execution.permit import Forbidden
from makenaide.execution.portfolio import open_positions
from makenaide.risk.budget import Breach, Commitment, Limits, breach, most, spending
from makenaide.store.db import Database, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Forbids entries beyond `limits`; `required`: with real money each of them has to be set.

    Whether `order` itself is stored already makes no difference. `fee` is the ratio that an entry may cost on top.
    """

    db: Database
    account_id: str
    clock: Clock
    limits: Limits
    fee: Decimal
    required: bool

    def forbids(self, order: StoredOrder | None) -> Forbidden | None:
        """LIVE_LIMIT when `order` would pass a limit (None: an entry of nothing), or the books are in doubt."""
        try:
            spoken = self._weigh(order)
        except Inconsistent as cause:
            return Forbidden(Refusal.LIVE_LIMIT, f"what is invested is not known: {cause}")
        return None if spoken is None else Forbidden(Refusal.LIVE_LIMIT, str(spoken))

    def _weigh(self, order: StoredOrder | None) -> Breach | None:
        since = day_start(trading_day(self.clock.now()))
        self.db.row("budget_lock", account_id=self.account_id)
        rows = self.db.rows("budget_entries", account_id=self.account_id, since=since)
        others = [self._commitment(row) for row in rows if order is None or row.identifier != order.identifier]
        held = sum((each.holding.cost for each in open_positions(self.db, self.account_id)), ZERO_KRW)
        cost = ZERO_KRW if order is None else most(_notional(order.request), self.fee)
        return breach(self.limits, spending(cost, others, held, since), required=self.required)

    def _commitment(self, row: Row) -> Commitment:
        notional = row.total if row.price is None or row.volume is None else row.price * row.volume
        return Commitment(
            at=row.created_at,
            most=most(Krw(notional), self.fee),
            spent=Krw(row.spent),
            ended=OrderState(row.state).terminal,
        )


def _notional(request: OrderRequest) -> Krw:
    if request.price is not None and request.volume is not None:
        return request.price * request.volume
    if request.total is None:
        raise Inconsistent(f"{request.identifier}: an entry without a size")
    return request.total

"""Markets in which a person wants no buys: a permit, read from the books each time it is asked."""

from dataclasses import dataclass

from makenaide.domain.errors import Unavailable
from makenaide.domain.intent import StoredOrder
from makenaide.domain.reason import Refusal
from makenaide.execution.permit import Forbidden
from makenaide.store.db import Database
from makenaide.store.wishes import paused_markets


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A `Permit`: forbids entries in paused markets; books that can't be read forbid them all."""

    db: Database
    account_id: str

    def forbids(self, order: StoredOrder | None) -> Forbidden | None:
        """Why `order` may not be sent; None asks about any entry at all, which no single pause forbids."""
        try:
            paused = paused_markets(self.db, self.account_id)
        except Unavailable as cause:
            return Forbidden(Refusal.PAUSED, f"cannot tell: {cause}")
        if order is not None and order.request.market in paused:
            return Forbidden(Refusal.PAUSED, f"{order.request.market} is paused")
        return None

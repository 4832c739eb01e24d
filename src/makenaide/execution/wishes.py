"""A person's wishes, carried out by whoever holds the account's lease: sell positions, take over coins.

A sale goes through the sequence of all exits (`execution.leave`) and asks no permit. It names the positions that were
open when it was wished, so that an old wish never sells what was bought later. A takeover names the quantity that was
the person's when it was wished, and waits no longer than `PATIENCE`; books and balances are compared right before it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from makenaide.domain.errors import Inconsistent, Misconfigured, Unavailable, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Price, plain
from makenaide.domain.order import OrderState
from makenaide.domain.reason import Exit
from makenaide.exchange.venue import Quotation
from makenaide.execution.adopt import Adopted, Declined, Takeover, price_now, require_percent
from makenaide.execution.leave import leave
from makenaide.execution.portfolio import Position, held_now, open_positions
from makenaide.execution.reconcile import reconcile
from makenaide.execution.submit import Desk
from makenaide.risk.exits import ExitSignal
from makenaide.risk.settings import RiskSettings
from makenaide.store.accounts import Account
from makenaide.store.journal import fills_of_order
from makenaide.store.runs import AuditEntry, put_audit
from makenaide.store.wishes import Outcome, Wish, end_wish, open_wishes

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=15)
"""So long a takeover waits to be carried out: its stop was meant for the prices of then."""
_TRIES = 3
"""An exit under way is settled first, and one may be filled in part: so many orders for one wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """Carries out the wishes of one account."""

    desk: Desk
    account: Account
    quotes: Quotation
    risk: RiskSettings

    def serve(self) -> int:
        """Deal with every open wish; how many got an end. One that the venue does not answer to stays open."""
        return sum(self._deal(wish) for wish in open_wishes(self.desk.db, self.account.account_id))

    def _deal(self, wish: Wish) -> bool:
        try:
            return self._adopt(wish) if wish.kind == "adopt" else self._sell(wish)
        except Unavailable as cause:
            log.warning("wish waits", extra={"action": "wish.waits", "wish": wish.wish_id, "cause": str(cause)})
            return False

    # ---- sell ----

    def _sell(self, wish: Wish) -> bool:
        named = set(wish.detail["positions"])
        held = [
            each
            for each in open_positions(self.desk.db, self.account.account_id)
            if each.position_id in named and each.market == wish.market
        ]
        told = [self._leave(wish, each) for each in held]
        if any(each["state"] not in _OVER for each in told):
            return False  # its exit is not at its end: the next look goes on with it
        done = all(each["left"] == "0" for each in told)
        with self.desk.db.transaction():
            self.desk.lease.check()
            self._end(wish, Outcome(done=done, detail={"positions": told}))
        return True

    def _leave(self, wish: Wish, position: Position) -> dict[str, str]:
        """Sell all of `position`; what became of it."""
        key, account = position.position_id, self.account.account_id
        told = {"position": key, "market": str(position.market), "sold": "0", "won": "0", "state": "none"}
        bid = self._bid(position.market)
        if position.dust or (bid is not None and not position.sellable(bid)):
            return told | {"state": "dust", "left": str(position.facts.quantity)}
        for _ in range(_TRIES):
            evidence = {"wish": str(wish.wish_id), "actor": wish.actor}
            signal = ExitSignal(kind=Exit.MANUAL, quantity=position.facts.quantity, evidence=evidence)
            try:
                order = leave(self.desk, self.account, position, signal)
            except Inconsistent as cause:
                return told | {"left": str(held_now(self.desk.db, account, key)), "cause": str(cause)}
            if order is None:  # the guard is selling it: its journal comes in before the next look
                return told | {"state": OrderState.UNKNOWN, "left": str(held_now(self.desk.db, account, key))}
            fills = fills_of_order(self.desk.db, account, order.identifier)
            sold = sum((each.volume.value for each in fills), Decimal(0))
            won = sum((each.funds.value - each.fee.value for each in fills), Decimal(0))
            told |= {"order": order.identifier, "state": str(order.life.state)}
            told |= {"sold": plain(Decimal(told["sold"]) + sold), "won": plain(Decimal(told["won"]) + won)}
            left = held_now(self.desk.db, account, key)
            if not left or order.life.state is not OrderState.CLOSED:
                break
        return told | {"left": str(held_now(self.desk.db, account, key))}

    def _bid(self, market: Market) -> Price | None:
        """The best bid; None when it can't be told: a sale does not wait for that."""
        try:
            return price_now(self.quotes, market)
        except (Unavailable, UnknownMarket):
            return None

    # ---- adopt ----

    def _adopt(self, wish: Wish) -> bool:
        if wish.age > PATIENCE:
            self.give_up(wish, f"nobody could carry it out within {PATIENCE}: wish it again")
            return True
        doubt = self._doubt(wish)
        with self.desk.db.transaction():
            self.desk.lease.check()
            result = self._taken_over(wish) if doubt is None else Declined(doubt)
            if isinstance(result, Adopted):
                self.desk.settled()  # nothing is taken over whose stop the guard is not told
            self._end(wish, _outcome(result))
        return True

    def _doubt(self, wish: Wish) -> str | None:
        """Settle, look and compare: why the coins of that market may not be what the books say; None when they are.

        Raises `Unavailable` when nobody can look now, or when it is not comparable yet.
        """
        state = reconcile(self.desk, self.account.account_id)
        if state.comparison.equal is None:
            raise Unavailable("; ".join(state.comparison.differences))
        if wish.market not in state.closed_markets:
            return None
        about = [f"finding {each.finding_id}" for each in state.findings if each.market == wish.market]
        return f"{wish.market}: {', '.join(about) or 'an order is not at its end'}: `makenaide reconcile` shows it"

    def _taken_over(self, wish: Wish) -> Adopted | Declined:
        percent, wished = Decimal(str(wish.detail["stop"])), wish.detail.get("quantity")
        if wished is None:
            return Declined("the wish names no quantity: wish it again")
        takeover = Takeover(desk=self.desk, account=self.account, risk=self.risk)
        try:
            require_percent(percent, self.risk)
            bid = price_now(self.quotes, wish.market)
            return takeover.adopt(wish.market, percent, bid, Decimal(str(wished)))
        except Misconfigured as cause:  # an unknown market is one of them
            return Declined(str(cause))

    def give_up(self, wish: Wish, cause: str, *, unavailable: bool = False) -> None:
        """End `wish` undone: it is not carried out any more. `unavailable`: only because nobody could, just then."""
        with self.desk.db.transaction():
            self.desk.lease.check()
            detail = {"cause": cause, **({"unavailable": True} if unavailable else {})}
            self._end(wish, Outcome(done=False, detail=detail))

    def _end(self, wish: Wish, outcome: Outcome) -> None:
        at = self.desk.clock.now()
        end_wish(self.desk.db, wish.wish_id, at, outcome)
        detail: Mapping[str, Any] = {
            "wish": wish.wish_id,
            "market": wish.market,
            "done": outcome.done,
            **outcome.detail,
        }
        entry = AuditEntry(
            account_id=self.account.account_id,
            at=at,
            actor=wish.actor,
            action=f"wish.{wish.kind}",
            detail=detail,
        )
        put_audit(self.desk.db, entry)


_OVER = ("none", "dust", *(str(each) for each in OrderState if each.terminal))


def _outcome(result: Adopted | Declined) -> Outcome:
    match result:
        case Declined(cause):
            return Outcome(done=False, detail={"cause": cause})
        case Adopted():
            return Outcome(
                done=True,
                detail={
                    "position": result.position,
                    "quantity": str(result.quantity),
                    "cost": str(result.cost),
                    "bid": str(result.bid),
                    "stop": str(result.stop),
                },
            )

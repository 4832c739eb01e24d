"""A person at the venue's app, beside the trader: transfers, and orders without an identifier of ours."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from makenaide.domain.market import Market
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.treasury import Move, Transfer
from makenaide.exchange.simulator.settings import ALL_SCOPES
from makenaide.execution.reconcile import Reconciliation, reconcile
from makenaide.execution.reconcile.facts import Explained
from makenaide.ledger.lots import Lot
from makenaide.ledger.postings import difference
from makenaide.store.journal import books, flaws
from makenaide.store.reconciliation import lots
from tests.contract.charts import ETH, XRP, Chart, bitcoin, tape
from tests.contract.trading import NAME, Trader

DAYS = 60
WORLD = tape(
    bitcoin(DAYS, parts=1),
    Chart(market=ETH, price=5_000_000, days=[0.0005] * DAYS, parts=1),
    Chart(market=XRP, price=800, days=[0.0005] * DAYS, parts=1),
)


SEEING = ALL_SCOPES | {"view_deposits", "view_withdrawals"}
"""A key that sees transfers, and moves none."""


@dataclass(frozen=True, slots=True)
class Person:
    """Acts in the account of `trader`."""

    trader: Trader

    @property
    def operator(self) -> Operator:
        return Operator(self.trader.exchange.venue)

    def moment(self) -> None:
        """The venue's time follows the trader's clock."""
        self.trader.exchange.venue.advance(self.trader.clock.now())

    def deposit(self, currency: str, amount: str, **more: Any) -> Transfer:
        self.moment()
        return self.operator.deposit(NAME, Move(currency=currency, amount=Decimal(amount), **more))

    def withdraw(self, currency: str, amount: str, fee: str = "0", **more: Any) -> Transfer:
        self.moment()
        move = Move(currency=currency, amount=Decimal(amount), fee=Decimal(fee), **more)
        return self.operator.withdraw(NAME, move)

    def sell(self, market: Market, volume: str, **more: str) -> Order:
        """A market sale in the app; with a `price` it is a limit order that may rest."""
        self.moment()
        kind = {"ord_type": "limit"} if "price" in more else {"ord_type": "market"}
        return self._place({"market": market, "side": "ask", "volume": volume, **kind, **more})

    def buy(self, market: Market, won: str) -> Order:
        """A market buy in the app for so many won."""
        self.moment()
        return self._place({"market": market, "side": "bid", "ord_type": "price", "price": won})

    def _place(self, body: dict[str, str]) -> Order:
        return self.trader.exchange.venue.place(NAME, body)

    def lots(self) -> dict[str, Lot]:
        """What the books call the person's."""
        return lots(self.trader.db, self.trader.account.account_id)


def reconciled(trader: Trader, **more: Any) -> Reconciliation:
    """A minute later, reconcile."""
    trader.clock.sleep(60)
    return reconcile(trader.desk, trader.account.account_id, **more)


def require_equal(trader: Trader) -> None:
    """Books and balances tell the same to the last digit, and the journal has no flaw."""
    key = trader.account.account_id
    assert difference(books(trader.db, key), trader.exchange.balances(), Decimal(0), Decimal(0)) == ()
    assert flaws(trader.db, key) == ()


def audit(trader: Trader, action: str) -> list[Any]:
    """The audit rows of an action (a LIKE pattern)."""
    return list(trader.db.rows("audit_of", account_id=trader.account.account_id, action=action))


def causes(trader: Trader) -> list[str]:
    """What was explained, and that nothing is left to be decided."""
    state = reconciled(trader)
    assert state.comparison.equal is True
    assert state.comparison.differences == ()
    assert state.findings == ()
    assert state.account_open
    assert state.closed_markets == frozenset()
    require_equal(trader)
    return [str(each.cause) for each in state.verdicts if isinstance(each, Explained)]


def rows(trader: Trader, action: str) -> list[tuple[str, str, Any]]:
    """Who did what, and all that was told of it."""
    return [(row.actor, row.action, row.detail) for row in audit(trader, action)]

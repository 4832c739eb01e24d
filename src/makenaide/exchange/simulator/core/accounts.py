"""One customer of the venue."""

from dataclasses import dataclass, field

from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.wallet import Wallet


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """Balances, every order ever by uuid, and every identifier ever used (None = burnt by a refusal)."""

    name: str
    wallet: Wallet = field(default_factory=Wallet)
    orders: dict[str, Order] = field(default_factory=dict)
    identifiers: dict[str, Order | None] = field(default_factory=dict)

"""What the wallets of the coins can do (upbit-api.md section 4.8)."""

from typing import Final

from makenaide.domain.market import base_of
from makenaide.exchange.simulator.core.errors import invalid_field, refused
from makenaide.exchange.simulator.core.treasury import WalletState
from makenaide.exchange.simulator.core.validation import given
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import remittances
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded

TAKES_IN: Final = (WalletState.WORKING, WalletState.DEPOSIT_ONLY)
GIVES_OUT: Final = (WalletState.WORKING, WalletState.WITHDRAW_ONLY)


class Wallets:
    """Knows the coins of the listed markets."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Guarded]:
        """The one call for wallets, which any key may make."""
        return [
            Guarded(
                method="GET",
                path="/v1/status/wallet",
                group="default",
                scope=None,
                handler=lambda _who, _query, _body: self.states(),
            )
        ]

    def states(self) -> list[Json]:
        """GET /v1/status/wallet: what can be deposited and withdrawn; all paused during maintenance."""
        treasury, now = self._venue.treasury, self._venue.now
        return [
            remittances.wallet(coin, self.state(coin), treasury.wallet(coin)[1], now) for coin in self._coins()
        ]

    def state(self, coin: str) -> WalletState:
        """What the wallet of `coin` can do now."""
        return WalletState.PAUSED if self._venue.floor.offline else self._venue.treasury.wallet(coin)[0]

    def coin(self, code: object) -> str:
        """The coin of that code in upper case; `Refused` when no listed market has it."""
        coin = given(code, "currency").upper()
        if coin not in self._coins():
            raise refused("currency_not_found")
        return coin

    def network(self, coin: str, value: object) -> str:
        """The network of `coin` that is called `value`; `Refused` when it is not the one that each coin has."""
        if given(value, "net_type").upper() != coin:
            raise invalid_field("net_type")
        return coin

    def _coins(self) -> list[str]:
        return sorted({base_of(market) for market in self._venue.floor.listed()})

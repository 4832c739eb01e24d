"""Money that goes out: the history of withdrawals, and calls that this venue never performs by itself.

What leaves is the operator's doing (`core.operator`). A key without the right hears out_of_scope before anything
here is asked (upbit-api.md sections 3 and 4.8).
"""

from typing import Final

from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import refused
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import Direction, TransferState, WalletState
from makenaide.exchange.simulator.core.validation import Body, amount_of, given
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import remittances, transfers
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Kind, MoneyRow, Parameter, money_routes
from makenaide.exchange.simulator.rest.transfers import COIN, KRW, ONE, require_factor
from makenaide.exchange.simulator.rest.wallets import GIVES_OUT, TAKES_IN, Wallets

_CHANCE: Final = (Parameter("currency", required=True), Parameter("net_type"))
_WISH: Final = (*COIN, Parameter("amount", Kind.NUMBER, required=True), Parameter("address", required=True))
_CANCEL: Final = (Parameter("uuid", required=True),)


class Withdrawals:
    """Answers an account's calls for money that goes out."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._wallets = Wallets(venue)

    def routes(self) -> list[Guarded]:
        """Every call for withdrawals."""
        see, take, all_of_them = "view_withdrawals", "withdraw", transfers.listed(Direction.WITHDRAW)
        rows: list[MoneyRow] = [
            ("GET", "withdraws", see, lambda who, q, _b: self.history(who, q), all_of_them),
            ("GET", "withdraw", see, lambda who, q, _b: self.one(who, q), ONE),
            ("GET", "withdraws/chance", see, lambda who, q, _b: self.chance(who, q), _CHANCE),
            ("GET", "withdraws/coin_addresses", see, lambda _who, _q, _b: [], ()),
            ("POST", "withdraws/coin", take, lambda who, _q, b: self.withdraw_coin(who, b), _WISH),
            ("POST", "withdraws/krw", take, lambda who, _q, b: self.withdraw_krw(who, b), KRW),
            ("DELETE", "withdraws/coin", take, lambda who, q, _b: self.cancel(who, q), _CANCEL),
        ]
        return money_routes(rows)

    def history(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/withdraws."""
        return transfers.history(self._venue.treasury, account, Direction.WITHDRAW, query)

    def one(self, account: Account, query: Query) -> Json:
        """GET /v1/withdraw."""
        found = transfers.latest(self._venue.treasury, account, Direction.WITHDRAW, query)
        if found is None:
            raise refused(self._venue.settings.missing_withdrawal)
        return found

    def chance(self, account: Account, query: Query) -> Json:
        """GET /v1/withdraws/chance: what could be withdrawn, were it performed."""
        code = given(query.one("currency"), "currency")
        currency = "KRW" if code == "KRW" else self._wallets.coin(code)
        network = None if currency == "KRW" else self._wallets.network(currency, query.one("net_type"))
        wallet = WalletState.WORKING if currency == "KRW" else self._wallets.state(currency)
        support = [word for word, states in (("deposit", TAKES_IN), ("withdraw", GIVES_OUT)) if wallet in states]
        return remittances.withdraw_chance(currency, network, account.wallet.holding(currency), wallet, support)

    def withdraw_coin(self, account: Account, body: Body) -> Json:
        """POST /v1/withdraws/coin: refused, as no address is registered with a simulated venue."""
        coin = self._wallets.coin(body.get("currency"))
        self._wallets.network(coin, body.get("net_type"))
        given(body.get("address"), "address")
        self._require_withdrawable(account, coin, body)
        raise refused("withdraw_address_not_registered")

    def withdraw_krw(self, account: Account, body: Body) -> Json:
        """POST /v1/withdraws/krw: refused; no money leaves a simulated venue by itself."""
        amount_of(body, "amount")
        require_factor(body)
        self._require_withdrawable(account, "KRW", body)
        raise refused("open_api_withdraw_locked")

    def cancel(self, account: Account, query: Query) -> Json:
        """DELETE /v1/withdraws/coin: of a withdrawal of the operator's that is still waiting."""
        uuid = given(query.one("uuid"), "uuid")
        if self._venue.settings.withdrawals_locked:
            raise refused("open_api_withdraw_locked")
        found = self._venue.treasury.transfer(uuid)
        if (
            found is None
            or (found.account, found.direction, found.state)
            != (account.name, Direction.WITHDRAW, TransferState.WAITING)
            or found.currency == "KRW"
        ):
            raise refused(self._venue.settings.missing_withdrawal)
        return remittances.transfer(Operator(self._venue).settle(uuid, TransferState.CANCELLED))

    def _require_withdrawable(self, account: Account, currency: str, body: Body) -> None:
        if self._venue.settings.withdrawals_locked:
            raise refused("open_api_withdraw_locked")
        if amount_of(body, "amount") > account.wallet.holding(currency).free:
            raise refused("withdraw_insufficient_balance")

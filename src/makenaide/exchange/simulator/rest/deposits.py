"""Money that comes in: the history of deposits, addresses, and a wish for won (upbit-api.md section 4.8).

What arrives is the operator's doing (`core.operator`). A key without the right hears out_of_scope before anything
here is asked.
"""

from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import refused
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import Direction, Move, TransferState
from makenaide.exchange.simulator.core.validation import Body, amount_of
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import remittances, transfers
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, MoneyRow, money_routes
from makenaide.exchange.simulator.rest.transfers import COIN, KRW, ONE, require_factor
from makenaide.exchange.simulator.rest.wallets import TAKES_IN, Wallets


class Deposits:
    """Answers an account's calls for money that comes in."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._wallets = Wallets(venue)

    def routes(self) -> list[Guarded]:
        """Every call for deposits."""
        see, put, all_of_them = "view_deposits", "deposit", transfers.listed(Direction.DEPOSIT)
        rows: list[MoneyRow] = [
            ("GET", "deposits", see, lambda who, q, _b: self.history(who, q), all_of_them),
            ("GET", "deposit", see, lambda who, q, _b: self.one(who, q), ONE),
            ("GET", "deposits/chance/coin", see, lambda _who, q, _b: self.chance(q), COIN),
            ("GET", "deposits/coin_addresses", see, lambda who, _q, _b: self.addresses(who), ()),
            ("GET", "deposits/coin_address", see, lambda who, q, _b: self.address(who, q), COIN),
            ("POST", "deposits/generate_coin_address", put, lambda who, _q, b: self.make_address(who, b), COIN),
            ("POST", "deposits/krw", put, lambda who, _q, b: self.deposit_krw(who, b), KRW),
        ]
        return money_routes(rows)

    def history(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/deposits."""
        return transfers.history(self._venue.treasury, account, Direction.DEPOSIT, query)

    def one(self, account: Account, query: Query) -> Json:
        """GET /v1/deposit."""
        found = transfers.latest(self._venue.treasury, account, Direction.DEPOSIT, query)
        if found is None:
            raise refused("deposit_not_found")
        return found

    def chance(self, query: Query) -> Json:
        """GET /v1/deposits/chance/coin."""
        coin = self._wallets.coin(query.one("currency"))
        network = self._wallets.network(coin, query.one("net_type"))
        return remittances.deposit_chance(coin, network, self._wallets.state(coin) in TAKES_IN)

    def addresses(self, account: Account) -> list[Json]:
        """GET /v1/deposits/coin_addresses."""
        rows = self._venue.treasury.addresses(account.name)
        return [remittances.address(coin, network, rows[coin, network]) for coin, network in sorted(rows)]

    def address(self, account: Account, query: Query) -> Json:
        """GET /v1/deposits/coin_address."""
        coin = self._wallets.coin(query.one("currency"))
        network = self._wallets.network(coin, query.one("net_type"))
        found = self._venue.treasury.addresses(account.name).get((coin, network))
        if found is None:
            raise refused("coin_address_not_found")
        return remittances.address(coin, network, found)

    def make_address(self, account: Account, body: Body) -> Json:
        """POST /v1/deposits/generate_coin_address: the first time a promise, then the address."""
        coin = self._wallets.coin(body.get("currency"))
        network = self._wallets.network(coin, body.get("net_type"))
        found = self._venue.treasury.addresses(account.name).get((coin, network))
        if found is not None:
            return remittances.address(coin, network, found)
        Operator(self._venue).make_address(account.name, coin, network)
        return {"success": True, "message": f"{coin} 입금주소를 생성중입니다."}

    def deposit_krw(self, account: Account, body: Body) -> Json:
        """POST /v1/deposits/krw: a deposit that waits for its owner's bank until the operator settles it."""
        move = Move(currency="KRW", amount=amount_of(body, "amount"), state=TransferState.PROCESSING)
        require_factor(body)
        return remittances.transfer(Operator(self._venue).deposit(account.name, move))

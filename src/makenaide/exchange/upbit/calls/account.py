"""Calls about the account: balances, fees, wallets, keys, and money that came in or went out (section 4)."""

from collections.abc import Mapping, Sequence

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.exchange.http import Pairs
from makenaide.exchange.upbit import account
from makenaide.exchange.upbit.errors import VenueRefused
from makenaide.exchange.upbit.line import Call, Line
from makenaide.exchange.venue import ApiKeyTerm, Balance, Chance, OutOfScope, Transfer, Wallet

_PAGE = 100


class AccountCalls:
    """What the account has and may do."""

    __slots__ = ()
    _line: Line

    def accounts(self) -> Mapping[str, Balance]:
        """The balance of every currency held; a currency without any is absent."""
        call = Call(method="GET", path="/v1/accounts", private=True)
        return account.balances(call.name, self._line.read(call).body)

    def chance(self, market: Market) -> Chance:
        """Fee ratios, minimum total and state of the account in `market`; `UnknownMarket` when it is not listed."""
        call = Call(method="GET", path="/v1/orders/chance", query=(("market", market),), private=True)
        try:
            response = self._line.read(call)
        except VenueRefused as refused:
            if refused.name == "notfoundmarket":
                raise UnknownMarket(f"{call.name}: the venue does not list {market}") from refused
            raise
        return account.chance(call.name, response.body, market)

    def wallets(self) -> Sequence[Wallet]:
        """The wallets of every currency, one for each network; any key may ask."""
        call = Call(method="GET", path="/v1/status/wallet", private=True)
        return account.wallets(call.name, self._line.read(call).body)

    def api_keys(self) -> Sequence[ApiKeyTerm]:
        """The account's API keys with their ends; any key may ask."""
        call = Call(method="GET", path="/v1/api_keys", private=True)
        return account.api_keys(call.name, self._line.read(call).body)

    def deposits(self, currency: str | None = None, most: int = 1000) -> Sequence[Transfer]:
        """The latest deposits, newest first, up to `most`; of one currency if told; `OutOfScope` without a right."""
        return self._transfers("/v1/deposits", currency, most)

    def withdrawals(self, currency: str | None = None, most: int = 1000) -> Sequence[Transfer]:
        """The latest withdrawals, as `deposits`."""
        return self._transfers("/v1/withdraws", currency, most)

    def _transfers(self, path: str, currency: str | None, most: int) -> Sequence[Transfer]:
        """Page by page, each before the last one's oldest: a page that brings nothing new is the end.

        Whether the cursor's own row comes again is not written anywhere, so rows are told apart by their ids.
        """
        wanted: Pairs = () if currency is None else (("currency", currency),)
        found: dict[str, Transfer] = {}
        cursor: Pairs = ()
        while len(found) < most:
            query = (*wanted, ("limit", str(_PAGE)), ("order_by", "desc"), *cursor)
            call = Call(method="GET", path=path, query=query, private=True)
            page = account.transfers(call.name, self._seen(call))
            fresh = {each.uuid: each for each in page if each.uuid not in found}
            if not fresh:
                break
            found |= fresh
            cursor = (("to", page[-1].uuid),)
        return tuple(found.values())[:most]

    def _seen(self, call: Call) -> bytes:
        try:
            return self._line.read(call).body
        except VenueRefused as refused:
            if refused.name == "out_of_scope":
                raise OutOfScope(str(refused)) from refused
            raise

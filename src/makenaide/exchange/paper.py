"""Paper money on a real exchange: market data from one client, the account from another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.candle import Candle
from makenaide.domain.market import Market
from makenaide.domain.order import Answer, Identifier, OrderRequest
from makenaide.exchange.venue import (
    ApiKeyTerm,
    Balance,
    Book,
    Chance,
    Instrument,
    Listing,
    PlacedOrder,
    Quotation,
    Ticker,
    Trading,
    Transfer,
    Wallet,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RealPrices:
    quotation: Quotation

    def markets(self) -> Sequence[Listing]:
        """Every market that is listed now."""
        return self.quotation.markets()

    def day_candles(self, market: Market, before: datetime, count: int) -> Sequence[Candle]:
        """Day candles of the real exchange."""
        return self.quotation.day_candles(market, before, count)

    def tickers(self, markets: Sequence[Market]) -> Mapping[Market, Ticker]:
        """Tickers of the real exchange."""
        return self.quotation.tickers(markets)

    def books(self, markets: Sequence[Market], depth: int = 30) -> Mapping[Market, Book]:
        """Books of the real exchange."""
        return self.quotation.books(markets, depth)

    def instruments(self, markets: Sequence[Market]) -> Mapping[Market, Instrument]:
        """Price steps of the real exchange."""
        return self.quotation.instruments(markets)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperVenue(_RealPrices):
    """A `Venue` whose prices are real and whose fills are simulated."""

    trading: Trading

    def accounts(self) -> Mapping[str, Balance]:
        """Balances of the paper account."""
        return self.trading.accounts()

    def chance(self, market: Market) -> Chance:
        """Fees and limits of the paper account."""
        return self.trading.chance(market)

    def place(self, request: OrderRequest) -> Answer:
        """Place on paper."""
        return self.trading.place(request)

    def order(self, identifier: Identifier) -> PlacedOrder | None:
        """The paper order of that identifier."""
        return self.trading.order(identifier)

    def by_uuid(self, uuid: str) -> PlacedOrder | None:
        """The paper order of that id."""
        return self.trading.by_uuid(uuid)

    def cancel(self, identifier: Identifier) -> bool:
        """Cancel on paper."""
        return self.trading.cancel(identifier)

    def orders(self, identifiers: Sequence[Identifier]) -> Mapping[Identifier, PlacedOrder]:
        """The paper orders of those identifiers."""
        return self.trading.orders(identifiers)

    def open_orders(self, market: Market | None = None) -> Sequence[PlacedOrder]:
        """Open paper orders."""
        return self.trading.open_orders(market)

    def closed_orders(self, start: datetime, end: datetime, market: Market | None = None) -> Sequence[PlacedOrder]:
        """Done and cancelled paper orders."""
        return self.trading.closed_orders(start, end, market)

    def deposits(self, currency: str | None = None, most: int = 1000) -> Sequence[Transfer]:
        """Deposits of paper money."""
        return self.trading.deposits(currency, most)

    def withdrawals(self, currency: str | None = None, most: int = 1000) -> Sequence[Transfer]:
        """Withdrawals of paper money."""
        return self.trading.withdrawals(currency, most)

    def wallets(self) -> Sequence[Wallet]:
        """The wallets of the paper account, all working: the exchange shows its own to holders of a key only."""
        return self.trading.wallets()

    def api_keys(self) -> Sequence[ApiKeyTerm]:
        """The keys of the paper account."""
        return self.trading.api_keys()

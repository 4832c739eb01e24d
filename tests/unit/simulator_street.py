"""A small hand-made market for the venue's tests, and a customer who signs with an independent JWT library."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import jwt

from makenaide.domain.clock import kst
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market, tick_size
from makenaide.domain.order import Side
from makenaide.exchange.http import Pairs, Request, Response
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.market import NO_BOOK, BookSides, CandleRow, DayStats, PublicTrade, Standing
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, QuotaSettings, VenueSettings
from makenaide.exchange.venue import CandleUnit, Listing

BTC = Market("KRW-BTC")
XRP = Market("KRW-XRP")
ETH_BTC = Market("BTC-ETH")
BEGIN = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
SECRET = "a-secret-that-is-long-enough-for-hs512-" * 2
Step = tuple[timedelta, Decimal]


def seconds(count: float) -> timedelta:
    """A time after `BEGIN`."""
    return timedelta(seconds=count)


@dataclass(kw_only=True)
class Street:
    """Prices that jump at given times; ask k stands at price + k ticks, bid k at price - (k + 1) ticks.

    Satisfies `MarketData`. `volume` is each hour's candle volume, `size` each level's size.
    """

    steps: Mapping[Market, Sequence[Step]]
    size: Decimal = Decimal(1)
    volume: Decimal = Decimal(10)
    levels: int = 30
    warned: frozenset[Market] = frozenset()
    delisted: Mapping[Market, datetime] = field(default_factory=dict)
    closed: tuple[datetime, datetime] | None = None
    start: datetime = BEGIN - timedelta(days=1)
    first_slot: datetime = BEGIN
    end: datetime = BEGIN + timedelta(days=30)

    def listings(self, at: datetime) -> tuple[Listing, ...]:
        return tuple(
            Listing(market=each, korean_name=f"한 {each}", english_name=each, warning=each in self.warned)
            for each in sorted(self.steps)
            if each not in self.delisted or at < self.delisted[each]
        )

    def offline(self, at: datetime) -> bool:
        return self.closed is not None and self.closed[0] <= at < self.closed[1]

    def price(self, market: Market, at: datetime) -> Decimal:
        if market not in {each.market for each in self.listings(at)}:
            raise UnknownMarket(market)
        before = [price for since, price in self.steps[market] if BEGIN + since <= at]
        return before[-1] if before else self.steps[market][0][1]

    def book(self, market: Market, at: datetime, depth: int = 30) -> BookSides:
        price = self.price(market, at)
        if self.offline(at):
            return NO_BOOK
        tick = tick_size(market, price, kst(at).date())
        rows = range(min(depth, self.levels))
        return BookSides(
            tuple((price - (k + 1) * tick, self.size) for k in rows),
            tuple((price + k * tick, self.size) for k in rows),
        )

    def candles(
        self, market: Market, unit: CandleUnit, before: datetime, count: int, now: datetime
    ) -> list[CandleRow]:
        length = timedelta(minutes=unit.minutes or 1440)
        newest = min(max(before, self.start) - timedelta(microseconds=1), now)
        slot = self.start + (newest - self.start) // length * length
        price = float(self.price(market, now))
        rows: list[CandleRow] = []
        while len(rows) < count and slot >= self.start:
            last = None if unit is not CandleUnit.DAYS else price * 2
            rows.append(
                CandleRow(
                    start=slot,
                    open=price,
                    high=price,
                    low=price,
                    close=price,
                    volume=1.5,
                    turnover=1.5 * price,
                    last_tick=int(slot.timestamp() * 1000) + 59_000,
                    prev_close=last,
                )
            )
            slot -= length
        return rows

    def day(self, market: Market, at: datetime) -> DayStats:
        price = float(self.price(market, at))
        return DayStats(
            open=price,
            high=price,
            low=price,
            prev_close=price * 1.25,
            price=price,
            turnover=12.5,
            volume=1.25,
            turnover_24h=25.0,
            volume_24h=2.5,
            high_52w=price * 2,
            high_52w_on=at.date(),
            low_52w=price / 2,
            low_52w_on=at.date(),
            last_trade_at=at,
            last_trade_volume=0.5,
        )

    def _moments(self, market: Market, after: datetime, until: datetime) -> list[datetime]:
        if market not in self.steps:
            raise UnknownMarket(market)
        if after >= self.end:
            return []
        jumps = (BEGIN + since for since, _ in self.steps[market])
        gone = self.delisted.get(market, self.end)
        return sorted(at for at in {after, *jumps} if after <= at <= until and at < gone)

    def standing(self, market: Market, at: datetime) -> Standing:
        gone = self.delisted.get(market)
        return Standing(delisting_on=kst(gone).date() if gone else None)

    def tick(self, market: Market, price: Decimal, at: datetime) -> Decimal:
        return tick_size(market, price, kst(at).date())

    def trades(self, market: Market, after: datetime, until: datetime, count: int) -> list[PublicTrade]:
        second = int(until.timestamp())
        found: list[PublicTrade] = []
        while second > after.timestamp() and len(found) < count:
            at = datetime.fromtimestamp(second, UTC)
            price = float(self.price(market, at))
            taker = Side.BID if second % 2 == 0 else Side.ASK
            found.append(
                PublicTrade(at=second * 1000, price=price, volume=0.01, taker=taker, number=second * 10**7)
            )
            second -= 1
        return found

    def touch(
        self, market: Market, after: datetime, until: datetime, floor: Decimal, peak: Decimal
    ) -> datetime | None:
        for at in self._moments(market, after, until):
            bid = self.book(market, at).bids[0][0]
            if bid <= floor or (at > after and bid > peak):
                return at
        return None

    def crossing(
        self, market: Market, after: datetime, until: datetime, side: Side, limit: Decimal
    ) -> tuple[datetime, Decimal] | None:
        for at in self._moments(market, after, until):
            book = self.book(market, at, 1)
            if side is Side.BID and book.asks and book.asks[0][0] <= limit:
                return at, self.volume
            if side is Side.ASK and book.bids and book.bids[0][0] >= limit:
                return at, self.volume
        return None


def flat(price: str = "100000000", **more: Any) -> Street:
    """KRW-BTC at `price`, KRW-XRP at 1,000 and BTC-ETH at 0.03, all the time."""
    steps = {BTC: Decimal(price), XRP: Decimal(1000), ETH_BTC: Decimal("0.03")}
    return Street(steps={market: [(seconds(0), each)] for market, each in steps.items()}, **more)


def opened(street: Street, *names: str, settings: VenueSettings | None = None, **balances: str) -> Venue:
    """A venue on which each of `names` (default "paper") holds `balances` (default ten million won)."""
    venue = Venue(street, settings or VenueSettings())
    held = {currency: Decimal(amount) for currency, amount in (balances or {"KRW": "10000000"}).items()}
    for name in names or ("paper",):
        venue.open_account(name, held)
    return venue


def faced(venue: Venue, *, quota: QuotaSettings | None = None) -> Face:
    """A face with one unlimited key a account, named like it."""
    keys = [ApiKey(access=name, secret=SECRET, account=name) for name in venue.accounts]
    return Face(venue, keys, FaceSettings(quota=quota or QuotaSettings(enforced=False)))


def ask(path: str, *query: tuple[str, str], face: Face | None = None, **headers: str) -> Response:
    """A public call of `face`, by default one of a flat street."""
    face = face or faced(opened(flat()))
    return face.handle(Request(method="GET", path=path, query=query, headers=headers))


def hashed(text: str) -> str:
    """A `query_hash`."""
    return hashlib.sha512(text.encode()).hexdigest()


def token(access: str, text: str, nonce: str, algorithm: str = "HS512", secret: str = SECRET) -> str:
    """A bearer token signed by PyJWT over the parameters' `text`."""
    payload = {"access_key": access, "nonce": nonce}
    if text:
        payload |= {"query_hash": hashed(text), "query_hash_alg": "SHA512"}
    return "Bearer " + jwt.encode(payload, secret, algorithm=algorithm)


@dataclass
class Customer:
    """Signs and sends calls of one account; `at` stamps a call with a time after `BEGIN`."""

    face: Face
    name: str = "paper"
    calls: int = 0

    def get(self, path: str, *query: tuple[str, str], at: timedelta | None = None) -> Response:
        return self._send("GET", path, query, at)

    def delete(self, path: str, *query: tuple[str, str], at: timedelta | None = None) -> Response:
        return self._send("DELETE", path, query, at)

    def post(self, path: str, body: Mapping[str, object], at: timedelta | None = None) -> Response:
        text = "&".join(part for name, value in body.items() for part in _parts(name, value))
        return self._sign("POST", path, (), json.dumps(body).encode(), (text, at))

    def _send(self, method: str, path: str, query: Pairs, at: timedelta | None) -> Response:
        return self._sign(method, path, query, None, ("&".join(f"{name}={value}" for name, value in query), at))

    def _sign(
        self, method: str, path: str, query: Pairs, body: bytes | None, signed: tuple[str, timedelta | None]
    ) -> Response:
        self.calls += 1
        text, at = signed
        headers = {"Authorization": token(self.name, text, f"{self.name}-{self.calls}")}
        if at is not None:
            headers["Makenaide-Time"] = (BEGIN + at).isoformat(timespec="microseconds")
        return self.face.handle(Request(method=method, path=path, query=query, headers=headers, body=body))


def _parts(name: str, value: object) -> list[str]:
    if isinstance(value, list):
        return [f"{name}[]={each}" for each in value]
    return [f"{name}={value if isinstance(value, str) else json.dumps(value, separators=(',', ':'))}"]


def decoded(response: Response) -> Any:
    """The JSON of a reply."""
    return json.loads(response.body)


def error_name(response: Response) -> Any:
    """The error's name of a refusal."""
    return decoded(response)["error"]["name"]


def limit(side: str, price: str, volume: str, **more: str) -> dict[str, str]:
    """A limit order's body in KRW-BTC, or in `market`."""
    return {"market": BTC, "side": side, "ord_type": "limit", "price": price, "volume": volume} | more


def buy(total: str, **more: str) -> dict[str, str]:
    """A market buy's body."""
    return {"market": BTC, "side": "bid", "ord_type": "price", "price": total} | more


def sell(volume: str, **more: str) -> dict[str, str]:
    """A market sell's body."""
    return {"market": BTC, "side": "ask", "ord_type": "market", "volume": volume} | more

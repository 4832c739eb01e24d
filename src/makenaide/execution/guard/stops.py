"""The stops that the guard holds: a signed file, written whole by the trading process, its version only rising."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import msgspec

from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity, plain
from makenaide.domain.order import Identifier, PositionId
from makenaide.domain.reason import Exit
from makenaide.risk.exits import PositionFacts, StopState

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedExit:
    """One exit as the books know it: sold of the position itself, and of dust `along`; `ended` = at its end."""

    own: Quantity
    along: Quantity
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedStop:
    """What the guard must know of one position to sell it without the books.

    `bought` and `gone` are what the books say was bought and what a person sold of it; `exits`, by number, what they
    know of its exits: what those sold beyond that is the guard's to know. `pending`: the entry's identifier while it
    is not at its end, so that only the venue knows what it bought. `dust` is sold along; `coins` is all that the
    books say the account holds of the coin, a person's own too.
    """

    position_id: PositionId
    market: Market
    entry: Price
    atr_percent: Decimal
    opened_on: date
    bought: Quantity
    gone: Quantity
    exits: Mapping[int, PublishedExit]
    stop: StopState
    pending: Identifier | None
    dust: Mapping[PositionId, Quantity]
    coins: Decimal

    @property
    def quantity(self) -> Quantity:
        """What the books say is held of it."""
        sold = sum((each.own.value for each in self.exits.values()), self.gone.value)
        return Quantity(max(self.bought.value - sold, Decimal(0)))

    @property
    def amounts(self) -> tuple[object, ...]:
        """All that decides how much there is to sell."""
        return (self.quantity, self.bought, self.gone, self.pending, dict(self.dust))

    @property
    def facts(self) -> PositionFacts:
        """The position as the exit rules see it."""
        return PositionFacts(
            market=self.market,
            entry=self.entry,
            atr_percent=self.atr_percent,
            opened_on=self.opened_on,
            quantity=self.quantity,
            initial_quantity=self.bought,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StopsFile:
    """All stops of one account. `seen`: the last entry of the guard's journal that is in the books; `made_at` UTC."""

    version: int
    account_id: str
    installation: str
    made_at: datetime
    seen: int
    stops: tuple[GuardedStop, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the stops alone: equal when there is nothing new to guard."""
        return hashlib.sha256(msgspec.json.encode([_row(each) for each in self.stops])).hexdigest()


class _ExitRow(msgspec.Struct, frozen=True):
    own: str
    along: str
    ended: bool


class _Row(msgspec.Struct, frozen=True):
    position: str
    market: str
    entry: str
    atr_percent: str
    opened_on: date
    bought: str
    gone: str
    exits: dict[int, _ExitRow]
    stop: str
    kind: str
    high_water: str
    pending: str | None
    dust: dict[str, str]
    coins: str


class _Body(msgspec.Struct, frozen=True):
    version: int
    account: str
    installation: str
    made_at: datetime
    seen: int
    stops: list[_Row]


def encode(file: StopsFile, key: bytes) -> bytes:
    """The file's bytes: a line of JSON, and a line with its HMAC-SHA256."""
    body = msgspec.json.encode(
        _Body(
            version=file.version,
            account=file.account_id,
            installation=file.installation,
            made_at=file.made_at,
            seen=file.seen,
            stops=[_row(each) for each in file.stops],
        )
    )
    return body + b"\n" + hmac.new(key, body, hashlib.sha256).hexdigest().encode() + b"\n"


def decode(content: bytes, key: bytes) -> StopsFile:
    """The file that `encode` made; `Inconsistent` when it is damaged or signed with another key."""
    body, _, rest = content.partition(b"\n")
    wanted = hmac.new(key, body, hashlib.sha256).hexdigest().encode()
    if not hmac.compare_digest(wanted, rest.strip()):
        raise Inconsistent("the stops file is damaged, or signed with another key")
    try:
        read = msgspec.json.decode(body, type=_Body)
        return StopsFile(
            version=read.version,
            account_id=read.account,
            installation=read.installation,
            made_at=read.made_at,
            seen=read.seen,
            stops=tuple(_stop(row) for row in read.stops),
        )
    except _UNREADABLE as cause:
        raise Inconsistent(f"the stops file cannot be read: {cause}") from cause


def _row(stop: GuardedStop) -> _Row:
    return _Row(
        position=stop.position_id,
        market=stop.market,
        entry=str(stop.entry),
        atr_percent=plain(stop.atr_percent),
        opened_on=stop.opened_on,
        bought=str(stop.bought),
        gone=str(stop.gone),
        exits={
            number: _ExitRow(own=str(each.own), along=str(each.along), ended=each.ended)
            for number, each in stop.exits.items()
        },
        stop=str(stop.stop.price),
        kind=stop.stop.kind,
        high_water=str(stop.stop.high_water),
        pending=stop.pending,
        dust={key: str(each) for key, each in stop.dust.items()},
        coins=plain(stop.coins),
    )


def _stop(row: _Row) -> GuardedStop:
    state = StopState(price=Price(row.stop), kind=Exit(row.kind), high_water=Price(row.high_water))
    return GuardedStop(
        position_id=PositionId(row.position),
        market=Market(row.market),
        entry=Price(row.entry),
        atr_percent=Decimal(row.atr_percent),
        opened_on=row.opened_on,
        bought=Quantity(row.bought),
        gone=Quantity(row.gone),
        exits={
            number: PublishedExit(own=Quantity(each.own), along=Quantity(each.along), ended=each.ended)
            for number, each in row.exits.items()
        },
        stop=state,
        pending=None if row.pending is None else Identifier(row.pending),
        dust={PositionId(key): Quantity(each) for key, each in row.dust.items()},
        coins=Decimal(row.coins),
    )

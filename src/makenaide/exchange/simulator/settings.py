"""What can be set of the simulated venue. Each default is the documented behaviour of upbit-api.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

import msgspec

from makenaide.domain.market import Market, quote_of
from makenaide.domain.parameter import parameter, require_in_range


class Pace(StrEnum):
    """Who moves the venue's time: the caller, step by step, or the wall clock."""

    STEPPED = "stepped"
    REAL = "real"


class RejectedIdentifier(StrEnum):
    """What becomes of the identifier of an order that was refused."""

    BURNT = "burnt"
    FREE = "free"


class IdentifierCheck(StrEnum):
    """When a used identifier is noticed: before the order is looked at, before the funds, or after all else."""

    FIRST = "first"
    BEFORE_FUNDS = "before_funds"
    LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """The venue core: ids, money and identifiers."""

    seed: int = parameter(1, "", "ids are derived from it", low=0)
    pace: Pace = parameter(Pace.STEPPED, "", "house.md section 3: a hand-driven clock")
    fee_krw: Decimal = parameter(Decimal("0.0005"), "ratio", "upbit-api.md section 5, KRW market", 0, 0.1)
    fee_other: Decimal = parameter(Decimal("0.0025"), "ratio", "upbit-api.md section 5, BTC and USDT", 0, 0.1)
    maximum_krw: Decimal = parameter(Decimal(1_000_000_000), "KRW", "upbit-api.md section 5", low=5000)
    maximum_btc: Decimal = parameter(Decimal(10), "BTC", "upbit-api.md changes, 2025-05-19", low=1)
    rejected_identifier: RejectedIdentifier = parameter(
        RejectedIdentifier.BURNT, "", "upbit-api.md section 4.3: unusable even if the order was never created"
    )
    identifier_check: IdentifierCheck = parameter(
        IdentifierCheck.BEFORE_FUNDS, "", "upbit-api.md section 13: the order of checks is open"
    )
    beyond_book: str = parameter(
        "volume_too_large", "error name", "upbit-api.md section 5: the 30-level refusal's name is unpublished"
    )
    limit_only: tuple[str, ...] = parameter(
        (), "markets", "upbit-api.md section 10: new listings take limits only"
    )
    unconsented: tuple[str, ...] = parameter((), "accounts", "upbit-api.md changes, 2025-06-11: BTC, USDT consent")

    def __post_init__(self) -> None:
        require_in_range(self)

    def fee(self, market: Market) -> Decimal:
        """The fee ratio of both sides in `market`."""
        return self.fee_krw if quote_of(market) == "KRW" else self.fee_other

    def maximum(self, market: Market) -> Decimal | None:
        """The greatest order total in the quote currency; None where none is known (USDT)."""
        return {"KRW": self.maximum_krw, "BTC": self.maximum_btc}.get(quote_of(market))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSettings:
    """The rate limits' open points; the limits themselves are `quota.LIMITS`."""

    enforced: bool = parameter(True, "", "upbit-api.md section 7")
    phase_ms: int = parameter(0, "ms", "where in a second the windows begin: section 7 says fixed seconds", 0, 999)
    refusals_to_block: int = parameter(5, "429s", "upbit-api.md section 7, proposal", low=1)
    refusal_seconds: int = parameter(10, "s", "upbit-api.md section 7, proposal", low=1)
    first_block_seconds: int = parameter(10, "s", "upbit-api.md section 7, proposal; doubles", low=1)
    json_body: bool = parameter(False, "", "upbit-api.md section 6: the body has been plain text")
    header_names: tuple[tuple[str, str], ...] = parameter(
        (), "group, name", "upbit-api.md section 7: libraries saw candles and crix-trades"
    )

    def __post_init__(self) -> None:
        require_in_range(self)


ALL_SCOPES = frozenset({"view_account", "view_orders", "make_orders"})
"""What a trading key needs; it never has the right to withdraw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key of an account (upbit-api.md section 3). No `addresses` means from anywhere."""

    access: str
    secret: str = field(repr=False)
    account: str
    scopes: frozenset[str] = ALL_SCOPES
    expires_at: datetime | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSettings:
    """The HTTP face: rate limits and the status of a missing right."""

    quota: QuotaSettings = field(default_factory=QuotaSettings)
    out_of_scope_status: int = parameter(401, "HTTP status", "upbit-api.md section 6: 401 or 403", 401, 403)

    def __post_init__(self) -> None:
        require_in_range(self)


def fingerprint(settings: VenueSettings, data: Mapping[str, str]) -> str:
    """The sha256 that names one world: the venue's settings, and `data` (what tells the market data apart)."""
    return sha256(msgspec.json.encode([settings, sorted(data.items())])).hexdigest()

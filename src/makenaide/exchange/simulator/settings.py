"""What can be set of the simulated venue. Each default is the documented behaviour of upbit-api.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

import msgspec

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market, quote_of
from makenaide.domain.parameter import parameter, require_in_range


class EntryCheck(StrEnum):
    """What is looked at once a signed call's token is readable; `KEY` is known and not expired."""

    SIGNATURE = "signature"
    KEY = "key"
    ADDRESS = "address"
    NONCE = "nonce"
    HASH = "hash"
    SCOPE = "scope"


class Pace(StrEnum):
    """Who moves the venue's time: the caller, step by step, or the wall clock."""

    STEPPED = "stepped"
    REAL = "real"


class RejectedIdentifier(StrEnum):
    """What becomes of the identifier of an order that was refused."""

    BURNT = "burnt"
    FREE = "free"


class Check(StrEnum):
    """What the venue asks of an order. The order of the checks is not published (upbit-api.md section 13)."""

    MAINTENANCE = "maintenance"
    FORM = "form"
    MARKET = "market"
    PRICE = "price"
    TOTAL = "total"
    IDENTIFIER = "identifier"
    FUNDS = "funds"
    DEPTH = "depth"


_BEFORE_FORM = (Check.MAINTENANCE, Check.IDENTIFIER)
"""What can be asked of a body that has not been read yet."""


class SelfMatch(StrEnum):
    """What the taker wants when it meets an order of its own account (upbit-api.md section 5, SMP)."""

    CANCEL_MAKER = "cancel_maker"
    CANCEL_TAKER = "cancel_taker"
    REDUCE = "reduce"
    NONE = "none"


class TakingPostOnly(StrEnum):
    """What becomes of a post_only order that would take: taken and cancelled at once, or refused."""

    CANCELLED = "cancelled"
    REFUSED = "refused"


class ExclusionName(StrEnum):
    """Which spelling of the batch cancel's exclusion is heard; the other is no parameter of the call."""

    BOTH = "both"
    EXCLUDED_PAIRS = "excluded_pairs"
    EXCLUDE_PAIRS = "exclude_pairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """The venue core: ids, money, identifiers, and the points that the documents leave open."""

    seed: int = parameter(1, "", "ids are derived from it", low=0)
    pace: Pace = parameter(Pace.STEPPED, "", "house.md section 3: a hand-driven clock")
    fee_krw: Decimal = parameter(Decimal("0.0005"), "ratio", "upbit-api.md section 5, KRW market", 0, 0.1)
    fee_other: Decimal = parameter(Decimal("0.0025"), "ratio", "upbit-api.md section 5, BTC and USDT", 0, 0.1)
    maximum_krw: Decimal = parameter(Decimal(1_000_000_000), "KRW", "upbit-api.md section 5", low=5000)
    maximum_btc: Decimal = parameter(Decimal(10), "BTC", "upbit-api.md changes, 2025-05-19", low=1)
    rejected_identifier: RejectedIdentifier = parameter(
        RejectedIdentifier.BURNT, "", "upbit-api.md section 4.3: unusable even if the order was never created"
    )
    test_burns_identifier: bool = parameter(
        False, "", "upbit-api.md section 13: open; section 4.4: no order is made"
    )
    checks: tuple[Check, ...] = parameter(tuple(Check), "", "upbit-api.md section 13: the order of checks is open")
    self_match: SelfMatch = parameter(
        SelfMatch.CANCEL_MAKER, "", "upbit-api.md changes, 2026-11-09: what an omitted smp_type means"
    )
    self_match_shown: bool = parameter(True, "", "upbit-api.md changes, 2026-11-09: smp_type in every order reply")
    taking_post_only: TakingPostOnly = parameter(
        TakingPostOnly.CANCELLED, "", "upbit-api.md section 4.3: not stated; refused as invalid_post_only"
    )
    cancel_delay_ms: int = parameter(0, "ms", "upbit-api.md section 4.7: the end state comes later", 0, 600_000)
    cancel_and_new_status: int = parameter(201, "HTTP status", "upbit-api.md section 4.7: 201 or 200", 200, 201)
    exclusion_name: ExclusionName = parameter(ExclusionName.BOTH, "", "upbit-api.md section 4.7: two spellings")
    balance_lag_ms: int = parameter(0, "ms", "upbit-api.md section 5: accounts may lag a moment", 0, 600_000)
    book_share: Decimal = parameter(
        Decimal(1), "ratio", "of each level of the street's book that an incoming order gets: partial fills", 0, 1
    )
    average_with_fee: bool = parameter(False, "", "upbit-api.md section 4.1: unpublished; price only is likeliest")
    far_price_ratio: Decimal = parameter(
        Decimal(0), "ratio", "upbit-api.md section 5: far-off limits may be refused; 0 = none is", 0, 1_000_000
    )
    stable_tick: Decimal = parameter(
        Decimal(0), "KRW", "upbit-api.md section 8: USDT, USDC in 1,000-10,000 KRW; 0 = as the table", 0, 1000
    )
    beyond_book: str = parameter(
        "volume_too_large", "error name", "upbit-api.md section 5: the 30-level refusal's name is unpublished"
    )
    limit_only: tuple[str, ...] = parameter(
        (), "markets", "upbit-api.md section 10: new listings take limits only"
    )
    unconsented: tuple[str, ...] = parameter((), "accounts", "upbit-api.md changes, 2025-06-11: BTC, USDT consent")
    consent_status: int = parameter(400, "HTTP status", "upbit-api.md section 6: the status is open", 400, 403)
    preview_refusal: str = parameter(
        "market_offline", "error name", "upbit-api.md section 10: orders before a market opens; not published"
    )
    withdrawals_locked: bool = parameter(False, "", "upbit-api.md section 6: the withdrawal safety lock")
    missing_withdrawal: str = parameter(
        "withdraw_not_found", "error name", "upbit-api.md section 4.8: the name is not published"
    )

    def __post_init__(self) -> None:
        require_in_range(self)
        if sorted(self.checks) != sorted(Check):
            raise Misconfigured(f"checks: expected each of {', '.join(Check)} once")
        if 0 < self.far_price_ratio < 1:
            raise Misconfigured("far_price_ratio: expected 0, or at least 1")
        early = self.checks[: self.checks.index(Check.FORM)]
        if any(check not in _BEFORE_FORM for check in early):
            raise Misconfigured("checks: only maintenance and identifier can come before form")

    @property
    def cancel_delay(self) -> timedelta:
        """How long a cancel is on its way."""
        return timedelta(milliseconds=self.cancel_delay_ms)

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
    longest_block_seconds: int = parameter(86_400, "s", "a day: the doubling must end somewhere", 1, 31_536_000)
    forgive_seconds: int = parameter(3600, "s", "so long without a 429, and blocks are short again", 1, 31_536_000)
    ceilings: tuple[tuple[str, int], ...] = parameter(
        (), "group, calls", "upbit-api.md section 7: limits are ceilings and may be lowered under load"
    )
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
    """A key of an account (upbit-api.md section 3). No `addresses` means from anywhere.

    One without `expires_at` never expires. Times are aware UTC.
    """

    access: str
    secret: str = field(repr=False)
    account: str
    scopes: frozenset[str] = ALL_SCOPES
    created_at: datetime | None = None
    expires_at: datetime | None = None
    addresses: tuple[str, ...] = ()


class BadToken(StrEnum):
    """What becomes of a private connect with a token that is not good."""

    REFUSED = "refused"
    FRAME = "frame"


class Maintenance(StrEnum):
    """What becomes of the sockets while the venue is down."""

    SILENT = "silent"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """The WebSocket face: its times, its limits, and its open points."""

    snapshot_first_ms: int = parameter(
        180, "ms", "upbit-api.md section 9.1: two bursts; real pace only", 0, 10_000
    )
    snapshot_second_ms: int = parameter(
        340, "ms", "upbit-api.md section 9.1: two bursts; real pace only", 0, 10_000
    )
    grid_ms: int = parameter(100, "ms", "upbit-api.md section 9.2: books come on a 100 ms grid", 10, 1000)
    idle_seconds: float = parameter(60.5, "s", "upbit-api.md section 9.1: measured; documented are 120", 0.1, 3600)
    up_seconds: int = parameter(10, "s", "upbit-api.md section 9.1: after PING, every 10 s", 1, 600)
    error_close_ms: int = parameter(150, "ms", "upbit-api.md section 9.1: then close 1000", 0, 10_000)
    bad_token: BadToken = parameter(BadToken.REFUSED, "", "upbit-api.md section 3: 401 on the upgrade, or a frame")
    public_on_private: bool = parameter(
        False, "", "upbit-api.md section 9: public types on the private endpoint are not spoken of"
    )
    maintenance: Maintenance = parameter(
        Maintenance.SILENT, "", "upbit-api.md section 10: sockets may drop or go silent"
    )
    first_assets_seconds: int = parameter(
        0, "s", "upbit-api.md section 9.3: an account's first myAsset may deliver nothing for minutes", 0, 3600
    )
    largest_body: int = parameter(
        100_000, "characters", "upbit-api.md section 9.3: the body of a large notice may be null", low=0
    )
    largest_message: int = parameter(262_144, "bytes", "no request of the venue comes near", 1024, 1_000_000)
    unread_bytes: int = parameter(
        8_388_608, "bytes", "a client that does not read is dropped", 65_536, 1_073_741_824
    )
    public_seconds: float = parameter(1.0, "s", "a jump of time tells no more of the street than this", 0.1, 60)

    def __post_init__(self) -> None:
        require_in_range(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSettings:
    """The HTTP face: rate limits, and what is open about the checks of a signed call."""

    quota: QuotaSettings = field(default_factory=QuotaSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)
    out_of_scope_status: int = parameter(401, "HTTP status", "upbit-api.md section 6: 401 or 403", 401, 403)
    checks: tuple[EntryCheck, ...] = parameter(
        tuple(EntryCheck), "", "upbit-api.md section 13: the order of checks is open"
    )
    nonce_seconds: int = parameter(0, "s", "upbit-api.md section 3: 0 remembers for the whole run", 0, 31_536_000)
    nonces_kept: int = parameter(1_000_000, "", "a bound of memory, some 200 MB: the oldest are forgotten", low=1)
    old_address_error: bool = parameter(False, "", "upbit-api.md section 6: once spelled no_authorization_i_p")
    body_parameters: bool = parameter(
        False, "", "upbit-api.md section 1: refused; pyupbit 0.2.34 sends GET and DELETE parameters as a body"
    )

    def __post_init__(self) -> None:
        require_in_range(self)
        if sorted(self.checks) != sorted(EntryCheck):
            raise Misconfigured(
                f"checks: expected each of {', '.join(EntryCheck)} once, got {', '.join(self.checks)}"
            )


def fingerprint(settings: VenueSettings, data: Mapping[str, str]) -> str:
    """The sha256 that names one world: the venue's settings, and `data` (what tells the market data apart)."""
    return sha256(msgspec.json.encode([settings, sorted(data.items())])).hexdigest()

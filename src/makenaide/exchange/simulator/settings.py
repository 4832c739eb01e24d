"""What can be set of the simulated venue. Each default is the documented behaviour of upbit-api.md."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

import msgspec

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market, quote_of
from makenaide.domain.parameter import near, parameter, require_in_range
from makenaide.exchange.simulator.limits import LIMITS
from makenaide.exchange.simulator.refusals import REFUSALS

_HEADER_NAME = re.compile(r"[a-z0-9-]+")


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
    fee_krw: Decimal = parameter(
        Decimal("0.0005"), "ratio", "fee of KRW markets, of both sides (upbit-api.md section 5)", 0, 0.1
    )
    fee_other: Decimal = parameter(
        Decimal("0.0025"), "ratio", "fee of BTC and USDT markets (upbit-api.md section 5)", 0, 0.1
    )
    maximum_krw: Decimal = parameter(
        Decimal(1_000_000_000), "KRW", "greatest order total (upbit-api.md section 5)", low=5000
    )
    maximum_btc: Decimal = parameter(
        Decimal(10), "BTC", "greatest order total in BTC markets (upbit-api.md changes, 2025-05-19)", low=1
    )
    rejected_identifier: RejectedIdentifier = parameter(
        RejectedIdentifier.BURNT,
        "",
        "a refused order's identifier: used up, or free again (upbit-api.md section 4.3)",
    )
    test_burns_identifier: bool = parameter(
        False, "", "a test order uses up its identifier (upbit-api.md sections 4.4, 13: open)"
    )
    checks: tuple[Check, ...] = parameter(
        tuple(Check), "", "in this order is an order judged (upbit-api.md section 13: open)"
    )
    self_match: SelfMatch = parameter(
        SelfMatch.CANCEL_MAKER, "", "what an omitted smp_type means (upbit-api.md changes, 2026-11-09)"
    )
    self_match_shown: bool = parameter(
        True, "", "smp_type is in every order reply (upbit-api.md changes, 2026-11-09)"
    )
    taking_post_only: TakingPostOnly = parameter(
        TakingPostOnly.CANCELLED,
        "",
        "of a post_only order that would take: cancelled, or refused (upbit-api.md section 4.3: open)",
    )
    cancel_delay_ms: int = parameter(
        0, "ms", "from a cancel's reply to its effect (upbit-api.md section 4.7)", 0, 600_000
    )
    cancel_and_new_status: int = parameter(
        201, "HTTP status", "status of cancel_and_new's reply (upbit-api.md section 4.7: 201 or 200)", 200, 201
    )
    exclusion_name: ExclusionName = parameter(
        ExclusionName.BOTH, "", "the heard name of a batch cancel's exclusion (upbit-api.md section 4.7)"
    )
    balance_lag_ms: int = parameter(
        0,
        "ms",
        "money coming in (from fills, released locks) shows so late; locks at once (upbit-api.md section 5)",
        0,
        600_000,
    )
    book_share: Decimal = parameter(
        Decimal(1), "ratio", "of each level of the street's book that an incoming order gets: partial fills", 0, 1
    )
    average_with_fee: bool = parameter(
        False, "", "avg_buy_price counts fees in (upbit-api.md section 4.1: unpublished)"
    )
    far_price_ratio: Decimal = parameter(
        Decimal(0),
        "ratio",
        "limits so many times off the price are refused; 0 = none (upbit-api.md section 5)",
        0,
        1_000_000,
    )
    stable_tick: Decimal = parameter(
        Decimal(0),
        "KRW",
        "step of USDT, USDC at 1,000-10,000 KRW; 0 = as the table (upbit-api.md section 8)",
        0,
        1000,
    )
    beyond_book: str = parameter(
        "volume_too_large",
        "error name",
        "refusal of what 30 levels cannot fill (upbit-api.md section 5: unpublished)",
    )
    limit_only: tuple[str, ...] = parameter(
        (),
        "markets",
        "these take limit orders only (upbit-api.md section 10); for paper money codes are not looked up",
    )
    unconsented: tuple[str, ...] = parameter(
        (), "accounts", "those without the consent that BTC, USDT markets need (upbit-api.md changes, 2025-06-11)"
    )
    consent_status: int = parameter(
        400, "HTTP status", "of a refusal for want of consent (upbit-api.md section 6: 400 or 403)"
    )
    preview_refusal: str = parameter(
        "market_offline",
        "error name",
        "refusal of orders before a market opens (upbit-api.md section 10: unpublished)",
    )
    withdrawals_locked: bool = parameter(
        False, "", "the safety lock: pay-outs and cancels of them are refused (upbit-api.md section 6)"
    )
    missing_withdrawal: str = parameter(
        "withdraw_not_found",
        "error name",
        "refusal for an unknown withdrawal (upbit-api.md section 4.8: unpublished)",
    )

    def __post_init__(self) -> None:
        require_in_range(self)
        if sorted(self.checks) != sorted(Check):
            raise Misconfigured(f"checks: expected each of {', '.join(Check)} once")
        if 0 < self.far_price_ratio < 1:
            raise Misconfigured("far_price_ratio: expected 0, or at least 1")
        if self.consent_status not in (400, 403):
            raise Misconfigured(f"consent_status: expected 400 or 403, got {self.consent_status}")
        early = self.checks[: self.checks.index(Check.FORM)]
        if any(check not in _BEFORE_FORM for check in early):
            raise Misconfigured("checks: only maintenance and identifier can come before form")
        for setting in ("beyond_book", "preview_refusal", "missing_withdrawal"):
            name = getattr(self, setting)
            if name not in REFUSALS:
                raise Misconfigured(f"{setting}: unknown error name {name}{near(name, REFUSALS)}")

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
    """The rate limits' open points; the limits themselves are `limits.LIMITS`."""

    enforced: bool = parameter(True, "", "too many calls are refused (upbit-api.md section 7)")
    phase_ms: int = parameter(0, "ms", "where in a second the windows begin: section 7 says fixed seconds", 0, 999)
    refusals_to_block: int = parameter(
        5, "429s", "one more within refusal_seconds blocks (upbit-api.md section 7, proposal)", low=1
    )
    refusal_seconds: int = parameter(
        10, "s", "in which refusals are counted (upbit-api.md section 7, proposal)", 1, 31_536_000
    )
    first_block_seconds: int = parameter(
        10, "s", "of the first 418; each further one doubles (upbit-api.md section 7, proposal)", low=1
    )
    longest_block_seconds: int = parameter(86_400, "s", "a day: the doubling must end somewhere", 1, 31_536_000)
    forgive_seconds: int = parameter(3600, "s", "so long without a 429, and blocks are short again", 1, 31_536_000)
    ceilings: tuple[tuple[str, int], ...] = parameter(
        (), "list of [group, calls]", "fewer calls than published, as under load (upbit-api.md section 7)"
    )
    json_body: bool = parameter(False, "", "429 and 418 in JSON, not as plain text (upbit-api.md section 6)")
    header_names: tuple[tuple[str, str], ...] = parameter(
        (),
        "list of [group, name]",
        "other names in Remaining-Req, as candles, crix-trades (upbit-api.md section 7)",
    )

    def __post_init__(self) -> None:
        require_in_range(self)
        for setting, named in (("ceilings", self.ceilings), ("header_names", self.header_names)):
            for group, _ in named:
                if group not in LIMITS:
                    raise Misconfigured(f"{setting}: unknown group {group}{near(group, LIMITS)}")
        for _, name in self.header_names:
            if not _HEADER_NAME.fullmatch(name):
                raise Misconfigured(f"header_names: expected small letters, digits and -, got {name!r}")
        for group, calls in self.ceilings:
            if not 0 <= calls <= LIMITS[group].calls:
                raise Misconfigured(f"ceilings: {group} allows 0 to {LIMITS[group].calls} calls, got {calls}")


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
        180, "ms", "from a request to its first snapshots; real pace only (upbit-api.md section 9.1)", 0, 10_000
    )
    snapshot_second_ms: int = parameter(
        340, "ms", "to the other snapshots; real pace only (upbit-api.md section 9.1)", 0, 10_000
    )
    grid_ms: int = parameter(100, "ms", "books come on this grid (upbit-api.md section 9.2)", 10, 1000)
    idle_seconds: float = parameter(
        60.5, "s", "a socket without a word is cut (upbit-api.md section 9.1: measured; documented 120)", 0.1, 3600
    )
    up_seconds: int = parameter(10, "s", "from status to status after PING (upbit-api.md section 9.1)", 1, 600)
    error_close_ms: int = parameter(
        150, "ms", "from an error frame to the close 1000 (upbit-api.md section 9.1)", 0, 10_000
    )
    bad_token: BadToken = parameter(
        BadToken.REFUSED, "", "a bad token is 401 on the upgrade, or an error frame (upbit-api.md section 3)"
    )
    public_on_private: bool = parameter(
        False, "", "public types may be had on the private endpoint (upbit-api.md section 9: open)"
    )
    maintenance: Maintenance = parameter(
        Maintenance.SILENT, "", "sockets then go silent, or drop (upbit-api.md section 10)"
    )
    first_assets_seconds: int = parameter(
        0, "s", "an account's first myAsset is silent for so long (upbit-api.md section 9.3)", 0, 3600
    )
    largest_body: int = parameter(
        100_000, "characters", "a notice's longer body is null (upbit-api.md section 9.3)", low=0
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
    out_of_scope_status: int = parameter(
        401, "HTTP status", "status of out_of_scope (upbit-api.md section 6: 401 or 403)"
    )
    checks: tuple[EntryCheck, ...] = parameter(
        tuple(EntryCheck), "", "in this order is a signed call judged (upbit-api.md section 13: open)"
    )
    nonce_seconds: int = parameter(
        0, "s", "a used nonce is remembered; 0 = for the whole run (upbit-api.md section 3)", 0, 31_536_000
    )
    nonces_kept: int = parameter(1_000_000, "", "a bound of memory, some 200 MB: the oldest are forgotten", low=1)
    old_address_error: bool = parameter(
        False, "", "a wrong address is no_authorization_i_p, as it once was (upbit-api.md section 6)"
    )
    body_parameters: bool = parameter(
        False,
        "",
        "bodies of GET and DELETE are read, as pyupbit 0.2.34 needs, not refused (upbit-api.md section 1)",
    )

    def __post_init__(self) -> None:
        require_in_range(self)
        if self.out_of_scope_status not in (401, 403):
            raise Misconfigured(f"out_of_scope_status: expected 401 or 403, got {self.out_of_scope_status}")
        if sorted(self.checks) != sorted(EntryCheck):
            raise Misconfigured(
                f"checks: expected each of {', '.join(EntryCheck)} once, got {', '.join(self.checks)}"
            )


def fingerprint(settings: VenueSettings, data: Mapping[str, str]) -> str:
    """The sha256 that names one world: the venue's settings, and `data` (what tells the market data apart)."""
    return sha256(msgspec.json.encode([settings, sorted(data.items())])).hexdigest()

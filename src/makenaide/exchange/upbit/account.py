"""The account: the venue's replies about money, wallets and keys into domain values (upbit-api.md, section 4)."""

from collections.abc import Mapping

from makenaide.domain.market import Market
from makenaide.domain.money import Krw
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.rows import AccountRow, ApiKeyRow, ChanceRow, TransferRow, WalletRow
from makenaide.exchange.upbit.wire import amount, moment, read, valued
from makenaide.exchange.venue import ApiKeyTerm, Balance, Chance, Transfer, Wallet, WalletState

_STATES = frozenset(WalletState) - {WalletState.OTHER}


def balances(call: str, body: bytes) -> Mapping[str, Balance]:
    """Free and locked amount by currency."""
    found: dict[str, Balance] = {}
    for index, row in enumerate(read(call, body, list[AccountRow])):
        at = f"{call}: $[{index}]"
        if row.currency in found:
            raise VenueGarbled(f"{at}.currency: {row.currency} stands there twice")
        free, locked = valued(amount, row.balance, f"{at}.balance"), valued(amount, row.locked, f"{at}.locked")
        found[row.currency] = Balance(currency=row.currency, free=free, locked=locked)
    return found


def chance(call: str, body: bytes, code: Market) -> Chance:
    """Fees and limits in `code`; the minimum total is the larger one of the two sides."""
    row = read(call, body, ChanceRow)
    if row.market.id != code:
        raise VenueGarbled(f"{call}: $.market.id: asked for {code}, got {row.market.id!r}")
    totals = [
        valued(amount, row.market.bid.min_total, f"{call}: $.market.bid.min_total"),
        valued(amount, row.market.ask.min_total, f"{call}: $.market.ask.min_total"),
    ]
    return Chance(
        market=code,
        bid_fee=valued(amount, row.bid_fee, f"{call}: $.bid_fee"),
        ask_fee=valued(amount, row.ask_fee, f"{call}: $.ask_fee"),
        minimum_total=Krw(max(totals)),
        active=row.market.state == "active",
    )


def wallets(call: str, body: bytes) -> tuple[Wallet, ...]:
    """Every wallet of the venue, one a currency and network; `VenueGarbled` when there is none."""
    rows = read(call, body, list[WalletRow])
    if not rows:
        raise VenueGarbled(f"{call}: the list of wallets is empty")
    return tuple(
        Wallet(
            currency=row.currency,
            network=row.net_type or "",
            state=_state(row.wallet_state),
            blocks=row.block_state,
        )
        for row in rows
    )


def _state(text: str) -> WalletState:
    return WalletState(text) if text in _STATES else WalletState.OTHER


def api_keys(call: str, body: bytes) -> tuple[ApiKeyTerm, ...]:
    """The account's API keys with the moments at which they end."""
    rows = read(call, body, list[ApiKeyRow])
    return tuple(
        ApiKeyTerm(access=row.access_key, expires_at=moment(row.expire_at, f"{call}: $[{index}].expire_at"))
        for index, row in enumerate(rows)
    )


def transfers(call: str, body: bytes) -> tuple[Transfer, ...]:
    """Deposits or withdrawals, in the order in which the venue lists them."""
    return tuple(
        Transfer(
            uuid=row.uuid,
            currency=row.currency,
            network=row.net_type or "",
            amount=valued(amount, row.amount, f"{call}: $[{index}].amount"),
            fee=valued(amount, row.fee, f"{call}: $[{index}].fee"),
            state=row.state,
            txid=row.txid,
            created_at=moment(row.created_at, f"{call}: $[{index}].created_at"),
            done_at=None if row.done_at is None else moment(row.done_at, f"{call}: $[{index}].done_at"),
        )
        for index, row in enumerate(read(call, body, list[TransferRow]))
    )

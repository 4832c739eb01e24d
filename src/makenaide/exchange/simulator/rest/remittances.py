"""The JSON shapes of money in and out and of the wallets (upbit-api.md section 4.8; fields as the official SDK)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from makenaide.domain.clock import kst
from makenaide.domain.money import plain
from makenaide.exchange.simulator.core.treasury import BlockState, Direction, Transfer, TransferState, WalletState
from makenaide.exchange.simulator.core.wallet import Holding
from makenaide.exchange.simulator.rest.replies import Json, account

_PLACES: Final = 8
_SMALLEST: Final = "0.00000001"
_DAILY_KRW: Final = Decimal(5_000_000_000)


def wallet(coin: str, state: WalletState, block: BlockState, now: datetime) -> Json:
    """One row of `/status/wallet`."""
    return {
        "currency": coin,
        "wallet_state": state.value,
        "block_state": block.value,
        "block_height": int(now.timestamp()) // 600,
        "block_updated_at": now.isoformat(timespec="milliseconds"),
        "block_elapsed_minutes": 0,
        "net_type": coin,
        "network_name": coin,
    }


def transfer(each: Transfer) -> Json:
    """A deposit or a withdrawal."""
    shape: Json = {
        "type": each.direction.value,
        "uuid": each.uuid,
        "currency": each.currency,
        "net_type": each.network,
        "txid": each.txid,
        "state": each.state.value,
        "created_at": kst(each.created_at).isoformat(timespec="seconds"),
        "done_at": None if each.done_at is None else kst(each.done_at).isoformat(timespec="seconds"),
        "amount": plain(each.amount),
        "fee": plain(each.fee),
        "transaction_type": "default",
    }
    if each.direction is Direction.WITHDRAW:
        shape["is_cancelable"] = each.state is TransferState.WAITING and each.currency != "KRW"
    return shape


def address(coin: str, network: str, where: str) -> Json:
    """Where an account receives a coin."""
    return {"currency": coin, "net_type": network, "deposit_address": where, "secondary_address": None}


def deposit_chance(coin: str, network: str, possible: bool) -> Json:
    """Whether a coin can be deposited."""
    return {
        "currency": coin,
        "net_type": network,
        "is_deposit_possible": possible,
        "deposit_impossible_reason": "" if possible else "입금이 중단된 화폐입니다.",
        "minimum_deposit_amount": "0",
        "minimum_deposit_confirmations": 1,
        "decimal_precision": _PLACES,
    }


def withdraw_chance(
    currency: str, network: str | None, holding: Holding, state: WalletState, support: Sequence[str]
) -> Json:
    """What could be withdrawn."""
    is_coin = currency != "KRW"
    return {
        "member_level": {
            "security_level": 3,
            "fee_level": 0,
            "email_verified": True,
            "identity_auth_verified": True,
            "bank_account_verified": True,
            "two_factor_auth_verified": True,
            "locked": False,
            "wallet_locked": False,
        },
        "currency": {
            "code": currency,
            "withdraw_fee": "0",
            "is_coin": is_coin,
            "wallet_state": state.value,
            "wallet_support": list(support),
        },
        "account": account(currency, holding),
        "withdraw_limit": {
            "currency": currency,
            "net_type": network,
            "minimum": _SMALLEST if is_coin else "5000",
            "fiat_currency": "KRW",
            "remaining_daily_fiat": plain(_DAILY_KRW),
            "withdraw_delayed_fiat": "0",
            "fixed": _PLACES if is_coin else 0,
            "can_withdraw": "withdraw" in support,
        },
    }

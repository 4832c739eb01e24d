"""Money that comes into the venue and leaves it: deposits and withdrawals with their history; the wallets' states.

Only the operator lets money in or out. A customer can ask for an address, announce a deposit of won, and cancel a
withdrawal that still waits (upbit-api.md section 4.8).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import NAMESPACE_OID, uuid5

from makenaide.exchange.simulator.core.orders import ZERO
from makenaide.exchange.simulator.core.settlement import Settlement
from makenaide.exchange.simulator.core.wallet import Wallet


class Direction(StrEnum):
    """Which way money goes."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"


class TransferState(StrEnum):
    """How far a deposit or a withdrawal is (upbit-api.md section 4.8)."""

    PROCESSING = "PROCESSING"
    ACCEPTED = "ACCEPTED"
    TRAVEL_RULE_SUSPECTED = "TRAVEL_RULE_SUSPECTED"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"
    WAITING = "WAITING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


STATES: Mapping[Direction, frozenset[TransferState]] = {
    Direction.DEPOSIT: frozenset(
        {
            TransferState.PROCESSING,
            TransferState.ACCEPTED,
            TransferState.CANCELLED,
            TransferState.REJECTED,
            TransferState.TRAVEL_RULE_SUSPECTED,
            TransferState.REFUNDING,
            TransferState.REFUNDED,
        }
    ),
    Direction.WITHDRAW: frozenset(
        {
            TransferState.WAITING,
            TransferState.PROCESSING,
            TransferState.DONE,
            TransferState.FAILED,
            TransferState.CANCELLED,
            TransferState.REJECTED,
        }
    ),
}
"""The states that a transfer of each direction can be in."""

_UNDER_WAY = (
    TransferState.PROCESSING,
    TransferState.WAITING,
    TransferState.TRAVEL_RULE_SUSPECTED,
    TransferState.REFUNDING,
)


class WalletState(StrEnum):
    """What a coin's wallet can do."""

    WORKING = "working"
    WITHDRAW_ONLY = "withdraw_only"
    DEPOSIT_ONLY = "deposit_only"
    PAUSED = "paused"
    UNSUPPORTED = "unsupported"


class BlockState(StrEnum):
    """How a coin's network stands."""

    NORMAL = "normal"
    DELAYED = "delayed"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What the operator wants done: `amount` of `currency` in or out, with the state that it begins in.

    `state` None is the finished one; `network` and `txid` None are made up by the venue.
    """

    currency: str
    amount: Decimal
    fee: Decimal = ZERO
    state: TransferState | None = None
    network: str | None = None
    txid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A deposit or a withdrawal as its history shows it; `done_at` is set once it is no longer under way."""

    uuid: str
    account: str
    direction: Direction
    currency: str
    amount: Decimal
    fee: Decimal
    network: str | None
    txid: str
    state: TransferState
    created_at: datetime
    done_at: datetime | None

    @property
    def under_way(self) -> bool:
        """Whether its state can still change."""
        return self.state in _UNDER_WAY


class Treasury:
    """The transfers of all accounts, oldest first, and what the operator said of the wallets."""

    def __init__(
        self, wallets: Mapping[str, Wallet], settlement: Settlement, transfer_id: Callable[[], str]
    ) -> None:
        self._wallets = wallets
        self._settlement = settlement
        self._transfer_id = transfer_id
        self._transfers: dict[str, Transfer] = {}
        self._states: dict[str, tuple[WalletState, BlockState]] = {}
        self._addresses: dict[tuple[str, str, str], str] = {}

    def addresses(self, account: str) -> dict[tuple[str, str], str]:
        """Where `account` receives coins: the address of each currency and network that it asked one for."""
        return {name[1:]: address for name, address in self._addresses.items() if name[0] == account}

    def make_address(self, account: str, currency: str, network: str) -> None:
        """Give `account` an address; it is made up, and stays the same."""
        name = uuid5(NAMESPACE_OID, f"{account} {currency} {network}")
        self._addresses[account, currency, network] = f"simulated-{currency.lower()}-{name.hex}"

    def of(self, account: str, direction: Direction) -> list[Transfer]:
        """The transfers of `account` that way, oldest first."""
        return [
            each for each in self._transfers.values() if each.account == account and each.direction is direction
        ]

    def transfer(self, uuid: str) -> Transfer | None:
        """The transfer of that uuid."""
        return self._transfers.get(uuid)

    def wallet(self, currency: str) -> tuple[WalletState, BlockState]:
        """What the wallet of `currency` can do; all, unless the operator said otherwise."""
        return self._states.get(currency, (WalletState.WORKING, BlockState.NORMAL))

    def set_wallet(self, currency: str, wallet: WalletState, block: BlockState) -> None:
        """From now on the wallet of `currency` can do this."""
        self._states[currency] = wallet, block

    def move(self, account: str, direction: Direction, move: Move, at: datetime) -> Transfer:
        """Begin a transfer; a withdrawal under way locks its amount and fee. The caller has checked `move`."""
        uuid = self._transfer_id()
        done = TransferState.ACCEPTED if direction is Direction.DEPOSIT else TransferState.DONE
        state = move.state or done
        transfer = Transfer(
            uuid=uuid,
            account=account,
            direction=direction,
            currency=move.currency,
            amount=move.amount,
            fee=move.fee,
            network=None if move.currency == "KRW" else move.network or move.currency,
            txid=move.txid or f"tx-{uuid}",
            state=state,
            created_at=at,
            done_at=None if state in _UNDER_WAY else at,
        )
        if direction is Direction.WITHDRAW:
            self._wallets[account].lock(move.currency, move.amount + move.fee)
        self._transfers[uuid] = transfer
        self._book(transfer, at)
        return transfer

    def settle(self, uuid: str, state: TransferState, at: datetime) -> Transfer:
        """The transfer goes on to `state`; the caller has checked that it can."""
        after = replace(self._transfers[uuid], state=state, done_at=None if state in _UNDER_WAY else at)
        self._transfers[uuid] = after
        self._book(after, at)
        return after

    def give(self, account: str, currency: str, change: Decimal, at: datetime) -> None:
        """`change` more of `currency` without a history; less if negative, which the caller has checked."""
        wallet = self._wallets[account]
        if change > 0:
            wallet.credit(currency, change)
        else:
            wallet.take(currency, -change)
        self._settlement.outside[currency] -= change
        self._settlement.feed.moved(account, wallet, [currency], at)

    def state(self) -> list[str]:
        """All of it in words, for comparing two venues."""
        lines = [str(each) for each in self._transfers.values()]
        return [*lines, f"wallets {sorted(self._states.items())}", f"addresses {sorted(self._addresses.items())}"]

    def _book(self, transfer: Transfer, at: datetime) -> None:
        wallet, currency = self._wallets[transfer.account], transfer.currency
        settlement = self._settlement
        if transfer.direction is Direction.DEPOSIT:
            if transfer.state is TransferState.ACCEPTED:
                wallet.credit(currency, transfer.amount)
                settlement.outside[currency] -= transfer.amount
        elif transfer.state is TransferState.DONE:
            wallet.spend(currency, transfer.amount + transfer.fee)
            settlement.outside[currency] += transfer.amount
            settlement.fees[currency] += transfer.fee
        elif not transfer.under_way:
            wallet.release(currency, transfer.amount + transfer.fee)
        settlement.feed.moved(transfer.account, wallet, [currency], at)

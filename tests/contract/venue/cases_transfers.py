"""M025 to M027: money in and out, wallets, keys (upbit-api.md section 4.8)."""

from decimal import Decimal
from typing import Any

from makenaide.exchange.simulator.core.treasury import Move, TransferState, WalletState
from tests.contract.venue.case import case
from tests.contract.venue.rig import RIGHTS, Rig
from tests.unit.simulator_street import XRP

D: Any = Decimal
WALLET = [
    *("currency", "wallet_state", "block_state", "block_height", "block_updated_at"),
    *("block_elapsed_minutes", "net_type", "network_name"),
]


@case("M025", "Deposits and withdrawals are histories, and our client reads them", "4.8")
def transfers(rig: Rig) -> None:
    rig.operator.deposit("paper", Move(currency="KRW", amount=D(1000)))
    rig.wait(1)
    rig.operator.withdraw(
        "paper", Move(currency="BTC", amount=D("0.1"), fee=D("0.0002"), state=TransferState.WAITING)
    )
    (came,) = rig.get("deposits", key="all").json
    (goes,) = rig.get("withdraws", key="all").json
    assert (came["type"], came["currency"], came["state"], D(came["amount"])) == (
        "deposit",
        "KRW",
        "ACCEPTED",
        1000,
    )
    assert (goes["type"], goes["state"], D(goes["fee"])) == ("withdraw", "WAITING", D("0.0002"))
    assert rig.get("deposit", uuid=came["uuid"], key="all").json == came
    assert rig.held("KRW")[0] == 10_001_000
    client = rig.customer("all")
    assert [each.uuid for each in client.deposits()] == [came["uuid"]]
    assert [each.uuid for each in client.withdrawals()] == [goes["uuid"]]
    assert rig.get("deposits", key="all", state="REJECTED").json == []


@case("M026", "Wallets tell what they can do and how their chains stand", "4.8")
def wallets(rig: Rig) -> None:
    rig.operator.set_wallet("BTC", WalletState.WITHDRAW_ONLY)
    rows = rig.get("status/wallet").json
    assert [list(row) for row in rows] == [WALLET] * 3
    states = {row["currency"]: (row["wallet_state"], row["block_state"]) for row in rows}
    assert states == {
        "BTC": ("withdraw_only", "normal"),
        "ETH": ("working", "normal"),
        "XRP": ("working", "normal"),
    }
    assert {each.currency: each.state.value for each in rig.client.wallets()}["BTC"] == "withdraw_only"


@case("M027", "Keys are listed with their ends; a pocket's keys with their rights", "4.8")
def keys(rig: Rig) -> None:
    rows = rig.get("api_keys").json
    assert [list(row) for row in rows] == [["access_key", "expire_at"]] * len(rows)
    assert all(row["expire_at"].endswith("+09:00") for row in rows)
    assert {each.access for each in rig.client.api_keys()} >= {"paper", "old"}
    (pocket,) = rig.get("pockets/api_keys", key="all").json
    names = {"access_key", "expired_at", "created_at", "permissions", "allowed_ips"}
    assert all(set(row) == names for row in pocket["keys"])
    assert {row["access_key"]: set(row["permissions"]) for row in pocket["keys"]}["all"] == RIGHTS
    assert XRP in {each.market for each in rig.client.markets()}

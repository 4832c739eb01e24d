"""Money in and out of the simulated venue, wallets, keys and pockets: history to read, nothing leaves by itself."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import plain
from makenaide.exchange.http import Pairs, Response
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import BlockState, Move, TransferState, WalletState
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, QuotaSettings, VenueSettings
from tests.unit.simulator_street import BEGIN, SECRET, Customer, decoded, error_name, flat, opened, seconds
from tests.unit.test_simulator_venue_money import assert_locks_match

EVERY = frozenset(
    (
        *("view_account", "view_orders", "make_orders", "view_withdrawals", "withdraw"),
        *("view_deposits", "deposit", "transfer", "manage_pockets"),
    )
)


def desk(
    settings: VenueSettings | None = None, scopes: frozenset[str] = EVERY, **more: Any
) -> tuple[Venue, Customer]:
    venue = opened(replace(flat(), **more), settings=settings, KRW="1000000", BTC="2")
    key = ApiKey(access="paper", secret=SECRET, account="paper", scopes=scopes)
    return venue, Customer(Face(venue, [key], FaceSettings(quota=QuotaSettings(enforced=False))))


def moved(currency: str, amount: str, state: TransferState | None = None, **more: Any) -> Move:
    return Move(currency=currency, amount=Decimal(amount), state=state, **more)


def free(venue: Venue, currency: str) -> tuple[str, str]:
    holding = venue.accounts["paper"].wallet.holding(currency)
    return plain(holding.free), plain(holding.locked)


def test_a_deposit_of_the_operators_is_in_the_balance_and_in_the_history() -> None:
    venue, someone = desk()
    venue.advance(BEGIN + seconds(5))
    uuid = Operator(venue).deposit("paper", moved("BTC", "0.50", txid="abc")).uuid
    assert free(venue, "BTC") == ("2.5", "0")
    shape = {
        "type": "deposit",
        "uuid": uuid,
        "currency": "BTC",
        "net_type": "BTC",
        "txid": "abc",
        "state": "ACCEPTED",
        "created_at": "2026-01-05T09:00:05+09:00",
        "done_at": "2026-01-05T09:00:05+09:00",
        "amount": "0.5",
        "fee": "0",
        "transaction_type": "default",
    }
    assert decoded(someone.get("/v1/deposits")) == [shape]
    assert decoded(someone.get("/v1/deposit", ("uuid", uuid))) == shape
    assert decoded(someone.get("/v1/withdraws")) == []


@pytest.mark.parametrize("state", ["PROCESSING", "TRAVEL_RULE_SUSPECTED", "REFUNDING"])
def test_a_deposit_under_way_is_not_in_the_balance_until_it_is_settled(state: str) -> None:
    venue, someone = desk()
    operator = Operator(venue)
    uuid = operator.deposit("paper", moved("KRW", "5000", TransferState(state))).uuid
    assert free(venue, "KRW") == ("1000000", "0")
    assert decoded(someone.get("/v1/deposit"))["done_at"] is None
    operator.settle(uuid, TransferState.ACCEPTED)
    assert free(venue, "KRW") == ("1005000", "0")
    with pytest.raises(Misconfigured, match="cannot go on"):
        operator.settle(uuid, TransferState.CANCELLED)


@pytest.mark.parametrize(
    ("state", "left"), [(TransferState.DONE, "1.4"), (TransferState.FAILED, "2"), (TransferState.CANCELLED, "2")]
)
def test_a_withdrawal_under_way_locks_its_amount_and_fee(state: TransferState, left: str) -> None:
    venue, someone = desk()
    operator = Operator(venue)
    uuid = operator.withdraw("paper", moved("BTC", "0.5", TransferState.WAITING, fee=Decimal("0.1"))).uuid
    assert free(venue, "BTC") == ("1.4", "0.6")
    assert_locks_match(venue)
    shape = decoded(someone.get("/v1/withdraw", ("uuid", uuid)))
    assert (shape["type"], shape["state"], shape["is_cancelable"], shape["fee"]) == (
        "withdraw",
        "WAITING",
        True,
        "0.1",
    )
    operator.settle(uuid, TransferState.PROCESSING)
    assert free(venue, "BTC") == ("1.4", "0.6")
    operator.settle(uuid, state)
    assert free(venue, "BTC") == (left, "0")
    done = decoded(someone.get("/v1/withdraw", ("uuid", uuid)))
    assert (done["state"], done["is_cancelable"]) == (state, False)
    assert_locks_match(venue)


def test_an_airdrop_changes_a_balance_that_no_history_explains() -> None:
    venue, someone = desk()
    Operator(venue).airdrop("paper", "APT", Decimal(3))
    Operator(venue).airdrop("paper", "BTC", Decimal("-2"))
    rows = {row["currency"]: row for row in decoded(someone.get("/v1/accounts"))}
    assert (rows["APT"]["balance"], rows["APT"]["avg_buy_price"], "BTC" in rows) == ("3", "0", False)
    assert decoded(someone.get("/v1/deposits")) == decoded(someone.get("/v1/withdraws")) == []


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (lambda it: it.deposit("nobody", moved("KRW", "1")), "account nobody"),
        (lambda it: it.deposit("paper", moved("KRW", "0")), "above 0"),
        (lambda it: it.deposit("paper", moved("KRW", "NaN")), "above 0"),
        (lambda it: it.deposit("paper", moved("KRW", "1", fee=Decimal(-1))), "fee of at least 0"),
        (lambda it: it.deposit("paper", moved("KRW", "1", TransferState.DONE)), "never DONE"),
        (lambda it: it.withdraw("paper", moved("BTC", "2", fee=Decimal("0.1"))), "exceed the 2 free"),
        (lambda it: it.airdrop("paper", "BTC", Decimal(-3)), "cannot change by -3"),
        (lambda it: it.make_address("nobody", "BTC", "BTC"), "account nobody"),
        (lambda it: it.make_address("paper", "btc", "BTC"), "currency: expected a code in capitals"),
        (lambda it: it.make_address("paper", "BTC", ""), "network: expected a name"),
        (lambda it: it.airdrop("paper", "BTC", Decimal(0)), "cannot change by 0"),
        (lambda it: it.settle("no-such", TransferState.DONE), "cannot go on"),
    ],
)
def test_the_operator_cannot_do_what_makes_no_sense(command: Any, problem: str) -> None:
    venue, _ = desk()
    before = venue.state()
    with pytest.raises(Misconfigured, match=problem):
        command(Operator(venue))
    assert venue.state() == before


def history(venue: Venue) -> list[str]:
    operator = Operator(venue)
    uuids = []
    for number, (currency, state) in enumerate(
        [
            ("KRW", None),
            ("BTC", None),
            ("BTC", TransferState.PROCESSING),
            ("KRW", TransferState.REJECTED),
            ("BTC", None),
        ]
    ):
        venue.advance(venue.now + seconds(1))
        uuids.append(operator.deposit("paper", moved(currency, "1", state, txid=f"tx{number}")).uuid)
    return uuids


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ((), [4, 3, 2, 1, 0]),
        ((("order_by", "asc"),), [0, 1, 2, 3, 4]),
        ((("currency", "BTC"),), [4, 2, 1]),
        ((("state", "ACCEPTED"),), [4, 1, 0]),
        ((("limit", "2"),), [4, 3]),
        ((("limit", "2"), ("page", "2")), [2, 1]),
        ((("limit", "2"), ("page", "4")), []),
        ((("txids[]", "tx1"), ("txids[]", "tx3")), [3, 1]),
        ((("uuids[]", "{0}"), ("uuids[]", "{4}")), [4, 0]),
        ((("from", "{2}"),), [4, 3]),
        ((("to", "{2}"),), [1, 0]),
        ((("from", "{0}"), ("to", "{4}"), ("order_by", "asc"), ("limit", "2")), [1, 2]),
    ],
)
def test_a_history_is_filtered_and_paged(query: Pairs, rows: list[int]) -> None:
    venue, someone = desk()
    uuids = history(venue)
    asked = [(name, value.format(*uuids)) for name, value in query]
    assert [row["uuid"] for row in decoded(someone.get("/v1/deposits", *asked))] == [uuids[row] for row in rows]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ((("state", "DONE"),), "validation_error"),
        ((("limit", "101"),), "validation_error"),
        ((("page", "0"),), "validation_error"),
        ((("order_by", "up"),), "validation_error"),
        ((("from", "no-such"),), "validation_error"),
        ((("uuids[]", "a"), ("txids[]", "b")), "bad_request"),
        (tuple(("uuids[]", str(number)) for number in range(101)), "validation_error"),
    ],
)
def test_a_history_that_is_asked_for_wrongly_is_refused(query: Pairs, name: str) -> None:
    reply = desk()[1].get("/v1/deposits", *query)
    assert (reply.status, error_name(reply)) == (400, name)


def test_one_transfer_is_found_by_uuid_txid_or_as_the_latest() -> None:
    venue, someone = desk()
    uuids = history(venue)
    found = [
        decoded(someone.get("/v1/deposit", *query))["uuid"]
        for query in ((("uuid", uuids[1]),), (("txid", "tx2"),), (("currency", "KRW"),), ())
    ]
    assert found == [uuids[1], uuids[2], uuids[3], uuids[4]]
    assert error_name(someone.get("/v1/deposit", ("uuid", "no-such"))) == "deposit_not_found"
    assert error_name(someone.get("/v1/withdraw")) == "withdraw_not_found"


def test_an_address_is_promised_first_and_then_there() -> None:
    _, someone = desk()
    asked = {"currency": "BTC", "net_type": "BTC"}
    query = tuple(asked.items())
    assert error_name(someone.get("/v1/deposits/coin_address", *query)) == "coin_address_not_found"
    promised = someone.post("/v1/deposits/generate_coin_address", asked)
    assert (promised.status, decoded(promised)["success"]) == (201, True)
    address = decoded(someone.post("/v1/deposits/generate_coin_address", asked))
    assert address["deposit_address"].startswith("simulated-btc-")
    assert decoded(someone.get("/v1/deposits/coin_address", *query)) == address
    assert decoded(someone.get("/v1/deposits/coin_addresses")) == [address]
    assert decoded(someone.get("/v1/withdraws/coin_addresses")) == []


def test_a_coin_has_one_network() -> None:
    _, someone = desk()
    wrong = COIN | {"net_type": "TRX"}
    for path in ("deposits/chance/coin", "deposits/coin_address", "withdraws/chance"):
        assert error_name(someone.get(f"/v1/{path}", *wrong.items())) == "validation_error"
    for path in ("deposits/generate_coin_address", "withdraws/coin"):
        assert error_name(someone.post(f"/v1/{path}", wrong)) == "validation_error"
    assert decoded(someone.get("/v1/deposits/coin_addresses")) == []


def test_what_can_be_deposited_and_withdrawn_follows_the_wallets() -> None:
    venue, someone = desk()
    coin = (("currency", "BTC"), ("net_type", "BTC"))
    Operator(venue).set_wallet("BTC", WalletState.WITHDRAW_ONLY, BlockState.DELAYED)
    chance = decoded(someone.get("/v1/deposits/chance/coin", *coin))
    assert (chance["is_deposit_possible"], chance["deposit_impossible_reason"] != "") == (False, True)
    out = decoded(someone.get("/v1/withdraws/chance", *coin))
    assert (out["currency"]["wallet_support"], out["withdraw_limit"]["can_withdraw"]) == (["withdraw"], True)
    assert (out["currency"]["wallet_state"], out["account"]["balance"]) == ("withdraw_only", "2")
    krw = decoded(someone.get("/v1/withdraws/chance", ("currency", "KRW")))
    assert (krw["currency"]["is_coin"], krw["currency"]["wallet_support"]) == (False, ["deposit", "withdraw"])
    rows = {row["currency"]: row for row in decoded(someone.get("/v1/status/wallet"))}
    assert (rows["BTC"]["wallet_state"], rows["BTC"]["block_state"]) == ("withdraw_only", "delayed")
    assert (rows["XRP"]["wallet_state"], rows["XRP"]["block_state"]) == ("working", "normal")
    assert decoded(someone.get("/v1/deposits/chance/coin", ("currency", "XRP"), ("net_type", "XRP")))[
        "is_deposit_possible"
    ]


def test_a_krw_deposit_waits_for_the_bank() -> None:
    venue, someone = desk()
    reply = someone.post("/v1/deposits/krw", {"amount": "10000", "two_factor_type": "kakao"})
    assert (reply.status, decoded(reply)["state"], free(venue, "KRW")[0]) == (201, "PROCESSING", "1000000")
    Operator(venue).settle(decoded(reply)["uuid"], TransferState.ACCEPTED)
    assert free(venue, "KRW")[0] == "1010000"


COIN = {"currency": "BTC", "net_type": "BTC", "amount": "1", "address": "somewhere"}
KRW = {"amount": "10000", "two_factor_type": "kakao"}


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        ("withdraws/coin", COIN, 400, "withdraw_address_not_registered"),
        ("withdraws/coin", COIN | {"amount": "3"}, 400, "withdraw_insufficient_balance"),
        ("withdraws/coin", COIN | {"currency": "NONE"}, 404, "currency_not_found"),
        ("withdraws/coin", COIN | {"amount": "x"}, 400, "validation_error"),
        ("withdraws/coin", COIN | {"address": 5}, 400, "validation_error"),
        ("withdraws/krw", KRW, 403, "open_api_withdraw_locked"),
        ("withdraws/krw", KRW | {"amount": "1000001"}, 400, "withdraw_insufficient_balance"),
        ("withdraws/krw", KRW | {"two_factor_type": "sms"}, 400, "validation_error"),
        ("withdraws/krw", {"two_factor_type": "kakao"}, 400, "validation_error"),
        ("deposits/krw", KRW | {"amount": "0"}, 400, "validation_error"),
        ("deposits/generate_coin_address", {"currency": "BTC"}, 400, "validation_error"),
    ],
)
def test_no_call_moves_money_out(path: str, body: Mapping[str, Any], status: int, name: str) -> None:
    venue, someone = desk()
    before = venue.state()
    reply = someone.post(f"/v1/{path}", body)
    assert (reply.status, error_name(reply), venue.state()) == (status, name, before)


def test_a_waiting_withdrawal_can_be_cancelled_and_no_other() -> None:
    venue, someone = desk()
    operator = Operator(venue)
    waiting = operator.withdraw("paper", moved("BTC", "0.5", TransferState.WAITING)).uuid
    others = [
        operator.withdraw("paper", moved("BTC", "0.5", TransferState.PROCESSING)).uuid,
        operator.withdraw("paper", moved("KRW", "5000", TransferState.WAITING)).uuid,
        operator.deposit("paper", moved("BTC", "1", TransferState.PROCESSING)).uuid,
        "4c1b3b0e-0d4f-4c6e-9a2c-4a8f0b6f3c11",
    ]
    for uuid in others:
        reply = someone.delete("/v1/withdraws/coin", ("uuid", uuid))
        assert (reply.status, error_name(reply)) == (404, "withdraw_not_found")
    assert decoded(someone.delete("/v1/withdraws/coin", ("uuid", waiting)))["state"] == "CANCELLED"
    assert error_name(someone.delete("/v1/withdraws/coin", ("uuid", waiting))) == "withdraw_not_found"


@pytest.mark.parametrize(
    ("settings", "status", "name"),
    [
        (VenueSettings(missing_withdrawal="invalid_parameter"), 400, "invalid_parameter"),
        (VenueSettings(withdrawals_locked=True), 403, "open_api_withdraw_locked"),
    ],
)
def test_what_an_unknown_withdrawal_is_called_is_a_setting(
    settings: VenueSettings, status: int, name: str
) -> None:
    _, someone = desk(settings)
    reply = someone.delete("/v1/withdraws/coin", ("uuid", "no-such"))
    assert (reply.status, error_name(reply)) == (status, name)
    locked = someone.post("/v1/withdraws/coin", COIN)
    assert (error_name(locked) == "open_api_withdraw_locked") == settings.withdrawals_locked


def asked(someone: Customer, method: str, path: str) -> Response:
    return someone.post(path, {}) if method == "POST" else getattr(someone, method.lower())(path)


@pytest.mark.parametrize(
    ("scope", "calls"),
    [
        (
            "view_deposits",
            "GET deposits, GET deposit, GET deposits/chance/coin, GET deposits/coin_addresses, "
            "GET deposits/coin_address",
        ),
        ("deposit", "POST deposits/generate_coin_address, POST deposits/krw"),
        ("view_withdrawals", "GET withdraws, GET withdraw, GET withdraws/chance, GET withdraws/coin_addresses"),
        ("withdraw", "POST withdraws/coin, POST withdraws/krw, DELETE withdraws/coin"),
        ("manage_pockets", "GET pockets, GET pockets/assets, GET pockets/api_keys"),
        ("transfer", "GET pockets/transfers, POST pockets/transfers, POST pockets/universal_transfers"),
    ],
)
def test_each_call_needs_its_right(scope: str, calls: str) -> None:
    _, without = desk(scopes=EVERY - {scope})
    _, just = desk(scopes=frozenset({scope}))
    for call in calls.split(", "):
        method, path = call.split(" ")
        reply = asked(without, method, f"/v1/{path}")
        assert (reply.status, error_name(reply)) == (401, "out_of_scope")
        reply = asked(just, method, f"/v1/{path}")
        assert reply.status == 200 or error_name(reply) != "out_of_scope"


def test_keys_tell_their_end_to_any_key() -> None:
    venue = opened(flat(), "paper", "other")
    expiring = ApiKey(
        access="paper",
        secret=SECRET,
        account="paper",
        scopes=frozenset({"manage_pockets"}),
        created_at=BEGIN - timedelta(days=360),
        expires_at=BEGIN + timedelta(days=5),
        addresses=("127.0.0.1",),
    )
    gone = ApiKey(access="gone", secret=SECRET, account="paper", expires_at=BEGIN - timedelta(days=1))
    other = ApiKey(access="other", secret=SECRET, account="other", scopes=frozenset())
    face = Face(venue, [expiring, gone, other], FaceSettings(quota=QuotaSettings(enforced=False)))
    someone = Customer(face)
    assert decoded(someone.get("/v1/api_keys")) == [
        {"access_key": "paper", "expire_at": "2026-01-10T09:00:00+09:00"},
        {"access_key": "gone", "expire_at": "2026-01-04T09:00:00+09:00"},
    ]
    assert decoded(Customer(face, "other").get("/v1/api_keys"))[0]["expire_at"] == "2027-01-05T09:00:00+09:00"
    shape = {
        "access_key": "paper",
        "expired_at": "2026-01-10T09:00:00+09:00",
        "created_at": "2025-01-10T09:00:00+09:00",
        "permissions": ["manage_pockets"],
        "allowed_ips": ["127.0.0.1"],
    }
    [group] = decoded(someone.get("/v1/pockets/api_keys"))
    assert group["keys"] == [shape]
    [group] = decoded(someone.get("/v1/pockets/api_keys", ("include_expired", "true"), ("uuids[]", group["uuid"])))
    assert [key["access_key"] for key in group["keys"]] == ["paper", "gone"]
    assert someone.get("/v1/api_keys", at=timedelta(days=5)).status == 401


def test_there_is_one_main_pocket_and_nowhere_to_move_anything() -> None:
    _, someone = desk()
    [pocket] = decoded(someone.get("/v1/pockets"))
    assert (pocket["name"], pocket["type"]) == ("main", "main")
    assets = decoded(someone.get("/v1/pockets/assets", ("uuid", pocket["uuid"])))
    assert assets == decoded(someone.get("/v1/accounts"))
    for path in ("/v1/pockets/transfers", "/v1/pockets/universal_transfers"):
        assert decoded(someone.get(path, ("limit", "5"))) == []
        wish = {"currency": "KRW", "amount": "1", "to": pocket["uuid"]}
        assert error_name(someone.post(path, wish)) == "invalid_parameter"
        assert error_name(someone.post(path, wish | {"to": "elsewhere"})) == "pocket_not_found"
        assert error_name(someone.post(path, wish | {"currency": 1})) == "validation_error"
        assert error_name(someone.post(path, wish | {"amount": "-1"})) == "validation_error"
        assert error_name(someone.get(path, ("limit", "101"))) == "validation_error"
    assert error_name(someone.get("/v1/pockets/assets", ("uuid", "elsewhere"))) == "pocket_not_found"
    assert error_name(someone.get("/v1/pockets/assets")) == "validation_error"
    assert error_name(someone.get("/v1/pockets/api_keys", ("include_expired", "maybe"))) == "validation_error"

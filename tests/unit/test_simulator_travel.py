"""The travel rule's calls: no sister exchange, and no deposit to verify (the official SDK 1.1.0 names the fields)."""

from decimal import Decimal

import pytest

from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import Move, TransferState
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings
from tests.unit.simulator_street import SECRET, Customer, decoded, error_name, flat, opened

UUID = {"deposit_uuid": "5b871d34", "vasp_uuid": "8d4fe968"}
TXID = {"txid": "98c15999", "vasp_uuid": "8d4fe968", "currency": "ETH", "net_type": "ETH"}


def customer(*scopes: str) -> Customer:
    key = ApiKey(access="paper", secret=SECRET, account="paper", scopes=frozenset(scopes))
    return Customer(Face(opened(flat()), [key], FaceSettings()))


def test_there_is_no_sister_exchange() -> None:
    assert decoded(customer("view_deposits").get("/v1/travel_rule/vasps")) == []


@pytest.mark.parametrize(("name", "body"), [("uuid", UUID), ("txid", TXID)])
def test_no_deposit_waits_for_a_verification(name: str, body: dict[str, str]) -> None:
    reply = customer("deposit").post(f"/v1/travel_rule/deposit/{name}", body)
    assert (reply.status, error_name(reply)) == (404, "deposit_not_found")
    for field in body:
        missing = {key: value for key, value in body.items() if key != field}
        reply = customer("deposit").post(f"/v1/travel_rule/deposit/{name}", missing)
        assert (reply.status, error_name(reply)) == (400, "validation_error")
        assert f"{field} is missing" in decoded(reply)["error"]["message"]
    reply = customer("deposit").post(f"/v1/travel_rule/deposit/{name}", {**body, "vasp_uuid": 5})
    assert error_name(reply) == "validation_error"


@pytest.mark.parametrize("name", ["uuid", "txid"])
def test_a_deposit_that_waits_for_its_sender_is_found_and_the_sister_exchange_is_not(name: str) -> None:
    who = customer("deposit")
    operator = Operator(who.face.venue)
    waits, here = (
        operator.deposit("paper", Move(currency="ETH", amount=Decimal(1), state=state))
        for state in (TransferState.TRAVEL_RULE_SUSPECTED, TransferState.ACCEPTED)
    )
    for deposit, status, error in ((waits, 400, "validation_error"), (here, 404, "deposit_not_found")):
        asked = {"uuid": UUID | {"deposit_uuid": deposit.uuid}, "txid": TXID | {"txid": deposit.txid}}
        reply = who.post(f"/v1/travel_rule/deposit/{name}", asked[name])
        assert (reply.status, error_name(reply)) == (status, error)
        assert error == "deposit_not_found" or "vasp_uuid" in decoded(reply)["error"]["message"]
    other = TXID | {"txid": waits.txid, "currency": "BTC"}
    assert error_name(who.post("/v1/travel_rule/deposit/txid", other)) == "deposit_not_found"


def test_a_trading_key_alone_has_no_right_to_it() -> None:
    who = customer("view_orders")
    assert error_name(who.get("/v1/travel_rule/vasps")) == "out_of_scope"
    assert error_name(who.post("/v1/travel_rule/deposit/uuid", UUID)) == "out_of_scope"

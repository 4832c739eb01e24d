"""Calls beyond the port's: wallets, keys and transfers, cancellations, test orders, probes, market data."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import (
    Accepted,
    Duplicate,
    Identifier,
    NoAnswer,
    NotAccepted,
    NotSent,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
)
from makenaide.exchange.http import Interrupted, NotConnected
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import Move, TransferState
from makenaide.exchange.simulator.core.treasury import WalletState as Simulated
from makenaide.exchange.simulator.settings import ALL_SCOPES, VenueSettings
from makenaide.exchange.upbit.errors import VenueGarbled, VenueRefused, VenueUnavailable
from makenaide.exchange.upbit.outcomes import (
    AddressRight,
    Allowed,
    Cancels,
    HasRight,
    NoRight,
    NotAllowed,
    Passed,
    Replaced,
    Replacement,
    Replacing,
    Unclear,
    WithdrawalRight,
)
from makenaide.exchange.venue import Wallet, WalletState
from tests.unit.simulator_street import BEGIN, BTC, XRP, Customer, decoded, flat, opened
from tests.unit.test_upbit_wire import LIMIT_SELL, changed
from tests.unit.upbit_desk import bid, desk, taking
from tests.unit.upbit_script import Step, refused, reply, stand

VIEWS = ALL_SCOPES | {"view_deposits", "view_withdrawals"}
OLD = bid(1).identifier
NEW = Replacement(type=OrderType.LIMIT, identifier=bid(2).identifier, price=Price(60_000_000))
CUT = (NotConnected("refused"), Interrupted("reset"), reply(b"", 500), reply(b"Too many", 429), reply(b"", 418))
"""Steps after which nothing is known of a call that was sent once."""


# ---- wallets, keys, transfers ----


def test_the_wallets_of_all_coins_say_what_they_let_through() -> None:
    venue = opened(flat())
    Operator(venue).set_wallet("XRP", Simulated.DEPOSIT_ONLY)
    states = {each.currency: each.state for each in desk(venue).client.wallets()}
    assert states["BTC"] is WalletState.WORKING
    assert states["XRP"] is WalletState.DEPOSIT_ONLY


def test_a_coin_of_two_networks_has_two_wallets_and_a_new_word_is_no_known_state() -> None:
    rows = [
        {"currency": "USDT", "wallet_state": "working", "block_state": None, "net_type": "TRX"},
        {"currency": "USDT", "wallet_state": "on_holiday", "net_type": None, "block_state": "delayed"},
    ]
    assert stand([reply(rows)]).client.wallets() == (
        Wallet(currency="USDT", network="TRX", state=WalletState.WORKING, blocks=None),
        Wallet(currency="USDT", network="", state=WalletState.OTHER, blocks="delayed"),
    )
    with pytest.raises(VenueGarbled, match="empty"):
        stand([reply([])]).client.wallets()


def test_the_keys_of_the_account_are_listed_with_their_ends() -> None:
    rows = [{"access_key": "abc", "expire_at": "2026-03-01T09:00:00+09:00"}]
    at = stand([reply(rows)])
    (key,) = at.client.api_keys()
    assert (key.access, key.expires_at) == ("abc", datetime(2026, 3, 1, tzinfo=UTC))
    assert at.sent[0].path == "/v1/api_keys"
    assert [each.access for each in desk().client.api_keys()] == ["paper"]


def test_transfers_are_paged_to_the_end_newest_first() -> None:
    venue = opened(flat())
    operator = Operator(venue)
    for number in range(1, 206):
        venue.advance(BEGIN + timedelta(seconds=number))
        operator.deposit("paper", Move(currency="XRP", amount=Decimal(number)))
    operator.deposit("paper", Move(currency="KRW", amount=Decimal(5000), state=TransferState.PROCESSING))
    at = desk(venue, scopes=VIEWS)
    found = at.client.deposits()
    assert (len(found), at.paths().count("/v1/deposits")) == (206, 4)
    assert (found[0].currency, found[0].done_at) == ("KRW", None)
    assert [each.amount for each in found[1:]] == [Decimal(number) for number in range(205, 0, -1)]
    assert [each.amount for each in at.client.deposits("XRP", most=3)] == [205, 204, 203]
    assert at.client.withdrawals() == ()


def test_a_withdrawal_states_its_fee() -> None:
    venue = opened(flat(), KRW="10000", XRP="10")
    Operator(venue).withdraw("paper", Move(currency="XRP", amount=Decimal(4), fee=Decimal("0.25")))
    (found,) = desk(venue, scopes=VIEWS).client.withdrawals("XRP")
    assert (found.amount, found.fee, found.state) == (Decimal(4), Decimal("0.25"), "DONE")


def test_a_venue_that_ignores_the_cursor_is_not_asked_for_ever() -> None:
    row = {
        "uuid": "d-1",
        "currency": "BTC",
        "amount": "1",
        "fee": "0",
        "state": "ACCEPTED",
        "created_at": "2026-01-05T09:00:00+09:00",
    }
    at = stand([reply([row])])
    assert len(at.client.deposits()) == 1
    assert [dict(request.query).get("to") for request in at.sent] == [None, "d-1"]


# ---- cancelling ----


def test_many_orders_are_cancelled_twenty_a_call() -> None:
    at = desk()
    resting = [at.rest(number) for number in range(25)]
    at.client.place(taking(40))
    gone, unknown = taking(40).identifier, Identifier("never")
    done = at.client.cancel_many([*resting, gone, unknown])
    assert {each.identifier for each in done.taken} == set(resting)
    assert [each.identifier for each in done.failed] == [gone]
    assert (done.unknown, done.causes) == ((unknown,), ())
    assert at.client.open_orders() == ()
    assert at.paths().count("/v1/orders/uuids") == 2


def test_a_call_without_an_answer_leaves_its_orders_unknown_and_stops_no_other() -> None:
    names = [Identifier(f"i-{number}") for number in range(50)]
    row = {"uuid": "u", "market": "KRW-BTC", "identifier": "i-45"}
    whole = {"success": {"count": 1, "orders": [row]}, "failed": {"count": 0, "orders": []}}
    at = stand([refused(400, "bad_request"), reply(b"", 500), reply(whole)])
    done = at.client.cancel_many(names)
    assert [each.identifier for each in done.taken] == ["i-45"]
    assert done.unknown == tuple(each for each in names if each != "i-45")
    assert ["bad_request" in cause or "500" in cause for cause in done.causes] == [True, True]
    assert len(at.sent) == 3
    assert stand([reply(whole)]).client.cancel_many([]) == Cancels()


def test_all_orders_of_named_markets_and_sides_are_cancelled_and_no_others() -> None:
    venue = opened(flat(), KRW="10000000", BTC="1")
    at = desk(venue)
    at.rest(1)
    sale = bid(2, price="200000000")
    Customer(at.wire.face).post("/v1/orders", {"market": XRP, "side": "bid"} | _resting())
    assert isinstance(at.client.place(_sold(sale.identifier)), Accepted)
    done = at.client.cancel_all([BTC], Side.BID)
    assert [each.identifier for each in done.taken] == [bid(1).identifier]
    assert len(at.client.open_orders()) == 2
    assert len(at.client.cancel_all([BTC, XRP], None, count=300).taken) == 2
    query = dict(at.wire.sent[-1].query)
    assert (query["cancel_side"], query["pairs"]) == ("all", "KRW-BTC,KRW-XRP")


def _resting() -> dict[str, str]:
    return {"ord_type": "limit", "price": "500", "volume": "20"}


def _sold(identifier: Identifier) -> Any:
    asked = bid(2, price="200000000")
    return type(asked)(
        market=BTC,
        side=Side.ASK,
        type=OrderType.LIMIT,
        identifier=identifier,
        price=asked.price,
        volume=Quantity("0.1"),
    )


@pytest.mark.parametrize(
    ("pairs", "count"), [([], 1), ([Market(f"KRW-A{n}") for n in range(21)], 1), ([BTC], 0), ([BTC], 301)]
)
def test_a_batch_without_markets_is_never_sent(pairs: list[Market], count: int) -> None:
    at = stand([reply({})])
    with pytest.raises(ValueError, match="expected 1"):
        at.client.cancel_all(pairs, None, count)
    assert at.sent == []


@pytest.mark.parametrize("step", CUT)
def test_a_batch_in_doubt_is_raised_and_not_repeated(step: Step) -> None:
    at = stand([step])
    with pytest.raises(VenueUnavailable, match="/v1/orders/open"):
        at.client.cancel_all([BTC], Side.ASK)
    assert len(at.sent) == 1


def test_a_cancellation_without_both_halves_is_garbage() -> None:
    with pytest.raises(VenueGarbled, match="failed"):
        stand([reply({"success": {"orders": []}})]).client.cancel_all([BTC], None)


# ---- cancel and new ----


def test_an_order_is_exchanged_for_another() -> None:
    at = desk()
    at.rest(1)
    done = at.client.cancel_and_new(OLD, NEW)
    assert isinstance(done, Replaced)
    assert (done.old.identifier, done.old.volume) == (OLD, Quantity("0.0002"))
    assert json.loads(at.wire.sent[-1].body or b"") == {
        "prev_order_identifier": OLD,
        "new_ord_type": "limit",
        "new_volume": "remain_only",
        "new_price": "60000000",
        "new_identifier": NEW.identifier,
    }
    (left,) = at.client.open_orders()
    assert (left.uuid, left.identifier, left.price) == (done.uuid, NEW.identifier, Decimal(60_000_000))
    assert isinstance(at.client.cancel_and_new(Identifier("never"), NEW), Rejected)


WHOLE = LIMIT_SELL | {"identifier": OLD, "new_order_uuid": "u-2"}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (NotConnected("refused"), NotSent("refused")),
        (Interrupted("reset"), NoAnswer("reset")),
        (refused(400, "duplicated_identifier"), Duplicate()),
        (refused(404, "order_not_found"), Rejected("order_not_found", "words")),
        (refused(400, "order_not_found"), NoAnswer("answered 400 order_not_found: words")),
        (refused(400, "insufficient_funds_bid"), Rejected("insufficient_funds_bid", "words")),
        (reply(b"<html>", 502), NoAnswer("answered 502")),
    ],
)
def test_an_exchange_of_orders_is_sent_once_whatever_comes_of_it(step: Step, expected: Replacing) -> None:
    at = stand([step])
    assert at.client.cancel_and_new(OLD, NEW) == expected
    assert len(at.sent) == 1


@pytest.mark.parametrize("lacks", ["new_order_uuid", "uuid", "market"])
def test_an_exchange_of_orders_without_a_whole_reply_is_in_doubt(lacks: str) -> None:
    assert isinstance(stand([reply(WHOLE, 200)]).client.cancel_and_new(OLD, NEW), Replaced)
    done = stand([reply(changed(WHOLE, **{lacks: None}), 201)]).client.cancel_and_new(OLD, NEW)
    assert isinstance(done, NoAnswer)
    assert lacks in done.cause


@pytest.mark.parametrize(
    ("new", "volume", "price"),
    [
        ({"type": OrderType.PRICE, "total": Krw(6000)}, None, "6000"),
        ({"type": OrderType.MARKET}, "remain_only", None),
        ({"type": OrderType.MARKET, "volume": Quantity("0.1")}, "0.1", None),
        ({"type": OrderType.BEST, "total": Krw(6000), "time_in_force": TimeInForce.IOC}, None, "6000"),
        ({"type": OrderType.BEST, "time_in_force": TimeInForce.FOK}, "remain_only", None),
    ],
)
def test_a_replacement_of_any_kind_is_spelt_as_the_venue_reads_it(
    new: dict[str, Any], volume: str | None, price: str | None
) -> None:
    at = stand([reply(WHOLE, 201)])
    at.client.cancel_and_new(OLD, Replacement(identifier=NEW.identifier, **new))
    body = json.loads(at.sent[0].body or b"")
    assert (body.get("new_volume"), body.get("new_price")) == (volume, price)


@pytest.mark.parametrize(
    "new",
    [
        {"type": OrderType.LIMIT},
        {"type": OrderType.LIMIT, "price": Price(1), "total": Krw(1)},
        {"type": OrderType.PRICE},
        {"type": OrderType.MARKET, "price": Price(1)},
        {"type": OrderType.MARKET, "time_in_force": TimeInForce.IOC},
        {"type": OrderType.BEST, "total": Krw(6000)},
    ],
)
def test_a_replacement_that_no_order_has_is_never_sent(new: dict[str, Any]) -> None:
    at = stand([reply(WHOLE, 201)])
    with pytest.raises(ValueError, match="no order"):
        at.client.cancel_and_new(OLD, Replacement(identifier=NEW.identifier, **new))
    assert at.sent == []


# ---- test orders ----


def test_a_test_order_makes_nothing_and_never_names_itself() -> None:
    at = desk()
    assert at.client.test_order(bid(1)) == Passed()
    assert b"identifier" not in (at.wire.sent[-1].body or b"")
    assert at.client.order(bid(1).identifier) is None
    assert isinstance(at.client.test_order(bid(1, price="50000001")), Rejected)
    assert at.client.accounts()["KRW"].locked == 0
    assert stand([refused(400, "duplicated_identifier")]).client.test_order(bid(1)) == NoAnswer(
        "a test without an identifier was answered duplicated_identifier"
    )


def test_without_a_turn_nothing_is_sent() -> None:
    at = stand([reply(b"", 418, retry_after="60"), reply({})])
    doors: list[Callable[[], object]] = [
        lambda: at.client.test_order(bid(1)),
        lambda: at.client.cancel_and_new(OLD, NEW),
        lambda: at.client.place(bid(1)),
    ]
    assert [isinstance(door(), NotAccepted) for door in doors] == [True, True, True]
    assert len(at.sent) == 1


# ---- probes ----


def test_a_trading_key_has_no_right_to_withdraw_and_a_careless_one_has() -> None:
    assert desk().client.withdrawal_right() == NoRight()
    careless = ALL_SCOPES | {"withdraw"}
    assert desk(scopes=careless).client.withdrawal_right() == HasRight()
    locked = opened(flat(), settings=VenueSettings(withdrawals_locked=True))
    assert desk(locked, scopes=careless).client.withdrawal_right() == HasRight()


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (refused(401, "out_of_scope"), NoRight),
        (refused(403, "out_of_scope"), NoRight),
        (refused(400, "out_of_scope"), Unclear),
        (refused(404, "withdraw_not_found"), HasRight),
        (refused(403, "open_api_withdraw_locked"), HasRight),
        (refused(404, "not_found", "no Route matched with those values"), Unclear),
        (refused(404, "pocket_not_found"), Unclear),
        (refused(400, "validation_error"), Unclear),
        (refused(401, "jwt_verification"), Unclear),
        (reply(b"<html>", 404), Unclear),
        (reply({}), HasRight),
        *((step, Unclear) for step in CUT),
    ],
)
def test_only_a_clear_answer_says_whether_a_key_can_withdraw(step: Step, expected: type[WithdrawalRight]) -> None:
    at = stand([step])
    assert isinstance(at.client.withdrawal_right(), expected)
    (request,) = at.sent
    assert (request.method, request.path, request.query) == (
        "DELETE",
        "/v1/withdraws/coin",
        (("uuid", "nonce-1"),),
    )


def test_an_address_that_is_not_on_the_list_is_seen() -> None:
    assert desk().client.address_allowed() == Allowed()
    assert desk(addresses=("203.0.113.7",)).client.address_allowed() == NotAllowed()


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (refused(401, "no_authorization_i_p"), NotAllowed),
        (refused(401, "invalid_access_key"), Unclear),
        (reply([], 200), Allowed),
        *((step, Unclear) for step in CUT),
    ],
)
def test_only_a_clear_answer_says_whether_an_address_is_allowed(step: Step, expected: type[AddressRight]) -> None:
    assert isinstance(stand([step]).client.address_allowed(), expected)


# ---- words ----


def test_a_refusal_is_quoted_in_few_words() -> None:
    with pytest.raises(VenueRefused) as caught:
        stand([refused(400, "n" * 5000, "w" * 100_000)]).client.accounts()
    assert len(str(caught.value)) < 400
    with pytest.raises(VenueGarbled) as garbled:
        stand([reply(changed(LIMIT_SELL, identifier="x" * 100_000))]).client.order(OLD)
    assert len(str(garbled.value)) < 450


def test_a_reply_of_the_simulated_venue_is_what_the_client_reads() -> None:
    """The customer's own reading of the wire, beside the client's."""
    at = desk()
    placed = at.rest(1)
    raw = decoded(Customer(at.wire.face).get("/v1/order", ("identifier", placed)))
    found = at.client.order(placed)
    assert found is not None
    assert (found.uuid, found.state) == (raw["uuid"], raw["state"])

"""Submitting and settling, with the wire in every state: never twice, never lost, booked once (docs/why/0003)."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.domain.clock import DAY
from makenaide.domain.errors import Inconsistent, InUse
from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import ZERO_KRW, Krw, Quantity
from makenaide.domain.order import Leg, OrderState, OrderType, TimeInForce, identifier, position_id
from makenaide.exchange.http import Request
from makenaide.exchange.simulator.settings import RejectedIdentifier, VenueSettings
from makenaide.execution.booking import book
from makenaide.execution.leave import leave
from makenaide.execution.portfolio import open_positions, portfolio
from makenaide.execution.sameness import require_same
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import fill_postings
from makenaide.pipeline.valuation import value_account
from makenaide.risk.exits import ExitSignal
from makenaide.store.accounts import Lease
from makenaide.store.db import Database, Role
from makenaide.store.journal import JournalFill, fills_of_order, latest_stops, put_fill, total_fees
from makenaide.store.orders import commit_order, get_order, unsettled_orders
from tests.contract.charts import BTC, ETH, FIRST, Chart, bitcoin, tape
from tests.contract.conftest import Connect
from tests.contract.faults import Fault, Kind
from tests.contract.trading import NAME, WON, Exchange, Trader, changed, open_trader, whole

QUIET = Chart(market=ETH, price=5_000_000, days=[0.0005, 0.0005])
TAPE = tape(bitcoin(2), QUIET)
S = OrderState
POSITION = position_id(ETH, FIRST)


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won, nothing bought yet."""
    return open_trader(journal, Exchange(tape=TAPE))


def committed(trader: Trader, order: StoredOrder) -> StoredOrder:
    """`order` as a crash right after its commit leaves it."""
    with trader.db.transaction():
        commit_order(trader.db, order)
    return order


def sold(trader: Trader, signal: ExitSignal) -> StoredOrder:
    """The exit of the one position by `signal`."""
    order = leave(trader.desk, trader.account, trader.positions()[0], signal)
    assert order is not None
    return order


def leave_all(trader: Trader) -> StoredOrder:
    """Sell the one position."""
    return sold(trader, whole(trader.positions()[0]))


def stored_state(trader: Trader, order: StoredOrder) -> OrderState:
    """What the journal says of `order`."""
    stored = get_order(trader.db, order.identifier)
    assert stored is not None
    return stored.life.state


def test_an_intent_and_its_stop_are_durable_before_the_first_byte_leaves(trader: Trader, connect: Connect) -> None:
    other = connect(Role.READER)
    looked: list[OrderState] = []

    def look(request: Request) -> None:
        if request.method == "POST":
            stored = get_order(other, identifier("0001", POSITION, Leg.ENTRY, 1))
            assert stored is not None
            assert latest_stops(other, stored.account_id, [POSITION])
            looked.append(stored.life.state)

    trader.wire.seen = look
    order = trader.buy(ETH, "0.1")
    assert looked == [S.SENT]
    assert order.life.state is S.CLOSED
    assert trader.events(order) == ["Committed", "Sending", "Accepted", "Found"]
    trader.laws()


@pytest.mark.parametrize(
    ("kind", "between", "sends"),
    [
        (Kind.REPLY_LOST, ["NoAnswer"], 1),
        (Kind.EMPTY, ["NoAnswer", "Absent", "Sending", "Accepted"], 2),
        (Kind.REQUEST_LOST, ["NoAnswer", "Absent", "Sending", "Accepted"], 2),
        (Kind.SERVER_ERROR, ["NoAnswer", "Absent", "Sending", "Accepted"], 2),
        (Kind.HTML, ["NoAnswer", "Absent", "Sending", "Accepted"], 2),
        (Kind.NOT_CONNECTED, ["NotSent", "Sending", "Accepted"], 2),
        (Kind.TOO_MANY, ["NotAccepted", "Sending", "Accepted"], 2),
        (Kind.BLOCKED, ["NotAccepted", "Sending", "Accepted"], 2),
        (Kind.LATE, ["NoAnswer", "Absent", "Sending", "Duplicate"], 2),
    ],
)
@pytest.mark.parametrize("leg", [Leg.ENTRY, Leg.EXIT])
def test_whatever_the_wire_does_the_order_is_made_once_and_booked_once(
    trader: Trader, kind: Kind, between: list[str], sends: int, leg: Leg
) -> None:
    if leg is Leg.EXIT:
        trader.buy(ETH, "0.1")
        trader.wire.sent.clear()
    trader.wire.faults.append(Fault(kind=kind))
    order = trader.buy(ETH, "0.1") if leg is Leg.ENTRY else leave_all(trader)
    assert trader.events(order) == ["Committed", "Sending", *between, "Found"]
    assert stored_state(trader, order) is order.life.state is S.CLOSED
    tried = trader.wire.orders()
    assert len(tried) == sends
    assert len({request.body for request in tried}) == 1, "the very same order, word for word"
    assert len(trader.exchange.placed()) == 1 + (leg is Leg.EXIT)
    trader.laws()


def test_an_order_that_arrives_twice_is_found_not_refused(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.TWICE))
    order = trader.buy(ETH, "0.1")
    assert trader.events(order)[-1] == "Found"
    assert order.life.state is S.CLOSED
    trader.laws()


def test_a_refusal_waits_as_long_as_the_venue_says_before_the_same_order_goes_again(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.BLOCKED))
    before = trader.clock.now()
    trader.buy(ETH, "0.1")
    assert trader.clock.now() - before >= timedelta(seconds=3)


def test_a_refusal_of_the_first_send_is_final(trader: Trader) -> None:
    order = trader.buy(ETH, "1000")
    assert order.life.state is S.REJECTED
    assert len(trader.wire.orders()) == 1
    assert trader.desk.settle(order) == order, "nothing can happen to it any more"
    trader.laws()


@pytest.mark.parametrize("after", list(RejectedIdentifier))
def test_a_refusal_of_a_later_send_proves_nothing(journal: Database, after: RejectedIdentifier) -> None:
    trader = open_trader(journal, Exchange(tape=TAPE, settings=VenueSettings(rejected_identifier=after)))
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST))
    order = trader.buy(ETH, "1000")
    assert order.life.state is S.UNKNOWN
    assert "Rejected" in trader.events(order)
    assert [each.identifier for each in unsettled_orders(journal, trader.account.account_id)] == [order.identifier]
    assert len({request.body for request in trader.wire.orders()}) == 1
    trader.laws()


def test_an_entry_older_than_a_minute_is_looked_for_and_never_sent_again(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=99))
    order = trader.buy(ETH, "0.1")
    assert order.life.state is S.UNKNOWN
    trader.clock.sleep(61)
    trader.wire.faults.clear()
    trader.wire.sent.clear()
    order = trader.desk.settle(order)
    assert order.life.state is S.CLOSED
    (burn,) = [json.loads(request.body or b"") for request in trader.wire.orders()]
    assert burn["identifier"] == order.identifier
    assert burn["time_in_force"] == "post_only"
    assert Decimal(burn["price"]) < Decimal(4_000_000)
    assert 5_000 <= Decimal(burn["price"]) * Decimal(burn["volume"]) < 5_010
    assert trader.exchange.placed() == [order.identifier], "the identifier is spent: the entry can't come any more"
    assert trader.exchange.balances() == {"KRW": WON}
    assert trader.events(order)[-3:] == ["Burning", "Accepted", "Found"]
    trader.laws()


def test_an_old_entry_that_did_arrive_is_still_found(trader: Trader) -> None:
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST),
        Fault(kind=Kind.HTML, method="GET", path="/v1/order", times=99),
    ]
    order = trader.buy(ETH, "0.1")
    assert order.life.state.doubtful
    trader.clock.sleep(3600)
    trader.wire.faults.clear()
    assert trader.desk.settle(order).life.state is S.CLOSED
    trader.laws()


def test_a_planned_entry_that_nobody_wants_any_more_is_void(trader: Trader) -> None:
    old = trader.entry(ETH, "0.1", created_at=trader.clock.now() - timedelta(seconds=61))
    assert trader.desk.settle(committed(trader, old)).life.state is S.VOID
    assert trader.wire.orders() == []
    trader.laws()


def test_a_planned_entry_that_is_still_wanted_is_sent(trader: Trader) -> None:
    young = trader.entry(ETH, "0.1", created_at=trader.clock.now() - timedelta(seconds=60))
    assert trader.desk.settle(committed(trader, young)).life.state is S.CLOSED
    trader.laws()


def test_an_exit_is_wanted_however_old_it_is(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=99))
    order = leave_all(trader)
    assert order.life.state is S.UNKNOWN
    trader.clock.sleep(7200)
    trader.wire.faults.clear()
    assert trader.desk.settle(order).life.state is S.CLOSED
    assert trader.positions() == ()
    trader.laws()


@pytest.mark.parametrize("kind", [Kind.NO_TRADES, Kind.NOT_FOUND, Kind.HALF])
def test_what_the_venue_shows_too_early_is_looked_at_again(trader: Trader, kind: Kind) -> None:
    trader.wire.faults.append(Fault(kind=kind, method="GET", path="/v1/order"))
    order = trader.buy(ETH, "1.5", price="5200000")
    assert order.life.state is S.CLOSED
    assert len(fills_of_order(trader.db, order.account_id, order.identifier)) == 2
    venues = next(iter(trader.exchange.venue.accounts[NAME].orders.values()))
    assert total_fees(trader.db, order.account_id).value == venues.paid_fee
    trader.laws()


def test_trades_that_are_counted_but_not_shown_are_not_booked(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1")
    placed = trader.session.venue.order(order.identifier)
    assert placed is not None
    early = replace(placed, trades=())
    fresh = replace(order, life=replace(order.life, state=S.SENT))
    assert book(trader.db, trader.session.lease, fresh, early, trader.clock.now()) == fresh


def test_looking_at_a_booked_order_again_books_nothing(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.HALF, method="GET", path="/v1/order", times=3))
    order = trader.buy(ETH, "1.5", price="5200000")
    assert trader.events(order) == ["Committed", "Sending", "Accepted", "Found", "Found"]
    trader.laws()


def test_an_order_that_stays_open_is_left_and_followed_again_later(trader: Trader) -> None:
    trader.wire.faults.append(Fault(kind=Kind.HALF, method="GET", path="/v1/order", times=999))
    before = trader.clock.now()
    order = trader.buy(ETH, "1.5", price="5200000")
    assert order.life.state is S.ACCEPTED
    assert timedelta(seconds=10) <= trader.clock.now() - before < timedelta(seconds=12)
    trader.wire.faults.clear()
    assert trader.desk.settle(order).life.state is S.CLOSED
    trader.laws()


def test_a_venue_that_does_not_show_orders_still_gets_the_same_one_only_once(trader: Trader) -> None:
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST),
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=99),
    ]
    order = trader.buy(ETH, "0.1")
    assert order.life.state.doubtful
    assert len(trader.exchange.placed()) == 1
    trader.wire.faults.clear()
    trader.clock.sleep(30)
    assert trader.desk.settle(order).life.state is S.CLOSED
    trader.laws()


def test_another_order_under_our_identifier_is_believed_by_nobody_and_calls_a_person_once(trader: Trader) -> None:
    order = trader.entry(ETH, "0.1")
    body = {"market": ETH, "side": "bid", "ord_type": "limit", "volume": "0.2", "identifier": order.identifier}
    trader.exchange.venue.place(NAME, body | {"price": str(order.request.price)})
    stands = trader.send(order)
    assert stands.life.state.doubtful
    assert fills_of_order(trader.db, order.account_id, order.identifier) == ()
    trader.desk.settle(stands)
    (alarm,) = trader.db.rows("audit_of", account_id=order.account_id, action="alarm.%")
    assert alarm.detail["cause"].startswith(
        f"{order.identifier}: committed bid limit KRW-ETH 0.1, the venue shows"
    )
    assert len(trader.exchange.placed()) == 1


def test_each_thing_that_makes_it_another_order_is_noticed(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1")
    placed = trader.session.venue.order(order.identifier)
    assert placed is not None
    require_same(order, placed)
    for other in (
        changed(order, market=BTC),
        changed(order, volume=Quantity("0.11")),
        changed(order, type=OrderType.MARKET),
    ):
        with pytest.raises(Inconsistent):
            require_same(other, placed)


def test_a_buy_for_a_total_is_the_same_whatever_volume_came_of_it(trader: Trader) -> None:
    order = changed(trader.entry(ETH, "0.1"), type=OrderType.PRICE, price=None, volume=None, time_in_force=None)
    order = changed(order, total=Krw(100_000))
    done = trader.send(order)
    assert done.life.state is S.CLOSED
    trader.laws()


def test_a_taken_over_lease_stops_a_new_order_before_anything_is_written(trader: Trader, connect: Connect) -> None:
    trader.session.lease.release()
    Lease(connect(Role.WRITER), trader.account.account_id, "the next one")
    with pytest.raises(InUse, match="was taken over"):
        trader.desk.submit(lambda: pytest.fail("nothing is prepared without the lease"))
    assert unsettled_orders(trader.db, trader.account.account_id) == ()


def test_a_lease_taken_over_after_the_commit_stops_the_send(trader: Trader, connect: Connect) -> None:
    order = committed(trader, trader.entry(ETH, "0.1"))
    trader.session.lease.release()
    Lease(connect(Role.WRITER), trader.account.account_id, "the next one")
    with pytest.raises(InUse):
        trader.desk.settle(order)
    assert trader.wire.orders() == []
    assert trader.events(order) == ["Committed"]


def test_a_lease_taken_over_while_sending_books_nothing(trader: Trader, connect: Connect) -> None:
    other = connect(Role.WRITER)

    def take_over(request: Request) -> None:
        if request.method == "POST":
            trader.session.lease.release()
            Lease(other, trader.account.account_id, "the next one")

    trader.wire.seen = take_over
    with pytest.raises(InUse):
        trader.buy(ETH, "0.1")
    assert open_positions(trader.db, trader.account.account_id) == ()
    (left,) = unsettled_orders(trader.db, trader.account.account_id)
    assert left.life.state is S.SENT


def test_an_order_is_sent_only_as_the_journal_knows_it(trader: Trader) -> None:
    never = trader.entry(ETH, "0.1")
    with pytest.raises(Inconsistent, match="changed between its commit and its send"):
        trader.desk.settle(never)
    done = trader.send(never)
    with pytest.raises(Inconsistent, match="changed between its commit and its send"):
        trader.desk.settle(replace(done, life=never.life))
    assert len(trader.exchange.placed()) == 1


def test_a_bid_below_the_market_gets_nothing_and_holds_nothing(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1", price="4000000")
    assert order.request.time_in_force is TimeInForce.IOC
    assert order.life.state is S.CLOSED
    assert trader.positions() == ()
    assert total_fees(trader.db, order.account_id) == ZERO_KRW
    trader.laws()


def test_exits_share_one_sequence_and_the_next_number_waits_for_the_end_of_the_one_before(trader: Trader) -> None:
    trader.buy(ETH, "0.3")
    position = trader.positions()[0]
    part = replace(whole(position), quantity=Quantity("0.1"))
    assert sold(trader, part).identifier.endswith("-x01")
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=99))
    doubtful = leave_all(trader)
    assert doubtful.identifier.endswith("-x02")
    assert leave_all(trader).identifier == doubtful.identifier
    trader.wire.faults.clear()
    assert leave_all(trader).identifier == doubtful.identifier
    assert trader.positions() == ()
    assert len(trader.exchange.placed()) == 3
    trader.laws()


def test_an_exit_never_sells_more_than_is_held(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    position = trader.positions()[0]
    order = sold(trader, replace(whole(position), quantity=Quantity(5)))
    assert order.request.volume == Quantity("0.1")
    trader.laws()


def test_a_position_without_a_stop_is_an_alarm_not_a_guess(trader: Trader) -> None:
    order = replace(trader.entry(ETH, "0.1"), position_id=position_id(BTC, FIRST))
    sent = trader.send(order)
    assert sent.life.state is S.VOID, "what cannot be guarded is never sent"
    assert trader.wire.orders() == []
    book_anyway(trader, order)
    trader.buy(ETH, "0.1", slot=FIRST - DAY)
    found = portfolio(trader.db, trader.account.account_id)
    assert [each.cause for each in found.unreadable] == ["position KRW-BTC-20260103T0900 has no stop"]
    assert [each.quantity for each in found.unreadable] == [Decimal("0.1")]
    assert [each.market for each in found.positions] == [ETH], "one that makes no sense hides no other"
    worth = value_account(trader.db, trader.session.venue, trader.account)
    assert worth.positions == 2
    assert worth.invested.value == sum(mark.value * Decimal("0.1") for mark in worth.marks.values()) * 2


def book_anyway(trader: Trader, order: StoredOrder) -> None:
    """A fill of `order` in the books, however it came there."""
    assert order.request.price is not None
    assert order.request.volume is not None
    fill = Fill(
        trade_uuid="t1",
        identifier=order.identifier,
        market=order.request.market,
        side=order.request.side,
        price=order.request.price,
        volume=order.request.volume,
        funds=order.request.price * order.request.volume,
        fee=Krw(1),
        at=trader.clock.now(),
    )
    with trader.db.transaction():
        entry = JournalFill(fill=fill, position_id=order.position_id, reason="entry")
        put_fill(trader.db, order.account_id, entry, fill_postings(fill))

"""What may be sent as an order, and what each reply to it proves."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import (
    Accepted,
    Answer,
    Duplicate,
    Identifier,
    NoAnswer,
    NotAccepted,
    OrderRequest,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
)
from makenaide.exchange.upbit.answers import REFUSALS, answer, order_body
from tests.unit.upbit_script import refused, reply

IDENTIFIER = Identifier("mk1-7f3a-KRW-BTC-20260105T0900-e01")


def order(side: Side, kind: OrderType, **fields: Any) -> OrderRequest:
    return OrderRequest(market=Market("KRW-BTC"), side=side, type=kind, identifier=IDENTIFIER, **fields)


BODIES = [
    (
        order(
            Side.BID,
            OrderType.LIMIT,
            price=Price("155772000.0"),
            volume=Quantity("0.00010"),
            time_in_force=TimeInForce.IOC,
        ),
        {"volume": "0.0001", "price": "155772000", "time_in_force": "ioc"},
    ),
    (
        order(Side.ASK, OrderType.LIMIT, price=Price("0.1"), volume=Quantity("1E+3")),
        {"volume": "1000", "price": "0.1"},
    ),
    (order(Side.BID, OrderType.PRICE, total=Krw("6000")), {"price": "6000"}),
    (order(Side.ASK, OrderType.MARKET, volume=Quantity("1E-8")), {"volume": "0.00000001"}),
    (
        order(Side.BID, OrderType.BEST, total=Krw("6000"), time_in_force=TimeInForce.FOK),
        {"price": "6000", "time_in_force": "fok"},
    ),
    (
        order(Side.ASK, OrderType.BEST, volume=Quantity(2), time_in_force=TimeInForce.IOC),
        {"volume": "2", "time_in_force": "ioc"},
    ),
]


@pytest.mark.parametrize(("request_", "fields"), BODIES)
def test_the_body_states_exactly_what_the_order_type_allows(
    request_: OrderRequest, fields: dict[str, str]
) -> None:
    head = {"market": "KRW-BTC", "side": request_.side.value, "ord_type": request_.type.value}
    assert order_body(request_) == tuple((head | fields | {"identifier": IDENTIFIER}).items())


@pytest.mark.parametrize(
    "request_",
    [
        order(Side.BID, OrderType.LIMIT, price=Price(1)),
        order(Side.BID, OrderType.LIMIT, price=Price(1), volume=Quantity(1), total=Krw(1)),
        order(Side.ASK, OrderType.PRICE, total=Krw(1)),
        order(Side.BID, OrderType.PRICE, total=Krw(1), time_in_force=TimeInForce.IOC),
        order(Side.BID, OrderType.PRICE),
        order(Side.BID, OrderType.MARKET, volume=Quantity(1)),
        order(Side.ASK, OrderType.MARKET, volume=Quantity(1), price=Price(1)),
        order(Side.ASK, OrderType.BEST, volume=Quantity(1)),
        order(Side.BID, OrderType.BEST, total=Krw(1), time_in_force=TimeInForce.POST_ONLY),
        order(Side.BID, OrderType.BEST, volume=Quantity(1), time_in_force=TimeInForce.IOC),
    ],
)
def test_an_impossible_order_never_leaves(request_: OrderRequest) -> None:
    with pytest.raises(ValueError, match="no order of the venue has this form"):
        order_body(request_)


@given(
    volume=st.decimals("0.00000001", "99999999", places=8), price=st.decimals("0.00000001", "999999999", places=8)
)
def test_amounts_are_sent_in_plain_digits(volume: Any, price: Any) -> None:
    fields = dict(order_body(order(Side.BID, OrderType.LIMIT, price=Price(price), volume=Quantity(volume))))
    for name, value in (("volume", volume), ("price", price)):
        assert set(fields[name]) <= set("0123456789.")
        assert Price(fields[name]).value == value


HTML = b"<html><body>502 Bad Gateway</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, b'{"uuid":"u-1","state":"wait"}', Accepted("u-1")),
        (200, b'{"uuid":"u-1"}', Accepted("u-1")),
        (201, b'{"state":"wait"}', NoAnswer("answered 201 without an order id")),
        (201, b'{"uuid":""}', NoAnswer("answered 201 without an order id")),
        (201, HTML, NoAnswer("answered 201 without an order id")),
        (201, b"", NoAnswer("answered 201 without an order id")),
        (429, b"Too many API requests.", NotAccepted(1.5)),
        (429, b'{"error":{"name":"duplicated_identifier"}}', NotAccepted(1.5)),
        (418, b"", NotAccepted(1.5)),
        (400, b'{"error":{"name":"duplicated_identifier","message":"x"}}', Duplicate()),
        (500, b'{"error":{"name":"duplicated_identifier","message":"x"}}', NoAnswer("answered 500")),
        (500, b'{"error":{"name":"insufficient_funds_bid","message":"x"}}', NoAnswer("answered 500")),
        (400, b'{"error":{"name":"brand_new_error","message":"x"}}', NoAnswer("answered 400 brand_new_error: x")),
        (401, b'{"error":{"name":"nonce_used","message":"x"}}', NoAnswer("answered 401 nonce_used: x")),
        (400, b'{"error":{"name":400,"message":"x"}}', NoAnswer("answered 400 400: x")),
        (403, HTML, NoAnswer("answered 403")),
        (404, b"", NoAnswer("answered 404")),
        (302, b"", NoAnswer("answered 302")),
        (503, HTML, NoAnswer("answered 503")),
    ],
)
def test_each_reply_proves_what_it_proves_and_no_more(status: int, body: bytes, expected: Answer) -> None:
    assert answer(reply(body, status), 1.5) == expected


def test_a_reply_about_another_order_says_nothing_of_this_one() -> None:
    told = reply({"uuid": "u-1", "identifier": "i-1"}, 201)
    assert answer(told, 0, Identifier("i-1")) == Accepted("u-1")
    assert answer(told, 0, Identifier("i-2")) == NoAnswer("answered 201 without an order id")
    assert answer(reply({"uuid": "u-1"}, 201), 0, Identifier("i-2")) == Accepted("u-1")


@pytest.mark.parametrize("name", sorted(REFUSALS))
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_listed_name_is_a_refusal_at_any_4xx(name: str, status: int) -> None:
    assert answer(refused(status, name, "주문"), 0) == Rejected(name, "주문")


@given(
    status=st.integers(200, 599),
    body=st.one_of(st.binary(max_size=60), st.text(max_size=20).map(json.dumps).map(str.encode)),
)
def test_garbage_is_never_taken_for_a_fact(status: int, body: bytes) -> None:
    assert isinstance(answer(reply(body, status), 0), NoAnswer | NotAccepted)

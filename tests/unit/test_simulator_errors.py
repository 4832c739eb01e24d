"""Every error name that the documents publish can be met at the simulated venue, with its status and body."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Unavailable
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.errors import bad_quotation, refused
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ALL_SCOPES, ApiKey, FaceSettings, QuotaSettings, VenueSettings
from tests.unit.simulator_street import (
    BEGIN,
    BTC,
    ETH_BTC,
    SECRET,
    XRP,
    Customer,
    Street,
    buy,
    decoded,
    flat,
    limit,
    opened,
    sell,
    token,
)

BID = limit("bid", "90000000", "0.01")
ASK = limit("ask", "110000000", "0.01")
MONEY = ALL_SCOPES | {"view_deposits", "deposit", "withdraw", "manage_pockets"}
COIN = {"currency": "BTC", "net_type": "BTC"}


class Broken:
    """A journal that cannot keep anything."""

    def append(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        raise Unavailable("the journal cannot be written")


def customer(
    settings: VenueSettings | None = None,
    street: Street | None = None,
    held: Mapping[str, str] | None = None,
    **key: Any,
) -> Customer:
    venue = opened(street or flat(), settings=settings, **(held or {"KRW": "10000000", "BTC": "50"}))
    mine = ApiKey(**{"access": "paper", "secret": SECRET, "account": "paper", "scopes": MONEY} | key)
    return Customer(Face(venue, [mine], FaceSettings(quota=QuotaSettings(enforced=False))))


def placed(body: Mapping[str, object], **more: Any) -> Callable[[], Response]:
    return lambda: customer(**more).post("/v1/orders", body)


def signed(text: str = "", access: str = "paper", secret: str = SECRET, **key: Any) -> Response:
    headers = {"Authorization": token(access, text, "nonce", secret=secret)}
    return customer(**key).face.handle(Request(method="GET", path="/v1/accounts", headers=headers))


def twice() -> Response:
    someone = customer()
    headers = {"Authorization": token("paper", "", "nonce")}
    request = Request(method="GET", path="/v1/accounts", headers=headers)
    someone.face.handle(request)
    return someone.face.handle(request)


def again() -> Response:
    someone = customer()
    someone.post("/v1/orders", BID | {"identifier": "x"})
    return someone.post("/v1/orders", BID | {"identifier": "x"})


def with_body() -> Response:
    text = "uuid=x"
    request = Request(
        method="DELETE",
        path="/v1/order",
        query=(("uuid", "x"),),
        headers={"Authorization": token("paper", text, "n")},
        body=b"{}",
    )
    return customer().face.handle(request)


def broken() -> Response:
    venue = Venue(flat(), VenueSettings())
    venue.open_account("paper", {"KRW": Decimal(10_000_000)})
    venue.journal = Broken()
    key = ApiKey(access="paper", secret=SECRET, account="paper")
    return Customer(Face(venue, [key], FaceSettings(quota=QuotaSettings(enforced=False)))).post("/v1/orders", BID)


THIN = replace(flat(), levels=1)
POOR = {"KRW": "6000"}
WAYS: Mapping[str, Callable[[], Response]] = {
    "validation_error": placed(BID | {"side": "buy"}),
    "invalid_parameter": placed(sell("2"), street=THIN, settings=VenueSettings(beyond_book="invalid_parameter")),
    "bad_request": lambda: customer().delete("/v1/order"),
    "QUERY_PARAMETER_NOT_SUPPORTED": with_body,
    "create_bid_error": placed(buy("6000") | {"volume": "1"}),
    "create_ask_error": placed(sell("1") | {"price": "6000"}),
    "insufficient_funds_bid": placed(BID, held=POOR),
    "insufficient_funds_ask": placed(ASK, held=POOR),
    "under_min_total_bid": placed(buy("4999")),
    "under_min_total_ask": placed(ASK | {"volume": "0.00001"}),
    "over_krw_funds_bid": placed(buy("1000000001")),
    "invalid_funds": placed(sell("2"), street=THIN, settings=VenueSettings(beyond_book="invalid_funds")),
    "volume_too_large": placed(sell("2"), street=THIN),
    "invalid_price_bid": placed(BID | {"price": "90000001"}),
    "invalid_price_ask": placed(ASK | {"price": "110000001"}),
    "invalid_volume_bid": placed(BID | {"volume": "0"}),
    "invalid_volume_ask": placed(ASK | {"volume": "0"}),
    "invalid_time_in_force": placed(BID | {"time_in_force": "gtc"}),
    "invalid_post_only": placed(BID | {"time_in_force": "post_only", "smp_type": "reduce"}),
    "duplicated_identifier": again,
    "not_supported_ord_type": placed(buy("6000"), settings=VenueSettings(limit_only=(BTC,))),
    "notfoundmarket": placed(BID | {"market": "KRW-BTCs"}),
    "thirdparty_agreement_required": placed(
        limit("bid", "0.03", "0.1", market=ETH_BTC), settings=VenueSettings(unconsented=("paper",))
    ),
    "withdraw_address_not_registered": lambda: customer().post(
        "/v1/withdraws/coin", COIN | {"amount": "1", "address": "x"}
    ),
    "withdraw_insufficient_balance": lambda: customer().post(
        "/v1/withdraws/coin", COIN | {"amount": "51", "address": "x"}
    ),
    "coin_address_not_found": lambda: customer().get("/v1/deposits/coin_address", *COIN.items()),
    "no_authorization_token": lambda: customer().face.handle(Request(method="GET", path="/v1/accounts")),
    "jwt_verification": lambda: signed(secret="another" * 10),
    "invalid_query_payload": lambda: signed("a=b"),
    "invalid_access_key": lambda: signed(access="nobody"),
    "expired_access_key": lambda: signed(expires_at=BEGIN),
    "nonce_used": twice,
    "no_authorization_ip": lambda: signed(addresses=("10.0.0.1",)),
    "out_of_scope": lambda: signed(scopes=frozenset()),
    "market_offline": placed(BID, street=flat(closed=(BEGIN, BEGIN + timedelta(hours=1)))),
    "open_api_withdraw_locked": lambda: customer().post(
        "/v1/withdraws/krw", {"amount": "5000", "two_factor_type": "kakao"}
    ),
    "order_not_found": lambda: customer().get("/v1/order", ("uuid", "x")),
    "currency_not_found": lambda: customer().post(
        "/v1/deposits/generate_coin_address", COIN | {"currency": "NONE"}
    ),
    "pocket_not_found": lambda: customer().get("/v1/pockets/assets", ("uuid", "x")),
    "internal_server_error": broken,
}
STATUS = {
    400: list(WAYS)[: list(WAYS).index("no_authorization_token")],
    401: list(WAYS)[list(WAYS).index("no_authorization_token") : list(WAYS).index("market_offline")],
    403: ["market_offline", "open_api_withdraw_locked"],
    404: ["order_not_found", "currency_not_found", "pocket_not_found"],
    500: ["internal_server_error"],
}


@pytest.mark.parametrize("name", WAYS)
def test_each_published_error_is_met_with_its_status_and_body(name: str) -> None:
    reply = WAYS[name]()
    [status] = [status for status, names in STATUS.items() if name in names]
    assert (reply.status, refused(name).status) == (status, status)
    assert decoded(reply) == {"error": {"name": name, "message": decoded(reply)["error"]["message"]}}
    assert decoded(reply)["error"]["message"]
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ((), "missing"),
        ((("market", "KRW-BTC"), ("count", "x")), "mismatch"),
        ((("market", "KRW-BTC"), ("count", "201")), "invalid"),
        ((("market", XRP + "X"),), "unknown"),
    ],
)
def test_the_public_calls_errors_are_named_by_their_status(query: tuple[tuple[str, str], ...], kind: str) -> None:
    reply = customer().face.handle(Request(method="GET", path="/v1/candles/days", query=query))
    expected = bad_quotation(kind)
    assert reply.status == expected.status
    assert decoded(reply) == {"error": {"name": expected.status, "message": expected.message}}

"""E001 to E006 and L001 to L015: refusals and rate limits (upbit-api.md sections 6 and 7)."""

import json
import re
from typing import Any

from makenaide.domain.order import NotAccepted
from tests.contract.venue.carriers import Reply
from tests.contract.venue.case import World, case
from tests.contract.venue.rig import Rig
from tests.unit.simulator_street import token
from tests.unit.upbit_desk import bid

LIMITED = World(quota={"enforced": True})
HEADER = re.compile(r"group=([a-z\-]+); min=([0-9]+); sec=([0-9]+)")
PUBLIC: dict[str, list[tuple[str, dict[str, str]]]] = {
    "market": [("market/all", {})],
    "candle": [("candles/minutes/1", {"market": "KRW-BTC"}), ("candles/days", {"market": "KRW-XRP"})],
    "trade": [("trades/ticks", {"market": "KRW-BTC"})],
    "ticker": [("ticker", {"markets": "KRW-BTC"}), ("ticker/all", {"quote_currencies": "KRW"})],
    "orderbook": [("orderbook", {"markets": "KRW-BTC"}), ("orderbook/instruments", {"markets": "KRW-BTC"})],
}


def header(reply: Reply) -> tuple[str, int, int]:
    found = HEADER.fullmatch(reply.headers["remaining-req"])
    assert found is not None, reply.headers["remaining-req"]
    return found[1], int(found[2]), int(found[3])


def until_refused(ask: Any, most: int = 60) -> int:
    """How many calls are answered before the first 429."""
    for done in range(most):
        reply = ask()
        if reply.status == 429:
            return done
        assert reply.status != 418
    raise AssertionError("never refused")


@case("E001", "A refusal is a name and a message in an object named error", "6")
def shape(rig: Rig) -> None:
    assert rig.refusal(side="bid", ord_type="price", price="1")[1] == "under_min_total_bid"
    reply = rig.post("orders", {"market": "KRW-BTC", "side": "bid", "ord_type": "price", "price": "1"})
    assert reply.json["error"]["message"] == "최소주문금액 이상으로 주문해주세요"
    assert reply.headers["content-type"].startswith("application/json")


@case("E002", "A missing or ill-typed field is validation_error and names the field", "6")
def fields(rig: Rig) -> None:
    reply = rig.post("orders", {"market": "KRW-BTC", "ord_type": "limit"})
    assert reply.error == (400, "validation_error")
    assert reply.json["error"]["message"] == "side is missing, side does not have a valid value"
    reply = rig.post("orders", {"market": 5, "side": "bid", "ord_type": "limit"})
    assert reply.json["error"]["message"] == "market does not have a valid value"
    for wrong in ({"side": "buy"}, {"ord_type": "stop"}, {"price": "1e5"}, {"volume": "-1"}, {"smp_type": "x"}):
        body = {"side": "bid", "ord_type": "limit", "price": "50000000", "volume": "0.001"} | wrong
        assert rig.refusal(**body) == (400, "validation_error"), wrong


@case("E003", "An order in an unknown market is 400 notfoundmarket and says which", "6")
def unknown_market(rig: Rig) -> None:
    body = {"market": "KRW-BTCs", "side": "bid", "ord_type": "price", "price": "6000"}
    reply = rig.post("orders", body)
    assert reply.error == (400, "notfoundmarket")
    assert reply.json["error"]["message"] == "다음 마켓에 없는 종목입니다: KRW-BTCs"


@case("E004", "Too little to spend is insufficient_funds_bid or _ask and says of what", "6")
def funds(rig: Rig) -> None:
    reply = rig.post("orders", {"market": "KRW-BTC", "side": "bid", "ord_type": "price", "price": "20000000"})
    assert reply.error == (400, "insufficient_funds_bid")
    assert reply.json["error"]["message"] == "주문 가능한 금액(KRW)이 부족합니다."
    body = {"market": "KRW-BTC", "side": "ask", "ord_type": "market", "volume": "1.1"}
    reply = rig.post("orders", body)
    assert reply.error == (400, "insufficient_funds_ask")
    assert reply.json["error"]["message"] == "주문가능한 금액(BTC)이 부족합니다."


@case("E005", "A new listing may take limits only", "6", world=World(venue={"limit_only": ("KRW-BTC",)}))
def limits_only(rig: Rig) -> None:
    assert rig.refusal(side="bid", ord_type="price", price="6000") == (400, "not_supported_ord_type")
    assert rig.order(side="bid", ord_type="limit", price="50000000", volume="0.001")["state"] == "wait"
    assert rig.get("orders/chance", market="KRW-BTC").json["market"]["bid_types"] == ["limit"]


@case(
    "E006",
    "BTC and USDT markets need a consent once",
    "6",
    "venue.consent_status",
    world=World(venue={"unconsented": ("paper",)}),
)
def consent(rig: Rig) -> None:
    body: dict[str, Any] = {"market": "BTC-ETH", "side": "bid", "ord_type": "price", "price": "0.01"}
    assert rig.refusal(**body) == (400, "thirdparty_agreement_required")
    rig.order("other", **body)
    rig.order(side="bid", ord_type="price", price="6000")


@case(
    "L001",
    "Public groups allow ten calls a second each, counted together within a group",
    "7",
    "quota.refusals_to_block",
    world=LIMITED,
)
def public_groups(rig: Rig) -> None:
    rig.wait(0.6)
    for paths in PUBLIC.values():
        for number in range(10):
            path, given = paths[number % len(paths)]
            assert rig.get(path, **given).status == 200
        path, given = paths[-1]
        assert rig.get(path, **given).status == 429


@case(
    "L002",
    "Every counted reply says its group, the dead constant and what is left of the second",
    "7",
    "quota.header_names",
    world=LIMITED,
)
def headers(rig: Rig) -> None:
    for group, paths in PUBLIC.items():
        path, given = paths[0]
        assert [header(rig.get(path, **given)) for _ in range(3)] == [(group, 600, left) for left in (9, 8, 7)]
    assert header(rig.get("accounts")) == ("default", 1800, 29)
    assert header(rig.post("orders", {})) == ("order", 1800, 11)
    assert header(rig.post("orders/test", {})) == ("order-test", 1800, 7)
    assert header(rig.delete("orders/open")) == ("order-cancel-all", 1800, 0)


@case("L003", "Windows are fixed seconds of the venue's clock", "7", "quota.phase_ms", world=LIMITED)
def windows(rig: Rig) -> None:
    rig.wait(0.9)
    assert until_refused(lambda: rig.get("market/all")) == 10
    rig.wait(0.1)
    assert header(rig.get("market/all"))[2] == 9


@case("L004", "The default group allows 30 calls a second of an account, over all its keys", "7", world=LIMITED)
def default_group(rig: Rig) -> None:
    keys = iter(["paper", "all", "view_account"] * 20)
    assert until_refused(lambda: rig.get("accounts", key=next(keys))) == 30
    assert rig.get("accounts", key="other").status == 200


@case(
    "L005",
    "Orders are 12 a second, test orders 8, a batch cancel one in two seconds",
    "7",
    "quota.refusals_to_block",
    "quota.phase_ms",
    world=LIMITED,
)
def order_groups(rig: Rig) -> None:
    body = {"market": "KRW-BTC", "side": "bid", "ord_type": "limit", "price": "50000000", "volume": "0.001"}
    assert until_refused(lambda: rig.post("orders", body)) == 12
    assert rig.post("orders/cancel_and_new", {}).status == 429
    assert until_refused(lambda: rig.post("orders/test", body)) == 8
    assert rig.delete("orders/open").status == 200
    rig.wait(1)
    assert rig.delete("orders/open").status == 429
    rig.wait(1)
    assert rig.delete("orders/open").status == 200


@case("L006", "A refused order was not made", "7", world=LIMITED)
def not_made(rig: Rig) -> None:
    body = {"market": "KRW-BTC", "side": "bid", "ord_type": "limit", "price": "50000000", "volume": "0.001"}
    until_refused(lambda: rig.post("orders", body))
    assert len(rig.get("orders/open").json) == 12
    answer = rig.client.place(bid(1))
    assert isinstance(answer, NotAccepted)
    rig.wait(1)
    assert rig.get("order", identifier=bid(1).identifier).status == 404


@case("L007", "429 is plain text, no JSON", "6", "quota.json_body", world=LIMITED)
def plain_text(rig: Rig) -> None:
    until_refused(lambda: rig.get("market/all"))
    reply = rig.get("market/all")
    assert reply.body.decode() == "Too many API requests."
    assert reply.headers["content-type"].startswith("text/plain")


@case("L008", "The body of a 429 may be JSON", "6", world=World(quota={"enforced": True, "json_body": True}))
def json_text(rig: Rig) -> None:
    until_refused(lambda: rig.get("market/all"))
    assert json.loads(rig.get("market/all").body)["error"]["name"] == "too_many_requests"


@case(
    "L009",
    "Going on after five 429s within ten seconds blocks with 418, longer each time",
    "7",
    "quota.refusals_to_block",
    "quota.json_body",
    world=LIMITED,
)
def blocked(rig: Rig) -> None:
    for seconds in (10, 20, 40):
        until_refused(lambda: rig.get("market/all"))
        statuses = [rig.get("market/all").status for _ in range(6)]
        assert statuses[-1] == 418
        assert f"{seconds} seconds" in rig.get("market/all").body.decode()
        rig.wait(seconds - 1)
        assert rig.get("market/all").status == 418
        rig.wait(1)
        assert rig.get("market/all").status == 200
        rig.wait(1)


@case(
    "L010",
    "A block is of the address or of the account, not of both",
    "7",
    "quota.refusals_to_block",
    world=LIMITED,
)
def blocked_alone(rig: Rig) -> None:
    until_refused(lambda: rig.get("market/all"))
    assert [rig.get("market/all").status for _ in range(6)][-1] == 418
    assert rig.get("ticker", markets="KRW-BTC").status == 418
    assert rig.get("accounts").status == 200
    rig.wait(10)
    until_refused(lambda: rig.get("accounts"))
    assert [rig.get("accounts").status for _ in range(6)][-1] == 418
    assert rig.get("orders/chance", market="KRW-BTC", key="all").status == 418
    assert rig.get("accounts", key="other").status == 200
    assert rig.get("market/all").status == 200


@case("L011", "A public call with an Origin header is one in ten seconds", "7", "quota.phase_ms", world=LIMITED)
def origin(rig: Rig) -> None:
    def ask() -> Reply:
        return rig.send("GET", "/v1/market/all", Origin="https://example.org")

    assert header(ask()) == ("origin", 6, 0)
    rig.wait(5)
    assert ask().status == 429
    assert rig.get("market/all").status == 200
    rig.wait(5)
    assert ask().status == 200


@case("L012", "Signed calls mind no Origin header", "7", world=LIMITED)
def signed_origin(rig: Rig) -> None:
    for _ in range(3):
        bearer = token("paper", "", rig.nonce())
        assert rig.send("GET", "/v1/accounts", Authorization=bearer, Origin="https://example.org").status == 200


@case("L013", "Calls that fail the entry are not counted", "7", world=LIMITED)
def not_counted(rig: Rig) -> None:
    for _ in range(5):
        assert rig.send("GET", "/v1/accounts").status == 401
    assert header(rig.get("accounts"))[2] == 29


@case("L014", "Calls that are refused for their content are counted", "7", world=LIMITED)
def counted(rig: Rig) -> None:
    assert rig.get("ticker", markets="KRW-NOPE").status == 404
    assert header(rig.get("ticker", markets="KRW-BTC"))[2] == 8


@case(
    "L015",
    "Limits may be lowered under load",
    "7",
    world=World(quota={"enforced": True, "ceilings": (("order", 3),)}),
)
def lowered(rig: Rig) -> None:
    body = {"market": "KRW-BTC", "side": "bid", "ord_type": "limit", "price": "50000000", "volume": "0.001"}
    assert until_refused(lambda: rig.post("orders", body)) == 3

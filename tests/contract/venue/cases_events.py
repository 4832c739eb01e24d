"""K001 to K012: what happens to markets (upbit-api.md section 10)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from makenaide.domain.market import Market
from makenaide.exchange.simulator import settings
from makenaide.exchange.simulator.prices.incidents import (
    Caution,
    Delisting,
    Event,
    Maintenance,
    NewListing,
    Rename,
    Warned,
)
from makenaide.exchange.upbit.stream.frames import TickerFrame
from tests.contract.venue.case import World, case
from tests.contract.venue.markets import staged
from tests.contract.venue.rig import Rig
from tests.unit.simulator_street import BTC, XRP

BEGIN = datetime(2026, 2, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOWN = Maintenance(start=BEGIN + HOUR, end=BEGIN + 3 * HOUR)
END = Delisting(market=XRP, announced=BEGIN + HOUR, at=BEGIN + 26 * HOUR)
OPENING = NewListing(market=XRP, at=BEGIN + 3 * HOUR, preview_from=BEGIN + HOUR)


def during(*events: Event, **stream: object) -> World:
    return World(data=lambda: staged(*events), stream=stream)


def rest(rig: Rig, market: Market = BTC) -> str:
    """A limit bid far below the market."""
    (ticker,) = rig.get("ticker", markets=market).json
    price = int(ticker["trade_price"]) * 8 // 10
    price = price // 1000 * 1000 if price > 1_000_000 else price // 100 * 100
    uuid: str = rig.order(
        market=market, side="bid", ord_type="limit", price=str(price), volume=str(Decimal(20_000) / price)[:10]
    )["uuid"]
    return uuid


def event(rig: Rig, market: Market = XRP) -> dict[str, Any]:
    rows = {row["market"]: row["market_event"] for row in rig.get("market/all", is_details="true").json}
    found: dict[str, Any] = rows[market]
    return found


@case(
    "K001",
    "A warning shows in the market's details and ends with its release; trading goes on",
    "10",
    world=during(Warned(market=XRP, start=BEGIN + HOUR, end=BEGIN + 2 * HOUR)),
)
def warning(rig: Rig) -> None:
    seen = []
    for _ in range(3):
        seen.append(event(rig)["warning"])
        rest(rig, XRP)
        rig.wait(3600)
    assert seen == [False, True, False]


@case(
    "K002",
    "Each caution is a flag of its own, raised and lifted",
    "10",
    world=during(Caution(market=XRP, name="TRADING_VOLUME_SOARING", start=BEGIN + HOUR, end=BEGIN + 2 * HOUR)),
)
def caution(rig: Rig) -> None:
    rig.wait(3600)
    found = event(rig)["caution"]
    assert isinstance(found, dict)
    assert [name for name, up in found.items() if up] == ["TRADING_VOLUME_SOARING"]
    assert {each.market: each.cautions for each in rig.client.markets()}[XRP] == ("TRADING_VOLUME_SOARING",)
    rig.wait(3600)
    found = event(rig)["caution"]
    assert isinstance(found, dict)
    assert not any(found.values())


@case(
    "K003",
    "A delisting is warned of, with its date in the ticker frame; then the market is gone from the list",
    "10",
    world=during(END),
)
def delisting(rig: Rig) -> None:
    ear = rig.listen()
    rig.wait(3600)
    assert event(rig)["warning"] is True
    ear.ask({"type": "ticker", "codes": [XRP], "is_only_snapshot": True})
    (frame,) = ear.frames()
    assert isinstance(frame, TickerFrame)
    assert (frame.state, frame.delisting) == ("ACTIVE", (BEGIN + 26 * HOUR).date())
    rig.wait(25 * 3600)
    assert [row["market"] for row in rig.get("market/all").json] == [BTC]
    assert rig.get("ticker", markets=XRP).status == 404
    assert rig.refusal(market=XRP, side="bid", ord_type="price", price="6000") == (400, "notfoundmarket")


@case("K004", "Open orders of a delisted market are cancelled, what they locked is free", "10", world=during(END))
def delisted_orders(rig: Rig) -> None:
    uuid = rest(rig, XRP)
    rig.wait(26 * 3600 + 5)
    assert rig.seen(uuid)["state"] == "cancel"
    assert rig.held("KRW") == (10_000_000, 0)


@case(
    "K005",
    "A new market is listed as PREVIEW first, takes no orders, then opens",
    "10",
    "venue.preview_refusal",
    "venue.checks",
    world=during(OPENING),
)
def listing(rig: Rig) -> None:
    assert [row["market"] for row in rig.get("market/all").json] == [BTC]
    rig.wait(3600)
    assert [row["market"] for row in rig.get("market/all").json] == [BTC, XRP]
    assert rig.refusal(market=XRP, side="bid", ord_type="price", price="6000") == (403, "market_offline")
    rig.wait(2 * 3600 + 60)
    assert rig.order(market=XRP, side="bid", ord_type="price", price="6000")["state"] == "wait"
    (day,) = rig.get("candles/days", market=XRP, count=200).json
    assert day["candle_date_time_utc"] == "2026-02-17T00:00:00"


@case(
    "K006",
    "During maintenance orders and cancels are 403 market_offline, and what is asked is still told",
    "10",
    world=during(DOWN),
)
def maintenance(rig: Rig) -> None:
    uuid = rest(rig)
    rig.wait(2 * 3600)
    body = {"market": BTC, "side": "bid", "ord_type": "price", "price": "6000"}
    reply = rig.post("orders", body)
    assert reply.error == (403, "market_offline")
    assert reply.json["error"]["message"] == "시스템 점검 중입니다. 점검이 완료된 후에 다시 시도해주세요."
    assert rig.delete("order", uuid=uuid).error == (403, "market_offline")
    assert rig.delete("orders/open").error == (403, "market_offline")
    assert rig.seen(uuid)["state"] == "wait"


@case("K007", "A test order tells whether the market has reopened", "4.4", world=during(DOWN))
def reopened(rig: Rig) -> None:
    body = {"market": BTC, "side": "bid", "ord_type": "price", "price": "6000"}
    rig.wait(3600)
    assert rig.post("orders/test", body).error == (403, "market_offline")
    rig.wait(2 * 3600)
    assert rig.post("orders/test", body).status == 201


@case("K008", "An order refused during maintenance leaves its identifier free", "10", world=during(DOWN))
def identifier_kept(rig: Rig) -> None:
    body: dict[str, Any] = {"side": "bid", "ord_type": "price", "price": "6000", "identifier": "one"}
    rig.wait(3600)
    assert rig.refusal(**body) == (403, "market_offline")
    rig.wait(2 * 3600)
    rig.order(**body)


@case("K009", "Of the hours of maintenance there is no candle, in any unit within them", "10", world=during(DOWN))
def no_candles(rig: Rig) -> None:
    rig.wait(5 * 3600)
    for unit in ("minutes/1", "minutes/15", "minutes/60", "seconds"):
        rows = rig.get(f"candles/{unit}", market=BTC, to="2026-02-17T03:00:00", count=5).json
        assert all(row["candle_date_time_utc"] < "2026-02-17T01:00:00" for row in rows), unit


@case(
    "K010",
    "During maintenance sockets are silent; afterwards they go on",
    "10",
    "stream.maintenance",
    world=during(DOWN),
)
def silent(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask({"type": "trade", "codes": [BTC]})
    ear.heard()
    rig.wait(3600 + 60)
    assert ear.heard() == []
    rig.wait(2 * 3600)
    assert ear.heard() != []


@case(
    "K011",
    "During maintenance sockets may be dropped instead, without a close frame",
    "10",
    world=during(DOWN, maintenance=settings.Maintenance.DROP),
)
def dropped(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask({"type": "trade", "codes": [BTC]})
    ear.heard()
    rig.wait(3600 + 60)
    assert ear.socket.raw() == []
    assert ear.socket.closed() == 1006


@case(
    "K012",
    "A renamed coin goes on under its new code, and is unknown under the old one",
    "10",
    world=during(Rename(market=XRP, new=Market("KRW-NEW"), at=BEGIN + HOUR)),
)
def rename(rig: Rig) -> None:
    (before,) = rig.get("candles/days", market=XRP, to="2026-02-17T00:00:00").json
    rig.wait(3600 + 60)
    assert [row["market"] for row in rig.get("market/all").json] == [BTC, "KRW-NEW"]
    (after,) = rig.get("candles/days", market="KRW-NEW", to="2026-02-17T00:00:00").json
    assert {**after, "market": XRP} == before
    assert rig.get("ticker", markets=XRP).status == 404

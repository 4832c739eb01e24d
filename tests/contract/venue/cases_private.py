"""W021 to W031: private streams, and who may have one (upbit-api.md sections 3, 7 and 9.3)."""

import time
from decimal import Decimal

from makenaide.exchange.simulator.core.feed import Announcement
from makenaide.exchange.simulator.settings import BadToken
from makenaide.exchange.upbit.stream.frames import (
    AnnouncementFrame,
    MyAssetFrame,
    MyOrderFrame,
)
from tests.contract.venue.carriers import Ear, Reply
from tests.contract.venue.case import World, case
from tests.contract.venue.cases_stream import LIMITED, MY_ASSET, MY_ORDER, NOTICE, both, names, part
from tests.contract.venue.rig import Rig
from tests.unit.simulator_street import token


@case("W021", "myOrder tells acceptance, each trade with its fee and role, and the end", "9.3")
def my_order(rig: Rig) -> None:
    long, short = both(rig, "myOrder", "paper")
    assert (set(long), set(short)) == (names(MY_ORDER), names(MY_ORDER, short=True))
    ear = rig.listen("paper")
    ear.ask({"type": "myOrder"})
    assert ear.heard() == []
    order = rig.order(side="bid", ord_type="limit", price="100000000", volume="0.01", identifier="one")
    wait, trade, done = ear.heard()
    assert [each["state"] for each in (wait, trade, done)] == ["wait", "trade", "done"]
    assert {each["uuid"] for each in (wait, trade, done)} == {order["uuid"]}
    assert {each["identifier"] for each in (wait, trade, done)} == {"one"}
    assert (trade["price"], trade["volume"], trade["is_maker"], trade["trade_fee"]) == (
        100_000_000,
        Decimal("0.01"),
        False,
        500,
    )
    assert (wait["trade_fee"], wait["is_maker"], wait["trade_uuid"]) == (None, None, None)
    assert {each["ask_bid"] for each in (wait, trade, done)} == {"BID"}
    assert done["executed_funds"] == 1_000_000


@case("W022", "myOrder of some markets tells of those alone; cancels come too", "9.3")
def my_order_codes(rig: Rig) -> None:
    ear = rig.listen("paper")
    ear.ask(part("myOrder", "KRW-XRP"))
    rig.order(side="bid", ord_type="limit", price="50000000", volume="0.01")
    uuid = rig.order(market="KRW-XRP", side="bid", ord_type="limit", price="900", volume="10")["uuid"]
    rig.delete("order", uuid=uuid)
    rig.settle()
    frames = ear.frames()
    assert all(isinstance(frame, MyOrderFrame) for frame in frames)
    assert [(frame.market, frame.state) for frame in frames if isinstance(frame, MyOrderFrame)] == [
        ("KRW-XRP", "wait"),
        ("KRW-XRP", "cancel"),
    ]


@case("W023", "myAsset tells the balances that have changed", "9.3", "stream.first_assets_seconds")
def my_asset(rig: Rig) -> None:
    long, short = both(rig, "myAsset", "paper")
    assert (set(long), set(short)) == (names(MY_ASSET), names(MY_ASSET, short=True))
    assert set(long["assets"][0]) == {"currency", "balance", "locked"}
    assert set(short["ast"][0]) == {"cu", "b", "l"}
    ear = rig.listen("paper")
    ear.ask({"type": "myAsset"})
    assert ear.heard() == []
    rig.order(side="bid", ord_type="limit", price="50000000", volume="0.01")
    frame = ear.frames()[-1]
    assert isinstance(frame, MyAssetFrame)
    (won,) = [each for each in frame.balances if each.currency == "KRW"]
    assert (won.free, won.locked) == rig.held("KRW")


@case("W024", "Private frames are of one's own account alone", "9.3")
def own_account(rig: Rig) -> None:
    ear = rig.listen("other")
    ear.ask({"type": "myOrder"}, {"type": "myAsset"})
    rig.order(side="bid", ord_type="price", price="6000")
    rig.settle()
    assert ear.heard() == []


@case("W025", "Announcements come by category, with their body when asked for, to any key", "9.3")
def announcements(rig: Rig) -> None:
    plain, full = rig.listen("none"), rig.listen("none")
    plain.ask({"type": "announcement"})
    full.ask({"type": "announcement", "categories": ["trade"], "include_body": True})
    rig.operator.announce(Announcement(category="notice", title="One"))
    uuid = rig.operator.announce(Announcement(category="trade", title="Two", body="text", url="https://x.invalid"))
    rig.operator.announce(Announcement(category="trade", title="Three", uuid=uuid))
    found = plain.heard()
    assert [(set(frame), frame["title"], frame["body"]) for frame in found] == [
        (names(NOTICE), title, None) for title in ("One", "Two", "Three")
    ]
    assert [frame["event_type"] for frame in found] == ["CREATED", "CREATED", "UPDATED"]
    assert found[0]["listed_at"].endswith("+09:00")
    told = full.frames()
    assert all(isinstance(frame, AnnouncementFrame) for frame in told)
    assert [(frame.title, frame.body) for frame in told if isinstance(frame, AnnouncementFrame)] == [
        ("Two", "text"),
        ("Three", None),
    ]


@case(
    "W026",
    "Private types need their rights; public types are not for the private endpoint",
    "9",
    "stream.public_on_private",
)
def rights(rig: Rig) -> None:
    for key, kind in (("view_account", "myOrder"), ("view_orders", "myAsset")):
        ear = rig.listen(key)
        ear.ask({"type": kind})
        assert ear.error() == "INVALID_AUTH"
    ear = rig.listen("paper")
    ear.ask(part("ticker"))
    assert ear.error() == "INVALID_PARAM"


@case("W027", "A private connect with a bad token is refused on the upgrade like a call", "3", "stream.bad_token")
def bad_tokens(rig: Rig) -> None:
    for headers, name in (({}, "no_authorization_token"), ({"Authorization": "Bearer x"}, "jwt_verification")):
        reply = rig.connect("/private", **headers)
        assert isinstance(reply, Reply)
        assert reply.error == (401, name)
    reply = rig.connect("/private", Authorization=token("old", "", rig.nonce()))
    assert isinstance(reply, Reply)
    assert reply.error == (401, "expired_access_key")


@case(
    "W028",
    "A bad token may also be answered by an error frame",
    "9.1",
    world=World(stream={"bad_token": BadToken.FRAME}),
)
def bad_token_frame(rig: Rig) -> None:
    ear = rig.connect("/private", Authorization="Bearer x")
    assert isinstance(ear, Ear)
    assert ear.error() == "INVALID_AUTH"


@case(
    "W029",
    "Connects are five a second, told on the upgrade; messages five a second of a connection",
    "7",
    "quota.phase_ms",
    world=LIMITED,
)
def stream_limits(rig: Rig) -> None:
    first = rig.listen()
    assert first.remaining == "group=websocket; min=300; sec=4"
    ears = [rig.listen() for _ in range(4)]
    refused = rig.connect()
    assert isinstance(refused, Reply)
    assert refused.status == 429
    for _ in range(5):
        first.ask(part("ticker", is_only_snapshot=True))
    assert len(first.heard()) == 5
    first.ask(part("ticker"))
    assert first.error() == "Too Many Requests"
    ears[0].ask(part("ticker"))
    assert len(ears[0].heard()) == 1


@case("W030", "An Origin header on a public connect is one in ten seconds", "7", world=LIMITED)
def stream_origin(rig: Rig) -> None:
    assert isinstance(rig.connect(Origin="https://example.org"), Ear)
    refused = rig.connect(Origin="https://example.org")
    assert isinstance(refused, Reply)
    assert refused.status == 429


@case(
    "W031",
    "A socket on which neither side says anything for `idle_seconds` is cut without a close frame; a ping keeps it",
    "9.1",
    world=World(stream={"idle_seconds": 0.6}),
    wired=True,
)
def idle(rig: Rig) -> None:
    silent, alive = rig.listen(), rig.listen()
    for _ in range(5):
        time.sleep(0.2)
        alive.heard()  # pings
    assert silent.socket.closed() == 1006
    alive.ask(part("ticker", is_only_snapshot=True))
    assert len(alive.heard()) == 1

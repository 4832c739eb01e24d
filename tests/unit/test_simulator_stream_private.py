"""The simulator's private streams: orders, balances, announcements (upbit-api.md section 9.3)."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.core.commandlog import rebuild
from makenaide.exchange.simulator.core.feed import Announcement, Feed
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.core.wallet import Wallet
from makenaide.exchange.simulator.settings import VenueSettings
from makenaide.exchange.simulator.stream.session import Frame, Session
from tests.unit.simulator_listener import Listener, hub_of, listen, pass_time
from tests.unit.simulator_street import BEGIN, BTC, XRP, Street, buy, flat, limit, opened, seconds, sell

ORDERS: dict[str, object] = {"type": "myOrder"}
ASSETS: dict[str, object] = {"type": "myAsset"}
NOTICES: dict[str, object] = {"type": "announcement"}


def owner(venue: Venue, *types: dict[str, object]) -> Listener:
    client = listen(hub_of(venue), "paper")
    client.ask(*types)
    assert client.raw() == []
    return client


def states(client: Listener) -> list[str]:
    client.hub.pulse()
    return [each["state"] for each in client.heard()]


def test_a_market_buy_is_told_step_by_step() -> None:
    venue = opened(flat("160594000"))
    client = owner(venue, ORDERS)
    order = venue.place("paper", buy("6000", identifier="mine"))
    client.hub.pulse()
    wait, trade, end = client.heard()
    assert [each["state"] for each in (wait, trade, end)] == ["wait", "trade", "cancel"]
    assert {each["uuid"] for each in (wait, trade, end)} == {order.uuid}
    assert (wait["price"], wait["volume"], wait["locked"], wait["trades_count"]) == (6000, None, 6003, 0)
    assert (trade["price"], trade["volume"], trade["is_maker"]) == (160_594_000, 0.00003736, False)
    assert (trade["trade_fee"], trade["executed_funds"]) == (2.99989592, 5999.79184)
    assert (end["trade_uuid"], end["is_maker"], end["trade_fee"]) == (None, None, None)
    assert (end["avg_price"], end["locked"], end["paid_fee"]) == (160_594_000, 0.20826408, 2.99989592)
    assert [(each["reserved_fee"], each["remaining_fee"]) for each in (wait, end)] == [(3, 3), (3, 0.00010408)]
    assert (end["identifier"], end["smp_type"], end["order_type"]) == ("mine", "cancel_maker", "price")
    assert (end["ask_bid"], end["code"], end["stream_type"]) == ("BID", BTC, "REALTIME")


def test_the_mean_price_of_several_trades_is_told_to_eight_decimals() -> None:
    venue = opened(flat(size=Decimal(10)))
    client = owner(venue, ORDERS)
    venue.place("paper", limit("bid", "1001", "15", market=XRP))
    client.hub.pulse()
    assert [each["avg_price"] for each in client.heard()] == [0, 1000, 1000.33333333, 1000.33333333]


def test_a_resting_order_is_the_maker_and_a_cancel_is_told() -> None:
    falling = Street(
        steps={BTC: [(seconds(0), Decimal(10**8)), (seconds(5), Decimal(99_000_000))]}, volume=Decimal(1)
    )
    venue = opened(falling)
    client = owner(venue, ORDERS)
    venue.place("paper", limit("bid", "99500000", "0.01"))
    rest = venue.place("paper", limit("bid", "98000000", "0.01"))
    assert states(client) == ["wait", "wait"]
    pass_time(client.hub, 60)
    trade, done = client.heard()
    assert (trade["state"], done["state"], trade["is_maker"]) == ("trade", "done", True)
    assert trade["trade_timestamp"] == int((BEGIN + seconds(5)).timestamp() * 1000)
    venue.cancel(venue.accounts["paper"].orders[rest.uuid])
    assert states(client) == ["cancel"]


def test_self_match_prevention_is_told() -> None:
    venue = opened(flat(), KRW="10000000", BTC="1")
    client = owner(venue, ORDERS)
    venue.place("paper", limit("ask", "100000000", "0.01"))
    states(client)
    venue.place("paper", limit("bid", "100000000", "0.004", smp_type="reduce"))
    assert states(client) == ["wait", "prevented", "prevented", "cancel"]


def test_only_the_markets_asked_for_and_only_ones_own_orders_are_told() -> None:
    venue = opened(flat(), "paper", "other")
    client = owner(venue, ORDERS | {"codes": [XRP]})
    nobody = listen(client.hub, "paper")
    nobody.ask(ORDERS | {"codes": ["krw-xrp"]})
    venue.place("paper", buy("6000"))
    venue.place("other", buy("6000", market=XRP))
    assert states(client) == []
    venue.place("paper", buy("6000", market=XRP))
    assert set(states(client)) == {"wait", "trade", "cancel"}
    assert nobody.raw() == []


def test_a_jump_of_time_tells_all_that_happened_to_the_account() -> None:
    zigzag = [(seconds(3600 * hour), Decimal(10**8 - 10**6 * hour)) for hour in range(6)]
    venue = opened(Street(steps={BTC: zigzag}))
    client = owner(venue, ORDERS)
    for hour in range(1, 6):
        venue.place("paper", limit("bid", str(10**8 - 10**6 * hour), "0.001"))
    states(client)
    pass_time(client.hub, 6 * 3600)
    assert [each["state"] for each in client.heard()] == ["trade", "done"] * 5


def test_balances_are_told_as_they_change() -> None:
    venue = opened(flat())
    client = owner(venue, ASSETS)
    venue.place("paper", buy("6000"))
    client.hub.pulse()
    locked, bought = client.heard()
    assert locked["assets"] == [{"currency": "KRW", "balance": 9993997, "locked": 6003}]
    assert bought["assets"] == [
        {"currency": "BTC", "balance": 0.00006, "locked": 0},
        {"currency": "KRW", "balance": 9993997, "locked": 0},
    ]
    assert locked["asset_uuid"] == bought["asset_uuid"]
    venue.place("paper", sell("0.00005"))
    client.hub.pulse()
    assert client.heard()[-1]["assets"][1]["balance"] == 9998994.450025


def test_an_accounts_first_subscription_to_balances_may_be_deaf_for_a_while() -> None:
    venue = opened(flat())
    client = listen(hub_of(venue, first_assets_seconds=300), "paper")
    client.ask(ASSETS)
    venue.place("paper", buy("6000"))
    pass_time(client.hub, 300)
    assert client.raw() == []
    venue.place("paper", buy("6000"))
    client.hub.pulse()
    assert len(client.heard()) == 2
    again = listen(client.hub, "paper")
    again.ask(ASSETS)
    venue.place("paper", buy("6000"))
    client.hub.pulse()
    assert len(again.heard()) == 2


@pytest.mark.parametrize(
    ("kind", "scopes", "heard"),
    [
        (ORDERS, {"view_account"}, "INVALID_AUTH"),
        (ASSETS, {"view_orders"}, "INVALID_AUTH"),
        (ORDERS, {"view_orders"}, None),
        (ASSETS, {"view_account"}, None),
        (NOTICES, set(), None),
    ],
)
def test_a_type_needs_its_right(kind: dict[str, object], scopes: set[str], heard: str | None) -> None:
    client = listen(hub_of(opened(flat())), "paper", frozenset(scopes))
    client.ask(kind)
    assert [each["error"]["name"] for each in client.heard()] == ([heard] if heard else [])


def test_public_types_on_the_private_endpoint_are_a_setting() -> None:
    ticker = {"type": "ticker", "codes": [BTC]}
    strict = listen(hub_of(opened(flat())), "paper")
    strict.ask(ticker)
    assert strict.heard()[0]["error"]["name"] == "INVALID_PARAM"
    lenient = listen(hub_of(opened(flat()), public_on_private=True), "paper")
    lenient.ask(ticker, ORDERS)
    assert lenient.kinds() == ["ticker SNAPSHOT"]


def test_announcements_reach_who_wants_their_category() -> None:
    venue = opened(flat())
    client = owner(venue, NOTICES | {"categories": ["trade"], "include_body": True})
    headlines = listen(client.hub, "paper")
    headlines.ask(NOTICES)
    operator = Operator(venue)
    operator.announce(Announcement(category="event", title="선물"))
    uuid = operator.announce(Announcement(category="trade", title="거래지원 종료", url="https://x", body="# 안내"))
    pass_time(client.hub, 60)
    operator.announce(Announcement(category="trade", title="연기", uuid=uuid))
    client.hub.pulse()
    first, second = client.heard()
    assert (first["event_type"], second["event_type"]) == ("CREATED", "UPDATED")
    assert first["uuid"] == second["uuid"] == uuid
    assert (first["title"], first["body"], first["category"], first["url"]) == (
        *("거래지원 종료", "# 안내", "trade"),
        "https://x",
    )
    assert first["listed_at"] == second["first_listed_at"] == "2026-01-05T09:00:00+09:00"
    assert second["listed_at"] == "2026-01-05T09:01:00+09:00"
    assert [each["body"] for each in headlines.heard()] == [None] * 3


def test_each_of_several_objects_for_announcements_counts() -> None:
    venue = opened(flat())
    client = owner(
        venue, NOTICES | {"categories": ["trade"], "include_body": True}, NOTICES | {"categories": ["event"]}
    )
    for category in ("event", "trade", "maintenance"):
        Operator(venue).announce(Announcement(category=category, title="t", body="b"))
    client.hub.pulse()
    assert [(each["category"], each["body"]) for each in client.heard()] == [("event", None), ("trade", "b")]


def test_a_large_body_is_null() -> None:
    venue = opened(flat())
    client = listen(hub_of(venue, largest_body=10), "paper")
    client.ask(NOTICES | {"include_body": True})
    Operator(venue).announce(Announcement(category="trade", title="t", body="x" * 11))
    client.hub.pulse()
    assert client.heard()[0]["body"] is None


def test_a_wrong_announcement_is_refused() -> None:
    operator = Operator(opened(flat()))
    with pytest.raises(Misconfigured, match="category"):
        Announcement(category="gossip", title="t")
    with pytest.raises(Misconfigured, match="title"):
        Announcement(category="trade", title="")
    with pytest.raises(Misconfigured, match="no announcement"):
        operator.announce(Announcement(category="trade", title="t", uuid="unknown"))


def test_announcements_survive_a_crash(tmp_path: Path) -> None:
    log = tmp_path / "commands.log"
    venue = Venue(flat(), VenueSettings())
    journal = rebuild(venue, log, "f")
    uuid = Operator(venue).announce(Announcement(category="trade", title="t"))
    journal.close()
    again = Venue(flat(), VenueSettings())
    rebuild(again, log, "f").close()
    assert again.state() == venue.state()
    again.journal = None
    assert Operator(again).announce(Announcement(category="trade", title="u", uuid=uuid)) == uuid


def test_a_reader_that_was_too_slow_is_told_so() -> None:
    feed = Feed(kept=3)
    for _ in range(2):
        feed.moved("paper", Wallet(), ["KRW"], BEGIN)
    assert len(feed.since(0) or []) == 2
    for _ in range(2):
        feed.moved("paper", Wallet(), ["KRW"], BEGIN)
    assert feed.since(0) is None
    assert len(feed.since(1) or []) == 3
    assert feed.since(4) == []


def test_a_session_that_missed_happenings_is_dropped() -> None:
    venue = opened(flat())
    client = owner(venue, ORDERS)
    public = listen(client.hub)
    feed = venue.settlement.feed
    for _ in range(20_001):
        feed.moved("paper", Wallet(), [], BEGIN)
    client.hub.pulse()
    assert (client.wire.dropped, public.wire.dropped) == (True, False)
    assert client.hub.sessions == [public.session]


def test_private_frames_pass_the_mischief_with_their_type_and_market() -> None:
    venue = opened(flat())
    client = owner(venue, ORDERS, ASSETS)
    seen: list[tuple[str, str]] = []

    def note(_session: Session, frames: Sequence[Frame]) -> Sequence[Frame]:
        seen.extend((each.type, each.code) for each in frames)
        return frames

    client.hub.mischief = note
    venue.place("paper", buy("6000"))
    client.hub.pulse()
    assert seen == [("myOrder", BTC), ("myAsset", "")] * 2 + [("myOrder", BTC)]

"""All streams of the simulator together: time, silence, and what is told to whom (upbit-api.md sections 9, 10)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.market import PublicTrade
from makenaide.exchange.simulator.settings import Maintenance, VenueSettings
from makenaide.exchange.simulator.stream.session import Frame, Session
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_listener import hub_of, in_real_pace, listen, listener, pass_time
from tests.unit.simulator_street import BEGIN, BTC, ETH_BTC, XRP, Street, ask, buy, decoded, flat, opened, seconds
from tests.unit.simulator_tapes import drawn, source, tape

TICKER = {"type": "ticker", "codes": [BTC]}
TRADE = {"type": "trade", "codes": [BTC]}
BOOK = {"type": "orderbook", "codes": [BTC]}
CANDLE = {"type": "candle.1m", "codes": [BTC]}


def test_a_jump_of_time_tells_only_the_last_second_of_the_street() -> None:
    client = listener()
    client.ask(TRADE | {"is_only_realtime": True})
    pass_time(client.hub, 3600)
    assert [each["trade_timestamp"] for each in client.heard()] == [int((BEGIN.timestamp() + 3600) * 1000)]


def test_a_new_client_is_shown_the_newest_trade_whether_the_streets_or_an_accounts_own() -> None:
    hub = hub_of(opened(flat(), "paper"))
    hub.face.venue.advance(BEGIN + seconds(1.5))
    hub.face.venue.place("paper", buy("6000"))
    for after, taker, at in ((0.0, "BID", 1.5), (0.4, "BID", 1.5), (1.3, "ASK", 3)):
        pass_time(hub, after)
        client = listen(hub)
        client.ask(TICKER, TRADE)
        ticker, trade = client.heard()
        ticks = ask("/v1/trades/ticks", ("market", BTC), ("count", "1"), face=hub.face)
        assert trade["trade_timestamp"] == int((BEGIN + seconds(at)).timestamp() * 1000)
        assert (ticker["ask_bid"], trade["ask_bid"]) == (taker, taker)
        assert trade["sequential_id"] == decoded(ticks)[0]["sequential_id"]


@pytest.mark.parametrize(
    ("kind", "unit"), [("candle.1s", CandleUnit.SECONDS), ("candle.1m", CandleUnit.MINUTES_1)]
)
def test_the_last_state_told_of_a_candle_is_the_one_that_it_keeps(kind: str, unit: CandleUnit) -> None:
    data = tape(source(drawn(7, 48, gaps=0)))
    client = listen(hub_of(Venue(data, VenueSettings())))
    client.ask({"type": kind, "codes": [XRP]})
    told, seconds_told = {}, []
    for _ in range(2000):
        pass_time(client.hub, 0.1)
        for each in client.heard():
            told[each["candle_date_time_utc"]] = each["trade_price"], each["candle_acc_trade_volume"]
            seconds_told.append(each["timestamp"] // 1000)
    now = client.hub.face.venue.now
    kept = {row.start.isoformat()[:19]: (row.close, row.volume) for row in data.candles(XRP, unit, now, 200, now)}
    ended = sorted(told)[1:-1]
    assert len(ended) == (198 if unit is CandleUnit.SECONDS else 2)
    assert {each: told[each] for each in ended} == {each: kept[each] for each in ended}
    assert len(seconds_told) == len(set(seconds_told)), "at most one in each second"


def test_snapshots_come_in_two_bursts_and_live_frames_after_them_in_real_pace() -> None:
    hub, watch = in_real_pace(flat())
    client = listen(hub)
    client.ask({"type": "ticker", "codes": [BTC, XRP]})
    assert client.raw() == []
    came = {}
    for step in range(1, 12):
        watch.sleep(0.1)
        hub.follow()
        hub.pulse()
        came[step] = client.kinds()
    assert {step: kinds for step, kinds in came.items() if kinds} == {
        2: ["ticker SNAPSHOT"],
        4: ["ticker SNAPSHOT"],
        10: ["ticker REALTIME", "ticker REALTIME"],
    }


@pytest.mark.parametrize(
    ("codes", "first", "second"), [([BTC], [BTC], []), ([BTC, XRP, ETH_BTC], [BTC, XRP], [ETH_BTC])]
)
def test_the_larger_half_of_the_snapshots_comes_first(
    codes: list[str], first: list[str], second: list[str]
) -> None:
    hub, watch = in_real_pace(flat())
    client = listen(hub)
    client.ask({"type": "ticker", "codes": codes, "is_only_snapshot": True})
    for expected in (first, second):
        watch.sleep(0.2)
        hub.follow()
        hub.pulse()
        assert [each["code"] for each in client.heard()] == expected


def test_a_new_request_lets_the_snapshots_of_the_earlier_one_go() -> None:
    hub, watch = in_real_pace(flat())
    client = listen(hub)
    client.ask({"type": "ticker", "codes": [BTC, XRP]})
    client.ask(TRADE | {"is_only_snapshot": True})
    for _ in range(5):
        watch.sleep(0.1)
        hub.follow()
        hub.pulse()
    assert client.kinds() == ["trade SNAPSHOT"]


def test_maintenance_is_silent_or_drops() -> None:
    closed = (BEGIN + seconds(1), BEGIN + seconds(3))
    silent = listener(flat(closed=closed))
    silent.ask(TICKER)
    silent.raw()
    pass_time(silent.hub, 2)
    assert (silent.raw(), silent.wire.dropped) == ([], False)
    pass_time(silent.hub, 2)
    assert silent.kinds() == ["ticker REALTIME"]
    dropped = listen(hub_of(opened(flat(closed=closed)), maintenance=Maintenance.DROP))
    dropped.ask(TICKER)
    pass_time(dropped.hub, 2)
    assert dropped.wire.dropped
    assert dropped.hub.sessions == []


def test_the_operator_can_silence_and_drop_and_spoil() -> None:
    client = listener()
    client.ask(TICKER)
    client.raw()
    client.hub.silence(BEGIN + seconds(2))
    pass_time(client.hub, 1)
    assert client.raw() == []
    pass_time(client.hub, 1)
    assert client.kinds() == ["ticker REALTIME"]

    def twice(_session: Session, frames: Sequence[Frame]) -> Sequence[Frame]:
        return [*frames, *frames]

    client.hub.mischief = twice
    pass_time(client.hub, 1)
    assert client.kinds() == ["ticker REALTIME"] * 2
    client.hub.mischief = lambda _session, _frames: []
    pass_time(client.hub, 1)
    assert client.raw() == []
    client.hub.drop_all()
    assert client.wire.dropped
    client.hub.leave(client.session)


def test_the_same_steps_give_the_same_bytes() -> None:
    def told() -> list[bytes]:
        client = listener()
        client.ask(TICKER, TRADE, BOOK, {"type": "candle.1s", "codes": [XRP]}, CANDLE)
        for step in range(5):
            client.hub.face.venue.place("paper", buy(str(6000 + step)))
            pass_time(client.hub, 0.7)
        return client.raw()

    assert told() == told()
    assert len(told()) > 20


class Unsure(Street):
    """A street whose prices cannot always be had, as with live ones."""

    sure = False

    def trades(self, *asked: Any) -> list[PublicTrade]:
        if not self.sure:
            raise Unavailable("later")
        return super().trades(*asked)


def test_prices_that_cannot_be_had_just_now_are_told_later() -> None:
    street = Unsure(steps=flat().steps)
    client = listener(street)
    client.ask(TICKER, BOOK | {"is_only_snapshot": True})
    assert client.kinds() == ["orderbook SNAPSHOT"]
    pass_time(client.hub, 1)
    assert client.raw() == []
    street.sure = True
    pass_time(client.hub, 1)
    assert client.kinds() == ["ticker REALTIME"]


def test_listings_that_cannot_be_had_just_now_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    client = listener()
    client.ask(TICKER)
    client.raw()

    def unavailable(_at: object) -> None:
        raise Unavailable("later")

    with monkeypatch.context() as changed:
        changed.setattr(client.hub.face.venue.data, "listings", unavailable)
        pass_time(client.hub, 1)
        assert client.raw() == []
    pass_time(client.hub, 1)
    assert client.kinds() == ["ticker REALTIME"]


def test_nothing_is_due_while_nobody_listens() -> None:
    hub = hub_of(opened(flat()))
    hub.face.venue.place("paper", buy("6000"))
    assert not hub.stirred
    client = listen(hub, "paper")
    hub.pulse()
    assert client.raw() == []
    hub.face.venue.place("paper", buy("6000"))
    assert hub.stirred


def test_a_frame_is_written_once_for_all_who_want_it() -> None:
    hub = hub_of(opened(flat()))
    clients = [listen(hub) for _ in range(3)]
    for each in clients:
        each.ask(TICKER, BOOK)
        each.raw()
    pass_time(hub, 1)
    first, *others = [each.raw() for each in clients]
    assert len(first) == 2
    for other in others:
        assert all(mine is theirs for mine, theirs in zip(first, other, strict=True))


def test_a_pulse_in_pieces_is_finished_before_the_next_one() -> None:
    markets = {Market(f"KRW-C{number:02}"): [(seconds(0), Decimal(1000))] for number in range(40)}
    client = listener(Street(steps=markets))
    client.ask({"type": "trade", "codes": sorted(markets), "is_only_realtime": True})
    venue = client.hub.face.venue
    venue.advance(BEGIN + seconds(1))
    pieces = client.hub.steps()
    next(pieces)
    assert len(client.wire.payloads) == 32
    venue.advance(BEGIN + seconds(2))
    client.hub.pulse()
    assert list(pieces) == []
    stamps = [each["trade_timestamp"] for each in client.heard()]
    assert stamps == sorted(stamps)
    assert len(stamps) == 80

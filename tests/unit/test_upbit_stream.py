"""A stream that is kept alive: what it asks, when it pings, what it holds for dead, and how it comes back."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.http import NotConnected, Response
from makenaide.exchange.upbit.limiter import LimiterSettings
from makenaide.exchange.upbit.stream.connection import PRIVATE, PUBLIC, Refused
from makenaide.exchange.upbit.stream.frames import MyOrderFrame, StreamError, TradeFrame
from makenaide.exchange.upbit.stream.news import Connected, Gap, Lost, Missing, News
from makenaide.exchange.upbit.stream.settings import StreamSettings
from makenaide.exchange.upbit.stream.status import State
from makenaide.exchange.upbit.stream.subscription import Subscription, Wanted, account_news, books_of
from tests.unit.upbit_frames import MY_ORDER, TICKER, TRADE, book
from tests.unit.upbit_stream_script import END, START, HandClock, Line, ScriptedSocket, Stage, turned_away

BTC, ETH = Market("KRW-BTC"), Market("KRW-ETH")
BOOKS = books_of([ETH], "KRW-BTC")
UP = '{"status":"UP"}'


def staged(*scripts: list[Line] | Exception, **options: Any) -> Stage:
    """A stage with one socket a script."""
    clock = HandClock()
    pongs = options.pop("pongs", True)
    sockets = [
        each if isinstance(each, Exception) else ScriptedSocket(clock, each, pongs=pongs) for each in scripts
    ]
    return Stage(sockets, clock, **options)


def first(stage: Stage) -> ScriptedSocket:
    socket = stage.sockets[0]
    assert isinstance(socket, ScriptedSocket)
    return socket


def ticking(until: int, code: str = "KRW-BTC") -> list[Line]:
    """A book every second."""
    return [(float(second), book(code, 100_000 + second)) for second in range(until)]


def reasons(stage: Stage) -> list[str]:
    return [event.reason for event in stage.events() if isinstance(event, Lost)]


def test_it_subscribes_to_everything_and_keeps_the_newest_book() -> None:
    noted: list[Any] = []
    stage = staged([*ticking(5), (5.0, lambda: noted.append(stage.latest.books([BTC, ETH])))], end=6)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert [text for _, text in first(stage).sent] == [BOOKS.request("id-1")]
    assert stage.opened == [(0.0, PUBLIC, {})]
    assert {code: seen.frame.book.best_bid for code, seen in noted[0].items()} == {BTC: Price(100_004)}
    assert noted[0][BTC].mark == 1004


def test_a_lost_connection_leaves_no_price_behind() -> None:
    stage = staged([*ticking(3), (3.0, END)], NotConnected("no way"), end=5)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert stage.latest.books([BTC]) == {}
    assert not stage.latest.alive(stage.clock.mark, 1e9)


def test_the_account_connects_with_a_fresh_token_each_time_and_no_one_else_does() -> None:
    stage = staged([(0.1, UP), (1.0, END)], end=8)
    stage.stream.want(account_news())
    stage.stream.run()
    tokens = [headers["Authorization"] for _, path, headers in stage.opened if path == PRIVATE]
    assert len(tokens) == len(stage.opened) >= 2
    assert len(set(tokens)) == len(tokens)
    assert all(token.startswith("Bearer ") for token in tokens)


def test_the_account_without_keys_is_a_wrong_setting() -> None:
    stage = staged([], keys=None)
    with pytest.raises(Misconfigured):
        stage.stream.want(account_news())


def test_every_connect_subscribes_again_and_tells_to_reconcile() -> None:
    stage = staged([(0.1, UP), (2.0, MY_ORDER), (3.0, END)], [(0.1, UP), (0.2, UP)], end=12)
    stage.stream.want(account_news())
    stage.stream.run()
    events = stage.events()
    assert [event.number for event in events if isinstance(event, Connected)] == [1, 2]
    assert [type(event) for event in events] == [Connected, MyOrderFrame, Lost, Connected, Lost]
    for socket in stage.sockets:
        assert isinstance(socket, ScriptedSocket)
        assert json.loads(socket.sent[0][1])[1:3] == [{"type": "myOrder"}, {"type": "myAsset"}]


def test_it_says_connected_only_once_the_subscription_had_time_to_take_effect() -> None:
    stage = staged([(0.1, UP)], settings=StreamSettings(settle=3.0), end=5)
    stage.stream.want(account_news())
    stage.stream.run()
    (connected,) = [event for event in stage.events() if isinstance(event, Connected)]
    assert 3.0 <= (connected.at - START).total_seconds() <= 3.5


def test_a_venue_that_never_says_a_word_is_never_called_connected() -> None:
    stage = staged([], end=20)
    stage.stream.want(account_news())
    stage.stream.run()
    assert not [event for event in stage.events() if isinstance(event, Connected)]


def test_pings_go_out_on_time_while_data_flows_and_no_text_ping_is_needed() -> None:
    stage = staged(ticking(60), end=59)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert first(stage).pings == pytest.approx([20, 40], abs=1)
    assert len(first(stage).sent) == 1


def test_a_quiet_stream_asks_for_a_heartbeat_by_text() -> None:
    stage = staged([(float(second), UP) for second in range(0, 60, 10)], end=59)
    stage.stream.want(account_news())
    stage.stream.run()
    assert [text for _, text in first(stage).sent[1:]] == ["PING"] * 3
    assert len(stage.opened) == 1


def test_a_ping_without_any_sign_of_life_ends_the_connection() -> None:
    stage = staged(ticking(15), NotConnected("later"), pongs=False, end=60, settings=StreamSettings(stale=600))
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert reasons(stage)[0].startswith("no sign of life for 10")
    assert first(stage).closed


def test_frames_are_a_sign_of_life_even_if_pongs_are_not_sent() -> None:
    stage = staged(ticking(60), pongs=False, end=59)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert len(stage.opened) == 1


def test_a_late_pong_is_a_sign_of_life_too() -> None:
    stage = staged(ticking(15), end=99, settings=StreamSettings(stale=600))
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert first(stage).pings == pytest.approx([20, 40, 60, 80], abs=1)
    assert len(stage.opened) == 1


@pytest.mark.parametrize("beside", [[], [(float(second), UP) for second in range(10, 60, 10)]])
def test_busy_markets_that_fall_silent_mean_a_dead_stream_whatever_else_still_answers(beside: list[Line]) -> None:
    stage = staged([*ticking(5), *beside], NotConnected("later"), end=60, settings=StreamSettings(stale=15))
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert reasons(stage)[0].startswith("no frame for 15")
    assert 19 <= stage.opened[1][0] <= 21


def test_a_quiet_market_may_be_silent_as_long_as_the_venue_says_up() -> None:
    stage = staged([(float(second), UP) for second in range(0, 90, 10)], end=89)
    stage.stream.want(books_of([ETH], ""))
    stage.stream.run()
    assert len(stage.opened) == 1


def test_silence_before_a_new_wish_does_not_count_against_what_is_wanted_now() -> None:
    stage: Stage
    quiet: list[Line] = [(float(second), UP) for second in range(0, 100, 10)]
    wish: Line = (95.0, lambda: stage.stream.want(BOOKS))
    books: list[Line] = [(at + 100, text) for at, text in ticking(20)]
    stage = staged([*quiet, wish, *books], end=119)
    stage.stream.want(books_of([ETH], ""))
    stage.stream.run()
    assert len(stage.opened) == 1


def test_codes_that_send_no_snapshot_are_named_once() -> None:
    stage = staged(ticking(30), end=29)
    stage.stream.want(books_of([ETH, Market("KRW-NONE")], "KRW-BTC"))
    stage.stream.run()
    (missing,) = [event for event in stage.events() if isinstance(event, Missing)]
    assert missing.snapshots == (("orderbook", ETH), ("orderbook", Market("KRW-NONE")))
    assert 10 <= (missing.at - START).total_seconds() <= 11


def test_a_new_wish_is_sent_whole_on_the_same_connection_but_not_more_than_once_a_second() -> None:
    stage: Stage

    def wish(number: int) -> Callable[[], None]:
        return lambda: stage.stream.want(books_of([Market(f"KRW-A{number}")], "KRW-BTC"))

    changes: list[Line] = [(2 + number / 10, wish(number)) for number in range(30)]
    stage = staged(sorted([*ticking(10), *changes], key=lambda line: line[0]), end=9)
    stage.stream.want(BOOKS)
    stage.stream.run()
    times = [at for at, _ in first(stage).sent]
    assert [json.loads(text)[0]["ticket"] for _, text in first(stage).sent] == [
        f"id-{number}" for number, _ in enumerate(times, 1)
    ], "a request is made when it is sent, not at every frame before"
    assert len(stage.opened) == 1
    assert 3 <= len(times) <= 6
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))
    assert json.loads(first(stage).sent[-1][1])[1]["codes"] == ["KRW-A29.1", "KRW-BTC.1"]


def test_frames_of_what_is_no_longer_wanted_are_dropped() -> None:
    stage = staged([(0.1, TICKER), (0.2, TRADE), (0.3, TRADE.replace("KRW-ETH", "KRW-XRP"))], end=2)
    stage.stream.want(Subscription((Wanted(type="trade", codes=(ETH,)),)))
    stage.stream.run()
    assert [event.market for event in stage.events() if isinstance(event, TradeFrame)] == [ETH]
    assert stage.latest.tickers([BTC]) == {}


def test_tickers_are_kept_beside_the_books() -> None:
    noted: list[Any] = []
    stage = staged([(0.1, TICKER), (0.2, lambda: noted.append(stage.latest.tickers([BTC, ETH])))], end=2)
    stage.stream.want(Subscription((Wanted(type="ticker", codes=(BTC,)),)))
    stage.stream.run()
    assert list(noted[0]) == [BTC]


def test_wanting_nothing_or_the_other_endpoint_closes_the_connection_without_a_fault() -> None:
    stage: Stage
    stage = staged(
        [*ticking(3), (3.0, lambda: stage.stream.want(account_news()))],
        [(0.1, UP), (3.0, lambda: stage.stream.want(Subscription()))],
        end=20,
    )
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert [path for _, path, _ in stage.opened] == [PUBLIC, PRIVATE]
    assert reasons(stage) == ["something else is wanted"] * 2
    assert stage.stream.status().last_error == ""


def test_it_comes_back_with_growing_pauses_at_least_a_second_apart() -> None:
    stage = staged(NotConnected("refused"), end=2000)
    stage.stream.want(BOOKS)
    stage.stream.run()
    times = [at for at, _, _ in stage.opened]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 1
    assert max(gaps[:3]) <= 2
    assert 30 >= max(gaps) > 15
    assert min(gaps[10:]) < 10  # full jitter: many clients that were cut at once do not come back at once
    assert stage.stream.status().last_error == "refused"


def test_a_connection_that_lived_long_starts_the_pauses_afresh() -> None:
    lived: list[Line] = [*ticking(40), (40.0, END)]
    stage = staged(*[NotConnected("refused")] * 8, lived, NotConnected("refused"), end=400)
    stage.stream.want(BOOKS)
    stage.stream.run()
    again = stage.opened[9][0] - (stage.opened[8][0] + 40)
    assert again <= 0.75


@pytest.mark.parametrize("status", [429, 418])
def test_a_block_is_waited_out_and_the_wait_doubles(status: int) -> None:
    stage = staged(turned_away(status), end=200)
    stage.stream.want(BOOKS)
    stage.stream.run()
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(stage.opened)]
    assert all(10 * 2**number <= gap <= 10 * 2**number + 9 for number, gap in enumerate(gaps))
    assert len(gaps) >= 3


def test_a_connection_that_ended_by_our_own_wish_starts_the_pauses_afresh() -> None:
    stage: Stage
    blocked = turned_away(418)
    swap: list[Line] = [(0.1, UP), (1.0, lambda: stage.stream.want(account_news()))]
    stage = staged(blocked, blocked, swap, blocked, [], end=90)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert stage.opened[4][0] - stage.opened[3][0] <= 11


def test_connects_take_their_turn_from_the_limiter_that_all_share() -> None:
    slow = LimiterSettings(websocket_connect=0.2, margin=0)
    stage = staged(NotConnected("refused"), limited=slow, settings=StreamSettings(cap=0.1), end=30)
    stage.stream.want(BOOKS)
    stage.stream.run()
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(stage.opened)]
    assert gaps == pytest.approx([5] * 5, abs=1.2)
    assert "no turn to connect" in stage.stream.status().last_error


def test_a_refused_upgrade_shuts_the_limiter_for_everybody() -> None:
    stage = staged(turned_away(418), ticking(3), limited=LimiterSettings(), end=40)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert stage.opened[1][0] >= 10


@pytest.mark.parametrize(
    "refusal", [turned_away(418, retry_after="300"), turned_away(429, b"try again in 300 seconds")], ids=str
)
def test_a_wait_that_a_refused_upgrade_states_is_kept(refusal: Refused) -> None:
    stage = staged(refusal, ticking(3), limited=LimiterSettings(), end=400)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert 300 <= stage.opened[1][0] <= 332


def test_the_limiter_learns_from_the_upgrade_how_many_connects_are_left() -> None:
    stage = staged(
        [(0.1, END)],
        ticking(5),
        limited=LimiterSettings(margin=0, websocket_connect=5),
        settings=StreamSettings(spacing=0.2),
    )
    first(stage).upgrade = Response(
        status=101, headers={"remaining-req": "group=websocket; min=300; sec=0"}, body=b""
    )
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert stage.opened[1][0] >= 1, "not before the venue's next second"


def test_an_upgrade_refused_for_another_reason_is_tried_again_soon() -> None:
    stage = staged(turned_away(503), ticking(5), end=8)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert 1 <= stage.opened[1][0] <= 1.5
    assert stage.stream.status().last_error.endswith("503")


@pytest.mark.parametrize(("name", "pause"), [("INVALID_AUTH", 1), ("Too Many Requests", 11)])
def test_an_error_frame_ends_the_connection_and_is_told(name: str, pause: float) -> None:
    error = json.dumps({"error": {"name": name, "message": "words"}})
    stage = staged([(1.0, error), (1.15, END)], [], end=30)
    stage.stream.want(account_news())
    stage.stream.run()
    assert StreamError(name, "words") in stage.events()
    assert pause <= stage.opened[1][0] <= pause + 1
    assert stage.stream.status().last_error == f"{name}: words"


def test_one_unreadable_frame_is_a_gap_and_many_end_the_connection() -> None:
    junk: list[Line] = [(10 + number / 10, b"junk") for number in range(20)]
    stage = staged([(0.1, UP), (2.0, b"junk"), (3.0, UP), *junk], NotConnected("later"), end=14)
    stage.stream.want(account_news())
    stage.stream.run()
    status = stage.stream.status()
    assert status.garbled == 11
    events = stage.events()
    assert Gap(11) in events
    assert reasons_of(events)[0].startswith("10 unreadable frames in a row")


def reasons_of(events: list[Any]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Lost)]


def test_the_status_tells_where_it_stands() -> None:
    noted: list[Any] = []
    stage = staged([*ticking(3), (3.0, lambda: noted.append(stage.stream.status())), (4.0, END)], end=5)
    assert stage.stream.status().state is State.IDLE
    stage.stream.want(BOOKS)
    stage.stream.run()
    (live,) = noted
    assert (live.state, live.connects, live.frames, live.garbled) == (State.LIVE, 1, 3, 0)
    assert (live.connected_since, live.last_frame_at) == (START, START.replace(second=2))
    ended = stage.stream.status()
    assert (ended.state, ended.connected_since, ended.last_error) == (State.STOPPED, None, "closed 1006")


def test_nothing_wanted_opens_nothing() -> None:
    stage = staged([], end=5)
    stage.stream.run()
    assert stage.opened == []
    assert stage.stream.status().state is State.STOPPED


def test_news_that_do_not_fit_are_dropped_oldest_first_and_said_to_be_missing() -> None:
    news = News(capacity=3)
    for number in range(5):
        news.put(Connected(START, number))
    assert news.take() == Gap(2)
    assert [news.take() for _ in range(4)] == [*(Connected(START, number) for number in (2, 3, 4)), None]


def test_it_stops_in_the_middle_of_a_pause() -> None:
    stage = staged(turned_away(418), end=5)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert stage.clock.seconds <= 5.25
    assert stage.stream.stop()

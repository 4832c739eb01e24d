"""A stream whose wishes change, whose turn is far away, or whose connection breaks in a way nobody has foreseen."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.exchange.upbit.limiter import Group, Limiter, LimiterSettings
from makenaide.exchange.upbit.stream.connection import PRIVATE, PUBLIC, Socket
from makenaide.exchange.upbit.stream.news import Connected, Lost
from makenaide.exchange.upbit.stream.settings import StreamSettings
from makenaide.exchange.upbit.stream.status import State
from makenaide.exchange.upbit.stream.stream import Stream
from makenaide.exchange.upbit.stream.subscription import Subscription, Wanted, account_news, books_of
from tests.unit.test_upbit_stream import BOOKS, ETH, UP, first, staged, ticking
from tests.unit.upbit_frames import TICKER, book
from tests.unit.upbit_stream_script import END, Line, Stage

OTHER = books_of([Market("KRW-XRP")], "KRW-BTC")


def wishing(stage: Callable[[], Stage], wishes: Mapping[float, Subscription]) -> list[Line]:
    def wish(subscription: Subscription) -> Callable[[], None]:
        return lambda: stage().stream.want(subscription)

    return [(at, wish(subscription)) for at, subscription in wishes.items()]


def test_a_market_that_is_wanted_again_has_no_price_until_the_stream_says_one() -> None:
    held: list[Market] = []
    wishes = wishing(lambda: stage, {5.0: OTHER, 30.0: BOOKS})
    looks: list[Line] = [(at, lambda: held.extend(stage.latest.books([ETH]))) for at in (4.5, 20.5, 31.5, 32.5)]
    frames = [(0.1, book(ETH, 100)), *ticking(40), (32.0, book(ETH, 101))]
    stage = staged(sorted([*frames, *wishes, *looks], key=lambda line: line[0]), end=40)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert held == [ETH, ETH], "before it was let go, and after its first frame since"


def test_a_ticker_that_is_no_longer_wanted_is_no_price_either() -> None:
    held: list[Market] = []
    wishes = wishing(lambda: stage, {2.0: BOOKS})
    looks: list[Line] = [(at, lambda: held.extend(stage.latest.tickers([Market("KRW-BTC")]))) for at in (1.5, 3.5)]
    lines = sorted([(0.1, TICKER), *wishes, *looks], key=lambda line: line[0])
    stage = staged(lines, end=4)
    stage.stream.want(Subscription((Wanted(type="ticker", codes=(Market("KRW-BTC"),)),)))
    stage.stream.run()
    assert held == [Market("KRW-BTC")]


def test_what_is_added_to_the_account_s_news_is_reconciled_like_a_new_connection() -> None:
    lines = [(0.1, UP), *wishing(lambda: stage, {5.0: account_news()}), (15.0, UP)]
    stage = staged(lines, end=20)
    stage.stream.want(Subscription((Wanted(type="announcement"),)))
    stage.stream.run()
    told = [event for event in stage.events() if isinstance(event, Connected)]
    assert [event.number for event in told] == [1, 1]
    assert told[1].at > told[0].at
    assert len(stage.opened) == 1


def test_wishes_that_change_all_the_time_never_send_more_messages_than_the_venue_takes() -> None:
    def wish(number: int) -> Callable[[], None]:
        return lambda: stage.stream.want(books_of([Market(f"KRW-A{number}")], ""))

    lines: list[Line] = [(number * 0.1, step) for number in range(1, 1200) for step in (wish(number), UP)]
    stage = staged(lines, settings=StreamSettings(message=0.65), end=120)
    stage.stream.want(books_of([ETH], ""))
    stage.stream.run()
    times = [at for at, _ in first(stage).sent]
    for window, most in ((60, 100), (1, 5)):
        assert max(sum(start <= at <= start + window for at in times) for start in times) <= most
    assert len(times) >= 120 / 0.65 * 0.8, "and hardly fewer"


@pytest.mark.parametrize("later", [account_news(), Subscription()], ids=["the other endpoint", "nothing"])
def test_a_wish_that_changes_while_the_connection_opens_is_not_sent_over_the_wrong_one(
    later: Subscription,
) -> None:
    stage = staged([(0.1, UP)], [(0.1, UP)], end=4)
    parts = stage.stream._parts

    def opener(path: str, headers: Mapping[str, str]) -> Socket:
        if not stage.opened:
            stage.stream.want(later)
        return parts.opener(path, headers)

    stage.stream = Stream(replace(parts, opener=opener))
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert [path for _, path, _ in stage.opened] == ([PUBLIC, PRIVATE] if later else [PUBLIC])
    assert first(stage).sent == []
    assert stage.stream.status().last_error == ""


def test_a_stop_does_not_wait_for_the_turn_to_connect() -> None:
    stage = staged([(0.1, UP)], limited=LimiterSettings(websocket_connect=0.1), end=5)
    limiter = stage.stream._parts.limiter
    assert isinstance(limiter, Limiter)
    limiter.take(Group.WEBSOCKET_CONNECT, 0)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert stage.opened == []
    assert stage.clock.seconds <= 5.5
    assert stage.stream.status().last_error == "", "a stop is no fault"


def test_a_turn_that_comes_within_the_longest_pause_is_waited_for() -> None:
    stage = staged(ticking(20), limited=LimiterSettings(websocket_connect=0.1), end=15)
    limiter = stage.stream._parts.limiter
    assert isinstance(limiter, Limiter)
    limiter.take(Group.WEBSOCKET_CONNECT, 0)
    stage.stream.want(BOOKS)
    stage.stream.run()
    assert 10 <= stage.opened[0][0] <= 11


def test_a_process_without_a_share_of_the_connects_is_told_before_the_thread_runs() -> None:
    with pytest.raises(Misconfigured, match="websocket-connect"):
        staged([], limited=LimiterSettings(websocket_connect=0))


def test_a_connection_that_breaks_in_an_unforeseen_way_is_lost_like_any_other() -> None:
    stage = staged([*ticking(3), (3.0, KeyError("a fault of ours"))], end=9)
    stage.stream.want(BOOKS)
    with pytest.raises(KeyError):
        stage.stream.run()
    assert [type(event) for event in stage.events()][-1] is Lost
    assert stage.latest.books([Market("KRW-BTC")]) == {}
    assert first(stage).closed
    assert stage.stream.status().state is State.STOPPED


def test_a_lost_connection_is_told_once() -> None:
    stage = staged([(0.1, UP), (1.0, END)], [(0.1, UP)], end=4)
    stage.stream.want(account_news())
    stage.stream.run()
    assert [event.reason for event in stage.events() if isinstance(event, Lost)] == ["closed 1006", "stopped"]

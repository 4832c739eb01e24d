"""The plan of faults: which call meets which rule, and always the same one for the same seed."""

from datetime import timedelta
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.faults.plan import STREAM, Call, Faults, Kind, Rule
from tests.unit.simulator_street import BEGIN, seconds

ORDER = "POST /v1/orders"


def call(name: str = ORDER, after: float = 0, group: str | None = "order") -> Call:
    """A call `after` seconds."""
    return Call(name=name, group=group, at=BEGIN + seconds(after))


def frame(name: str, after: float = 0) -> Call:
    """A frame of type `name`."""
    return Call(name=name, at=BEGIN + seconds(after), frame=True)


def struck(rule: Rule, count: int, seed: int = 1) -> list[int]:
    """Which of `count` calls are struck, from 1."""
    faults = Faults([rule], seed)
    return [number for number in range(1, count + 1) if faults.met(call())]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"every": 3}, [3, 6]),
        ({"skip": 2}, [3, 4, 5, 6, 7, 8]),
        ({"skip": 2, "every": 3}, [5, 8]),
        ({"times": 2}, [1, 2]),
        ({"skip": 1, "every": 2, "times": 2}, [3, 5]),
        ({"probability": 0.0}, []),
        ({"calls": "GET *"}, []),
        ({"calls": "* /v1/order?"}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"group": "order"}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"group": "default"}, []),
    ],
)
def test_a_rule_strikes_the_calls_that_it_names(more: dict[str, Any], expected: list[int]) -> None:
    assert struck(Rule(kind=Kind.REPLY_LOST, **more), 8) == expected


def test_a_rule_strikes_from_its_start_until_before_its_end() -> None:
    faults = Faults([Rule(kind=Kind.OFFLINE, start=BEGIN + seconds(2), end=BEGIN + seconds(4))])
    assert [after for after in range(6) if faults.met(call(after=after))] == [2, 3]


def test_chance_depends_on_the_seed_and_the_count_alone() -> None:
    rule = Rule(kind=Kind.REQUEST_LOST, calls=ORDER, probability=0.3)
    first = struck(rule, 1000)
    assert first == struck(rule, 1000)
    assert first != struck(rule, 1000, seed=2)
    assert 240 < len(first) < 360
    other = Rule(kind=Kind.LATE, calls="GET /v1/accounts", probability=0.5)
    faults = Faults([rule, other])
    met = []
    for number in range(1, 1001):
        faults.met(call("GET /v1/accounts", group="default"))
        if faults.met(call()):
            met.append(number)
    assert met == first


def test_the_first_rule_decides_and_the_others_save_their_strikes() -> None:
    faults = Faults([Rule(kind=Kind.REPLY_LOST, times=1), Rule(kind=Kind.TWICE, times=1)])
    assert [[rule.kind for rule in faults.met(call())] for _ in range(3)] == [[Kind.REPLY_LOST], [Kind.TWICE], []]
    assert [(each.seen, each.struck, each.spent) for each in faults.listed()] == [(3, 1, True), (3, 1, True)]


def test_a_wrong_clock_comes_on_top_of_what_else_happens() -> None:
    faults = Faults([Rule(kind=Kind.SKEW, seconds=-5), Rule(kind=Kind.CUT), Rule(kind=Kind.SKEW, seconds=2)])
    assert [rule.kind for rule in faults.met(call())] == [Kind.SKEW, Kind.CUT, Kind.SKEW]


@pytest.mark.parametrize("kind", list(Kind))
def test_calls_and_frames_have_their_own_kinds(kind: Kind) -> None:
    faults = Faults([Rule(kind=kind)])
    assert bool(faults.met(call())) is (kind not in STREAM)
    assert bool(faults.met(frame("trade"))) is (kind in STREAM)


def test_frames_are_named_by_their_type() -> None:
    faults = Faults([Rule(kind=Kind.GAP, calls="candle.*", every=2)])
    names = ["trade", "candle.1s", "candle.1m", "ticker", "candle.1s", "candle.1s"]
    assert [bool(faults.met(frame(name))) for name in names] == [False, False, True, False, False, True]
    faults = Faults([Rule(kind=Kind.GAP, calls="trade *-BTC")])
    assert [bool(faults.met(frame(f"trade {code}"))) for code in ("KRW-BTC", "KRW-ETH")] == [True, False]
    faults = Faults([Rule(kind=Kind.GAP, calls="trade")])
    assert [bool(faults.met(frame(name))) for name in ("trade KRW-BTC", "ticker KRW-BTC")] == [True, False]


def test_rules_are_added_removed_and_cleared_and_numbers_never_come_twice() -> None:
    faults = Faults([Rule(kind=Kind.CUT)])
    assert faults.add(Rule(kind=Kind.SLOW)) == 2
    assert faults.remove(2)
    assert not faults.remove(2)
    assert faults.add(Rule(kind=Kind.SLOW)) == 3
    assert [each.number for each in faults.listed()] == [1, 3]
    assert faults.clear() == 2
    assert faults.listed() == ()
    assert faults.met(call()) == ()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"start": BEGIN, "end": BEGIN}, "end: must be after start"),
        ({"start": BEGIN + timedelta(1), "end": BEGIN}, "end: must be after start"),
        ({"times": 0}, "times: expected 1"),
        ({"every": 0}, "every: expected 1"),
        ({"probability": 1.01}, "probability: expected 0"),
        ({"seconds": -1}, "only skew"),
        ({"status": 499}, "status: expected one of 500, 502, 503, 504, got 499"),
        ({"status": 501}, "status: expected one of 500, 502, 503, 504, got 501"),
        ({"speed": 0}, "speed: expected 1"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        Rule(kind=Kind.STALL, **more)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": Kind.TOO_MANY, "group": "ordr"}, "group: unknown group ordr; did you mean order"),
        ({"kind": Kind.GAP, "group": "order"}, "group: means nothing for gap"),
        ({"kind": Kind.GAP, "calls": "trades"}, "calls: there are no frames trades; did you mean trade"),
        ({"kind": Kind.DROP, "calls": "POST /v1/orders"}, "calls: there are no frames POST"),
        ({"kind": Kind.GAP, "cut_at": 3}, "cut_at: means nothing for gap"),
        ({"kind": Kind.TOO_MANY, "status": 503}, "status: means nothing for too_many"),
        ({"kind": Kind.STALL, "delay": 2.0}, "delay: means nothing for stall"),
        (
            {"kind": Kind.GAP, "calls": "trade KRW_BTC"},
            "calls: expected a market such as KRW-BTC behind trade, got",
        ),
        (
            {"kind": Kind.GAP, "calls": "* krw-btc"},
            "calls: expected a market such as KRW-BTC behind \\*, got krw-btc",
        ),
        ({"kind": Kind.GAP, "calls": "trade "}, "calls: expected a market such as KRW-BTC behind trade, got "),
        ({"kind": Kind.GAP, "calls": "myAsset KRW-BTC"}, "calls: frames myAsset have no code"),
        ({"kind": Kind.GAP, "calls": "status *"}, "calls: frames status have no code"),
    ],
)
def test_a_rule_that_could_not_do_what_it_says_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        Rule(**fields)


CALLS = [("POST /v1/orders", "order"), ("GET /v1/candles/days", "candle"), ("GET /v1/accounts", "default")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"calls": "POST /v1/oders"}, "fault: calls: no call is POST /v1/oders; did you mean POST /v1/orders"),
        ({"calls": "POST /v1/candles/*"}, "fault: calls: no call is POST /v1/candles/"),
        ({"calls": "GET /v1/*", "group": "order"}, "fault: calls: no call of the group order is GET /v1/"),
        ({"group": "websocket-connect"}, "fault: group: no call is counted in websocket-connect"),
        ({"delay": 1.0}, "fault: delay: means nothing for too_many"),
        ({"every": 0}, "fault: every: expected 1"),
    ],
)
def test_a_rule_for_calls_that_there_are_not_is_refused(fields: dict[str, Any], words: str) -> None:
    faults = Faults((), calls=CALLS)
    with pytest.raises(Misconfigured, match=words):
        faults.plan({"kind": "too_many"} | fields, "fault", BEGIN)
    assert faults.listed() == ()


def test_a_rule_for_some_of_the_calls_that_there_are_is_planned() -> None:
    faults = Faults((), calls=CALLS)
    for fields in ({}, {"calls": "GET *"}, {"group": "order"}, {"calls": "GET /v1/c*", "group": "candle"}):
        faults.plan({"kind": "offline", "start": "+1s"} | fields, "fault", BEGIN)
    faults.plan({"kind": "gap", "calls": "trade"}, "fault", BEGIN)
    assert [each.rule.start for each in faults.listed()] == [BEGIN + seconds(1)] * 4 + [None]


@pytest.mark.parametrize("calls", ["*", "candle.* KRW-BTC", "my*", "status", "ticker KRW-*", "my* KRW-[AB]*"])
def test_a_rule_for_frames_that_there_are_is_taken(calls: str) -> None:
    assert Rule(kind=Kind.GAP, calls=calls).calls == calls

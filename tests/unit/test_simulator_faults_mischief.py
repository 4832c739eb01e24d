"""What goes wrong with the frames of a stream, and that only what is struck does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from makenaide.exchange.simulator.faults.mischief import Mischief
from makenaide.exchange.simulator.faults.plan import Faults, Kind, Rule
from makenaide.exchange.simulator.stream.hub import Hub
from makenaide.exchange.simulator.stream.session import Frame, Session
from tests.unit.simulator_street import BEGIN, Customer, buy, faced, flat, opened, seconds


@dataclass
class Wire:
    """A client's end: what it got, and whether it was dropped."""

    got: list[bytes] = field(default_factory=list)
    dropped: bool = False

    def deliver(self, payloads: Sequence[bytes]) -> None:
        self.got += payloads

    def drop(self) -> None:
        self.dropped = True


def connected(hub: Hub) -> tuple[Session, Wire]:
    """One more client."""
    wire = Wire()
    return hub.connect(wire, "127.0.0.1"), wire


def sent(rules: Sequence[Rule], *batches: str) -> list[str]:
    """The frames that a client gets of `batches`, each frame a letter: t = trade, o = orderbook of KRW-BTC."""
    hub = Hub(faced(opened(flat())))
    session, _ = connected(hub)
    mischief = Mischief(hub, Faults(rules))
    types = {"t": "trade", "o": "orderbook"}
    got = []
    number = 0
    for batch in batches:
        frames = []
        for letter in batch:
            number += 1
            frames.append(Frame(types[letter], "KRW-BTC", f"{letter}{number}".encode()))
        got.append(" ".join(frame.payload.decode() for frame in mischief(session, frames)))
    return got


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(kind=Kind.GAP, calls="trade"), ["o2", "o4"]),
        (Rule(kind=Kind.GAP, calls="trade KRW-BTC", every=2), ["t1 o2", "o4 t5"]),
        (Rule(kind=Kind.GAP, calls="trade KRW-ETH"), ["t1 o2 t3", "o4 t5"]),
        (Rule(kind=Kind.REPEAT, calls="orderbook"), ["t1 o2 o2 t3", "o4 o4 t5"]),
        (Rule(kind=Kind.DISORDER, calls="trade", times=1), ["o2 t1 t3", "o4 t5"]),
        (Rule(kind=Kind.DISORDER, calls="trade", skip=1, times=1), ["t1 o2", "o4 t3 t5"]),
        (Rule(kind=Kind.DISORDER, calls="trade"), ["o2 t1", "o4 t3"]),
        (Rule(kind=Kind.REPLY_LOST), ["t1 o2 t3", "o4 t5"]),
    ],
)
def test_frames_go_missing_come_twice_or_in_the_wrong_order(rule: Rule, expected: list[str]) -> None:
    assert sent([rule], "tot", "ot") == expected


def test_of_frames_that_are_all_in_disorder_each_waits_for_the_next_one_alone() -> None:
    rule = Rule(kind=Kind.DISORDER, calls="trade")
    assert sent([rule], "ttt", "t", "t", "tt") == ["t2 t1", "t4 t3", "", "t6 t5"]


def test_without_faults_frames_pass_as_they_are() -> None:
    assert sent([], "tot") == ["t1 o2 t3"]


def test_frames_that_are_held_for_a_client_that_left_are_forgotten() -> None:
    hub = Hub(faced(opened(flat())))
    faults = Faults([Rule(kind=Kind.DISORDER, times=2)])
    mischief = Mischief(hub, faults)
    (gone, _), (stays, _) = connected(hub), connected(hub)
    frames = [Frame("trade", "KRW-BTC", b"1")]
    assert list(mischief(gone, frames)) == []
    hub.leave(gone)
    assert list(mischief(stays, frames)) == []
    assert [frame.payload for frame in mischief(stays, [Frame("trade", "KRW-BTC", b"2")])] == [b"2", b"1"]
    assert list(mischief(gone, [])) == []


def streaming(*rules: Rule) -> tuple[Hub, Customer, Wire]:
    """A client that hears of trades in KRW-BTC, and a customer who makes them."""
    hub = Hub(faced(opened(flat())))
    hub.mischief = Mischief(hub, Faults(rules))
    session, wire = connected(hub)
    hub.receive(session, '[{"ticket":"a"},{"type":"trade","codes":["KRW-BTC"],"is_only_realtime":true}]')
    return hub, Customer(hub.face), wire


def test_silence_lasts_and_the_socket_stays_open() -> None:
    hub, customer, wire = streaming(Rule(kind=Kind.SILENCE, calls="trade", skip=1, times=1, seconds=5))
    counts = []
    for second in (1, 2, 4, 5.9, 6, 7):
        customer.post("/v1/orders", buy("6000"), at=seconds(second))
        hub.pulse()
        counts.append(len(wire.got))
    assert counts[0] == 1
    assert len(set(counts[:4])) == 1, "frames came in the silence"
    assert counts[-1] > counts[0]
    assert not wire.dropped


def test_silence_ends_with_its_rule() -> None:
    until = BEGIN + seconds(3)
    hub, customer, wire = streaming(Rule(kind=Kind.SILENCE, end=until, seconds=1000))
    customer.post("/v1/orders", buy("6000"), at=seconds(1))
    hub.pulse()
    assert wire.got == []
    for second in (3, 4):
        customer.post("/v1/orders", buy("6000"), at=seconds(second))
        hub.pulse()
    assert wire.got


def test_a_rule_that_is_in_force_for_long_silences_for_its_seconds_alone() -> None:
    rule = Rule(kind=Kind.SILENCE, calls="trade", times=1, seconds=2, end=BEGIN + seconds(1000))
    hub, customer, wire = streaming(rule)
    for second in (1, 2.9):
        customer.post("/v1/orders", buy("6000"), at=seconds(second))
        hub.pulse()
    assert wire.got == []
    customer.post("/v1/orders", buy("6000"), at=seconds(3))
    hub.pulse()
    assert wire.got


def test_from_the_frame_that_strikes_on_nobody_hears_anything() -> None:
    hub, customer, first = streaming(Rule(kind=Kind.SILENCE, calls="trade", skip=1, times=1, seconds=5))
    session, second = connected(hub)
    hub.receive(session, '[{"ticket":"b"},{"type":"trade","codes":["KRW-BTC"],"is_only_realtime":true}]')
    for _ in range(2):
        customer.post("/v1/orders", buy("6000"))
    hub.pulse()
    assert (len(first.got), second.got) == (1, [])


def test_a_socket_is_dropped_without_a_word() -> None:
    hub, customer, wire = streaming(Rule(kind=Kind.DROP, calls="trade"))
    customer.post("/v1/orders", buy("6000"), at=seconds(1))
    hub.pulse()
    assert (wire.got, wire.dropped) == ([], True)

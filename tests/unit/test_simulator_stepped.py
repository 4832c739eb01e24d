"""The trading side of stepped time meets replies that are none of the simulator's: `Unavailable`, in few words."""

from datetime import UTC, datetime
from itertools import count

import pytest

from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.http import Interrupted, NotConnected
from makenaide.exchange.simulator.stepped import Remote
from makenaide.exchange.venue import Fence
from tests.unit.upbit_script import KEYS, START, Step, reply, stand

FENCES = {Market("KRW-BTC"): Fence(floor=Price(1), peak=Price(2))}
GOOD = {"at": "2026-01-05T09:00:01+09:00", "bids": {"KRW-BTC": "100"}}


def remote(step: Step) -> Remote:
    numbers = count()
    return Remote(transport=stand([step]).script, keys=KEYS, ids=lambda: f"id-{next(numbers)}")


def test_a_sighting_is_read() -> None:
    seen = remote(reply(GOOD)).advance(START, FENCES)
    assert (seen.at, seen.bids) == (datetime(2026, 1, 5, 0, 0, 1, tzinfo=UTC), {"KRW-BTC": Price(100)})


@pytest.mark.parametrize(
    "step",
    [
        NotConnected("words"),
        Interrupted("words"),
        reply(GOOD, 503),
        reply(b"\xff" * 1000, 503),
        reply(b"[" * 100_000),
        reply(b'{"at":"\xff"}'),
        reply({}),
        reply(GOOD | {"at": "2026-01-05T00:00:01"}),
        reply(GOOD | {"at": "0001-01-01T00:00:00+14:00"}),
        reply(GOOD | {"bids": {"KRW-BTC": "-"}}),
        reply(GOOD | {"bids": {"KRW-BTC": "0"}}),
        reply(GOOD | {"bids": {"KRW-BTC": "NaN"}}),
        reply(GOOD | {"bids": {"KRW-BTC": "1e999"}}),
        reply(GOOD | {"bids": {"K" * 3000: "0"}}),
    ],
)
def test_what_is_no_sighting_is_unavailable(step: Step) -> None:
    with pytest.raises(Unavailable) as caught:
        remote(step).advance(START, FENCES)
    assert len(str(caught.value)) < 500


def test_what_is_no_time_is_unavailable() -> None:
    times = dict.fromkeys(("now", "first_slot", "end"), "2026-01-05T00:00:00+00:00")
    assert remote(reply(times)).times().now == datetime(2026, 1, 5, tzinfo=UTC)
    for wrong in ("9999-12-31T23:59:59-14:00", "2026-01-05T00:00:00", "soon"):
        with pytest.raises(Unavailable, match="nonsense"):
            remote(reply(times | {"end": wrong})).times()

"""The simulator's rate limits: fixed windows with a phase, the header, refusals and blocks."""

from datetime import timedelta

import pytest

from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.limits import LIMITS
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.rest.quota import Quota
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, QuotaSettings
from tests.unit.simulator_street import (
    BEGIN,
    SECRET,
    Customer,
    decoded,
    error_name,
    faced,
    flat,
    limit,
    opened,
    token,
)


def spend(quota: Quota, group: str, milliseconds: int, who: str = "me") -> int:
    return quota.spend(group, who, BEGIN + timedelta(milliseconds=milliseconds)).status


@pytest.mark.parametrize("group", sorted(LIMITS))
@pytest.mark.parametrize("phase", [0, 1, 250, 999])
def test_a_window_gives_its_calls_and_the_next_one_gives_them_again(group: str, phase: int) -> None:
    quota = Quota(QuotaSettings(phase_ms=phase, refusals_to_block=100))
    limit = LIMITS[group]
    length = limit.seconds * 1000
    first = phase - length if phase else 0
    edge = first + length
    assert [spend(quota, group, edge - 1) for _ in range(limit.calls + 1)] == [200] * limit.calls + [429]
    assert [spend(quota, group, edge) for _ in range(limit.calls + 1)] == [200] * limit.calls + [429]
    assert spend(quota, group, edge + length - 1) == 429
    assert spend(quota, group, edge + length) == 200


def test_a_connection_sends_a_hundred_messages_a_minute_at_most() -> None:
    quota = Quota(QuotaSettings(refusals_to_block=1000))
    sent = [spend(quota, "websocket-message", second * 1000) for second in range(60) for _ in range(5)]
    assert sent == [200] * 100 + [429] * 200
    assert spend(quota, "websocket-message", 60_000) == 200
    assert quota.spend("websocket-connect", "me", BEGIN).header == "group=websocket; min=300; sec=4"


def test_limits_may_be_lowered() -> None:
    quota = Quota(QuotaSettings(ceilings=(("order", 3), ("ticker", 0))))
    assert [spend(quota, "order", 0) for _ in range(4)] == [200] * 3 + [429]
    assert spend(quota, "ticker", 0) == 429
    assert quota.spend("order", "you", BEGIN).header == "group=order; min=1800; sec=2"


def hammer(quota: Quota, milliseconds: int) -> int:
    """Go on until blocked; for how many seconds that is."""
    while True:
        verdict = quota.spend("ticker", "me", BEGIN + timedelta(milliseconds=milliseconds))
        if verdict.status == 418:
            return verdict.blocked


def test_blocks_grow_to_the_longest_and_shrink_after_good_behaviour() -> None:
    quota = Quota(QuotaSettings(longest_block_seconds=60, forgive_seconds=300))
    now, blocks = 0, []
    for _ in range(60):
        blocks.append(hammer(quota, now))
        now += blocks[-1] * 1000
    assert blocks == [10, 20, 40] + [60] * 57
    assert hammer(quota, now + 299_999) == 60
    assert hammer(quota, now + 299_999 + 360_000) == 10


def test_idle_callers_are_forgotten_but_not_the_blocked_ones() -> None:
    quota = Quota(QuotaSettings(first_block_seconds=600, forgive_seconds=60))
    assert hammer(quota, 0) == 600
    for number in range(5_990):
        quota.spend("market", f"address {number}", BEGIN + timedelta(seconds=number / 10))
    assert quota.callers() < 3_000
    assert quota.callers() > 1
    blocked = quota.spend("market", "me", BEGIN + timedelta(seconds=599))
    assert blocked.status == 418


def test_callers_and_groups_are_counted_apart() -> None:
    quota = Quota(QuotaSettings())
    assert [spend(quota, "order", 0) for _ in range(12)] == [200] * 12
    assert spend(quota, "default", 0) == 200
    assert spend(quota, "order", 0, "you") == 200


def test_who_goes_on_after_refusals_is_blocked_for_doubling_times() -> None:
    quota = Quota(QuotaSettings())
    for _ in range(10):
        spend(quota, "ticker", 0)
    assert [spend(quota, "ticker", 0) for _ in range(6)] == [429] * 5 + [418]
    late = [quota.spend("market", "me", BEGIN + timedelta(milliseconds=each)) for each in (0, 1, 8_999, 9_999)]
    assert [(each.status, each.blocked) for each in late] == [(418, 10), (418, 10), (418, 2), (418, 1)]
    assert spend(quota, "market", 10_000) == 200
    for _ in range(10):
        spend(quota, "ticker", 10_000)
    assert [spend(quota, "ticker", 10_000) for _ in range(6)] == [429] * 5 + [418]
    assert (spend(quota, "ticker", 29_999), spend(quota, "ticker", 30_000)) == (418, 200)


def test_refusals_that_lie_apart_block_nobody() -> None:
    quota = Quota(QuotaSettings())
    for second in range(0, 60_000, 3_000):
        assert [spend(quota, "order-test", second) for _ in range(9)] == [200] * 8 + [429]


@pytest.mark.parametrize(("later", "status"), [(9_999, 418), (10_000, 429)])
def test_a_refusal_counts_for_less_than_ten_seconds(later: int, status: int) -> None:
    quota = Quota(QuotaSettings(ceilings=(("order", 0),), refusal_seconds=10))
    assert [spend(quota, "order", 0) for _ in range(5)] == [429] * 5
    assert spend(quota, "order", later) == status


def test_nothing_is_refused_when_limits_are_off() -> None:
    quota = Quota(QuotaSettings(enforced=False))
    assert {spend(quota, "order", 0) for _ in range(50)} == {200}


def ask(face: Face, path: str = "/v1/market/all", **headers: str) -> Response:
    return face.handle(Request(method="GET", path=path, headers=headers))


def test_every_routed_reply_says_what_is_left() -> None:
    face = faced(opened(flat()), quota=QuotaSettings(header_names=(("candle", "candles"),)))
    assert ask(face).headers["remaining-req"] == "group=market; min=600; sec=9"
    assert ask(face, "/v1/candles/days").headers["remaining-req"] == "group=candles; min=600; sec=9"
    someone = Customer(face)
    assert someone.get("/v1/accounts").headers["remaining-req"] == "group=default; min=1800; sec=29"
    bad = someone.post("/v1/orders", limit("bid", "1", "1"))
    assert (bad.status, bad.headers["remaining-req"]) == (400, "group=order; min=1800; sec=11")
    assert "remaining-req" not in ask(face, "/v1/nothing").headers


def test_too_many_calls_get_a_plain_text() -> None:
    face = faced(opened(flat()), quota=QuotaSettings())
    replies = [ask(face) for _ in range(16)]
    assert [reply.status for reply in replies] == [200] * 10 + [429] * 5 + [418]
    assert replies[10].body == b"Too many API requests."
    assert replies[10].headers["content-type"].startswith("text/plain")
    assert replies[10].headers["remaining-req"] == "group=market; min=600; sec=0"
    assert replies[15].body == b"Too many API requests. Blocked for 10 seconds."


def test_too_many_calls_may_get_json() -> None:
    face = faced(opened(flat()), quota=QuotaSettings(json_body=True))
    assert error_name([ask(face) for _ in range(11)][-1]) == "too_many_requests"


def test_keys_of_one_account_share_its_limit() -> None:
    venue = opened(flat())
    keys = [ApiKey(access=name, secret=SECRET, account="paper") for name in ("k1", "k2")]
    face = Face(venue, keys, FaceSettings())
    statuses = []
    for number in range(31):
        authorization = token(f"k{number % 2 + 1}", "", str(number))
        statuses.append(ask(face, "/v1/accounts", authorization=authorization).status)
    assert statuses == [200] * 30 + [429]


def test_a_browsers_origin_gets_one_call_in_ten_seconds() -> None:
    face = faced(opened(flat()), quota=QuotaSettings())
    first = ask(face, Origin="https://example.org")
    assert (first.status, first.headers["remaining-req"]) == (200, "group=origin; min=6; sec=0")
    assert ask(face, "/v1/ticker", Origin="https://example.org").status == 429
    assert decoded(ask(face))[0]["market"] == "BTC-ETH"
    face.venue.advance(BEGIN + timedelta(seconds=10))
    assert ask(face, Origin="https://example.org").status == 200

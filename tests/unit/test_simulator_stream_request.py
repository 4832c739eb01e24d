"""What the simulated venue makes of a stream request (upbit-api.md section 9.1)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.exchange.simulator.stream.request import CANDLES, Format, WrongRequest, parsed

LARGEST = 262_144


def asked(*parts: dict[str, Any]) -> Any:
    return parsed(json.dumps([{"ticket": "t"}, *parts]), LARGEST)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("", "WRONG_FORMAT"),
        ("nope", "WRONG_FORMAT"),
        ("{}", "WRONG_FORMAT"),
        ("[1]", "WRONG_FORMAT"),
        (b"\xff\xfe", "WRONG_FORMAT"),
        (b'[{"ticket":"\xff"}]', "WRONG_FORMAT"),
        ("[" * 100_000, "WRONG_FORMAT"),
        ("[]" + " " * LARGEST, "WRONG_FORMAT"),
        ("[]", "NO_TICKET"),
        ('[{"type":"ticker","codes":["KRW-BTC"]}]', "NO_TICKET"),
        ('[{"ticket":""},{"type":"ticker","codes":["KRW-BTC"]}]', "NO_TICKET"),
        ('[{"ticket":7},{"type":"ticker","codes":["KRW-BTC"]}]', "NO_TICKET"),
        ('[{"ticket":"t"}]', "NO_TYPE"),
        ('[{"ticket":"t"},{"codes":["KRW-BTC"]}]', "NO_TYPE"),
        ('[{"ticket":"t"},{"type":"ticker"}]', "NO_CODES"),
        ('[{"ticket":"t"},{"type":"orderbook","codes":[]}]', "NO_CODES"),
        ('[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]},{"format":"XML"}]', "WRONG_FORMAT"),
        ('[{"ticket":"t"},{"type":"nope","codes":["KRW-BTC"]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"candle.1d","codes":["KRW-BTC"]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"indicator","codes":["KRW-BTC"]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":["ticker"],"codes":["KRW-BTC"]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"ticker","codes":"KRW-BTC"}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"ticker","codes":[1]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"],"is_only_snapshot":1}]', "INVALID_PARAM"),
        (
            '[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"],"is_only_snapshot":true,"isOnlyRealtime":true}]',
            "INVALID_PARAM",
        ),
        ('[{"ticket":"t"},{"type":"orderbook","codes":["KRW-BTC"],"level":"x"}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"orderbook","codes":["KRW-BTC"],"level":-1}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"orderbook","codes":["KRW-BTC"],"level":[]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"myAsset","codes":["KRW-BTC"]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"announcement","categories":["gossip"]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"method":"DROP_TABLES"}]', "INVALID_PARAM"),
    ],
)
def test_each_wrong_request_has_its_name(message: str | bytes, name: str) -> None:
    with pytest.raises(WrongRequest) as wrong:
        parsed(message, LARGEST)
    assert wrong.value.name == name


def test_the_messages_are_the_venues_own() -> None:
    for message, text in [
        ("[]", "티켓이 존재하지 않거나, 유효하지 않습니다."),
        ("nope", "Format 이 맞지 않습니다."),
        ('[{"ticket":"t"},{"type":"nope"}]', "nope 은 지원하지 않는 타입입니다."),
    ]:
        with pytest.raises(WrongRequest) as wrong:
            parsed(message, LARGEST)
        assert wrong.value.message == text


@pytest.mark.parametrize(
    ("code", "depths"),
    [
        ("KRW-BTC", [30]),
        ("KRW-BTC.1", [1]),
        ("KRW-BTC.5", [5]),
        ("KRW-BTC.15", [15]),
        ("KRW-BTC.30", [30]),
        ("KRW-BTC.7", [30]),
        ("KRW-BTC.x", [30]),
        ("krw-btc", []),
        ("KRW_BTC", []),
        ("BTC", []),
        ("", []),
    ],
)
def test_a_code_may_name_a_depth_and_what_is_no_code_is_ignored(code: str, depths: list[int]) -> None:
    [subscription] = asked({"type": "orderbook", "codes": [code]}).subscriptions
    assert [each.depth for each in subscription.codes] == depths


@pytest.mark.parametrize(
    ("options", "snapshot", "realtime"),
    [
        ({}, True, True),
        ({"is_only_snapshot": True}, True, False),
        ({"isOnlySnapshot": True}, True, False),
        ({"is_only_realtime": True}, False, True),
        ({"isOnlyRealtime": True}, False, True),
        ({"is_only_realtime": False, "is_only_snapshot": None}, True, True),
    ],
)
def test_both_spellings_of_the_options_count(options: dict[str, Any], snapshot: bool, realtime: bool) -> None:
    [subscription] = asked({"type": "ticker", "codes": ["KRW-BTC"]} | options).subscriptions
    assert (subscription.snapshot, subscription.realtime) == (snapshot, realtime)


@pytest.mark.parametrize("shape", list(Format))
def test_every_format_is_known_and_without_one_it_is_the_default(shape: Format) -> None:
    ticker = {"type": "ticker", "codes": ["KRW-BTC"]}
    assert asked(ticker, {"format": shape.value}).format is shape
    assert asked(ticker).format is Format.DEFAULT


def test_every_candle_of_the_venue_can_be_asked_for() -> None:
    assert list(CANDLES) == [
        f"candle.{each}" for each in ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m")
    ]
    for kind in CANDLES:
        assert asked({"type": kind, "codes": ["KRW-BTC"]}).subscriptions[0].type == kind


def test_private_types_need_no_codes_and_only_unknown_ones_are_not_all() -> None:
    every, one, none = asked(
        {"type": "myOrder"}, {"type": "myOrder", "codes": ["KRW-BTC"]}, {"type": "myOrder", "codes": ["krw-btc"]}
    ).subscriptions
    assert every.codes == ()
    assert [each.market for each in one.codes] == ["KRW-BTC"]
    assert [each.market for each in none.codes] == [""]


def test_a_listing_asks_for_nothing_else() -> None:
    listing = asked({"method": "LIST_SUBSCRIPTIONS"}, {"format": "SIMPLE"})
    assert (listing.listing, listing.format, listing.subscriptions) == (True, Format.SIMPLE, ())


PIECES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["ticket", "type", "codes", "format", "method", "level", "categories"]) | st.text(),
            inner | st.sampled_from(["ticker", "myOrder", "orderbook", "announcement", "KRW-BTC", "SIMPLE"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.one_of(st.binary(), st.text(), st.lists(PIECES, max_size=5).map(json.dumps)))
def test_any_message_is_read_or_refused_by_name(message: str | bytes) -> None:
    name = "none"
    try:
        parsed(message, LARGEST)
    except WrongRequest as wrong:
        name = wrong.name
    assert name in ("none", "WRONG_FORMAT", "NO_TICKET", "NO_TYPE", "NO_CODES", "INVALID_PARAM")

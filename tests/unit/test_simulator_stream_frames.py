"""How the streams write numbers and name fields (upbit-api.md section 9)."""

import json
from decimal import Decimal

import pytest

from makenaide.exchange.simulator.market import BookSides
from makenaide.exchange.simulator.rest.rows import grouped
from makenaide.exchange.simulator.stream import frames
from makenaide.exchange.simulator.stream.frames import fields, written
from makenaide.exchange.simulator.stream.request import Format
from makenaide.exchange.simulator.stream.spelling import DEFAULT, SIMPLE, double, eight, plainly


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (116539000.0, "1.16539E8"),
        (Decimal("116539000"), "1.16539E8"),
        (10_000_000.0, "1.0E7"),
        (9_999_999.0, "9999999.0"),
        (5432.0, "5432.0"),
        (0.1, "0.1"),
        (0.001, "0.001"),
        (0.00079276, "7.9276E-4"),
        (1e-8, "1.0E-8"),
        (-25_000_000.0, "-2.5E7"),
        (0.0, "0.0"),
        (Decimal(0), "0.0"),
        (20633572185.68442, "2.063357218568442E10"),
        (float("inf"), "0.0"),
    ],
)
def test_doubles_are_written_as_java_writes_them(value: float | Decimal, text: str) -> None:
    assert double(value) == text
    assert DEFAULT.price(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (116539000.0, "116539000"),
        (Decimal("1.1E+3"), "1100"),
        (0.1, "0.1"),
        (1e-8, "0.00000001"),
        (Decimal("1E-8"), "0.00000001"),
        (1.5e20, "150000000000000000000"),
    ],
)
def test_the_simple_format_writes_prices_plainly(value: float | Decimal, text: str) -> None:
    assert plainly(value) == text
    assert SIMPLE.price(value) == text


def test_sizes_keep_their_zeros_in_the_default_format_only() -> None:
    assert [eight(0.5), eight(Decimal("0.5")), DEFAULT.size(12.0)] == ["0.50000000", "0.50000000", "12.00000000"]
    assert [SIMPLE.size(0.5), SIMPLE.size(0.00079276)] == ["0.5", "7.9276E-4"]


@pytest.mark.parametrize(
    ("kind", "count", "some"),
    [
        ("ticker", 33, {"acc_trade_price_24h": "atp24h", "market_state": "ms", "delisting_date": "dd"}),
        ("trade", 18, {"sequential_id": "sid", "best_ask_price": "bap", "trade_date": "td"}),
        ("orderbook", 8, {"orderbook_units": "obu", "level": "lv"}),
        ("candle.240m", 12, {"candle_date_time_utc": "cdttmu", "candle_acc_trade_price": "catp"}),
        ("myOrder", 29, {"trade_uuid": "tuid", "is_maker": "im", "prevented_locked": "pl"}),
        ("myAsset", 6, {"asset_uuid": "astuid", "assets": "ast"}),
        ("announcement", 11, {"first_listed_at": "flat", "body": "bd"}),
    ],
)
def test_each_type_has_its_long_and_short_keys(kind: str, count: int, some: dict[str, str]) -> None:
    pairs = dict(zip(fields(kind), fields(kind, short=True), strict=True))
    assert len(pairs) == len(set(pairs.values())) == count
    assert pairs["type"] == "ty"
    assert some.items() <= pairs.items()


@pytest.mark.parametrize("shape", list(Format))
def test_a_list_format_puts_each_frame_into_a_list(shape: Format) -> None:
    values = ['"myAsset"', '"u"', "[]", "1", "2", '"REALTIME"']
    frame = json.loads(written("myAsset", values, shape))
    if shape in (Format.JSON_LIST, Format.SIMPLE_LIST):
        [frame] = frame
    assert list(frame)[1] == ("astuid" if shape in (Format.SIMPLE, Format.SIMPLE_LIST) else "asset_uuid")


def test_levels_group_bids_down_and_asks_up() -> None:
    one = Decimal(1)
    book = BookSides(
        ((Decimal(104), one), (Decimal(101), one), (Decimal(99), one)),
        ((Decimal(105), one), (Decimal(110), one), (Decimal(111), one)),
    )
    assert grouped(book, Decimal(10), 30) == BookSides(
        ((Decimal(100), one * 2), (Decimal(90), one)), ((Decimal(110), one * 2), (Decimal(120), one))
    )


def test_an_error_frame_has_one_form() -> None:
    assert frames.error("NO_TYPE", "x") == b'{"error":{"name":"NO_TYPE","message":"x"}}'

"""Which account is meant: what the options name, what makes two accounts the same, and what contradicts itself."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from makenaide.app.identity import Source, account_id, identity, mode_of, named, rows_of, source
from makenaide.config import Config, LiveSettings, LiveVenue, PaperSettings
from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import Krw
from makenaide.store.modes import Mode

CONFIG = Config()


def asked(**options: Any) -> dict[str, Any]:
    """The options of a command line, the rest not said."""
    return {
        "seed": None,
        "days": None,
        "markets": None,
        "replay": None,
        "exchange": None,
        "mode": "paper",
    } | options


def key(config: Config = CONFIG, **options: Any) -> str:
    """The account that `options` name."""
    return account_id(identity(config, source(config, asked(**options))))


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    """Two days of one market."""
    file = tmp_path / "KRW-BTC_1d.csv"
    file.write_text(
        "timestamp,open,high,low,close,volume\n2025-01-01T00:00:00Z,1,2,1,2,3\n2025-01-02T00:00:00Z,2,3,2,3,4\n"
    )
    return file


def test_without_options_the_default_run_is_meant() -> None:
    market = CONFIG.market
    assert source(CONFIG, asked()) == Source(
        kind="simulator", seed=market.seed, days=market.days, markets=market.markets, replay=None, endless=False
    )
    assert not named(asked())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"exchange": "simulator"}, {"kind": "simulator", "days": 365, "endless": False}),
        ({"seed": 0}, {"seed": 0}),
        ({"days": 30, "markets": 12}, {"days": 30, "markets": 12}),
        ({"endless": True}, {"kind": "simulator", "days": None, "endless": True}),
        ({"exchange": "upbit"}, {"kind": "upbit", "days": None, "endless": True}),
        ({"replay": Path("x")}, {"kind": "replay", "replay": Path("x"), "days": None, "endless": False}),
        ({"replay": Path("x"), "days": 10}, {"kind": "replay", "days": 10}),
    ],
)
def test_options_choose_the_source(options: dict[str, Any], expected: dict[str, Any]) -> None:
    chosen = source(CONFIG, asked(**options))
    assert {name: getattr(chosen, name) for name in expected} == expected
    assert named(asked(**options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replay": Path("x"), "seed": 3}, "--replay: cannot be combined with --seed"),
        ({"replay": Path("x"), "seed": 0}, "--replay: cannot be combined with --seed"),
        ({"replay": Path("x"), "markets": 9, "endless": True}, "with --markets, --endless"),
        ({"replay": Path("x"), "exchange": "upbit"}, "--replay: cannot be combined with --exchange upbit"),
        ({"exchange": "upbit", "days": 3}, "--exchange upbit: cannot be combined with --days"),
        (
            {"exchange": "upbit", "markets": 3, "seed": 2},
            "--exchange upbit: cannot be combined with --seed, --markets",
        ),
        ({"endless": True, "days": 3}, "--days: a run on the wall clock has no end"),
    ],
)
def test_options_that_contradict_each_other_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(message)):
        source(CONFIG, asked(**options))


@pytest.mark.parametrize("others", [{}, {"exchange": "upbit"}, {"endless": True}])
def test_live_names_one_account_at_upbit_and_nothing_else(others: dict[str, Any]) -> None:
    chosen = source(CONFIG, asked(mode="live", **others))
    assert (chosen.kind, chosen.live, chosen.endless, chosen.days) == ("upbit", True, True, None)
    assert named(asked(mode="live", **others))
    assert rows_of(CONFIG, chosen) is mode_of(CONFIG, asked(mode="live")) is Mode.LIVE
    assert key(mode="live", **others) == key(mode="live") != key(exchange="upbit")


@pytest.mark.parametrize(
    ("others", "named_option"),
    [
        ({"seed": 0}, "--seed"),
        ({"days": 3}, "--days"),
        ({"markets": 5}, "--markets"),
        ({"replay": Path("x")}, "--replay"),
        ({"exchange": "simulator"}, "--exchange simulator"),
    ],
)
def test_live_with_what_belongs_to_paper_is_refused(others: dict[str, Any], named_option: str) -> None:
    with pytest.raises(Misconfigured, match=f"--mode live: cannot be combined with {named_option}"):
        source(CONFIG, asked(mode="live", **others))


def test_a_live_account_outlives_settings_and_keys_and_is_named() -> None:
    other = replace(CONFIG, risk=replace(CONFIG.risk, max_positions=3))
    assert key(other, mode="live") == key(mode="live")
    second = replace(CONFIG, live=LiveSettings(account="second"))
    assert key(second, mode="live") != key(mode="live")


def test_live_trading_that_is_only_rehearsed_writes_paper_rows_of_an_account_of_its_own() -> None:
    upbit = replace(CONFIG.upbit, base_url="http://127.0.0.1:8000")
    rehearsed = replace(CONFIG, upbit=upbit, live=LiveSettings(venue=LiveVenue.SIMULATOR))
    assert mode_of(rehearsed, asked(mode="live")) is Mode.PAPER
    assert identity(rehearsed, source(rehearsed, asked(mode="live")))["mode"] == "paper"
    assert len({key(rehearsed, mode="live"), key(mode="live"), key(exchange="upbit")}) == 3


def test_limits_make_another_paper_account_once_they_are_set() -> None:
    limited = replace(CONFIG, live=LiveSettings(order_krw=Krw(50_000).value))
    assert key(limited) != key()
    assert key(replace(CONFIG, live=LiveSettings(account="second"))) == key()


def test_the_same_options_name_the_same_account_and_any_other_another() -> None:
    others: list[dict[str, Any]] = [
        {},
        {"seed": 99},
        {"days": 30},
        {"markets": 12},
        {"endless": True},
        {"exchange": "upbit"},
    ]
    keys = [key(**each) for each in others]
    assert keys == [key(**each) for each in others]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch("[0-9a-f]{12}", each) for each in keys)
    assert key(exchange="simulator", days=CONFIG.market.days, seed=CONFIG.market.seed) == key()


def test_a_setting_of_trading_makes_another_account_and_one_of_talking_does_not() -> None:
    assert key(replace(CONFIG, risk=replace(CONFIG.risk, max_positions=3))) != key()
    limiter = replace(CONFIG.upbit.limiter, market=CONFIG.upbit.limiter.market / 2)
    assert key(replace(CONFIG, upbit=replace(CONFIG.upbit, limiter=limiter))) == key()


def test_a_paper_account_on_real_prices_outlives_its_settings_but_not_its_money() -> None:
    other = replace(CONFIG, risk=replace(CONFIG.risk, max_positions=3))
    assert key(other, exchange="upbit") == key(exchange="upbit")
    richer = replace(CONFIG, paper=PaperSettings(krw=Krw(20_000_000).value))
    assert key(richer, exchange="upbit") != key(exchange="upbit")


def test_a_replay_is_named_by_its_contents_not_by_its_place(candles: Path, tmp_path: Path) -> None:
    first = key(replay=candles)
    moved = tmp_path / "elsewhere" / candles.name
    moved.parent.mkdir()
    candles.rename(moved)
    assert key(replay=moved) == first
    assert key(replay=moved, days=1) != first
    moved.write_text(moved.read_text() + "2025-01-03T00:00:00Z,3,4,3,4,5\n")
    assert key(replay=moved) != first


def test_an_identity_is_plain_json_without_any_path(candles: Path) -> None:
    for options in ({}, {"replay": candles}, {"exchange": "upbit"}):
        text = json.dumps(identity(CONFIG, source(CONFIG, asked(**options))))
        assert str(candles.parent) not in text

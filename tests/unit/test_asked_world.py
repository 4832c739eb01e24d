"""`exchange simulate`: which world its options mean, and that nothing is kept of one that cannot be."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from makenaide.app import world as worlds
from makenaide.app.serve import asked_world, sound_data
from makenaide.app.world import World
from makenaide.cli.simulate import serve_simulator
from makenaide.domain.errors import Misconfigured
from makenaide.environment import load

NOTHING = {"seed": None, "days": None, "markets": None, "replay": None, "stepped": False, "scenario": None}
CANDLES = "timestamp,open,high,low,close,volume\n"
OLD = CANDLES + "2025-01-01T00:00:00Z,1,2,1,2,3\n2025-01-02T00:00:00Z,2,3,2,3,4\n"


def asked(home: Path, **options: Any) -> World:
    """The world of these options in the data folder `home`, kept as a server keeps it."""
    world = asked_world(load({"MAKENAIDE_HOME": str(home)}), NOTHING | options)
    worlds.save(world)
    return world


def recorded(folder: Path, text: str = OLD) -> Path:
    """A folder with candles."""
    folder.mkdir(exist_ok=True)
    (folder / "KRW-BTC_1d.csv").write_text(text, encoding="utf-8")
    return folder


def test_the_same_options_find_the_same_world_and_others_another(tmp_path: Path) -> None:
    first = asked(tmp_path)
    assert asked(tmp_path) == first
    assert asked(tmp_path, seed=1) == first
    folders = {first.folder}
    for options in ({"seed": 2}, {"markets": 9}, {"stepped": True}, {"stepped": True, "days": 9}):
        world = asked(tmp_path, **options)
        assert asked(tmp_path, **options) == world
        folders.add(world.folder)
    assert len(folders) == 5


def test_only_a_world_on_the_wall_clock_begins_when_it_is_made(tmp_path: Path) -> None:
    assert (asked(tmp_path).begun is None, asked(tmp_path, stepped=True).begun is None) == (False, True)


@pytest.mark.parametrize(
    "settings",
    [
        *("[quota]\nenforced = false", "[market]\nmarkets = 9", "[market]\nseed = 9"),
        "[venue]\nfee_krw = 0.001",
    ],
)
def test_other_settings_are_another_world(tmp_path: Path, settings: str) -> None:
    before = asked(tmp_path)
    (tmp_path / "makenaide.toml").write_text(settings, encoding="utf-8")
    after = asked(tmp_path)
    assert after.folder != before.folder
    assert (after.face, after.market, after.venue) != (before.face, before.market, before.venue)


def test_a_replay_is_named_by_where_it_lies_and_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        recorded(Path("candles"))
        found.append(asked(tmp_path, replay=Path("candles"), stepped=True))
    assert found[0].folder != found[1].folder
    assert [world.replay for world in found] == [str(tmp_path / place / "candles") for place in ("here", "there")]
    recorded(Path("candles"), OLD + "2025-01-03T00:00:00Z,2,3,2,3,4\n")
    assert asked(tmp_path, replay=Path("candles"), stepped=True).folder != found[1].folder


def test_a_scenario_counts_by_what_it_says_not_by_its_words(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    folders = []
    for text in ("[balances]\nKRW = 5\n", "# five\n[balances]\nKRW = 5\n", "[balances]\nKRW = 6\n"):
        file.write_text(text, encoding="utf-8")
        folders.append(asked(tmp_path, scenario=file).folder)
    assert folders[0] == folders[1] != folders[2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"days": 9}, "--days: a world on the wall clock has no end; one with --stepped has"),
        ({"days": 9, "replay": Path("x"), "stepped": True}, "--days: with --replay nothing is generated"),
        ({"markets": 9, "replay": Path("x")}, "--markets: with --replay nothing is generated"),
    ],
)
def test_an_option_that_would_mean_nothing_is_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        asked(tmp_path, **options)


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (
            "[[events]]\nkind = 'warning'\nmarket = 'KRW-NOPE'\nstart = '+1h'",
            "mine.toml: events.1: simulator: Warned",
        ),
        (
            "[[faults]]\nkind = 'late'\nstart = '+1d'\nend = 2020-01-01T00:00:00Z",
            "mine.toml: faults.1: end: must be after start",
        ),
        (
            "[venue]\nlimit_only = ['KRW-BTCC']",
            "mine.toml: venue.limit_only: unknown market KRW-BTCC; did you mean",
        ),
        (
            "[venue]\nunconsented = ['papper']",
            "mine.toml: venue.unconsented: unknown account papper; did you mean paper?",
        ),
        (None, "--replay: the candles end at 2025-01-03T00:00:00.00:00, .* serve them with --stepped"),
    ],
)
def test_nothing_is_kept_of_a_world_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: str | None, words: str
) -> None:
    monkeypatch.setenv("MAKENAIDE_HOME", str(tmp_path / "home"))
    options: dict[str, Any] = {}
    if scenario is None:
        options["replay"] = recorded(tmp_path / "candles")
    else:
        options["scenario"] = tmp_path / "mine.toml"
        options["scenario"].write_text(scenario, encoding="utf-8")
    with pytest.raises(Misconfigured, match=words):
        serve_simulator(port=0, world=None, resident=False, as_json=False, **(NOTHING | options))
    assert not (tmp_path / "home").exists()


def test_a_world_whose_days_are_over_says_so_and_how_to_begin_anew(tmp_path: Path) -> None:
    world = asked(tmp_path)
    assert world.market is not None
    over = replace(world, market=replace(world.market, first_day=date(2020, 1, 5), days=3))
    with pytest.raises(Misconfigured, match=r"this world's days end at 2020-01-.*without that folder a new world"):
        sound_data(over, None)


def test_without_a_scenario_the_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / "makenaide.toml").write_text('[venue]\nlimit_only = ["KRW-BTCC"]', encoding="utf-8")
    world = asked(tmp_path, markets=3)
    with pytest.raises(Misconfigured, match=r"^settings: venue.limit_only: unknown market KRW-BTCC"):
        sound_data(world, None)

"""Configuration: the file, the environment over it, and a message that names the key for everything wrong."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from makenaide.cli.settings import check_config, show_config
from makenaide.config import Config, build, tree
from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import Krw
from makenaide.domain.parameter import Parameter
from makenaide.environment import Environment, load


def loaded(home: Path, content: str = "", **variables: str) -> Environment:
    """What a process started with these variables and this file would have."""
    home.mkdir(exist_ok=True)
    (home / "makenaide.toml").write_text(content, encoding="utf-8")
    return load({"MAKENAIDE_HOME": str(home), **variables})


def parameters(settings: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of the tree by its dotted path, with what is known of it (None: not a parameter)."""
    for each in fields(settings):
        value = getattr(settings, each.name)
        if is_dataclass(value):
            yield from parameters(value, f"{path}{each.name}.")
        else:
            yield f"{path}{each.name}", each.metadata.get("parameter")


def test_without_a_file_and_variables_everything_is_default(tmp_path: Path) -> None:
    environment = load({"MAKENAIDE_HOME": str(tmp_path)})
    assert environment.config == Config()
    assert environment.home == tmp_path
    assert environment.config_file == tmp_path / "makenaide.toml"
    assert environment.database_url is None
    assert environment.language == "en"


def test_the_environment_of_the_process_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKENAIDE_RISK__MAX_POSITIONS", "3")
    assert load().config.risk.max_positions == 3


def test_a_variable_beats_the_file_and_the_file_beats_the_default(tmp_path: Path) -> None:
    default = Config().risk
    content = "[risk]\nmax_positions = 5\nentries_per_day = 1\n"
    assert default.max_positions not in (4, 5)
    risk = loaded(tmp_path, content, MAKENAIDE_RISK__MAX_POSITIONS="4").config.risk
    assert (risk.max_positions, risk.entries_per_day) == (4, 1)
    assert loaded(tmp_path, content).config.risk.max_positions == 5


def test_a_variable_reaches_a_nested_table(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, "[market.model]\nbear_drift = -0.01\n", MAKENAIDE_MARKET__MODEL__BULL_DRIFT="0.003"
    ).config
    assert (config.market.model.bull_drift, config.market.model.bear_drift) == (0.003, -0.01)


def test_money_is_exact_whether_written_as_integer_decimal_or_text(tmp_path: Path) -> None:
    for written in ("5000000.1", '"5000000.1"'):
        assert loaded(tmp_path, f"[paper]\nkrw = {written}\n").config.paper.opening == Krw("5000000.1")
    assert loaded(tmp_path, "[paper]\nkrw = 5_000_000\n").config.paper.krw == Decimal(5_000_000)
    assert loaded(tmp_path, MAKENAIDE_PAPER__KRW="7000000").config.paper.krw == Decimal(7_000_000)


def test_the_file_may_be_named_and_must_then_be_there(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[risk]\nmax_positions = 2\n")
    variables = {"MAKENAIDE_HOME": str(tmp_path / "home"), "MAKENAIDE_CONFIG": str(file)}
    assert load(variables).config.risk.max_positions == 2
    file.unlink()
    with pytest.raises(Misconfigured, match=r"MAKENAIDE_CONFIG: no such file: .*mine\.toml"):
        load(variables)


def test_names_and_keys_of_the_program_are_no_settings(tmp_path: Path) -> None:
    environment = loaded(
        tmp_path,
        MAKENAIDE_LANG="ko",
        MAKENAIDE_UPBIT_ACCESS_KEY="a",
        MAKENAIDE_UPBIT_SECRET_KEY="s",
        DATABASE_URL="postgresql:///x",
        UNRELATED="1",
    )
    assert (environment.language, environment.database_url) == ("ko", "postgresql:///x")
    assert environment.config == Config()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[riskk]\n", r"^riskk: unknown setting; did you mean risk\?$"),
        ("[risk]\nmax_position = 3\n", r"^risk\.max_position: unknown setting; did you mean max_positions\?$"),
        (
            "[market.model]\nbul_drift = 1\n",
            r"^market\.model\.bul_drift: unknown setting; did you mean bull_drift\?$",
        ),
        ("[paper]\nqqqq = 1\n", r"^paper\.qqqq: unknown setting; expected one of krw$"),
        ("risk = 3\n", r"^risk: expected a table, got 3$"),
        (
            '[risk]\nmax_positions = "many"\n',
            r"^risk\.max_positions: expected `int`, got `str`, which 'many' is not$",
        ),
        ("[risk]\nmax_positions = 2.5\n", r"^risk\.max_positions: expected `int`"),
        ("[risk]\nmax_positions = true\n", r"^risk\.max_positions: expected `int`"),
        ("[risk]\nmax_positions = -1\n", r"^risk\.max_positions: expected .* <= value"),
        ("[paper]\nkrw = 4999\n", r"^paper\.krw: expected 5000 <= value KRW, got 4999$"),
        ("[paper]\nkrw = nan\n", r"^paper\.krw: expected 5000 <= value KRW, got NaN$"),
        ("[paper]\nkrw = inf\n", r"^paper\.krw: expected"),
        ('[paper]\nkrw = "much"\n', r"^paper\.krw: invalid decimal string"),
        ("[market.model]\nbull_drift = 1e9\n", r"^market\.model\.bull_drift: expected .* <= value <= "),
        ("[risk\n", r"makenaide\.toml: not TOML: "),
        ("x = " + "[" * 5000, r"makenaide\.toml: nested too deeply"),
        ("x = 1e" + "9" * 30, r"makenaide\.toml: not TOML: a number beyond all bounds"),
        ("x = " + "9" * 5000, r"makenaide\.toml: not TOML: a number beyond all bounds"),
        ("[risk]\nmax_positions = 1\nmax_positions = 2\n", r"makenaide\.toml: not TOML: "),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_what_was_expected(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(Misconfigured, match=message):
        loaded(tmp_path, content)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MAKENAIDE_HOMES", "x", r"^MAKENAIDE_HOMES: unknown variable; did you mean MAKENAIDE_HOME\?$"),
        ("MAKENAIDE_Q", "x", r"^MAKENAIDE_Q: unknown variable"),
        (
            "MAKENAIDE_RISK__MAX_POSITION",
            "1",
            r"^risk\.max_position: unknown setting; did you mean max_positions\?$",
        ),
        ("MAKENAIDE_RISC__MAX_POSITIONS", "1", r"^risc: unknown setting; did you mean risk\?$"),
        ("MAKENAIDE_RISK__MAX_POSITIONS", "a few", r"^risk\.max_positions: expected `int`, got `str`"),
        ("MAKENAIDE_RISK__MAX_POSITIONS", "9" * 5000, r"^risk\.max_positions: expected `int`, got `str`"),
        ("MAKENAIDE_RISK__MAX_POSITIONS", "", r"^risk\.max_positions: expected `int`, got `str`"),
        ("MAKENAIDE_RISK__MAX_POSITIONS__X", "1", r"^MAKENAIDE_RISK__MAX_POSITIONS__X: max_positions is a value"),
        ("MAKENAIDE_RISK", "1", r"^MAKENAIDE_RISK: unknown variable"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        loaded(tmp_path, "[risk]\nmax_positions = 3\n", **{name: value})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "makenaide.toml").mkdir()
    with pytest.raises(Misconfigured, match=r"makenaide\.toml: cannot be read: "):
        load({"MAKENAIDE_HOME": str(tmp_path)})
    other = tmp_path / "other.toml"
    other.write_bytes(b"# \xff\xfe\n")
    with pytest.raises(Misconfigured, match=r"other\.toml: cannot be read: "):
        load({"MAKENAIDE_HOME": str(tmp_path), "MAKENAIDE_CONFIG": str(other)})


def test_the_tree_is_plain_json_and_builds_the_same_configuration_again() -> None:
    plain = json.loads(json.dumps(tree(Config())))
    assert plain["paper"] == {"krw": "10000000"}
    assert build(Config, plain, "") == Config()


@pytest.mark.parametrize(("name", "about"), list(parameters(Config())))
def test_every_setting_has_a_source_and_every_amount_a_unit(name: str, about: Parameter | None) -> None:
    assert about is not None, f"{name} is a plain field: make it a parameter"
    assert about.source.strip()
    counts = about.low is not None or about.high is not None
    assert about.unit.strip() or not counts or name.endswith(".seed")


def test_config_show_has_a_row_for_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    show_config(as_json=False)
    shown = capsys.readouterr().out
    assert [name for name, _ in parameters(Config()) if f"{name} " not in shown] == []
    show_config(as_json=True)
    assert json.loads(capsys.readouterr().out) == tree(Config())


@pytest.mark.parametrize(("krw", "enough"), [("10000000", True), ("5000", False)])
def test_config_check_tells_whether_the_paper_account_can_trade(
    krw: str, enough: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAKENAIDE_PAPER__KRW", krw)
    check_config(as_json=True)
    data = json.loads(capsys.readouterr().out)
    assert data["sound"] is True
    assert data["paper_krw"] == int(krw)
    assert data["paper_can_trade"] is enough is (int(krw) >= data["smallest_account_krw"])
    check_config(as_json=False)
    shown = capsys.readouterr().out
    assert shown.startswith("The configuration is sound.\n")
    assert f"Smallest account that can trade: {data['smallest_account_krw']:,} KRW." in shown
    assert ("it will refuse every entry" in shown) is not enough
    assert "not there: defaults" in shown

"""A person ends the guard: the trail learns of it, now or later, and the guard's end hangs on neither."""

import os
from pathlib import Path

import msgspec
import pytest

from makenaide.app.noting import FOLDER
from makenaide.app.person import person
from makenaide.cli import guard

ACCOUNT = "0001aaaaaaaa"


@pytest.mark.parametrize("configuration", ["", "no toml"])
def test_the_end_of_a_guard_is_kept_for_the_trail_without_a_database(
    configuration: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Path(os.environ["MAKENAIDE_HOME"])
    home.mkdir(parents=True)
    (home / "makenaide.toml").write_text(configuration, encoding="utf-8")
    monkeypatch.setattr(guard, "stop_guard", lambda _folder: True)
    guard.end_guard(ACCOUNT, accept_unguarded=True)
    assert ACCOUNT in capsys.readouterr().out
    (file,) = (home / FOLDER).iterdir()
    kept = msgspec.json.decode(file.read_bytes())
    told = {name: kept[name] for name in ("account_id", "action", "actor", "detail")}
    assert told == {
        "account_id": ACCOUNT,
        "action": "guard.end",
        "actor": person(),
        "detail": {"accept_unguarded": True},
    }


def test_where_no_guard_was_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(guard, "stop_guard", lambda _folder: False)
    guard.end_guard(ACCOUNT, accept_unguarded=True)
    assert ACCOUNT in capsys.readouterr().out
    assert not (Path(os.environ["MAKENAIDE_HOME"]) / FOLDER).exists()

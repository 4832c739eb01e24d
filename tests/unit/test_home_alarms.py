"""The alarms at home: what is declared by the last plan, and what would really go out."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from makenaide.app.alarms import alarms
from makenaide.app.operation import Operation, State, write_operation
from makenaide.environment import Environment, WebhookSecret, load
from makenaide.ops.checks.alarms import drift

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def environment(home: Path, state: State | None, webhook: str = "") -> Environment:
    env = load({"MAKENAIDE_HOME": str(home)})
    if state is not None:
        write_operation(home, Operation(state=state, at=NOW))
    return replace(env, webhook=WebhookSecret(url=webhook))


def different(env: Environment, *, keeping: bool) -> set[str]:
    return {key for key, names in drift(*alarms(env, keeping=keeping)).items() if names}


@pytest.mark.parametrize(
    ("state", "keeping", "expected"),
    [
        (State.STARTED, True, set()),
        (State.STARTED, False, {"e9_missing"}),
        (State.STOPPED, False, set()),
        (State.STOPPED, True, {"e9_enabled"}),
    ],
)
def test_what_was_started_has_its_messages_and_what_was_stopped_has_none(
    tmp_path: Path, state: State, keeping: bool, expected: set[str]
) -> None:
    assert different(environment(tmp_path, state), keeping=keeping) == expected


def test_nothing_is_declared_before_the_first_start(tmp_path: Path) -> None:
    assert alarms(environment(tmp_path, None), keeping=False) == ((), ())


def test_the_lists_are_declared_with_their_times_and_on_every_channel(tmp_path: Path) -> None:
    declared, live = alarms(environment(tmp_path, State.STARTED, "https://hooks.example.com/x"), keeping=True)
    assert [(each.name, each.tells) for each in declared] == [
        ("morning", ("log", "webhook")),
        ("evening", ("log", "webhook")),
    ]
    assert live == declared
    assert "09:10" in declared[0].rule
    assert "18:00" in declared[1].rule


def test_a_channel_that_does_not_open_is_missing_among_the_hearers(tmp_path: Path) -> None:
    env = environment(tmp_path, State.STARTED, "ftp://hooks.example.com/secret")
    assert different(env, keeping=True) == {"e9_hearers"}

"""The trading key: read once, then out of the variables; in no text, and in no child that was not given it."""

import os
import subprocess
import sys

import pytest

from makenaide.app.admission import Admission
from makenaide.app.live import keys_of
from makenaide.cli.door import environment
from makenaide.domain.errors import Misconfigured
from makenaide.environment import ACCESS_NAME, SECRET_NAME, UpbitSecrets, load

CANARY = "canary-4711-not-a-secret"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ACCESS_NAME, f"access-{CANARY}")
    monkeypatch.setenv(SECRET_NAME, f"secret-{CANARY}")


def test_the_key_is_read_and_taken_out_of_the_variables(given: None) -> None:
    env, _ = environment()
    assert (env.secrets.access, env.secrets.secret) == (f"access-{CANARY}", f"secret-{CANARY}")
    assert ACCESS_NAME not in os.environ
    assert SECRET_NAME not in os.environ


def test_a_child_inherits_no_key_and_one_that_needs_it_is_given_it(given: None) -> None:
    env, _ = environment()
    show = [sys.executable, "-c", "import os; print(dict(os.environ))"]
    assert CANARY not in subprocess.run(show, check=True, capture_output=True, text=True).stdout
    told = {**os.environ, **env.secrets.variables()}
    assert CANARY in subprocess.run(show, check=True, capture_output=True, text=True, env=told).stdout


def test_a_broken_setting_still_takes_the_key_out(given: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKENAIDE_RISK__NO_SUCH", "1")
    with pytest.raises(Misconfigured, match="no_such") as fault:
        environment()
    assert CANARY not in str(fault.value)
    assert SECRET_NAME not in os.environ


def test_no_text_shows_the_secret(given: None) -> None:
    env = load()
    keys = keys_of(env.secrets)
    assert keys is not None
    for thing in (env, env.secrets, Admission(account_id="0" * 12, keys=keys)):
        assert CANARY not in f"{thing!r} {thing}"
    assert f"secret-{CANARY}" not in repr(keys)


def test_half_a_key_is_none() -> None:
    assert keys_of(UpbitSecrets(access="a")) is None
    assert UpbitSecrets(access="a").variables() == {ACCESS_NAME: "a"}

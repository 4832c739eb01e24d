"""`exchange simulate --scenario`: a simulator that misbehaves as a file says, and as its operator asks."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from makenaide.exchange.upbit.auth import Keys, bearer
from tests.acceptance.worlds import Going, Home, homes, require_told
from tests.unit.source_tree import REPOSITORY

STORM = REPOSITORY / "samples" / "scenarios" / "storm.toml"
SMALL = ("exchange", "simulate", "--json", "--markets", "6")


def begun(home: Home, *options: str) -> tuple[Going, dict[str, Any]]:
    """A served simulator, and what its first line says."""
    home.configure("[market]\nhistory_days = 60\n")
    going = home.start(*SMALL, *options)
    going.wait_for(lambda: going.out.read_bytes().endswith(b"\n"))
    return going, json.loads(going.out.read_bytes())


def ended(going: Going) -> None:
    """Stop it; it has nothing to complain of."""
    stopped = going.end()
    assert stopped.code == 0, stopped.err
    assert "Traceback" not in stopped.err


@pytest.fixture(scope="module")
def stormy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A simulator in a storm."""
    with homes(tmp_path_factory.mktemp("stormy")) as make:
        going, said = begun(make("stormy"), "--scenario", str(STORM))
        yield said
        ended(going)


def operate(said: dict[str, Any], method: str, call: str, body: dict[str, Any] | None = None) -> Any:
    """What an operator's call answers."""
    request = urllib.request.Request(  # noqa: S310 - our own simulator
        f"{said['url']}/simulator/{call}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Makenaide-Operator": Path(said["operator"]).read_text(encoding="ascii")},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
        return json.loads(reply.read())


def test_the_first_line_says_where_everything_is(stormy: dict[str, Any]) -> None:
    address = stormy["url"].partition("//")[2]
    assert stormy["socket"] == f"ws://{address}/websocket/v1"
    assert stormy["private"] == f"ws://{address}/websocket/v1/private"
    assert set(json.loads(Path(stormy["keys"]).read_bytes())) == {"access", "secret"}
    assert Path(stormy["operator"]).stat().st_mode & 0o777 == 0o600


def test_the_storm_of_the_file_blows_and_the_operator_sees_and_stills_it(stormy: dict[str, Any]) -> None:
    statuses = set()
    for _ in range(60):
        try:
            with urllib.request.urlopen(f"{stormy['url']}/v1/market/all", timeout=1) as reply:  # noqa: S310
                statuses.add(reply.status)
        except urllib.error.HTTPError as refused:
            statuses.add(refused.code)
            refused.close()
        except (TimeoutError, urllib.error.URLError):
            statuses.add(0)
    assert 429 in statuses
    rules = operate(stormy, "GET", "faults")
    assert [rule["kind"] for rule in rules][:2] == ["skew", "too_many"]
    assert rules[1]["struck"] == 10
    assert operate(stormy, "DELETE", "faults") == {"removed": len(rules)}
    assert operate(stormy, "GET", "state")["accounts"]["paper"]["balances"]["KRW"]["free"] == "1000000000"


def test_without_a_scenario_the_key_may_see_everything_and_there_is_a_coin_to_sell(home: Home) -> None:
    going, said = begun(home)
    keys = Keys(**json.loads(Path(said["keys"]).read_bytes()))
    for call in ("/v1/deposits", "/v1/withdraws", "/v1/pockets"):
        request = urllib.request.Request(  # noqa: S310 - our own simulator
            said["url"] + call, headers={"Authorization": bearer(keys, call)}
        )
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            assert reply.status == 200
    held = operate(said, "GET", "state")["accounts"]["paper"]["balances"]
    assert (held["KRW"]["free"], held["BTC"]["free"]) == ("1000000000", "20")
    ended(going)


def test_a_socket_is_dropped_when_the_operator_says_so(home: Home) -> None:
    going, said = begun(home)
    with connect(said["socket"], compression=None, open_timeout=10) as stream:
        stream.send('[{"ticket":"a"},{"type":"ticker","codes":["KRW-BTC"]}]')
        assert json.loads(stream.recv(timeout=10))["code"] == "KRW-BTC"
        operate(said, "POST", "faults", {"kind": "drop"})
        stream.send('[{"ticket":"b"},{"type":"ticker","codes":["KRW-ETH"]}]')
        with pytest.raises(ConnectionClosed) as closed:
            list(stream)
    assert closed.value.rcvd is None
    ended(going)


def test_a_scenario_is_a_world_of_its_own_that_outlives_a_restart(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[balances]\nKRW = 5_000_000\n", encoding="utf-8")
    going, said = begun(home, "--scenario", str(file))
    operate(said, "POST", "deposits", {"currency": "BTC", "amount": "0.5"})
    operate(said, "POST", "events", {"kind": "maintenance", "start": "+1h", "end": "+2h"})
    ended(going)
    moved = file.rename(tmp_path / "other.toml")
    going, again = begun(home, "--scenario", str(moved))
    assert again["keys"] == said["keys"]
    held = operate(again, "GET", "state")["accounts"]["paper"]["balances"]
    assert (held["KRW"]["free"], held["BTC"]["free"]) == ("5000000", "0.5")
    ended(going)
    moved.write_text("[balances]\nKRW = 6_000_000\n", encoding="utf-8")
    going, other = begun(home, "--scenario", str(moved))
    assert other["keys"] != said["keys"]
    ended(going)


def test_a_mistake_in_a_scenario_is_told(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('[[faults]]\nkind = "reply_lots"\n', encoding="utf-8")
    options = ("exchange", "simulate", "--scenario", str(file))
    require_told(home.inside(*options), 3, str(file), "faults.1.kind", "did you mean reply_lost?")
    done = home.inside(*options, "--json")
    assert (done.code, done.data()["code"]) == (3, 3)
    assert "faults.1.kind" in done.data()["error"]

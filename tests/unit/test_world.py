"""A simulated world is kept in a folder of its own and comes back as it was."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.app import world as worlds
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.world import World
from makenaide.config import Config
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.settings import Pace

MARKET = replace(Config().market, days=3, markets=3)


def made(folder: Path) -> World:
    """A small generated world."""
    return World(folder=str(folder), market=MARKET, balances={"KRW": Decimal("10000000.5")})


def test_a_world_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    world = made(tmp_path / "accounts" / "x")
    worlds.save(world)
    assert worlds.load(world.file) == world
    assert sorted(each.name for each in Path(world.folder).iterdir()) == [
        "keys.json",
        "operator.token",
        "world.json",
    ]


def test_keys_are_made_once_and_are_readable_to_the_owner_alone(tmp_path: Path) -> None:
    world = made(tmp_path)
    worlds.save(world)
    pair = worlds.keys(world)
    worlds.save(world)
    assert worlds.keys(world) == pair
    assert world.keys_file.stat().st_mode & 0o777 == 0o600
    other = made(tmp_path / "other")
    worlds.save(other)
    assert worlds.keys(other) != pair
    assert pair.secret not in world.file.read_text()


GARBAGE = [b"", b'{"\xff": 1}', b'{"x": ' + b"[" * 100_000]


@pytest.mark.parametrize(
    "content", [None, *GARBAGE, b"{", b"{}", b'{"folder": 3}', b'{"folder": "x", "market": []}']
)
def test_a_description_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "world.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"world\.json: no world: "):
        worlds.load(file)


@pytest.mark.parametrize("content", [None, *GARBAGE, b'{"access": "a"}', b'{"access": 1, "secret": 2}'])
def test_keys_that_cannot_be_read_are_named(tmp_path: Path, content: bytes | None) -> None:
    world = made(tmp_path)
    if content is not None:
        world.keys_file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"keys\.json: no keys: "):
        worlds.keys(world)


def test_the_prices_of_a_world_are_generated_or_replayed_and_never_neither(tmp_path: Path) -> None:
    world = made(tmp_path)
    generated = worlds.market_data(world)
    assert len(generated.listings(generated.first_slot)) >= 3
    file = tmp_path / "KRW-BTC_1d.csv"
    file.write_text(
        "timestamp,open,high,low,close,volume\n2025-01-01T00:00:00Z,1,2,1,2,3\n2025-01-02T00:00:00Z,2,3,2,3,4\n"
    )
    replayed = replace(world, market=None, replay=str(file))
    data = worlds.market_data(replayed)
    assert [each.market for each in data.listings(data.end)] == ["KRW-BTC"]
    with pytest.raises(Misconfigured, match="neither market nor replay nor upbit"):
        worlds.market_data(replace(world, market=None))


def test_a_world_on_real_prices_asks_nobody_until_an_order_comes(tmp_path: Path) -> None:
    settings = replace(Config().upbit, base_url="http://127.0.0.1:9")
    world = replace(made(tmp_path), market=None, upbit=settings, venue=replace(Config().venue, pace=Pace.REAL))
    worlds.save(world)
    assert worlds.load(world.file) == world
    for _ in range(2):
        data = worlds.market_data(world)
        assert data.end.year > 9000
        face, log = worlds.open_face(world, data, WallClock(StopFlag()))
        log.close()
        assert face.venue.accounts[worlds.ACCOUNT].wallet.holding("KRW").total == Decimal("10000000.5")
    other = replace(world, upbit=Config().upbit)
    _, log = worlds.open_face(other, worlds.market_data(other), WallClock(StopFlag()))
    log.close()  # the account goes on wherever, and however, the exchange is asked


def test_a_consent_that_nobody_could_give_is_misconfigured(tmp_path: Path) -> None:
    world = made(tmp_path)
    wrong = replace(world, venue=replace(world.venue, unconsented=("papper",)))
    worlds.save(wrong)
    with pytest.raises(Misconfigured, match="unconsented: unknown account papper; did you mean paper"):
        worlds.open_face(wrong, worlds.market_data(wrong), WallClock(StopFlag()))


@pytest.mark.parametrize("pace", list(Pace))
def test_a_world_is_served_with_its_account_and_again_after_a_restart(tmp_path: Path, pace: Pace) -> None:
    world = replace(made(tmp_path), venue=replace(Config().venue, pace=pace))
    worlds.save(world)
    data = worlds.market_data(world)
    for _ in range(2):
        face, log = worlds.open_face(world, data, WallClock(StopFlag()))
        log.close()
        assert face is not None
    assert world.log.stat().st_size > 0

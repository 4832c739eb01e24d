"""The simulator's command log: durable before the reply, replayed to the same venue, honest about damage."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.domain.errors import DiskFull, Inconsistent, InUse, Misconfigured, Unavailable
from makenaide.domain.money import Price
from makenaide.exchange.simulator.core.commandlog import CommandLog, rebuild
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import BlockState, Direction, Move, TransferState, WalletState
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.settings import VenueSettings, fingerprint
from makenaide.exchange.venue import Fence
from tests.unit.simulator_street import BTC, Customer, buy, decoded, error_name, faced, flat, limit, seconds, sell

WORLD = "0" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "commands.jsonl"


def venue() -> Venue:
    return Venue(flat(size=Decimal("0.001")), VenueSettings())


def session(path: Path) -> list[list[str]]:
    """Run a few commands on a logged venue; the states after each line of its log."""
    run = venue()
    log = rebuild(run, path, WORLD)
    states = [run.state()]

    def done() -> None:
        states.append(run.state())

    run.open_account("paper", {"KRW": Decimal("9E+6"), "BTC": Decimal("0.50")})
    done()
    run.advance(run.now + seconds(90))
    uuid = run.place("paper", limit("bid", "99000000", "0.01", identifier="first")).uuid
    done()
    run.place("paper", buy("150000", identifier="second"))
    done()
    with pytest.raises(Refused):
        run.place("paper", limit("bid", "99000001", "0.01", identifier="third"))
    done()
    run.cancel(run.accounts["paper"].orders[uuid])
    done()
    run.place("paper", limit("bid", "90000000", "0.001", time_in_force="post_only", smp_type="none"))
    done()
    run.watch(run.now + seconds(3600), {BTC: Fence(floor=Price(1), peak=Price(999_000_000))})
    done()
    run.place("paper", sell("0.0012"))
    done()
    log.close()
    return states


SLOW = VenueSettings(cancel_delay_ms=5000, balance_lag_ms=2000)


def busy(path: Path) -> list[list[str]]:
    """Commands of every kind on a venue where cancels and balances take their time; the states after each line."""
    run = Venue(flat(size=Decimal("0.001")), SLOW)
    log = rebuild(run, path, WORLD)
    operator = Operator(run)
    orders = run.accounts
    commands: list[Callable[[], object]] = [
        lambda: run.open_account("paper", {"KRW": Decimal("9E+6"), "BTC": Decimal("0.50")}),
        lambda: run.place("paper", limit("bid", "100000000", "0.003", identifier="first")),
        lambda: run.place("paper", limit("bid", "99000000", "0.01")),
        lambda: operator.place_watch("paper", limit("bid", "80000000", "0.01"), Decimal(85_000_000)),
        lambda: run.replace(
            orders["paper"].history[0],
            {"ord_type": "limit", "price": "98000000", "volume": "remain_only", "identifier": "second"},
        ),
        lambda: run.cancel_many("paper", orders["paper"].history),
        lambda: operator.deposit("paper", Move(currency="KRW", amount=Decimal("1.50"))),
        lambda: operator.withdraw(
            "paper",
            Move(currency="BTC", amount=Decimal("0.1"), state=TransferState.WAITING, network="BTC", txid="x"),
        ),
        lambda: operator.settle(run.treasury.of("paper", Direction.WITHDRAW)[0].uuid, TransferState.DONE),
        lambda: operator.airdrop("paper", "APT", Decimal("2.0")),
        lambda: operator.set_wallet("BTC", WalletState.PAUSED, BlockState.INACTIVE),
        lambda: operator.make_address("paper", "BTC", "BTC"),
        lambda: run.watch(run.now + seconds(6), {}),
        lambda: run.place("paper", sell("0.001")),
    ]
    states = [run.state()]
    for command in commands:
        command()
        states.append(run.state())
    log.close()
    return states


def test_a_venue_that_is_killed_while_much_is_on_its_way_is_rebuilt_to_the_same_state(path: Path) -> None:
    states = busy(path)
    assert any("due " in line for line in states[4])
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(states)
    for kept in range(1, len(lines) + 1):
        path.write_bytes(b"".join(lines[:kept]))
        again = Venue(flat(size=Decimal("0.001")), SLOW)
        rebuild(again, path, WORLD).close()
        assert again.state() == states[kept - 1]


def reopened(path: Path) -> Iterator[Venue]:
    again = venue()
    log = rebuild(again, path, WORLD)
    yield again
    log.close()


def test_a_venue_that_is_killed_after_any_line_is_rebuilt_to_the_state_of_that_line(path: Path) -> None:
    states = session(path)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(states)
    for kept in range(1, len(lines) + 1):
        path.write_bytes(b"".join(lines[:kept]))
        for again in reopened(path):
            assert again.state() == states[kept - 1]


def test_a_torn_last_line_is_dropped_and_the_log_goes_on(path: Path) -> None:
    states = session(path)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in (1, 20, len(lines[-1]) - 1):
        path.write_bytes(whole[:-cut])
        for again in reopened(path):
            assert again.state() == states[-2]
            assert path.read_bytes() == b"".join(lines[:-1])
            again.place("paper", sell("0.0012"))
        assert path.read_bytes() == whole


def test_a_log_that_broke_in_its_first_line_starts_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"n":0,"at"')
    for again in reopened(path):
        assert again.accounts == {}
    assert path.read_bytes().count(b"\n") == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"90000000"', b'"80000000"'),
        (b'"command":"cancel"', b'"command":"cancle"'),
        (b'"n":3', b'"n":4'),
        (b'{"n":2', b'["n":2'),
        (b'"identifier":"third"', b'"identifier":"\xff\xfeird"'),
        (b',"crc":"', b',"src":"'),
        (b'"body":{', b'"body":{"deep":' + b"[" * 100_000),
    ],
)
def test_a_damaged_line_is_named(path: Path, old: bytes, new: bytes) -> None:
    session(path)
    text = path.read_bytes()
    line = text[: text.index(old)].count(b"\n") + 1
    path.write_bytes(text.replace(old, new, 1))
    with pytest.raises(Inconsistent, match=f"{path} line {line}: damaged"):
        rebuild(venue(), path, WORLD)


@pytest.mark.parametrize("fault", [RecursionError, KeyboardInterrupt])
def test_a_rebuild_that_fails_in_whatever_way_gives_the_log_up(
    path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    states = session(path)

    def failing(*_: object) -> None:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr(Venue, "cancel", failing)
        with pytest.raises(fault):
            rebuild(venue(), path, WORLD)
    for again in reopened(path):
        assert again.state() == states[-1]


def test_a_line_that_is_missing_is_noticed(path: Path) -> None:
    session(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(Inconsistent, match="line 4: damaged"):
        rebuild(venue(), path, WORLD)


def test_a_log_of_another_world_is_refused(path: Path) -> None:
    session(path)
    with pytest.raises(Inconsistent, match="line 1: the log is of another seed"):
        rebuild(venue(), path, "1" * 64)


def test_the_fingerprint_tells_seeds_settings_and_data_apart() -> None:
    data = {"generator": "1"}
    worlds = [
        fingerprint(VenueSettings(), data),
        fingerprint(VenueSettings(seed=2), data),
        fingerprint(VenueSettings(fee_krw=Decimal("0.001")), data),
        fingerprint(VenueSettings(), {"generator": "2"}),
    ]
    assert len(set(worlds)) == 4
    assert worlds[0] == fingerprint(VenueSettings(), dict(data))


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("order", {"account": "paper", "order": buy("9000")}),
        ("cancel", {"account": "paper", "uuid": "none"}),
        ("dance", {}),
        ("open", {"account": "paper", "balances": {"KRW": "-1"}}),
        ("advance", {"until": "tomorrow"}),
    ],
)
def test_a_command_that_is_no_longer_possible_is_named(path: Path, command: str, body: dict[str, object]) -> None:
    run = venue()
    log = rebuild(run, path, WORLD)
    log.append(run.now, command, body)
    log.close()
    with pytest.raises(Inconsistent, match=f"line 2: {command} is no longer possible"):
        rebuild(venue(), path, WORLD)


def test_two_simulators_do_not_write_one_log(path: Path) -> None:
    log = rebuild(venue(), path, WORLD)
    with pytest.raises(InUse, match="another simulator"):
        rebuild(venue(), path, WORLD)
    log.close()


def test_a_log_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="cannot be opened"):
        rebuild(venue(), tmp_path / "file" / "commands.jsonl", WORLD)


def test_on_a_full_disk_nothing_is_done_and_the_face_says_so_until_the_log_is_broken() -> None:
    run = venue()
    run.open_account("paper", {"KRW": Decimal(9_000_000)})
    face = faced(run)
    before = run.state()
    log = CommandLog(os.open("/dev/full", os.O_WRONLY), "commands.jsonl")
    run.journal = log
    someone = Customer(face)
    full = someone.post("/v1/orders", buy("9000"))
    assert (full.status, error_name(full)) == (507, "insufficient_storage")
    assert "commands.jsonl" in decoded(full)["error"]["message"]
    # The device cannot be cut back to what was whole: from then on it is no longer a matter of room.
    assert log.broken
    broken = someone.post("/v1/orders", buy("9000"))
    assert (broken.status, error_name(broken)) == (500, "internal_server_error")
    assert run.state() == before
    log.close()


def test_a_full_disk_is_told_apart_from_a_path_that_is_wrong(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path.parent.mkdir()
    monkeypatch.setattr(os, "open", full)
    with pytest.raises(DiskFull, match="No space left"):
        rebuild(venue(), path, WORLD)


def test_a_half_written_line_is_taken_back_and_the_log_goes_on(path: Path) -> None:
    run = venue()
    log = rebuild(run, path, WORLD)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
    try:
        with pytest.raises(DiskFull, match="the command was not done"):
            run.open_account("paper", {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (path.read_bytes(), run.accounts) == (before, {})
    run.open_account("paper", {})
    state = run.state()
    log.close()
    for again in reopened(path):
        assert again.state() == state


def test_a_line_that_was_cut_off_by_an_error_leaves_no_trace(path: Path) -> None:
    run = venue()
    log = rebuild(run, path, WORLD)
    before = path.read_bytes()
    writable, log.descriptor = log.descriptor, os.open(path, os.O_RDONLY)
    with pytest.raises(Unavailable, match="Bad file descriptor"):
        run.open_account("paper", {})
    with pytest.raises(Unavailable, match="could not be undone"):
        run.open_account("paper", {})
    log.close()
    log.descriptor, log.broken = writable, False
    run.open_account("paper", {})
    log.close()
    assert path.read_bytes().startswith(before)
    assert path.read_bytes().count(b"\n") == 2

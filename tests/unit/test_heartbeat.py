"""The guard's sign of life and its post: what doubt makes of them is silence."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from makenaide.app.detached import this_process
from makenaide.app.guardpost import Ground, OnDuty, Orders, Post, Standing, Watch, latest_post
from makenaide.config import Config
from makenaide.domain.errors import Misconfigured
from makenaide.execution.heartbeat import FRESH_SECONDS, Heartbeat, read_heartbeat

AT = datetime(2026, 1, 5, tzinfo=UTC)
BEAT = Heartbeat(at=AT, boot=1000.0, pid=7, born="x", version=3, digest="ab")


@dataclass
class Shelf:
    """Files in memory; None refuses to be read."""

    content: dict[Path, bytes | None] = field(default_factory=dict)

    def read(self, path: Path, start: int = 0) -> bytes | None:
        """The file."""
        if path in self.content and self.content[path] is None:
            raise PermissionError(path)
        return self.content.get(path)

    def replace(self, path: Path, content: bytes) -> None:
        """Never here."""
        raise AssertionError

    def append(self, path: Path, content: bytes) -> None:
        """Never here."""
        raise AssertionError

    def remove(self, path: Path) -> None:
        """Never here."""
        raise AssertionError


@pytest.mark.parametrize(
    ("boot", "age", "fresh"),
    [
        (1000.0, 0.0, True),
        (1000.0 + FRESH_SECONDS, FRESH_SECONDS, True),
        (1000.1 + FRESH_SECONDS, 0.1 + FRESH_SECONDS, False),
        (999.0, None, False),
    ],
    ids=["now", "just fresh", "just old", "written before the last boot"],
)
def test_a_heartbeat_ages_by_the_clock_since_boot(boot: float, age: float | None, fresh: bool) -> None:
    assert BEAT.age(boot) == (None if age is None else pytest.approx(age))
    assert BEAT.fresh(boot) is fresh


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", b'{"x":' + b"[" * 100_000])
def test_a_heartbeat_comes_back_and_what_cannot_be_read_is_none(content: bytes | None) -> None:
    path = Path("heartbeat.json")
    assert read_heartbeat(Shelf({path: BEAT.encoded()}), path) == BEAT
    assert read_heartbeat(Shelf({path: content}), path) is None
    assert read_heartbeat(Shelf(), path) is None


def orders(**other: str) -> Orders:
    """What a guard is told."""
    config = Config()
    return Orders(
        account="a",
        installation="0123",
        ground=Ground.PAPER,
        upbit=config.upbit,
        risk=config.risk,
        execution=config.execution,
        **other,
    )


def posted(folder: Path, guard: OnDuty, beat: Heartbeat | None) -> Post:
    post = Post(folder)
    post.give(orders())
    post.enter(guard)
    if beat is not None:
        post.heartbeat_file.write_bytes(beat.encoded())
    return post


ME = this_process()
HERE = OnDuty(pid=ME.pid, born=ME.born, orders="d")
GONE = OnDuty(pid=ME.pid, born="long ago", orders="d")


def beat_of(guard: OnDuty) -> Heartbeat:
    return Heartbeat(at=AT, boot=1000.0, pid=guard.pid, born=guard.born)


@pytest.mark.parametrize(
    ("guard", "beat", "boot", "watch"),
    [
        (HERE, beat_of(HERE), 1001.0, Watch.WATCHING),
        (HERE, beat_of(HERE), 1006.0, Watch.SILENT),
        (GONE, beat_of(GONE), 1001.0, Watch.SILENT),
        (HERE, beat_of(GONE), 1001.0, Watch.SILENT),
        (HERE, None, 1001.0, Watch.SILENT),
    ],
    ids=["lives and beats", "lives and hangs", "died", "its predecessor's heartbeat", "no heartbeat yet"],
)
def test_a_guard_watches_when_it_lives_and_its_own_heartbeat_is_fresh(
    tmp_path: Path, guard: OnDuty, beat: Heartbeat | None, boot: float, watch: Watch
) -> None:
    assert posted(tmp_path, guard, beat).standing(boot).watch is watch


def test_a_guard_that_left_is_not_missed(tmp_path: Path) -> None:
    post = posted(tmp_path, HERE, beat_of(HERE))
    assert post.standing(1001.0) == Standing(watch=Watch.WATCHING, pid=os.getpid(), since=AT, seconds=1.0)
    post.leave()
    post.leave()
    assert post.standing(1001.0) == Standing(watch=Watch.NONE)


def test_orders_come_back_with_every_setting_and_others_have_another_digest(tmp_path: Path) -> None:
    post = Post(tmp_path)
    post.give(orders())
    assert post.orders() == orders()
    assert post.orders().digest == orders().digest != orders(version="0.0.0").digest
    assert (post.folder / "guard.json").stat().st_mode & 0o077 == 0


def test_the_post_whose_orders_were_written_last_is_meant(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="nothing to guard below"):
        latest_post(tmp_path)
    for number, name in enumerate(("b", "c", "a")):
        Post(tmp_path / name).give(orders())
        os.utime(tmp_path / name / "guard" / "guard.json", (number, number))
    assert latest_post(tmp_path) == Post(tmp_path / "a")

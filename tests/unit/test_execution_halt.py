"""The kill switch: there is halted, damaged is halted, unreadable is halted, gone is not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from makenaide.domain.reason import Refusal
from makenaide.execution.disk import Disk
from makenaide.execution.halt import Halt, HaltFile, HaltPermit

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def switch(tmp_path: Path) -> HaltFile:
    return HaltFile(files=Disk(), path=tmp_path / "halt.json")


def test_a_halt_outlives_the_process_that_set_it_and_ends_when_it_is_lifted(switch: HaltFile) -> None:
    assert switch.halt() is None
    switch.set("the exchange behaves oddly", "kim", AT)
    again = HaltFile(files=Disk(), path=switch.path)
    assert again.halt() == Halt(reason="the exchange behaves oddly", by="kim", at=AT)
    assert switch.path.stat().st_mode & 0o077 == 0
    again.lift()
    assert switch.halt() is None
    again.lift()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"null",
        b"not json",
        b"\xff\xfe",
        b'{"reason": "x", "by": "y"}',
        b'{"reason": "x", "by": "y", "at": "yesterday"}',
        b'{"reason": "x", "by": "y", "at": "2026-01-05T09:00:00"}',
        b'{"reason": "x", "by": "y", "at": "2026-01-05T09:00:00Z", "lifted": true}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_halts(switch: HaltFile, content: bytes) -> None:
    switch.path.write_bytes(content)
    halt = switch.halt()
    assert halt is not None
    assert "damaged" in halt.reason
    switch.lift()
    assert switch.halt() is None


def test_a_file_that_cannot_be_read_halts(switch: HaltFile) -> None:
    switch.path.mkdir()
    halt = switch.halt()
    assert halt is not None
    assert "cannot be read" in str(halt)


def test_the_permit_forbids_buying_with_the_reason_and_at_once(switch: HaltFile) -> None:
    permit = HaltPermit(source=switch)
    assert permit.forbids(None) is None
    switch.set("enough", "kim", AT)
    forbidden = permit.forbids(None)
    assert forbidden is not None
    assert forbidden.refusal is Refusal.HALTED
    assert forbidden.cause == "halted since 2026-01-05T09:00:00+00:00 by kim: enough"
    switch.lift()
    assert permit.forbids(None) is None


def test_a_reason_without_end_is_cut(switch: HaltFile) -> None:
    switch.set("x" * 10_000, "kim", AT)
    halt = switch.halt()
    assert halt is not None
    assert len(halt.reason) == 500

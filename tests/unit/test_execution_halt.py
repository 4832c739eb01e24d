"""The kill switch: there is halted, damaged is halted, unreadable is halted, gone is not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from makenaide.cli.halt import set_halt
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
        b'{"reason": "x", "by": "y", "at": "0001-01-01T00:00:00+09:00"}',
        b'{"reason": "x", "by": "y", "at": "9999-12-31T23:59:59-09:00"}',
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


def test_a_reason_that_is_no_text_halts(switch: HaltFile) -> None:
    switch.set("odd \udcff bytes", "k\udc80m", AT)
    assert switch.halt() == Halt(reason="odd ? bytes", by="k?m", at=AT)


def test_what_cannot_be_written_down_halts_all_the_same(switch: HaltFile) -> None:
    switch.set("x", "kim", object())  # type: ignore[arg-type]
    assert switch.halt() is not None


def test_a_disk_that_takes_no_content_is_left_an_empty_file_that_halts(switch: HaltFile) -> None:
    class Full(Disk):
        def replace(self, path: Path, content: bytes) -> None:
            raise OSError(28, "No space left on device")

    full = HaltFile(files=Full(), path=switch.path)
    with pytest.raises(OSError, match="No space"):
        full.set("enough", "kim", AT)
    assert switch.halt() is not None


@pytest.mark.parametrize("broken", ["file", "variable"])
def test_the_command_halts_whatever_is_wrong_with_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setenv("MAKENAIDE_HOME", str(tmp_path))
    if broken == "file":
        (tmp_path / "makenaide.toml").write_text("[risk\n")
    else:
        monkeypatch.setenv("MAKENAIDE_NOSUCH", "1")
    set_halt("enough", as_json=True)
    halt = HaltFile(files=Disk(), path=tmp_path / "halt.json").halt()
    assert halt is not None
    assert halt.reason == "enough"

"""The logs of this machine: oldest first, nothing older than asked, and never more than a bounded piece."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makenaide.app import logbook
from makenaide.app.logbook import database_gap, database_lines, process_gap, process_lines

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def line(at: datetime, message: str) -> str:
    return json.dumps({"at": at.isoformat(timespec="milliseconds"), "message": message}, separators=(",", ":"))


def written(file: Path, *lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    os.utime(file, (NOW.timestamp(), NOW.timestamp()))
    return file


def test_files_put_aside_come_first_and_older_lines_not_at_all(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "makenaide.jsonl"
    written(log.with_name("makenaide.jsonl.10"), line(NOW - 4 * HOUR, "too old"), line(NOW - 2 * HOUR, "first"))
    written(log.with_name("makenaide.jsonl.2"), line(NOW - HOUR, "second"))
    written(log.with_name("makenaide.jsonl.bak"), line(NOW, "another file"))
    written(log, line(NOW, "third"))
    found = list(process_lines(tmp_path, NOW - 2 * HOUR))
    assert [each.text for each in found] == ["first", "second", "third"]
    assert [each.at for each in found] == [NOW - 2 * HOUR, NOW - HOUR, NOW]
    assert {each.log for each in found} == {"process"}


@pytest.mark.parametrize(
    "text", ["no json", "[1]", '{"at":7,"message":"m"}', '{"at":"2026-03-02T03:00:00"}', "{" * 99]
)
def test_a_line_that_makes_no_sense_is_told_without_a_time(tmp_path: Path, text: str) -> None:
    written(tmp_path / "logs" / "makenaide.jsonl", text)
    (found,) = process_lines(tmp_path, NOW - HOUR)
    assert found.at is None


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    file = written(tmp_path / "server.log")
    file.write_bytes(b"2026-03-02 02:30:00.000 UTC [7] FATAL:  \xff\xfe\x1b[31m\n")
    (found,) = database_lines(file, NOW - HOUR)
    assert found.at == NOW - HOUR / 2
    assert "FATAL" in found.text


def test_what_goes_on_over_several_lines_is_one_entry(tmp_path: Path) -> None:
    file = written(
        tmp_path / "server.log",
        "2026-03-02 00:30:00.000 UTC [7] LOG:  old",
        "\tits rest",
        "2026-03-02 02:59:00.123 UTC [8] ERROR:  new",
        "\tits rest",
        "a line of nobody",
    )
    written(tmp_path / "server.log.1", "2026-03-02 02:01:00.000 UTC [6] LOG:  put aside")
    found = list(database_lines(file, NOW - HOUR))
    assert [each.text for each in found][1:] == [
        "2026-03-02 02:59:00.123 UTC [8] ERROR:  new\n\tits rest",
        "a line of nobody",
    ]
    assert found[0].text.endswith("put aside")
    assert found[1].at == found[2].at


def test_of_a_long_log_only_the_newest_piece_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "_MOST_BYTES", 400)
    lines = [line(NOW - HOUR + timedelta(seconds=n), f"number {n}") for n in range(100)]
    written(tmp_path / "logs" / "makenaide.jsonl.1", line(NOW, "aside"))
    written(tmp_path / "logs" / "makenaide.jsonl", *lines)
    found = [each.text for each in process_lines(tmp_path, NOW - 2 * HOUR)]
    assert found == [f"number {n}" for n in range(100 - len(found), 100)]
    assert 3 <= len(found) <= 7


def test_an_entry_without_end_is_cut(tmp_path: Path) -> None:
    rest = ["\t" + "x" * 9_999] * 99
    file = written(
        tmp_path / "server.log",
        "2026-03-02 02:59:00.123 UTC [8] LOG:  statement: y",
        *rest,
        "2026-03-02 02:59:01.123 UTC [8] LOG:  next",
    )
    first, second = database_lines(file, NOW - HOUR)
    assert len(first.text) == 65_536
    assert second.text.endswith("next")


@pytest.mark.parametrize(("oldest", "gap"), [(NOW - 3 * HOUR, None), (NOW - 2 * HOUR, "cut"), (NOW - HOUR, "cut")])
def test_a_log_that_is_cut_is_told_when_what_is_left_out_may_be_young_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, oldest: datetime, gap: str | None
) -> None:
    monkeypatch.setattr(logbook, "_MOST_BYTES", 400)
    written(tmp_path / "logs" / "makenaide.jsonl", *[line(oldest, "m")] * 99)
    stamp = f"{oldest:%Y-%m-%d %H:%M:%S}.000 UTC [7] "
    server = written(tmp_path / "server.log", *[stamp + "LOG:  m"] * 99)
    process = process_gap(tmp_path, NOW - 2 * HOUR, begun=True)
    database = database_gap(server, NOW - 2 * HOUR, begun=True)
    assert [None if each is None else str(each.gap) for each in (process, database)] == [gap, gap]


def test_a_whole_file_that_is_left_out_is_told_and_one_that_is_too_old_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "_MOST_BYTES", 50)
    log = tmp_path / "logs" / "makenaide.jsonl"
    aside = written(log.with_name("makenaide.jsonl.1"), line(NOW - HOUR, "aside"))
    written(log, line(NOW, "x"))
    found = process_gap(tmp_path, NOW - 2 * HOUR, begun=True)
    assert found is not None
    assert (found.log, found.told) == ("process", f"{log}: the newest 50 bytes")
    os.utime(aside, ((NOW - 3 * HOUR).timestamp(),) * 2)
    monkeypatch.setattr(logbook, "_MOST_BYTES", log.stat().st_size)
    assert process_gap(tmp_path, NOW - 2 * HOUR, begun=True) is None


@pytest.mark.parametrize(("begun", "gap"), [(True, "absent"), (False, "unbegun")])
def test_a_log_that_is_not_there_is_told_by_whether_anything_ever_ran(
    tmp_path: Path, begun: bool, gap: str
) -> None:
    for found in (
        process_gap(tmp_path, NOW, begun=begun),
        database_gap(tmp_path / "server.log", NOW, begun=begun),
    ):
        assert found is not None
        assert found.gap == gap
    written(tmp_path / "logs" / "makenaide.jsonl.1", line(NOW, "aside"))
    written(tmp_path / "server.log")
    assert process_gap(tmp_path, NOW, begun=begun) is None
    assert database_gap(tmp_path / "server.log", NOW, begun=begun) is None


def test_there_may_be_no_log_at_all(tmp_path: Path) -> None:
    assert not list(process_lines(tmp_path, NOW))
    assert not list(database_lines(tmp_path / "server.log", NOW))

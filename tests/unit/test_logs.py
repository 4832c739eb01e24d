"""The log is one JSON object a line with the run's id, and goes to the data folder alone."""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.app.logs import JsonLines, causes_told, log_to
from makenaide.domain.errors import Misconfigured


@pytest.fixture(autouse=True)
def _own_logger() -> Iterator[None]:
    """Puts the program's logger back as it was."""
    root = logging.getLogger("makenaide")
    before = (list(root.handlers), root.level, root.propagate)
    root.handlers.clear()
    yield
    for each in root.handlers:
        with suppress(OSError):  # the full disk of a test below
            each.close()
    root.handlers[:], root.level, root.propagate = before


def lines(file: Path) -> list[dict[str, object]]:
    """The entries of the log."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def test_an_entry_has_its_time_level_run_and_everything_given_beside_it(tmp_path: Path) -> None:
    file = log_to(tmp_path, "r1")
    assert file == tmp_path / "logs" / "makenaide.jsonl"
    logger = logging.getLogger("makenaide.execution.submit")
    logger.info("sent %s", "order", extra={"action": "order.sent", "total": Decimal("1.50"), "at_slot": Path("x")})
    (entry,) = lines(file)
    moment = str(entry.pop("at"))
    assert moment.endswith("+00:00")
    assert len(moment) == len("2025-01-01T00:00:00.000+00:00")
    assert entry == {
        "level": "INFO",
        "logger": "makenaide.execution.submit",
        "run": "r1",
        "message": "sent order",
        "action": "order.sent",
        "total": "1.50",
        "at_slot": "x",
    }


def test_a_fault_is_logged_with_its_trace_on_the_same_line(tmp_path: Path) -> None:
    file = log_to(tmp_path, "r1")
    fault = ValueError("broken\nin two lines")
    logging.getLogger("makenaide").error("oops", exc_info=fault)
    (entry,) = lines(file)
    assert "ValueError: broken\nin two lines" in str(entry["exception"])


def test_a_line_break_in_a_message_makes_no_second_entry(tmp_path: Path) -> None:
    file = log_to(tmp_path, "r1")
    logging.getLogger("makenaide").warning('one\n{"level": "INFO"}\u2028\x1b')
    assert [entry["message"] for entry in lines(file)] == ['one\n{"level": "INFO"}\u2028\x1b']


def test_a_second_run_in_one_process_logs_once_and_under_its_own_id(tmp_path: Path) -> None:
    first = log_to(tmp_path / "a", "r1")
    second = log_to(tmp_path / "b", "r2")
    logging.getLogger("makenaide").info("x")
    logging.getLogger("makenaide").debug("too fine")
    assert lines(first) == []
    assert [entry["run"] for entry in lines(second)] == ["r2"]
    assert not logging.getLogger("makenaide").propagate


def test_a_log_that_cannot_be_written_is_told_once_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "makenaide.jsonl").symlink_to(full)
    log_to(tmp_path, "r1")
    for _ in range(3):
        logging.getLogger("makenaide").info("lost")
    assert capsys.readouterr().err.count("the log cannot be written: ") == 1


def test_a_folder_that_cannot_hold_a_log_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    with pytest.raises(Misconfigured):
        log_to(tmp_path, "r1")


def test_causes_of_one_action_are_told_while_somebody_listens(tmp_path: Path) -> None:
    log_to(tmp_path, "r1")
    logger, told = logging.getLogger("makenaide.pipeline"), list[str]()
    with causes_told("cycle.broken", told.append):
        logger.warning("x", extra={"action": "cycle.broken", "cause": "no network"})
        logger.warning("x", extra={"action": "another", "cause": "no"})
        logger.warning("x")
    logger.warning("x", extra={"action": "cycle.broken", "cause": "too late"})
    assert told == ["no network"]


def test_the_formatter_alone_needs_no_file() -> None:
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "m", None, None)
    assert json.loads(JsonLines("r").format(record))["level"] == "ERROR"

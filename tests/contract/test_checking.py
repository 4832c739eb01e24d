"""Taking lists: kept once a slot with one message, compared with the run before, folded where somebody knows."""

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makenaide.app.checking import Ground, Taken, acknowledge, ground_of, look, present, take_list
from makenaide.app.database import Store
from makenaide.app.scene import scene_of
from makenaide.domain.errors import Misconfigured
from makenaide.domain.verdict import Verdict
from makenaide.ops.check import Check, Checklist, Severity
from makenaide.ops.checks.register import LISTS
from makenaide.ops.evidence import Evidence, Said
from makenaide.ops.scene import PartState, Scene
from makenaide.store.accounts import Account, open_account
from makenaide.store.checklists import Acknowledgement, checklist_taken
from makenaide.store.db import Database
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.evidence import account_subject, evidence_of
from makenaide.store.outbox import message_of, undelivered
from tests.contract.looking import SchemaStore, environment

ACCOUNT = Account(
    account_id="0001aaaaaaaa",
    venue="simulator",
    mode="paper",
    feed="feed",
    installation="0001",
    identity={},
    settings={},
    first_slot=None,
    last_slot=None,
)
SLOT = datetime(2026, 11, 28, 0, 10, tzinfo=UTC)
KEY = f"morning {SLOT.isoformat()} {ACCOUNT.account_id}"
DAY = timedelta(days=1)
PASS, WARN, FAIL = Verdict.PASS, Verdict.WARN, Verdict.FAIL


@dataclass(slots=True)
class Board:
    """A morning list whose verdicts a test sets, in a world whose time it sets, too."""

    verdicts: dict[str, Verdict]
    at: datetime = SLOT
    said: str = "fine"
    key: str = "m1_up"
    also: list[str] = field(default_factory=list)
    barrier: threading.Barrier | None = None
    looks: list[str] = field(default_factory=list)

    def checks(self) -> tuple[Check, ...]:
        return tuple(
            Check(id=name, list=Checklist.MORNING, severity=Severity.MAJOR, look=self._look(name))
            for name in self.verdicts
        )

    def _look(self, name: str) -> Any:
        def looked(_: Scene) -> Evidence:
            if self.barrier is not None:
                self.barrier.wait(20)
            self.looks.append(name)
            return Evidence(
                verdict=self.verdicts[name],
                value={"said": self.said, "also": self.also},
                source="the test",
                taken_at=self.at,
                valid_for=timedelta(hours=1),
                said=Said(self.key, {"word": self.said}),
            )

        return looked


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    made = Board({"M1": PASS, "M2": WARN})
    monkeypatch.setitem(LISTS, Checklist.MORNING, made.checks())

    def at_that_time(*arguments: Any, **more: Any) -> Any:
        return _Dated(scene_of(*arguments, venue=False, **more), made)

    monkeypatch.setattr("makenaide.app.checking.scene_of", at_that_time)
    return made


class _Dated:
    """A scene whose time the board sets."""

    def __init__(self, opening: Any, board: Board) -> None:
        self._opening, self._board = opening, board

    def __enter__(self) -> Scene:
        scene: Scene = self._opening.__enter__()
        return replace(scene, now=self._board.at)

    def __exit__(self, *fault: Any) -> Any:
        return self._opening.__exit__(*fault)


@pytest.fixture
def store(postgres: EmbeddedPostgres, schema: str, journal: Database) -> Store:
    open_account(journal, ACCOUNT)
    return SchemaStore(conninfo=postgres.conninfo, location="tests", embedded=False, schema=schema)


def render(taken: Taken) -> tuple[str, str]:
    return f"{taken.verdict}", ", ".join(f"{each.id} {each.before}-{each.after}" for each in taken.changed)


def take(store: Store | None, home: Path, slot: datetime | None = SLOT) -> Taken | None:
    return take_list(environment(home), store, ACCOUNT, (Checklist.MORNING, slot), render)


def test_a_list_is_kept_with_its_evidence_and_its_one_message(
    board: Board, store: Store, journal: Database, tmp_path: Path
) -> None:
    taken = take(store, tmp_path)
    assert taken is not None
    assert (taken.verdict, taken.kept, taken.changed) == (WARN, True, ())
    found = message_of(journal, KEY)
    assert found is not None
    assert (found.title, found.at, found.urgency) == ("WARN", SLOT, "warning")
    assert found.detail["checks"] == {"M1": "PASS", "M2": "WARN"}
    assert set(found.detail["heads"]) == set(taken.heads)
    (kept,) = evidence_of(journal, "m2", account_subject(ACCOUNT.account_id))
    assert (kept.verdict, kept.taken_at, kept.valid_until) == (WARN, SLOT, SLOT + timedelta(hours=1))
    assert kept.detail["said"] == {"key": "m1_up", "values": {"word": "fine"}}
    assert take(store, tmp_path) is None
    assert board.looks == ["M1", "M2"], "what was taken is not even looked at again"


def test_of_two_who_take_the_same_list_at_once_one_tells(
    board: Board, store: Store, journal: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.barrier = threading.Barrier(4)  # two lists of two looks each
    found: list[Taken | None] = []
    threads = [threading.Thread(target=lambda: found.append(take(store, tmp_path))) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(board.looks) == 4
    assert sorted(each is None for each in found) == [False, True]
    assert len(undelivered(journal, "log", SLOT - DAY)) == 1
    assert len(evidence_of(journal, "m1", account_subject(ACCOUNT.account_id))) == 1


def test_todays_list_is_compared_with_yesterdays_whatever_a_person_looked_at_in_between(
    board: Board, store: Store, tmp_path: Path
) -> None:
    ground = Ground(env=environment(tmp_path), store=store)
    take(store, tmp_path)
    board.verdicts["M1"] = FAIL
    board.at = SLOT + DAY / 2
    byhand = look(ground, ACCOUNT, board.checks(), whole=True)
    assert [(each.id, each.before, each.after) for each in byhand.changed] == [("M1", PASS, FAIL)]
    board.at = SLOT + DAY
    taken = take(store, tmp_path, SLOT + DAY)
    assert taken is not None
    assert [(each.id, each.before, each.after) for each in taken.changed] == [("M1", PASS, FAIL)]
    board.at = SLOT + 2 * DAY
    taken = take(store, tmp_path, SLOT + 2 * DAY)
    assert taken is not None
    assert (taken.changed, taken.was) == ((), {"M1": FAIL, "M2": WARN})


def test_a_single_check_is_compared_with_the_last_look_at_it_and_belongs_to_no_list(
    board: Board, store: Store, journal: Database, tmp_path: Path
) -> None:
    ground = Ground(env=environment(tmp_path), store=store)
    take(store, tmp_path)
    board.at += timedelta(minutes=1)
    board.verdicts["M2"] = FAIL
    found = look(ground, ACCOUNT, board.checks()[1:], whole=False)
    assert [(each.id, each.before, each.after) for each in found.changed] == [("M2", WARN, FAIL)]
    assert len(evidence_of(journal, "m2", account_subject(ACCOUNT.account_id))) == 2
    assert not checklist_taken(journal, ACCOUNT.account_id, "morning", board.at)


def word(until: date, at: datetime = SLOT) -> Acknowledgement:
    return Acknowledgement(check_id="M2", until=until, actor="person kim", note="known", at=at)


@pytest.mark.parametrize(
    ("verdict", "day", "folded"),
    [(WARN, 28, True), (WARN, 29, True), (WARN, 27, False), (FAIL, 29, False), (Verdict.UNKNOWN, 29, False)],
)
def test_only_a_warning_is_folded_and_only_until_its_day_has_passed(
    board: Board, store: Store, journal: Database, tmp_path: Path, *, verdict: Verdict, day: int, folded: bool
) -> None:
    take(store, tmp_path, None)
    early = word(date(2026, 11, day), at=SLOT - 5 * DAY)
    acknowledge(journal, ACCOUNT.account_id, early)
    board.verdicts["M2"] = verdict
    taken = take(store, tmp_path)
    assert taken is not None
    assert ("M2" in taken.acknowledged) is folded
    found = message_of(journal, KEY)
    assert found is not None
    assert (found.urgency == "info") is folded


def test_another_warning_of_the_same_check_is_not_folded(
    board: Board, store: Store, journal: Database, tmp_path: Path
) -> None:
    board.also = ["m2_slow"]
    take(store, tmp_path, None)
    acknowledge(journal, ACCOUNT.account_id, word(date(2026, 11, 29)))
    others: tuple[tuple[list[str], str, bool], ...] = (
        (["m2_slow"], "m1_up", True),
        ([], "m1_up", False),
        (["m2_slow"], "m1_other", False),
    )
    for number, (also, key, folded) in enumerate(others):
        board.also, board.key = also, key
        taken = take(store, tmp_path, SLOT + timedelta(minutes=number))
        assert taken is not None
        assert ("M2" in taken.acknowledged) is folded, (also, key)


def test_only_a_warning_that_somebody_saw_can_be_acknowledged(
    board: Board, store: Store, journal: Database, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match="nobody has looked yet; `makenaide check M2` does"):
        acknowledge(journal, ACCOUNT.account_id, word(date(2026, 11, 29)))
    for verdict in (FAIL, Verdict.UNKNOWN, PASS):
        board.verdicts["M2"] = verdict
        take(store, tmp_path, None)
        with pytest.raises(Misconfigured, match=f"M2: it is {verdict}, and only a WARN is folded"):
            acknowledge(journal, ACCOUNT.account_id, word(date(2026, 11, 29)))
    assert journal.row("audit_of", account_id=ACCOUNT.account_id, action="check.acknowledge") is None


def test_a_word_is_audited_and_none_is_taken_for_a_day_that_is_over(
    board: Board, store: Store, journal: Database, tmp_path: Path
) -> None:
    take(store, tmp_path, None)
    acknowledge(journal, ACCOUNT.account_id, word(date(2026, 11, 28)))
    row = journal.row("audit_of", account_id=ACCOUNT.account_id, action="check.acknowledge")
    assert row is not None
    assert (row.actor, row.detail) == ("person kim", {"check": "M2", "until": "2026-11-28", "note": "known"})
    with pytest.raises(Misconfigured, match="that day is over"):
        acknowledge(journal, ACCOUNT.account_id, word(date(2026, 11, 27)))


def test_hostile_words_are_kept_as_they_are_as_far_as_a_database_can(
    board: Board, store: Store, journal: Database, tmp_path: Path
) -> None:
    board.said = "'; drop table evidence; --\x1b[31m\0\ud800한글"
    assert take(store, tmp_path) is not None
    (kept,) = evidence_of(journal, "m1", account_subject(ACCOUNT.account_id))
    assert kept.detail["value"]["said"] == "'; drop table evidence; --\x1b[31m\ufffd?한글"


# ---- without the database ----


@dataclass(slots=True)
class Ear:
    """Hears what is told without the database."""

    heard: list[Any] = field(default_factory=list)

    def __call__(self, _env: Any, store: Any, message: Any) -> bool:
        assert store is None
        self.heard.append(message)
        return True


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    made = Ear()
    monkeypatch.setattr("makenaide.app.notify.tell", made)
    return made


@pytest.mark.parametrize("embedded", [False, True])
def test_without_the_database_the_looks_go_on_and_the_message_goes_out(
    board: Board, ear: Ear, tmp_path: Path, embedded: bool
) -> None:
    away = None if embedded else SchemaStore(conninfo="", location="", embedded=False, schema="x", away=True)
    taken = take(away, tmp_path)
    assert taken is not None
    assert not taken.kept
    assert board.looks == ["M1", "M2"]
    (message,) = ear.heard
    assert message.key == KEY
    take(away, tmp_path, None)
    assert len(ear.heard) == 1, "what a person asks for is told to that person alone"


def test_a_database_that_is_lost_in_the_middle_is_told_of_once(
    board: Board, ear: Ear, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> bool:
        raise Misconfigured("gone in the middle")

    monkeypatch.setattr("makenaide.app.checking.keep_list", lost)
    taken = take(store, tmp_path)
    assert taken is not None
    assert (taken.kept, taken.away) == (False, "gone in the middle")
    assert [each.key for each in ear.heard] == [KEY]


def test_a_database_that_does_not_open_is_part_of_what_is_looked_at(tmp_path: Path) -> None:
    env = replace(environment(tmp_path), database_url=None)
    tmp_path.joinpath("postgres").mkdir()
    tmp_path.joinpath("postgres", "data").mkdir()
    tmp_path.joinpath("postgres", "data", "PG_VERSION").write_text("9\n", encoding="ascii")
    with ground_of(env) as ground:
        assert ground.store is None
        assert ground.found is not None
        assert ground.found.state is not PartState.UP
        assert ground.away
        assert ground.found.detail == ground.away


def test_the_present_of_a_stepped_account_is_where_its_books_end(store: Store, journal: Database) -> None:
    stepped = replace(ACCOUNT, account_id="0002bbbbbbbb", first_slot=SLOT, last_slot=SLOT)
    open_account(journal, stepped)
    assert abs(present(journal, stepped) - datetime.now(UTC)) < timedelta(minutes=1), "it has no books yet"
    journal.do("run_open", account_id=stepped.account_id, slot=SLOT, at=SLOT)
    assert present(journal, stepped) == SLOT
    assert abs(present(journal, ACCOUNT) - datetime.now(UTC)) < timedelta(minutes=1)

"""The proof before the power goes: with everything there it goes; whatever is missing keeps it, and is named."""

from dataclasses import replace
from typing import Any

import pytest

from makenaide.domain.verdict import Verdict
from makenaide.ops.proof import AccountFacts, BackupFacts, DeadMan, Facts, Held, Item, prove

STOPS = Held(version=4, digest="d4")


def account(**changes: Any) -> AccountFacts:
    """An account with one position, and everything in order."""
    base = AccountFacts(
        account="0123456789ab",
        live=False,
        stepped=False,
        positions=("KRW-BTC-20261128T0900",),
        ledger="d4",
        published=STOPS,
        guard=STOPS,
        beat=0.8,
    )
    return replace(base, **changes)


BACKUP = BackupFacts(schema="paper", name="b1", intact=True, verified=True)
NOBODY = DeadMan(wanted=False)


def facts(one: AccountFacts, backup: BackupFacts = BACKUP, dead_man: DeadMan = NOBODY) -> Facts:
    """The facts of one account."""
    return Facts(accounts=(one,), backups=(backup,), dead_man=dead_man)


def missing(what: Facts) -> list[Item]:
    """The items that keep the database up."""
    return [each.item for each in prove(what).missing]


def test_everything_in_order_is_proof_and_the_dead_man_is_not_applicable_on_paper_by_a_line() -> None:
    proof = prove(facts(account()))
    assert proof.missing == ()
    verdicts = {each.item: each.verdict for each in proof.findings}
    assert verdicts == dict.fromkeys(set(Item) - {Item.BOOKS}, Verdict.PASS) | {
        Item.DEAD_MAN: Verdict.NOT_APPLICABLE
    }
    (line,) = [each.cause for each in proof.findings if each.item is Item.DEAD_MAN]
    assert "operations.dead_man = false" in line


@pytest.mark.parametrize(
    ("changes", "item", "word"),
    [
        ({"published": None}, Item.STOPS, "no stops are published"),
        ({"ledger": "d5"}, Item.STOPS, "not what the books ask for"),
        ({"guard": None}, Item.STOPS, "does not say what it holds"),
        ({"guard": Held(version=3, digest="d4")}, Item.STOPS, "holds version 3 of the stops, not 4"),
        ({"guard": Held(version=4, digest="d3")}, Item.STOPS, "holds version 4"),
        ({"journal": "read-only"}, Item.JOURNAL, "read-only"),
        ({"fault": "there is no stops file any more"}, Item.JOURNAL, "no stops file"),
        ({"beat": None}, Item.HEARTBEAT, "no guard is heard"),
        ({"beat": 5.1}, Item.HEARTBEAT, "heard 5.1 s ago"),
        ({"unsettled": ("mk1-x",)}, Item.ORDERS, "mk1-x"),
        ({"holder": "process 7 (run, 1)"}, Item.HOLDER, "process 7"),
        ({"unreadable": ("KRW-ETH-1",)}, Item.BOOKS, "KRW-ETH-1"),
        ({"live": True}, Item.DEAD_MAN, "operations.dead_man = false"),
    ],
)
def test_each_thing_that_is_missing_refuses_by_its_name(changes: dict[str, Any], item: Item, word: str) -> None:
    proof = prove(facts(account(**changes)))
    assert [each.item for each in proof.missing] == [item]
    assert word in str(proof.missing[0])


@pytest.mark.parametrize(
    ("backup", "word"),
    [
        (BackupFacts(schema="paper", name=None), "there is none"),
        (replace(BACKUP, intact=False), "its bytes are not those"),
        (replace(BACKUP, verified=False), "never restored"),
        (replace(BACKUP, behind=("0123456789ab's fill 7",)), "does not hold: 0123456789ab's fill 7"),
    ],
)
def test_the_last_backup_has_to_be_whole_restored_and_of_now(backup: BackupFacts, word: str) -> None:
    (only,) = prove(facts(account(), backup)).missing
    assert only.item is Item.BACKUP
    assert word in only.cause


@pytest.mark.parametrize(
    ("dead_man", "verdict"),
    [
        (DeadMan(wanted=True), Verdict.FAIL),
        (DeadMan(wanted=True, seconds=500.0), Verdict.FAIL),
        (DeadMan(wanted=True, seconds=30.0), Verdict.PASS),
    ],
)
def test_a_dead_man_that_is_wanted_has_to_be_heard(dead_man: DeadMan, verdict: Verdict) -> None:
    (found,) = [each for each in prove(facts(account(), dead_man=dead_man)).findings if each.item is Item.DEAD_MAN]
    assert found.verdict is verdict


def test_everything_that_is_missing_is_named_at_once() -> None:
    bare = account(published=None, guard=None, beat=None, journal="full", unsettled=("mk1-x",), holder="somebody")
    assert missing(facts(bare, BackupFacts(schema="paper", name=None))) == [
        Item.HOLDER,
        Item.ORDERS,
        Item.STOPS,
        Item.JOURNAL,
        Item.HEARTBEAT,
        Item.BACKUP,
    ]


def test_without_positions_no_guard_is_needed() -> None:
    flat = account(positions=(), published=None, guard=None, beat=None, live=True, journal="gone")
    assert missing(facts(flat)) == []
    assert missing(facts(replace(flat, unsettled=("mk1-x",)))) == [Item.ORDERS]


def test_a_position_whose_time_stands_still_needs_none() -> None:
    assert missing(facts(account(stepped=True, published=None, guard=None, beat=None))) == []


def test_a_person_may_accept_bare_positions_but_no_order_in_doubt_and_no_missing_backup() -> None:
    bare = account(published=None, guard=None, beat=None, accepted=True, live=True)
    proof = prove(facts(bare))
    assert proof.missing == ()
    assert all("KRW-BTC-20261128T0900" in each.cause for each in proof.findings if each.verdict is Verdict.WARN)
    doubtful = replace(bare, unsettled=("mk1-x",))
    assert missing(facts(doubtful, BackupFacts(schema="paper", name=None))) == [Item.ORDERS, Item.BACKUP]


def test_every_account_counts() -> None:
    other = account(account="ba9876543210", beat=None)
    proof = prove(Facts(accounts=(account(), other), backups=(BACKUP,), dead_man=NOBODY))
    assert [(each.item, each.subject) for each in proof.missing] == [(Item.HEARTBEAT, "ba9876543210")]

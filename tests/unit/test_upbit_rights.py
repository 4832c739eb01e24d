"""What the venue lists as a key's rights: only its own row of an answered call counts."""

from typing import Any

import pytest

from makenaide.exchange.simulator.settings import ALL_SCOPES
from makenaide.exchange.upbit.outcomes import KeyRight, ListedRights, NoRight, Unclear
from tests.unit.upbit_desk import desk
from tests.unit.upbit_script import KEYS, Script, Step, StepClock, client_of, refused, reply

OWN = {"access_key": KEYS.access, "permissions": ["view_account", "deposit"]}
OTHER = {"access_key": "another", "permissions": ["withdraw"]}


def test_a_key_that_manages_no_pockets_is_not_shown_the_list() -> None:
    assert desk(scopes=frozenset({"view_account", "make_orders"})).client.listed_rights() == NoRight()


def test_a_key_that_does_is_shown_its_own_rights() -> None:
    scopes = ALL_SCOPES | {"manage_pockets", "deposit"}
    assert desk(scopes=scopes).client.listed_rights() == ListedRights(frozenset(scopes))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (refused(401, "out_of_scope"), NoRight()),
        (refused(403, "out_of_scope"), NoRight()),
        (reply([{"uuid": "p", "keys": [OTHER, OWN]}]), ListedRights(frozenset({"view_account", "deposit"}))),
        (reply([OTHER, OWN]), ListedRights(frozenset({"view_account", "deposit"}))),
    ],
)
def test_an_answer_is_read(step: Step, expected: KeyRight) -> None:
    assert asked(step) == expected


@pytest.mark.parametrize(
    "step",
    [
        refused(400, "out_of_scope"),
        refused(404, "not_found"),
        reply([]),
        reply({}),
        reply([{"uuid": "p", "keys": [OTHER]}]),
        reply([{"access_key": KEYS.access}]),
        reply([{"access_key": KEYS.access, "permissions": None}]),
        reply([7]),
        reply(b"<html>"),
        reply(b"\xff"),
    ],
)
def test_anything_else_says_nothing(step: Step) -> None:
    assert isinstance(asked(step), Unclear)


def asked(step: Step) -> Any:
    clock = StepClock()
    return client_of(Script([step], clock), clock, KEYS, lambda: "nonce").listed_rights()

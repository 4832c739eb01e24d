"""E6: the trading key's end and rights."""

from datetime import timedelta

import pytest

from makenaide.exchange.venue import ApiKeyTerm
from makenaide.ops.checks.keys import key
from makenaide.store.accounts import Account
from tests.unit.evening_scene import KEY, NOW, Shop, Told, evening, keys, said

GOOD = {"withdraw": "no", "address": "yes", "deposit": "no", "transfer": "no", "pockets": "no"}
ACCOUNT = Account(
    account_id="0001aaaaaaaa",
    venue="upbit",
    mode="paper",
    feed="feed",
    installation="0001",
    identity={},
    settings={},
    first_slot=None,
    last_slot=None,
)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def shop(left: timedelta, access: str = KEY.access) -> Shop:
    """A venue whose list has somebody else's key, and one of `access` that ends so much later."""
    other = ApiKeyTerm(access="other", expires_at=NOW)
    return Shop(keys=[other, ApiKeyTerm(access=access, expires_at=NOW + left)])


@pytest.mark.parametrize(
    ("left", "verdict", "spoken"),
    [
        (30 * DAY + SECOND, "PASS", "e6_valid"),
        (30 * DAY, "WARN", "e6_ends"),
        (7 * DAY + SECOND, "WARN", "e6_ends"),
        (7 * DAY, "WARN", "e6_ends"),
        (DAY + SECOND, "WARN", "e6_ends"),
        (DAY, "FAIL", "e6_ends"),
        (SECOND, "FAIL", "e6_ends"),
        (timedelta(0), "FAIL", "e6_ended"),
        (-DAY, "FAIL", "e6_ended"),
    ],
)
def test_the_keys_end_comes_near_in_steps(left: timedelta, verdict: str, spoken: str) -> None:
    found = key(evening(venue=shop(left), rights=Told(words=GOOD), key=KEY))
    assert said(found) == (verdict, spoken)
    assert found.value["days"] == round(left / DAY, 2)


def test_the_steps_are_settings() -> None:
    looked = evening(venue=shop(40 * DAY), rights=Told(words=GOOD), key=KEY, key_warn_days=(60, 14))
    assert said(key(looked)) == ("WARN", "e6_ends")
    near = evening(venue=shop(DAY / 2), rights=Told(words=GOOD), key=KEY, key_warn_days=(60, 14))
    assert said(key(near)) == ("WARN", "e6_ends")


@pytest.mark.parametrize(
    ("rights", "verdict", "spoken"),
    [
        (GOOD | {"withdraw": "yes"}, "FAIL", "e6_withdraws"),
        (GOOD | {"withdraw": "the exchange is closed"}, "UNKNOWN", "e6_unprobed"),
        ({"address": "yes"}, "UNKNOWN", "e6_unprobed"),
        (GOOD | {"address": "no"}, "FAIL", "e6_address"),
        (GOOD | {"address": "no answer"}, "UNKNOWN", "e6_unprobed"),
        ({"withdraw": "no"}, "UNKNOWN", "e6_unprobed"),
        (GOOD | {"deposit": "yes"}, "WARN", "e6_too_much"),
        (GOOD | {"transfer": "yes"}, "WARN", "e6_too_much"),
        (GOOD | {"pockets": "yes"}, "WARN", "e6_too_much"),
        (GOOD | {"pockets": "cannot be asked"}, "UNKNOWN", "e6_unprobed"),
        ({"withdraw": "no", "address": "yes"}, "UNKNOWN", "e6_unprobed"),
        (GOOD | {"deposit": "no probe", "transfer": "no probe"}, "PASS", "e6_valid"),
    ],
)
def test_a_key_that_may_too_much_or_of_which_it_is_not_known_does_not_pass(
    rights: dict[str, str], verdict: str, spoken: str
) -> None:
    found = key(evening(venue=shop(99 * DAY), rights=Told(words=rights), key=KEY))
    assert said(found) == (verdict, spoken)
    assert found.value["rights"] == rights


def test_all_that_is_wrong_is_named_and_the_worst_speaks() -> None:
    rights = {"withdraw": "?", "address": "no", "deposit": "yes", "pockets": "yes"}
    found = key(evening(venue=shop(5 * DAY), rights=Told(words=rights), key=KEY))
    assert keys(found) == ["e6_address", "e6_ends", "e6_unprobed", "e6_too_much"]


def test_a_venue_that_does_not_answer_hides_no_right_that_is_known() -> None:
    found = key(evening(venue=Shop(), rights=Told(words=GOOD | {"withdraw": "yes"}), key=KEY))
    assert keys(found) == ["e6_withdraws", "e6_no_answer"]
    assert said(key(evening(venue=Shop(), rights=Told(words=GOOD), key=KEY))) == ("UNKNOWN", "e6_no_answer")


def test_a_key_that_is_not_listed_or_whose_rights_cannot_be_asked_is_unknown() -> None:
    assert said(key(evening(venue=shop(99 * DAY, "x"), rights=Told(words=GOOD), key=KEY))) == (
        "UNKNOWN",
        "e6_unlisted",
    )
    assert said(key(evening(venue=shop(99 * DAY), rights=Told(), key=KEY))) == ("UNKNOWN", "e6_unprobed")
    assert said(key(evening(venue=shop(99 * DAY), key=KEY))) == ("UNKNOWN", "e6_unprobed")


def test_without_a_key_there_is_nothing_to_look_at_but_never_with_real_money() -> None:
    found = key(evening())
    assert said(found) == ("N/A", "e6_no_key")
    assert found.value["line"] == "MAKENAIDE_UPBIT_ACCESS_KEY is not set"
    assert said(key(evening(live=True))) == ("UNKNOWN", "e6_no_key")


def test_a_key_that_is_good_is_called_free_of_no_right_that_nobody_can_ask_about() -> None:
    for words, told in ((GOOD, "-"), (GOOD | {"deposit": "?", "transfer": "no probe"}, "deposit, transfer")):
        found = key(evening(venue=shop(99 * DAY), rights=Told(words=words), key=KEY))
        assert said(found) == ("PASS", "e6_valid")
        assert found.said.values["unprobed"] == told


def test_a_key_that_is_there_is_not_said_to_be_missing() -> None:
    paper = key(evening(account=ACCOUNT, venue=shop(99 * DAY), key=KEY))
    assert said(paper) == ("N/A", "e6_unused")
    assert paper.value == {"key": KEY.mark, "line": "mode = paper"}
    for unasked in (evening(account=ACCOUNT, key=KEY, live=True), evening(key=KEY, live=True), evening(key=KEY)):
        found = key(unasked)
        assert said(found) == ("UNKNOWN", "e6_unasked")
        assert found.said.values["cause"] == unasked.no_venue == "nobody answers"


def test_no_evidence_holds_the_key_itself() -> None:
    found = key(evening(venue=shop(99 * DAY), rights=Told(words=GOOD), key=KEY))
    assert KEY.access not in str(found)
    assert found.value["key"] == KEY.mark

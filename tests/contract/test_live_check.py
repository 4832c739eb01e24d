"""Live mode opens only when every precondition holds; each alone keeps it closed, and all are told at once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.app.evidence import signing_key
from makenaide.app.halted import MARKER, holds_live
from makenaide.app.live import (
    CONDITIONS,
    Grounds,
    LiveCheck,
    admit,
    check_leaving,
    check_live,
    confirm,
    sentence,
)
from makenaide.app.person import person
from makenaide.config import LiveSettings, LiveVenue
from makenaide.domain.errors import LiveClosed, Misconfigured
from makenaide.domain.verdict import Verdict
from makenaide.environment import UpbitSecrets
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.settings import VenueSettings
from makenaide.execution.halt import Halt
from makenaide.ops.readiness import RehearsalPermit, store_rehearsal
from makenaide.store.accounts import Account, open_account
from makenaide.store.db import Database
from makenaide.store.embedded import EmbeddedPostgres
from tests.contract.live import (
    CANARY,
    LIMITS,
    NOW,
    SECRETS,
    TRADING,
    asked,
    environment_of,
    grounds,
    result,
    schema_of,
)
from tests.unit.simulator_street import flat, opened

ALL = TRADING | {"withdraw", "view_withdrawals"}


@pytest.fixture(scope="module")
def kept(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with schema_of(postgres, "check_live") as connection:
        yield connection


@pytest.fixture
def db(kept: Database) -> Iterator[Database]:
    """A live schema without a row: what a test writes is undone."""
    with kept.connection.transaction(force_rollback=True):
        yield kept


@pytest.fixture
def ready(db: Database, tmp_path: Path) -> Grounds:
    """Everything holds."""
    env = environment_of(tmp_path)
    found = grounds(env, db)
    store_rehearsal(db, result(env.config))
    assert confirm(found, sentence(found))
    return found


def broken(check: LiveCheck) -> dict[str, Verdict]:
    return {each.name: each.verdict for each in check.broken}


def seen(check: LiveCheck, name: str) -> str:
    return next(each.seen for each in check.conditions if each.name == name)


def test_with_everything_in_place_it_opens(ready: Grounds) -> None:
    check = check_live(ready)
    assert check.open, check
    assert tuple(each.name for each in check.conditions) == CONDITIONS
    admission = admit(ready, check)
    assert admission.account_id == ready.wanted.account_id
    assert admission.keys.secret == SECRETS.secret


def test_with_nothing_in_place_every_reason_is_told_at_once(db: Database, tmp_path: Path) -> None:
    env = replace(environment_of(tmp_path, LiveSettings()), secrets=UpbitSecrets())
    probes = asked()
    bare = grounds(env, db, probes=probes)
    check = check_live(bare)
    assert broken(check) == {
        "keys": Verdict.FAIL,
        "withdrawal": Verdict.UNKNOWN,
        "address": Verdict.UNKNOWN,
        "limits": Verdict.FAIL,
        "rehearsal": Verdict.FAIL,
        "confirmation": Verdict.FAIL,
    }
    assert probes.times == 0
    with pytest.raises(LiveClosed) as fault:
        admit(bare, check)
    for name in broken(check):
        assert f"{name}: " in str(fault.value)
    assert fault.value.exit_code == 14


@pytest.mark.parametrize("status", [401, 403])
def test_both_ways_of_saying_that_a_right_is_missing_open(ready: Grounds, status: int) -> None:
    assert check_live(replace(ready, probes=asked(out_of_scope_status=status))).open


@pytest.mark.parametrize(
    ("venue", "expected", "words"),
    [
        (VenueSettings(), Verdict.FAIL, "has the right to withdraw"),
        (VenueSettings(withdrawals_locked=True), Verdict.FAIL, "has the right to withdraw"),
        (VenueSettings(missing_withdrawal="invalid_parameter"), Verdict.UNKNOWN, "invalid_parameter"),
    ],
)
def test_a_key_that_could_withdraw_or_might_keeps_it_closed(
    ready: Grounds, venue: VenueSettings, expected: Verdict, words: str
) -> None:
    place: Venue = opened(flat(), settings=venue)
    check = check_live(replace(ready, probes=asked(place, ALL)))
    assert broken(check) == {"withdrawal": expected}
    assert words in seen(check, "withdrawal")


def test_a_lock_on_withdrawals_says_nothing_against_a_key_without_the_right(ready: Grounds) -> None:
    place = opened(flat(), settings=VenueSettings(withdrawals_locked=True))
    assert check_live(replace(ready, probes=asked(place, TRADING))).open


@pytest.mark.parametrize("old", [False, True])
def test_an_address_that_is_not_on_the_list_keeps_it_closed_in_both_spellings(ready: Grounds, old: bool) -> None:
    check = check_live(replace(ready, probes=asked(addresses=("203.0.113.7",), old_address_error=old)))
    assert broken(check) == {"withdrawal": Verdict.UNKNOWN, "address": Verdict.FAIL}
    assert check_live(replace(ready, probes=asked(addresses=("203.0.113.7", "127.0.0.1")))).open


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"secrets": UpbitSecrets()}, "keys"),
        ({"secrets": replace(SECRETS, secret="")}, "keys"),
        ({"secrets": replace(SECRETS, secret="with space")}, "keys"),
    ],
)
def test_without_a_whole_key_nothing_is_asked_of_the_venue(
    ready: Grounds, change: dict[str, UpbitSecrets], name: str
) -> None:
    probes = asked()
    check = check_live(replace(ready, probes=probes, **change))  # type: ignore[arg-type]
    assert broken(check)[name] is Verdict.FAIL
    assert probes.times == 0
    with pytest.raises(LiveClosed):
        admit(replace(ready, probes=probes, **change), check)  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["order_krw", "day_krw", "total_krw"])
def test_each_limit_has_to_be_set(ready: Grounds, missing: str) -> None:
    config = replace(ready.config, live=replace(LIMITS, **{missing: Decimal(0)}))  # type: ignore[arg-type]
    check = check_live(replace(ready, config=config))
    assert broken(check) == {"limits": Verdict.FAIL, "confirmation": Verdict.FAIL}
    assert missing in seen(check, "limits")


@pytest.mark.parametrize(
    ("venue", "address", "fits"),
    [
        (LiveVenue.UPBIT, "https://api.upbit.com", True),
        (LiveVenue.UPBIT, "https://api.upbit.com:8443", False),
        (LiveVenue.UPBIT, "https://api.upbit.com.example.org", False),
        (LiveVenue.UPBIT, "http://127.0.0.1:8000", False),
        (LiveVenue.SIMULATOR, "http://127.0.0.1:8000", True),
        (LiveVenue.SIMULATOR, "http://localhost:8000", True),
        (LiveVenue.SIMULATOR, "http://[::1]:8000", True),
        (LiveVenue.SIMULATOR, "https://api.upbit.com", False),
        (LiveVenue.SIMULATOR, "https://10.0.0.1", False),
        (LiveVenue.SIMULATOR, "nonsense", False),
    ],
)
def test_real_money_goes_to_upbit_alone_and_a_rehearsal_of_it_to_this_machine_alone(
    ready: Grounds, venue: LiveVenue, address: str, fits: bool
) -> None:
    probes = asked()
    config = replace(
        ready.config,
        upbit=replace(ready.config.upbit, base_url=address),
        live=replace(ready.config.live, venue=venue),
    )
    check = check_live(replace(ready, config=config, probes=probes))
    assert ("venue" not in broken(check)) is fits
    assert probes.times == int(fits), "no key goes to an address that is not meant"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"violations": 1}, "violations"),
        ({"seeds": 19}, "too small"),
        ({"code": "0" * 64}, "another code"),
        ({"configuration": "0" * 64}, "another configuration"),
        ({"age": 31}, "too old"),
    ],
)
def test_a_rehearsal_that_does_not_count_keeps_it_closed(
    db: Database, tmp_path: Path, more: dict[str, object], words: str
) -> None:
    env = environment_of(tmp_path)
    found = grounds(env, db)
    age = timedelta(days=int(str(more.pop("age", 0))))
    store_rehearsal(db, result(env.config, NOW - age, **more))
    assert confirm(found, sentence(found))
    check = check_live(found)
    assert broken(check) == {"rehearsal": Verdict.FAIL}
    assert words in seen(check, "rehearsal")


def test_a_rehearsal_ages_from_pass_over_warn_to_closed_and_buying_stops(ready: Grounds) -> None:
    verdicts = []
    for days in (0, 8, 31):
        later = replace(ready, now=NOW + timedelta(days=days))
        verdicts.append(next(each.verdict for each in check_live(later).conditions if each.name == "rehearsal"))
    assert verdicts == [Verdict.PASS, Verdict.WARN, Verdict.FAIL]

    class At:
        def __init__(self, days: int) -> None:
            self.days = days

        def now(self):  # type: ignore[no-untyped-def]
            return NOW + timedelta(days=self.days)

        def sleep(self, seconds: float) -> None:
            raise AssertionError

    known = {key: str(value) for key, value in result(ready.config).items() if key in ("code", "configuration")}
    assert ready.db is not None
    permits = [RehearsalPermit(db=ready.db, clock=At(days), **known) for days in (0, 30, 31)]
    causes = [each.forbids(None) for each in permits]
    assert causes[:2] == [None, None]
    assert causes[2] is not None
    assert causes[2].refusal == "halted"
    assert "rehearsal too old" in causes[2].cause


def test_only_the_very_sentence_confirms(db: Database, tmp_path: Path) -> None:
    found = grounds(environment_of(tmp_path), db)
    wanted = sentence(found)
    assert wanted == (
        f"trade real money on account {found.wanted.account_id} with at most 50000 KRW an order, "
        "100000 KRW a day, 200000 KRW in all"
    )
    for typed in ("", "yes", wanted.upper(), wanted[:-1], wanted.replace("50000", "500000")):
        assert not confirm(found, typed)
    assert broken(check_live(found))["confirmation"] is Verdict.FAIL
    assert db.row("audit_installation", action="live.%") is None
    assert not (tmp_path / MARKER).exists()
    assert confirm(found, f"  {wanted}\n")
    row = db.row("audit_installation", action="live.confirm")
    assert row is not None
    assert (row.actor, row.at, row.detail["sentence"]) == (person(), NOW, wanted)
    assert holds_live(replace(environment_of(tmp_path), secrets=UpbitSecrets()))


def test_a_confirmation_lasts_until_settings_limits_key_or_venue_change(ready: Grounds) -> None:
    later = replace(ready, now=NOW + timedelta(days=6))
    assert check_live(later).open, "a restart does not ask again"
    config = ready.config
    changes = [
        {"config": replace(config, risk=replace(config.risk, max_positions=3))},
        {"config": replace(config, live=replace(LIMITS, day_krw=Decimal(100_001)))},
        {"secrets": replace(SECRETS, access="another-key")},
        {"config": replace(config, live=replace(LIMITS, fee=Decimal("0.001")))},
    ]
    for change in changes:
        check = check_live(replace(ready, **change))  # type: ignore[arg-type]
        assert broken(check)["confirmation"] is Verdict.FAIL, change
        assert "has changed since" in seen(check, "confirmation")


def test_a_halt_lets_it_open_for_exits(ready: Grounds) -> None:
    check = check_live(replace(ready, halt=Halt(reason="enough")))
    assert check.open
    assert "enough (exits work, buying does not)" in seen(check, "halt")


def test_what_only_buying_needs_does_not_keep_a_process_from_its_positions(db: Database, tmp_path: Path) -> None:
    env = environment_of(tmp_path, LiveSettings())
    found = grounds(env, db)
    account = Account(
        account_id=found.wanted.account_id,
        venue="upbit",
        mode="live",
        feed="upbit",
        installation="0001",
        identity={},
        settings={},
        first_slot=None,
        last_slot=None,
    )
    open_account(db, account)
    assert confirm(found, sentence(found))
    assert broken(check_live(found)) == {"limits": Verdict.FAIL, "rehearsal": Verdict.FAIL}
    db.do("orders_commit", **order_of(found))
    db.do(
        "order_event_put",
        identifier="mk1-x",
        at=NOW,
        event="NoAnswer",
        state="unknown",
        doubt=True,
        uuid=None,
        spent=False,
        detail={},
    )
    check = check_live(found)
    assert check.open
    assert "buying stays forbidden" in seen(check, "rehearsal")


def test_to_sell_a_key_that_works_from_here_is_enough(db: Database, tmp_path: Path) -> None:
    found = grounds(environment_of(tmp_path, LiveSettings()), db, halt=Halt(reason="enough"))
    assert not check_live(found).open, "neither limits nor rehearsal nor confirmation"
    check = check_leaving(found)
    assert check.open
    assert admit(found, check).account_id == found.wanted.account_id
    elsewhere = replace(found, probes=asked(addresses=("10.9.9.9",)))
    assert broken(check_leaving(elsewhere))["address"] is not Verdict.PASS
    with pytest.raises(LiveClosed):
        admit(replace(found, secrets=UpbitSecrets()), check_leaving(replace(found, secrets=UpbitSecrets())))


def order_of(found: Grounds) -> dict[str, object]:
    return {
        "identifier": "mk1-x",
        "account_id": found.wanted.account_id,
        "position_id": "KRW-BTC-20260105T0900",
        "decision_id": None,
        "leg": "e",
        "number": 1,
        "reason": "entry",
        "market": "KRW-BTC",
        "side": "bid",
        "type": "limit",
        "price": Decimal(1),
        "volume": Decimal(1),
        "total": None,
        "time_in_force": "ioc",
        "evidence": {},
        "sender": "trader",
        "created_at": NOW,
    }


def test_no_reason_shows_the_secret(ready: Grounds) -> None:
    for change in (ready, replace(ready, secrets=replace(SECRETS, secret=f"{CANARY} with space"))):
        check = check_live(change)
        assert CANARY not in f"{check}"
        assert CANARY not in f"{change.secrets}"


def test_the_signing_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = signing_key(tmp_path)
    file = tmp_path / "keys" / "rehearsal.key"
    assert signing_key(tmp_path) == first
    assert len(first) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with pytest.raises(Misconfigured, match="others can read it"):
        signing_key(tmp_path)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(Misconfigured, match="damaged"):
        signing_key(tmp_path)
    assert [each.name for each in file.parent.iterdir()] == ["rehearsal.key"]

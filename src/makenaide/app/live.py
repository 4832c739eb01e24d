"""Live mode opens only when all of its preconditions hold; what is not known does not (docs/why/0011-live-mode.md).

Every precondition is looked at, and all reasons are told at once. The key's further rights (deposit, transfer,
pockets) belong to the readiness check of operations, which only warns of them: another `Condition` is its place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

import msgspec

from makenaide.app.admission import Admission
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.halted import MARKER, halt_file
from makenaide.app.identity import rows_of
from makenaide.app.person import person
from makenaide.app.venues import keyed_client
from makenaide.app.wanted import Wanted
from makenaide.config import Config, LiveVenue, tree
from makenaide.domain.errors import LiveClosed, MakenaideError, Misconfigured
from makenaide.domain.verdict import Verdict
from makenaide.environment import ACCESS_NAME, SECRET_NAME, Environment, UpbitSecrets
from makenaide.exchange.upbit.address import address
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.outcomes import (
    AddressRight,
    Allowed,
    HasRight,
    NoRight,
    NotAllowed,
    Unclear,
    WithdrawalRight,
)
from makenaide.exchange.upbit.settings import UPBIT
from makenaide.exchange.upbit.shares import Role
from makenaide.execution.disk import Disk
from makenaide.execution.halt import Halt
from makenaide.execution.portfolio import portfolio
from makenaide.ops.fingerprint import code_hash, configuration_hash, hash_of
from makenaide.ops.readiness import readiness
from makenaide.store.db import Database
from makenaide.store.evidence import Evidence, evidence_of, newest_evidence, put_evidence
from makenaide.store.home import file_faults
from makenaide.store.modes import Mode
from makenaide.store.orders import unsettled_orders
from makenaide.store.runs import AuditEntry, put_audit

CONFIRMATION = "live_confirmation"
"""The kind of evidence that a person's typed sentence leaves."""
CONDITIONS = ("venue", "keys", "withdrawal", "address", "limits", "rehearsal", "confirmation", "halt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One precondition (`name` is one of `CONDITIONS`), whether it holds, and what was seen."""

    name: str
    verdict: Verdict
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCheck:
    """Every precondition, in order; live mode is open when all of them hold."""

    conditions: tuple[Condition, ...]

    @property
    def broken(self) -> tuple[Condition, ...]:
        """Those that keep it closed."""
        return tuple(each for each in self.conditions if not each.verdict.holds)

    @property
    def open(self) -> bool:
        """Whether it would open now."""
        return not self.broken

    @property
    def confirmable(self) -> bool:
        """Whether nothing is missing but a person's word."""
        return [each.name for each in self.broken] == ["confirmation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What the decision is made of. `probes` asks the venue with the keys; `halt` is the switch as it stands.

    `db` None: it cannot be used, because of `unread`.
    """

    config: Config
    wanted: Wanted
    secrets: UpbitSecrets
    db: Database | None
    halt: Halt | None
    now: datetime
    probes: Callable[[Keys], tuple[WithdrawalRight, AddressRight]]
    unread: str = ""


def grounds_of(env: Environment, db: Database | None, wanted: Wanted, unread: str = "") -> Grounds:
    """The grounds of this process: its key, this folder's kill switch, the wall clock, and the venue itself."""
    config = env.config
    person = replace(config.upbit, limiter=config.upbit.limiter.within(Role.PERSON))

    def ask(keys: Keys) -> tuple[WithdrawalRight, AddressRight]:
        with keyed_client(replace(config, upbit=person), keys) as client:
            return client.withdrawal_right(), client.address_allowed()

    return Grounds(
        config=config,
        wanted=wanted,
        secrets=env.secrets,
        db=db,
        halt=halt_file(env.home).halt(),
        now=WallClock(StopFlag()).now(),
        probes=ask,
        unread=unread,
    )


def check_live(grounds: Grounds) -> LiveCheck:
    """Look at every precondition. Nothing is written, and no order is sent."""
    return LiveCheck(conditions=tuple(_conditions(grounds)))


def admit(grounds: Grounds, check: LiveCheck) -> Admission:
    """What opens the account; `LiveClosed` with every reason while `check` is not open."""
    keys = keys_of(grounds.secrets) if check.open else None
    if keys is None:
        told = "".join(f"\n  {each.verdict:<8}{each.name}: {each.seen}" for each in check.broken)
        raise LiveClosed(
            f"--mode live: {len(check.broken)} of {len(check.conditions)} preconditions do not hold "
            f"(what to do: `makenaide live check`){told}"
        )
    return Admission(account_id=grounds.wanted.account_id, keys=keys)


def check_leaving(grounds: Grounds) -> LiveCheck:
    """What selling needs, and no more: the right place, a key, and that it works from here (law 1: exits always)."""
    venue, key = _venue(grounds.config), _key(grounds.secrets)
    asked = _rights(grounds, ask=venue.verdict.holds and key.verdict.holds)
    return LiveCheck(conditions=(venue, key, *(each for each in asked if each.name == "address")))


def admitted(env: Environment, db: Database, wanted: Wanted, *, leaving: bool = False) -> Wanted:
    """`wanted`, ready to be opened: a paper account as it is, a live one with its admission; `LiveClosed`.

    `leaving`: for a person's command that buys nothing, on an account that is there already.
    """
    if not wanted.source.live:
        return wanted
    grounds = grounds_of(env, db, wanted)
    check = check_leaving(grounds) if leaving else check_live(grounds)
    return replace(wanted, admission=admit(grounds, check))


def keys_of(secrets: UpbitSecrets) -> Keys | None:
    """The trading key, or None where it is not there whole; `Misconfigured` (never naming it) for a malformed one."""
    return Keys(access=secrets.access, secret=secrets.secret) if secrets.access and secrets.secret else None


def key_place(config: Config) -> Condition:
    """Whether the configured address is where the key of `live.venue` belongs: none is sent anywhere else."""
    return _venue(config)


def _conditions(grounds: Grounds) -> Iterator[Condition]:
    venue, key = _venue(grounds.config), _key(grounds.secrets)
    yield from (venue, key)
    yield from _rights(grounds, ask=venue.verdict.holds and key.verdict.holds)
    holding = _holding(grounds)
    yield _for_buying(_limits(grounds.config), holding=holding)
    yield _for_buying(_rehearsal(grounds), holding=holding)
    yield _confirmation(grounds)
    if grounds.halt is None:
        yield Condition(name="halt", verdict=Verdict.PASS, seen="not halted")
    else:
        yield Condition(name="halt", verdict=Verdict.WARN, seen=f"{grounds.halt} (exits work, buying does not)")


def _venue(config: Config) -> Condition:
    """Upbit itself and nothing else; or, marked as such, a simulator on this machine, whose rows are paper."""
    base = config.upbit.base_url
    if config.live.venue is LiveVenue.UPBIT:
        verdict = Verdict.PASS if base == UPBIT else Verdict.FAIL
        return Condition(name="venue", verdict=verdict, seen=f"{base}, real money")
    try:
        place = address(base)
        here = place.host == "localhost" or ip_address(place.host).is_loopback
    except (Misconfigured, ValueError):
        here = False
    verdict = Verdict.PASS if here else Verdict.FAIL
    return Condition(name="venue", verdict=verdict, seen=f"{base} as a simulator on this machine, rows of paper")


def _key(secrets: UpbitSecrets) -> Condition:
    missing = [name for name, half in ((ACCESS_NAME, secrets.access), (SECRET_NAME, secrets.secret)) if not half]
    if missing:
        return Condition(name="keys", verdict=Verdict.FAIL, seen=f"not set: {', '.join(missing)}")
    try:
        keys_of(secrets)
    except Misconfigured as cause:
        return Condition(name="keys", verdict=Verdict.FAIL, seen=str(cause))
    return Condition(name="keys", verdict=Verdict.PASS, seen=f"key {_key_hash(secrets)[:8]} (by hash)")


def _rights(grounds: Grounds, *, ask: bool) -> Iterator[Condition]:
    keys = keys_of(grounds.secrets) if ask else None
    if keys is None:
        for name in ("withdrawal", "address"):
            yield Condition(
                name=name, verdict=Verdict.UNKNOWN, seen="not asked: the venue or the key is not right"
            )
        return
    withdrawal, place = grounds.probes(keys)
    match withdrawal:
        case NoRight():
            yield Condition(name="withdrawal", verdict=Verdict.PASS, seen="the key cannot withdraw")
        case HasRight():
            yield Condition(name="withdrawal", verdict=Verdict.FAIL, seen="the key has the right to withdraw")
        case Unclear(cause):
            yield Condition(name="withdrawal", verdict=Verdict.UNKNOWN, seen=cause)
    match place:
        case Allowed():
            yield Condition(name="address", verdict=Verdict.PASS, seen="the key works from this address")
        case NotAllowed():
            yield Condition(name="address", verdict=Verdict.FAIL, seen="this address is not on the key's list")
        case Unclear(cause):
            yield Condition(name="address", verdict=Verdict.UNKNOWN, seen=cause)


def _limits(config: Config) -> Condition:
    limits = config.live.limits
    if limits.unset:
        names = ", ".join(f"live.{limit}_krw" for limit in limits.unset)
        return Condition(name="limits", verdict=Verdict.FAIL, seen=f"not set: {names}")
    return Condition(name="limits", verdict=Verdict.PASS, seen=_limits_said(config))


def _rehearsal(grounds: Grounds) -> Condition:
    if grounds.db is None:
        return Condition(name="rehearsal", verdict=Verdict.UNKNOWN, seen=grounds.unread)
    try:
        judged = readiness(grounds.db, code_hash(), configuration_hash(tree(grounds.config)), grounds.now)
    except MakenaideError as cause:
        return Condition(name="rehearsal", verdict=Verdict.UNKNOWN, seen=str(cause))
    return Condition(name="rehearsal", verdict=judged.verdict, seen=judged.reason)


def _confirmation(grounds: Grounds) -> Condition:
    if grounds.db is None:
        return Condition(name="confirmation", verdict=Verdict.UNKNOWN, seen=grounds.unread)
    found = evidence_of(grounds.db, CONFIRMATION, confirmation_subject(grounds))
    if found:
        at = found[0].taken_at.isoformat(timespec="minutes")
        return Condition(name="confirmation", verdict=Verdict.PASS, seen=f"typed at {at}")
    before = newest_evidence(grounds.db, CONFIRMATION)
    seen = "nobody has confirmed it yet"
    if before is not None:
        at = before.taken_at.isoformat(timespec="minutes")
        seen = f"what was confirmed at {at} has changed since (account, settings, limits, key or venue)"
    return Condition(name="confirmation", verdict=Verdict.FAIL, seen=seen)


def _holding(grounds: Grounds) -> bool:
    account = grounds.wanted.account_id
    if grounds.db is None:
        return False
    try:
        held = portfolio(grounds.db, account)
        return bool(held.positions or held.unreadable or unsettled_orders(grounds.db, account))
    except MakenaideError:
        return True  # they hold something that the books cannot tell apart: then leaving matters most


def _for_buying(condition: Condition, *, holding: bool) -> Condition:
    """What only buying needs does not keep a process away from positions that it has to leave (law 1)."""
    if condition.verdict.holds or not holding:
        return condition
    seen = f"{condition.seen} (positions are open: opens for exits, buying stays forbidden)"
    return Condition(name=condition.name, verdict=Verdict.WARN, seen=seen)


# ---- the person's word ----


def sentence(grounds: Grounds) -> str:
    """What a person types to confirm: the account, the place, and the money at stake."""
    real = rows_of(grounds.config, grounds.wanted.source) is Mode.LIVE
    what = "trade real money" if real else "rehearse live trading"
    return f"{what} on account {grounds.wanted.account_id} with at most {_limits_said(grounds.config)}"


def confirmation_subject(grounds: Grounds) -> str:
    """What a confirmation is about, by hash: it lasts until the account, a setting, a limit, the key or the venue
    changes."""
    said = tree(grounds.config)
    return hash_of(
        {
            "account": grounds.wanted.account_id,
            "configuration": configuration_hash(said),
            "live": said["live"],
            "address": grounds.config.upbit.base_url,
            "key": _key_hash(grounds.secrets),
        }
    )


def confirm(grounds: Grounds, typed: str) -> bool:
    """Keep the person's word as evidence and in the audit trail; False, and nothing kept, for any other sentence."""
    wanted = sentence(grounds)
    if grounds.db is None or typed.strip() != wanted:
        return False
    detail = {"sentence": wanted, "account": grounds.wanted.account_id}
    evidence = Evidence(
        kind=CONFIRMATION,
        subject=confirmation_subject(grounds),
        verdict=Verdict.PASS,
        detail=detail,
        taken_at=grounds.now,
    )
    entry = AuditEntry(account_id=None, at=grounds.now, actor=person(), action="live.confirm", detail=detail)
    if rows_of(grounds.config, grounds.wanted.source) is Mode.LIVE:
        _mark(grounds)
    with grounds.db.transaction():
        put_evidence(grounds.db, evidence)
        put_audit(grounds.db, entry)
    return True


def _mark(grounds: Grounds) -> None:
    """From now on real money may depend on this folder: its halt is lifted by a person at a terminal only."""
    home = grounds.wanted.home
    with file_faults(home):
        home.mkdir(parents=True, exist_ok=True)
        Disk().replace(home / MARKER, msgspec.json.encode({"account": grounds.wanted.account_id}))


def _limits_said(config: Config) -> str:
    limits = config.live.limits
    return f"{limits.order} KRW an order, {limits.day} KRW a day, {limits.total} KRW in all"


def _key_hash(secrets: UpbitSecrets) -> str:
    return hash_of(["access", secrets.access])

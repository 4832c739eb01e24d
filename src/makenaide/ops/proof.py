"""The proof before the database is powered down (house, section 4): with open positions it stops only while their
guard can do without it. Pure judgement over facts; anything that is missing refuses, and is named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from makenaide.domain.verdict import Verdict
from makenaide.execution.heartbeat import FRESH_SECONDS

DEAD_MAN_LINE = "operations.dead_man = false"
_DEAD_MAN_SECONDS = 120.0
"""What watches from outside looks once a minute."""


class Item(StrEnum):
    """One thing that has to be proven."""

    BOOKS = "books"
    ORDERS = "orders"
    HOLDER = "holder"
    STOPS = "stops"
    JOURNAL = "journal"
    HEARTBEAT = "heartbeat"
    DEAD_MAN = "dead_man"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Stops by their version and the hash over them."""

    version: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What was seen of one account. Each word that is not "" says what is wrong.

    `stepped`: its time stands still while nobody trades on it, so nothing can happen to its positions. `ledger` is
    the hash over the stops that the books ask for, `published` what the stops file holds, `guard` what the guard says
    that it holds; `beat` the seconds since it said so. `accepted`: a person leaves its positions without a guard.
    """

    account: str
    live: bool
    stepped: bool
    positions: tuple[str, ...]
    unreadable: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    holder: str = ""
    ledger: str = ""
    published: Held | None = None
    guard: Held | None = None
    fault: str = ""
    beat: float | None = None
    journal: str = ""
    accepted: bool = False

    @property
    def guarded(self) -> bool:
        """Whether somebody has to watch over it while the database is down."""
        return bool(self.positions or self.unreadable) and not self.stepped


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFacts:
    """What was seen of the newest backup of the rows in `schema`; `behind`: what the books have that it has not."""

    schema: str
    name: str | None
    intact: bool = False
    verified: bool = False
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMan:
    """Whether something outside this machine is set to watch the guard, and when it was heard last (seconds)."""

    wanted: bool
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the proof is made of."""

    accounts: tuple[AccountFacts, ...]
    backups: tuple[BackupFacts, ...]
    dead_man: DeadMan


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One item about one `subject` (an account, a schema), its verdict, and why."""

    item: Item
    subject: str
    verdict: Verdict
    cause: str

    def __str__(self) -> str:
        return f"{self.item} ({self.subject}): {self.cause}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """All findings; the database may go down when none is `missing`."""

    findings: tuple[Finding, ...]

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What keeps the database up."""
        return tuple(each for each in self.findings if not each.verdict.holds)


def prove(facts: Facts) -> Proof:
    """What `facts` come to."""
    found: list[Finding] = []
    for account in facts.accounts:
        found += _settled(account)
        if account.guarded:
            found += _watched(account, facts.dead_man)
    found += [_backup(each) for each in facts.backups]
    return Proof(findings=tuple(found))


def _settled(account: AccountFacts) -> Iterator[Finding]:
    yield _finding(
        account, Item.HOLDER, account.holder and f"it is in use by {account.holder}", "nobody trades on it"
    )
    unsettled = _listed("not at their end", account.unsettled)
    yield _finding(account, Item.ORDERS, unsettled, "every order is at its end")
    if account.unreadable:
        yield _finding(account, Item.BOOKS, _listed("the books make no sense of", account.unreadable), "")


def _watched(account: AccountFacts, dead_man: DeadMan) -> Iterator[Finding]:
    if account.accepted:
        names = ", ".join((*account.positions, *account.unreadable))
        for item in (Item.STOPS, Item.JOURNAL, Item.HEARTBEAT, Item.DEAD_MAN):
            cause = f"--accept-unguarded: a person leaves {names} without a guard"
            yield Finding(item=item, subject=account.account, verdict=Verdict.WARN, cause=cause)
        return
    yield _finding(account, Item.STOPS, _stops(account), f"the guard holds {len(account.positions)} stops")
    yield _finding(account, Item.JOURNAL, account.journal or account.fault, "the guard's journal can be written")
    yield _finding(account, Item.HEARTBEAT, _beat(account), f"heard {account.beat or 0:.1f} s ago")
    yield _dead_man(account, dead_man)


def _stops(account: AccountFacts) -> str:
    """Equal version and hash: books, file and guard."""
    published, guard = account.published, account.guard
    if published is None:
        return "no stops are published"
    if published.digest != account.ledger:
        return f"version {published.version} of the stops is not what the books ask for"
    if guard is None:
        return "the guard does not say what it holds"
    if guard != published:
        return f"the guard holds version {guard.version} of the stops, not {published.version}"
    return ""


def _beat(account: AccountFacts) -> str:
    if account.beat is None:
        return "no guard is heard"
    return "" if account.beat <= FRESH_SECONDS else f"the guard was heard {account.beat:.1f} s ago"


def _dead_man(account: AccountFacts, dead_man: DeadMan) -> Finding:
    """On paper a line of the configuration may say that there is none; with real money there has to be one."""
    if not dead_man.wanted:
        verdict = Verdict.FAIL if account.live else Verdict.NOT_APPLICABLE
        told = f"nothing outside this machine watches the guard ({DEAD_MAN_LINE})"
        return Finding(item=Item.DEAD_MAN, subject=account.account, verdict=verdict, cause=told)
    if dead_man.seconds is None:
        return _finding(
            account, Item.DEAD_MAN, "nothing outside this machine has said that it hears the guard", ""
        )
    wrong = "" if dead_man.seconds <= _DEAD_MAN_SECONDS else f"heard {dead_man.seconds:.1f} s ago"
    return _finding(account, Item.DEAD_MAN, wrong, f"heard {dead_man.seconds:.1f} s ago")


def _backup(backup: BackupFacts) -> Finding:
    if backup.name is None:
        wrong = "there is none"
    elif not backup.intact:
        wrong = f"{backup.name}: its bytes are not those that were written"
    elif not backup.verified:
        wrong = f"{backup.name} was never restored"
    else:
        wrong = _listed(f"{backup.name} does not hold", backup.behind)
    good = f"{backup.name} was restored and compared"
    verdict = Verdict.FAIL if wrong else Verdict.PASS
    return Finding(item=Item.BACKUP, subject=backup.schema, verdict=verdict, cause=wrong or good)


def _finding(account: AccountFacts, item: Item, wrong: str, good: str) -> Finding:
    verdict = Verdict.FAIL if wrong else Verdict.PASS
    return Finding(item=item, subject=account.account, verdict=verdict, cause=wrong or good)


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{what}: {', '.join(names)}" if names else ""

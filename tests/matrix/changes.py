"""The table of the matrix: for each check a good, a bad and a blind world, and what has to be said of each.

Good: something that it has to bear; bad: what it is there for; blind: it cannot look. Whatever else is said otherwise
than before stands in `also`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec

from makenaide.app.operation import State
from makenaide.domain.verdict import Verdict
from tests.matrix import acts
from tests.matrix.acts import Change, both, inside, measured, rows, setting, withheld, written
from tests.matrix.worlds import Ground, World

PASS, WARN, UNKNOWN, FAIL = Verdict.PASS, Verdict.WARN, Verdict.UNKNOWN, Verdict.FAIL


class Kind(StrEnum):
    """The columns."""

    GOOD = "good"
    BAD = "bad"
    BLIND = "blind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One changed world: what was done to which (`what`, for people), and what its check has to say.

    `also`: what other checks say otherwise than before, exactly.
    """

    check: str
    kind: Kind
    ground: Ground
    what: str
    verdict: Verdict
    change: Change
    also: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """ "M6 bad"."""
        return f"{self.check} {self.kind}"


def good(check: str, what: str, change: Change, ground: Ground = Ground.STEPPED) -> Cell:
    """Something that the check has to bear."""
    return Cell(check=check, kind=Kind.GOOD, ground=ground, what=what, verdict=PASS, change=change)


def bad(check: str, what: str, change: Change, verdict: Verdict = FAIL, ground: Ground = Ground.STEPPED) -> Cell:
    """What the check is there for."""
    return Cell(check=check, kind=Kind.BAD, ground=ground, what=what, verdict=verdict, change=change)


def blind(
    check: str,
    what: str,
    change: Change,
    ground: Ground = Ground.STEPPED,
    also: Mapping[str, Verdict] | None = None,
) -> Cell:
    """The check cannot look."""
    return Cell(
        check=check, kind=Kind.BLIND, ground=ground, what=what, verdict=UNKNOWN, change=change, also=also or {}
    )


def _json(make: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    return lambda before: msgspec.json.encode(make(msgspec.json.decode(before)))


def _garbled(_: bytes) -> bytes:
    return b"\xff\x00{"


def _calendar(content: str) -> Callable[[World], str]:
    """A macro calendar of one's own; its name as TOML."""

    def make(world: World) -> str:
        file = world.home.path.with_name("calendar.toml")
        file.write_text(content, encoding="utf-8")
        return f'"{file}"'

    return make


def _announced(title: str) -> Change:
    return rows(
        b"insert into announcement (uuid, listed_at, category, title, heard_at)"
        b" select 'matrix', max(finished_at), 'trade', %(title)s, max(finished_at) from run",
        title=title,
    )


def _turned(told: dict[str, object]) -> object:
    return dict(reversed(told.items()))


def _other_code(told: dict[str, object]) -> object:
    return {**told, "code": "0" * 64}


def _begun(told: dict[str, object]) -> object:
    return {**told, "state": State.STARTED}


def _to_come(told: dict[str, object]) -> object:
    taken = datetime.fromisoformat(str(told["taken_at"]))
    return {**told, "taken_at": (taken + timedelta(days=1)).isoformat()}


def _damaged(dump: bytes) -> bytes:
    return dump[:-1] + bytes([dump[-1] ^ 1])


@contextmanager
def _halted(world: World) -> Iterator[None]:
    """A person halts buying and lifts that again, which is audited."""
    for how in (("--reason", "looking"), ("--lift", "--yes")):
        told = world.home.inside("halt", *how, "--json", env=world.env).data()
        assert told["noted"], told
    try:
        yield
    finally:
        world.restore()


# ---- rows of the stepped account, whose newest slot is the present ----

_NEW_MARKET = (
    b"insert into listing (feed, market, korean_name, english_name, warning, first_seen, last_seen)"
    b" select feed, 'KRW-NEW', 'New', 'New', false, max(last_seen), max(last_seen) from listing group by feed"
)
_NO_LEADER = (
    b"delete from candle where market = 'KRW-BTC' and minutes = 1440"
    b" and start >= (select max(slot) from run) - interval '1 day'"
)
_NO_LIST = b"update listing set gone_at = last_seen"
_FORGED = (
    b"update order_event set detail = detail || '{\"forged\": true}'"
    b" where event_id = (select min(event_id) from order_event)"
)
_VALUED_LONG_AGO = b"update equity set valued_at = valued_at - interval '7 days'"
_ONE_VALUATION = b"delete from equity where slot < (select max(slot) from equity)"
_WORLD_GONE = acts.gone(inside("accounts/*/world.json"))
_CLOCK = "function pg_catalog.clock_timestamp()"


def _unvalued(slots: int) -> Change:
    return rows(
        b"delete from equity where slot > (select max(slot) from run) - %(slots)s * interval '1 day'", slots=slots
    )


def _worth(times: str, days_ago: int) -> Change:
    """The account was worth so many times as much at the slot of some days ago."""
    return rows(
        b"update equity set equity = equity * %(times)s"
        b" where slot = (select max(slot) from run) - %(days)s * interval '1 day'",
        times=Decimal(times),
        days=days_ago,
    )


_EVERYTHING = ("M2", "M4", "M6", "M7", "M8", "M9", "M10", "E1", "E2", "E3", "E5", "E7", "E8")
"""What needs the database to be said at all."""

TABLE: tuple[Cell, ...] = (
    good("M1", "the server is down, as the last plan left it", acts.down),
    bad("M1", "the server was killed", acts.killed),
    blind(
        "M1",
        "the server's own file about itself cannot be read",
        acts.folder(lambda world: world.server.location / "data" / "postmaster.pid"),
        also={**dict.fromkeys(_EVERYTHING, UNKNOWN), "M5": FAIL},  # nobody gets in without it
    ),
    good("M2", "the guard was killed, and another one started", acts.guard_replaced, Ground.STARTED),
    bad("M2", "the trader was killed, and the steward hangs", acts.trader_dead, ground=Ground.STARTED),
    blind("M2", "the leases may not be read", withheld("table lease"), Ground.STARTED),
    good("M3", "the manifest is written another way", written(inside("deployed.json"), _json(_turned))),
    bad("M3", "other code was deployed", written(inside("deployed.json"), _json(_other_code))),
    blind("M3", "the manifest is garbled", written(inside("deployed.json"), _garbled)),
    good("M4", "something is measured that no widget shows", measured("weather", 1)),
    bad("M4", "the dashboard is another one", written(inside("dashboard/panels.json"), lambda _: b"{}"), WARN),
    blind("M4", "the dashboard's file cannot be read", acts.folder(inside("dashboard/panels.json"))),
    good("M5", "sixteen more connections", acts.connections(16)),
    bad("M5", "statements of two seconds", measured("query", 2000, total=4000)),
    blind("M5", "the server may not tell the time", withheld(_CLOCK, "public", "execute")),
    good("M6", "a market was listed after the candle closed", rows(_NEW_MARKET)),
    bad("M6", "Bitcoin lacks its newest candle", rows(_NO_LEADER)),
    blind("M6", "every market has left the list", rows(_NO_LIST)),
    good("M7", "the account's audit trail goes on", _halted),
    bad("M7", "a link of the chain was changed", rows(_FORGED)),
    blind("M7", "the account's world is gone", _WORLD_GONE),
    good("M8", "four more starts", measured("start", 4, total=4)),
    bad("M8", "eleven starts", measured("start", 11, total=11)),
    blind("M8", "what was measured of starts is garbled", measured("start", 1, classes="5")),
    good("M9", "one answer of 30 seconds among many", measured("api", 1, total=30)),
    bad("M9", "answers of five seconds", measured("api", 1000, total=5000)),
    blind("M9", "what was measured of answers is garbled", measured("api", 1, classes="5")),
    good("M10", "one failure among 300", measured("work", 300, failures=1)),
    bad("M10", "every second run failed", measured("work", 300, failures=150)),
    blind("M10", "what was measured of work is garbled", measured("work", 1, classes="5")),
    good("E1", "the slot of just now is not valued yet", _unvalued(1)),
    bad("E1", "the last two slots were not valued", _unvalued(2)),
    blind("E1", "the decisions may not be read", withheld("table decision")),
    good("E2", "two per cent were lost", _worth("0.98", 0)),
    bad("E2", "seven and a half per cent were lost", _worth("0.925", 0)),
    blind("E2", "there is but one valuation", rows(_ONE_VALUATION)),
    good("E3", "the account was four per cent higher", _worth("1.04", 3)),
    bad("E3", "the account was thirty per cent higher", _worth("1.3", 3)),
    blind(
        "E3",
        "the account's world is gone, and its last valuation is a week old",
        both(_WORLD_GONE, rows(_VALUED_LONG_AGO)),
        also={"M7": UNKNOWN},  # as in its own blind world
    ),
    good("E4", "the backup's checksum is not remembered", acts.gone(inside("backups/*.seen"))),
    bad("E4", "a byte of the backup is another", written(inside("backups/*.dump"), _damaged)),
    blind("E4", "the backup is of a time to come", written(inside("backups/*.json"), _json(_to_come))),
    good("E5", "somebody divided by zero", acts.refused(b"select 1 / 0")),
    bad("E5", "somebody tried to change a trade", acts.refused(b"update fill set fee = 0")),
    blind(
        "E5", "the server's log cannot be read", acts.folder(lambda world: world.server.log.with_suffix(".log.1"))
    ),
    good("E6", "a key that ends in 40 days", acts.other_key("young"), Ground.STARTED),
    bad("E6", "a key that may withdraw", acts.other_key("greedy"), ground=Ground.STARTED),
    blind(
        "E6",
        "the list of keys is not told",
        acts.faulty(kind="server_error", calls="GET /v1/api_keys"),
        Ground.STARTED,
    ),
    good("E7", "the end of a coin that is not held is announced", _announced("솔브(SOLVE) 거래지원 종료 안내")),
    bad("E7", "the end of a coin that is held is announced", _announced("리플(XRP) 거래지원 종료 안내")),
    blind("E7", "the calendar is no calendar", setting("calendar", _calendar("tomorrow it rains"))),
    good("E8", "half of the connections are taken", acts.connections(16)),
    bad("E8", "the whole disk would have to be free", setting("disk_fail", lambda _: "1.0")),
    blind(
        "E8",
        "the server may not tell of its connections",
        withheld("pg_catalog.pg_stat_ssl", "public"),
        also={"M5": UNKNOWN},
    ),
    good("E9", "the evening list is taken at another time", setting("evening_at", lambda _: '"19:30"')),
    bad(
        "E9",
        "the system is started, and nobody keeps its schedule",
        written(inside("operation.json"), _json(_begun)),
    ),
    blind("E9", "no plan has left a word", acts.gone(inside("operation.json"))),
)
"""Every check of the two lists in its order, good, bad, blind."""

"""`audit`: who did what and when, and whether the chains that prove it hold."""

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from makenaide.app.database import open_store
from makenaide.app.identity import mode_of
from makenaide.app.remembering import broken_chains
from makenaide.catalogue import Text
from makenaide.cli.door import environment
from makenaide.cli.output import console, safe, table
from makenaide.domain.clock import KST, kst
from makenaide.domain.errors import Inconsistent, Misconfigured
from makenaide.store.accounts import latest_account
from makenaide.store.audit import Entry, Remembered, Sought, heads_of, holder, trail
from makenaide.store.chain import ChainHead
from makenaide.store.db import Database, Role
from makenaide.store.runs import latest_run

DEFAULT = "7d"
SHOWN = 200
"""Entries in the table; all of them are in the JSON."""

_SPAN = re.compile(r"([0-9]{1,6})([dhm])")
_LINK = re.compile(r"(installation\.)?([a-z_]{1,60}) ([1-9][0-9]{0,17}) ([0-9a-f]{12,64})")
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_WIDTH = 160
_ENCODER = msgspec.json.Encoder(decimal_format="number")

Heads = Mapping[str, Mapping[str, ChainHead]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of looking for a head that a person holds: whose link it is, None where `flaw` says why not."""

    link: str
    owner: str | None
    flaw: str


def show_audit(
    mode: str, since: str | None, actor: str | None, links: Sequence[str] = (), *, as_json: bool
) -> None:
    """Print the trail from `since` on (by default the last seven days) of one `actor` or of all, and whether the
    `links` that a person holds ("audit 812 3f9c0a1b2c3d") are still links.

    `Inconsistent` (exit code 12), naming the first broken link of each chain, when one does not hold.
    """
    asked = parse_links(links)
    parse_since(since or DEFAULT, datetime.now(UTC))  # before anything is opened
    env, text = environment()
    rows = mode_of(env.config, {"mode": mode})
    with open_store(env, prepare=True, mode=rows) as store, store.open(Role.READER) as db, db.snapshot():
        sought = Sought(since=parse_since(since or DEFAULT, _now(db)), actor=actor)
        found = [_found(db, each) for each in asked]
        wrong = tuple(f"{each.link}: {each.flaw}" for each in found if each.owner is None)
        heads, broken = heads_of(db), (*broken_chains(db, env.home), *wrong)
        if as_json:
            _write(trail(db, sought), sought, (heads, broken), found)
        else:
            _print(trail(db, sought), text, (heads, broken), found)
    sys.stdout.flush()
    if broken:
        raise Inconsistent("\n  ".join(broken))


def parse_since(asked: str, now: datetime) -> datetime:
    """The moment (UTC) that a person means: "2026-11-01" (its midnight, KST), a time, or "7d", "36h", "90m" ago.

    A time without a zone is KST. `Misconfigured` says what was expected.
    """
    span = _SPAN.fullmatch(asked.strip().lower())
    try:
        if span is not None:
            return now - int(span[1]) * _UNITS[span[2]]
        moment = datetime.fromisoformat(asked.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=KST)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misconfigured(
            "--since: expected a day such as 2026-11-01 (KST), a time such as 2026-11-01T09:00+09:00, or how long "
            f"ago, such as 7d, 36h or 90m; got {asked!r}"
        ) from None


def parse_links(asked: Iterable[str]) -> tuple[Remembered, ...]:
    """The heads that a person holds, as a message prints them: "CHAIN NUMBER HASH", several separated by commas.

    `Misconfigured` says what was expected.
    """
    found = []
    for each in (part for text in asked for part in text.split(",")):
        link = " ".join(each.lower().split())
        read = _LINK.fullmatch(link)
        if read is None:
            raise Misconfigured(
                "--link: expected a chain, a number and a hash (at least 12 hexadecimal digits), as a message has "
                "them, such as 'audit 812 3f9c0a1b2c3d' or 'installation.audit 7 0b1c2d3e4f50'; "
                f"got {each.strip()[:200]!r}"
            )
        owner = "" if read[1] else "account"
        head = ChainHead(number=int(read[3]), hash=read[4])
        found.append(Remembered(where=link, owner=owner, chain=read[2], head=head))
    return tuple(found)


def _found(db: Database, each: Remembered) -> Found:
    owner, flaw = holder(db, each)
    return Found(link=each.where, owner=owner, flaw=flaw)


def _now(db: Database) -> datetime:
    """What "ago" counts from: the wall clock, or the account's own time where that stands still before it."""
    now, account = datetime.now(UTC), latest_account(db)
    if account is None or account.last_slot is None:
        return now
    run = latest_run(db, account.account_id)
    return now if run is None else min(now, run.finished_at or run.slot)


# ---- JSON ----


def _write(
    entries: Iterable[Entry], sought: Sought, chains: tuple[Heads, tuple[str, ...]], found: Sequence[Found] = ()
) -> None:
    """One object, entry by entry: a trail of years is never in memory at once."""
    heads, broken = chains
    out = sys.stdout
    about = {"since": None if sought.since is None else kst(sought.since).isoformat(), "actor": sought.actor}
    out.write("{" + "".join(f"{_json(name)}: {_json(value)}, " for name, value in about.items()))
    out.write('"entries": [')
    for number, entry in enumerate(entries):
        out.write(("," if number else "") + "\n  " + _json(entry_data(entry)))
    told = {
        owner: {chain: {"number": head.number, "hash": head.hash} for chain, head in of.items()}
        for owner, of in heads.items()
    }
    links = [{"link": each.link, "account": each.owner, "flaw": each.flaw or None} for each in found]
    out.write(f'\n], "links": {_json(links)}')
    out.write(f', "heads": {_json(told)}, "verified": {_json(not broken)}, "broken": {_json(list(broken))}}}\n')


def entry_data(entry: Entry) -> dict[str, Any]:
    """An entry as plain values, its time on Korean clocks."""
    link = None if entry.link is None else {"chain": entry.link.chain, "number": entry.link.number}
    return {
        "at": kst(entry.at).isoformat(),
        "account": entry.account_id,
        "actor": entry.actor,
        "action": entry.action,
        "detail": entry.detail,
        "link": link,
    }


def _json(value: Any) -> str:
    return _ENCODER.encode(value).decode()


# ---- for people ----


def _print(
    entries: Iterable[Entry], text: Text, chains: tuple[Heads, tuple[str, ...]], found: Sequence[Found] = ()
) -> None:
    heads, broken = chains
    last, count = deque[Entry](maxlen=SHOWN), 0
    for entry in entries:
        last.append(entry)
        count += 1
    out = console()
    columns = [(text(f"audit.{name}"), "left") for name in ("at", "actor", "action", "account", "detail")]
    if last:
        out.print(table(columns, list(_rows(last))))
    else:
        out.print(text("audit.none"))
    if count > len(last):
        out.print(text("audit.more", count=count - len(last)), style="dim")
    names = [(text(f"audit.{name}"), "left") for name in ("chain", "account")]
    names += [(text("audit.links"), "right"), (text("audit.head"), "left")]
    links = [
        (safe(chain), safe(owner or "-"), head.number, f"[dim]{safe(head.hash[:16])}[/]")
        for owner, of in heads.items()
        for chain, head in of.items()
    ]
    if links:
        out.print()
        out.print(table(names, links))
    for each in found:
        if each.owner is not None:
            out.print(f"[green]{text('audit.linked', link=safe(each.link), account=safe(each.owner or '-'))}[/]")
    if not broken:
        out.print(f"[green]{text('audit.holds', count=len(links))}[/]")


def _rows(entries: Iterable[Entry]) -> Iterator[tuple[str, ...]]:
    for entry in entries:
        yield (
            f"{kst(entry.at):%Y-%m-%d %H:%M:%S}",
            safe(entry.actor),
            safe(entry.action),
            safe((entry.account_id or "-")[:8]),
            safe(short(entry.detail)),
        )


def short(detail: Mapping[str, Any]) -> str:
    """What belongs to an entry, in one line of bounded length; of a configuration only what changed."""
    if "changed" in detail and "tree" in detail:
        changed = detail["changed"]
        said = ", ".join(f"{key}: {_side(each, 'old')} -> {_side(each, 'new')}" for key, each in changed.items())
        said = said or "code"
    else:
        said = ", ".join(
            f"{key}: {value if isinstance(value, str) else _json(value)}" for key, value in detail.items()
        )
    return said if len(said) <= _WIDTH else f"{said[: _WIDTH - 3]}..."


def _side(change: Mapping[str, Any], side: str) -> str:
    return _json(change[side]) if side in change else "-"

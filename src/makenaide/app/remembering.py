"""Heads of chains that left the database, in backups' manifests and in messages: are they still links of it?"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from makenaide.domain.errors import Inconsistent
from makenaide.ops.backup import FOLDER
from makenaide.store.audit import Remembered, broken, heads_of, owners, told_heads
from makenaide.store.chain import INSTALLATION, ChainHead
from makenaide.store.db import Database
from makenaide.store.modes import schema_mode

_HEX = 64


def broken_chains(db: Database, home: Path) -> tuple[str, ...]:
    """What is wrong with the chains of these rows, in words; () when every link holds.

    The newest message and the newest backup of each account that carried heads away are held against them. Heads that
    cannot be read are told, too: whoever rewrites a chain would spoil them.
    """
    known = frozenset(owners(db))
    found: list[Remembered] = []
    spoilt: list[str] = []
    for where, account, heads in (*_told(db), *_kept(db, home, known)):
        try:
            read = [_remembered(where, account, chain, head) for chain, head in heads.items()]
        except (KeyError, TypeError, ValueError):
            spoilt.append(f"{where}: its heads cannot be read")
            continue
        found += [each for each in read if each.owner in known]
        if account not in known:
            spoilt.append(f"account {account}: it is gone ({where})")
    return (*broken(db, tuple(found)), *spoilt)


def require_whole(db: Database, home: Path) -> dict[str, int]:
    """The daily look at every chain of these rows, as they stand at one moment: how many chains and links there are.

    `Inconsistent` names every flaw.
    """
    with db.snapshot():
        heads, broken_ones = heads_of(db), broken_chains(db, home)
    if broken_ones:
        raise Inconsistent("\n  ".join(broken_ones))
    numbers = [head.number for of in heads.values() for head in of.values()]
    return {"chains": len(numbers), "links": sum(numbers)}


def _told(db: Database) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for account, key, heads in told_heads(db):
        yield f"message {key}", account, heads


def _kept(db: Database, home: Path, known: frozenset[str]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Of each account the newest manifest that has heads, of these rows; names of backups ascend with their time.

    One that does not say which rows it is of speaks of the accounts that are here.
    """
    mode, seen = schema_mode(db), set[str]()
    for file in sorted((home / FOLDER).glob("*.json"), reverse=True):
        try:
            manifest = msgspec.json.decode(file.read_bytes())
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue  # a damaged backup is the matter of the check E4
        if not isinstance(manifest, dict) or manifest.get("mode", mode) != mode:
            continue
        for account, heads in _by_account(manifest):
            told = "mode" in manifest or account in known
            if told and isinstance(heads, dict) and heads and account not in seen:
                seen.add(account)
                yield f"{FOLDER}/{file.name}", account, heads


def _by_account(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The heads of every account that the backup holds, and of the one that it was taken for."""
    yield str(manifest.get("account_id", "")), manifest.get("heads")
    contents = manifest.get("contents")
    others = contents.get("heads") if isinstance(contents, dict) else None
    yield from others.items() if isinstance(others, dict) else ()


def _remembered(where: str, account: str, chain: str, head: Mapping[str, Any]) -> Remembered:
    """ValueError, KeyError or TypeError for what is no head."""
    owner = "" if chain.startswith(INSTALLATION) else account
    number, digest = head["number"], head["hash"]
    if not (isinstance(number, int) and 0 < number < 2**63 and len(bytes.fromhex(digest)) * 2 == _HEX):
        raise ValueError(chain)
    return Remembered(
        where=where,
        owner=owner,
        chain=chain.removeprefix(INSTALLATION),
        head=ChainHead(number=number, hash=digest.lower()),
    )

"""The hash chain over the journal: its heads, to be remembered elsewhere, and its first broken link.

The database links every row of a chained table as it is inserted (schema, ledger). Whoever can disable triggers can
also make the whole chain again, so a head is worth most where that person can't write: in a backup's manifest or a
report. `broken_links` checks such remembered heads as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from makenaide.store.db import Database

INSTALLATION = "installation."
"""Before the name of a chain that belongs to no account, among those of an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """The newest link of one chain: how many there are, and the SHA-256 (hex) that all of them lead to."""

    number: int
    hash: str


def chain_heads(db: Database, account_id: str) -> dict[str, ChainHead]:
    """The head of every chain of the account that has a link, by the name of its table."""
    rows = db.rows("chain_heads", account_id=account_id)
    return {row.chain: ChainHead(number=row.number, hash=row.hash.hex()) for row in rows}


def named_heads(own: Mapping[str, ChainHead], shared: Mapping[str, ChainHead]) -> dict[str, ChainHead]:
    """The heads of an account's chains by table, and the `shared` ones of the installation under `INSTALLATION`.

    To be carried away: in the manifest of a backup, in a message.
    """
    return {**own, **{f"{INSTALLATION}{chain}": head for chain, head in shared.items()}}


def broken_links(
    db: Database, account_id: str, remembered: Mapping[str, ChainHead] | None = None
) -> tuple[str, ...]:
    """The first broken link of every chain of the account, in words; `remembered` heads must be links of theirs."""
    found = [
        f"chain {row.chain}: link {row.number} is {row.flaw}"
        for row in db.rows("chain_flaws", account_id=account_id)
    ]
    for chain, head in sorted((remembered or {}).items()):
        row = db.row("chain_at", chain=chain, account_id=account_id, number=head.number)
        have = None if row is None or row.hash is None else row.hash.hex()
        if have is None:
            found.append(f"chain {chain}: the remembered link {head.number} is gone")
        elif have != head.hash:
            found.append(f"chain {chain}: the remembered link {head.number} is another")
    return tuple(found)

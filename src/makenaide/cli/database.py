"""`db init` and `db validate`."""

from makenaide.app.auditing import note_action
from makenaide.app.database import open_store
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe
from makenaide.domain.errors import Inconsistent
from makenaide.store.accounts import latest_account
from makenaide.store.db import Role
from makenaide.store.journal import flaws
from makenaide.store.modes import Mode
from makenaide.store.validate import validate


def init_database(mode: str, *, as_json: bool) -> None:
    """Bring the schema up to date; says what was applied."""
    env, text = environment()
    with open_store(env, mode=Mode(mode)) as store:
        applied = [f"{each.version:04d}_{each.name}" for each in store.initialise()]
        if applied:
            with store.open(Role.WRITER) as db:
                note_action(db, None, "db.init", {"applied": applied})
    if as_json:
        print_json({"applied": applied, "database": store.location})
        return
    out = console()
    out.print(text("db.applied", names=", ".join(applied)) if applied else text("db.current"))
    out.print(text("db.where", database=safe(store.location)), soft_wrap=True)


def validate_database(mode: str, *, as_json: bool) -> None:
    """Compare the schema with the one this version knows, and look through every account's books; changes nothing.

    `Inconsistent` (exit code 12) when something differs.
    """
    env, text = environment()
    with open_store(env, mode=Mode(mode)) as store, store.open(Role.READER) as db:
        found = list(validate(db))
        accounts = [row.account_id for row in db.rows("account_all")]
        for account in accounts:
            found += [f"account {account}: {flaw}" for flaw in flaws(db, account)]
        newest = latest_account(db)
    if as_json:
        print_json({"sound": not found, "differences": found, "accounts": accounts})
    elif not found:
        console().print(f"[green]{text('db.sound', accounts=len(accounts))}[/]")
    if newest is not None and not as_json and not found:
        console().print(text("db.newest", account=newest.account_id))
    if found:
        raise Inconsistent("\n  ".join(found))

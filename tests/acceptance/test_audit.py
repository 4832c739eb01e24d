"""`makenaide audit`: what was done in a data folder, told and proven; exit code 12 once a row was altered."""

import json

from makenaide.app.database import open_store
from makenaide.app.person import person
from makenaide.environment import load
from makenaide.store.db import Role
from tests.acceptance.worlds import SHORT, Home, require_told


def alter(home: Home) -> None:
    """What nobody may do: a row of the trail is changed by the schema's owner."""
    env = load({"MAKENAIDE_HOME": str(home.path)})
    with open_store(env) as store, store._connect(Role.OWNER) as db, db.transaction():
        db.connection.execute(b"alter table audit disable trigger append_only")
        db.connection.execute(b"update audit set actor = 'nobody' where account_id is null and chain_number = 2")
        db.connection.execute(b"alter table audit enable trigger append_only")


def test_what_was_done_is_told_and_proven(home: Home) -> None:
    assert home.must("db", "init", "--json").data()["applied"]
    home.must(*SHORT)
    home.must("pause", "KRW-BTC")
    home.must("drain")
    home.must("halt", "--lift", "--yes")
    data = home.must("audit", "--json").data()
    assert data["verified"] is True
    assert data["broken"] == []
    (account,) = (each for each in data["heads"] if each)
    assert data["heads"][""]["audit"]["number"] >= 2
    done = {each["action"]: each for each in data["entries"]}
    assert {"account.open", "run.start", "run.end"} <= done.keys()
    mine = home.must("audit", "--json", "--actor", "person").data()["entries"]
    assert {each["action"] for each in mine} >= {"db.init", "market.pause", "halt.set", "drain.ask"}
    assert {each["actor"] for each in mine} == {person()}
    assert done["market.pause"]["account"] == account
    shown = home.must("audit").out
    assert "market.pause" in shown
    assert "Every link of" in shown
    assert home.must("audit", "--json", "--since", "2100-01-01").data()["entries"] == []
    head = data["heads"][account]["audit"]
    held = f"audit {head['number']} {head['hash'][:12]}"
    assert (
        f"{held}: yes, that is a link of this chain (account {account})." in home.must("audit", "--link", held).out
    )
    other = f"installation.audit 1 {head['hash'][:12]}"
    denied = home.call("audit", "--link", f"{held}, {other}")
    assert denied.code == 12
    assert f"{other}: the installation: chain audit: the remembered link 1 is another" in denied.err
    require_told(home.call("audit", "--link", "audit 1"), 3, "--link: expected a chain, a number and a hash")
    require_told(home.call("audit", "--since", "tomorrow"), 3, "--since: expected a day such as 2026-11-01")
    alter(home)
    broken = home.call("audit", "--json")
    assert broken.code == 12
    assert "the installation: chain audit: link 2 is altered" in broken.err
    assert json.loads(broken.out)["verified"] is False

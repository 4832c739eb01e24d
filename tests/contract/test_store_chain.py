"""The hash chain over the journal: whatever is changed behind the triggers' back is found, and by its first link."""
# ruff: noqa: S608 - every statement is a text of these tests

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from makenaide.domain.money import Krw
from makenaide.ledger.postings import cash_postings
from makenaide.store.accounts import Account, open_account
from makenaide.store.chain import chain_heads
from makenaide.store.db import Database, Role
from makenaide.store.journal import flaws, put_postings
from makenaide.store.migrate import migrate, packaged
from tests.contract.charts import ETH, Chart, bitcoin, tape
from tests.contract.conftest import Connect
from tests.contract.trading import Exchange, open_trader

AT = datetime(2026, 1, 5, tzinfo=UTC)
KEY = "0001aaaaaaaa"
OTHER = "0002bbbbbbbb"
CHAINED = {"fill", "order_event", "orders", "posting", "stop"}


def account(key: str) -> Account:
    """An account to post for."""
    return Account(
        account_id=key,
        venue="simulator",
        mode="paper",
        feed="feed",
        installation=key[:4],
        identity={},
        settings={},
        first_slot=AT,
        last_slot=None,
    )


def deposit(db: Database, name: str, key: str = KEY) -> None:
    """Two postings."""
    with db.transaction():
        put_postings(db, key, cash_postings(f"cash:{name}", Krw(100), AT + timedelta(microseconds=1)))


@pytest.fixture
def ledger(journal: Database) -> Database:
    """Two accounts, three deposits each, one after the other."""
    with journal.transaction():
        for key in (KEY, OTHER):
            open_account(journal, account(key))
    for name in ("a", "b", "c"):
        for key in (KEY, OTHER):
            deposit(journal, name, key)
    return journal


def numbers(db: Database, key: str = KEY) -> list[int]:
    """The numbers of an account's postings as they were made."""
    query = b"select chain_number from posting where account_id = %(key)s order by posting_id"
    return [row.chain_number for row in db.connection.execute(query, {"key": key})]


def as_superuser(connect: Connect, command: str) -> None:
    """Run `command` with every trigger silenced, as only a superuser can."""
    db = connect()
    db.connection.execute(b"reset role")
    with db.transaction():
        db.connection.execute(b"set local session_replication_role = replica")
        db.connection.execute(command.encode())


def test_numbers_are_gapless_in_each_account_and_the_chain_holds(ledger: Database) -> None:
    assert numbers(ledger) == numbers(ledger, OTHER) == [1, 2, 3, 4, 5, 6]
    assert flaws(ledger, KEY) == flaws(ledger, OTHER) == ()
    mine, others = chain_heads(ledger, KEY)["posting"], chain_heads(ledger, OTHER)["posting"]
    assert mine.number == 6
    assert mine.hash != others.hash


def test_an_account_without_a_row_has_no_head(ledger: Database) -> None:
    assert chain_heads(ledger, "0003cccccccc") == {}
    assert "fill" not in chain_heads(ledger, KEY)
    assert flaws(ledger, "0003cccccccc") == ()


def test_what_was_rolled_back_or_met_a_conflict_leaves_no_gap(ledger: Database) -> None:
    def give_up() -> None:
        with ledger.transaction():
            put_postings(ledger, KEY, cash_postings("cash:never", Krw(1), AT))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        give_up()
    ledger.connection.execute(
        f"insert into posting (account_id, source, book, currency, amount, at)"
        f" values ('{KEY}', 'cash:a', 'assets', 'KRW', 5, now()) on conflict do nothing".encode()
    )
    deposit(ledger, "d")
    assert numbers(ledger) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert flaws(ledger, KEY) == ()


def test_several_rows_of_one_statement_are_linked_one_by_one(ledger: Database) -> None:
    ledger.connection.execute(
        f"insert into posting (account_id, source, book, currency, amount, at) values"
        f" ('{KEY}', 'x', 'assets', 'KRW', 5, now()), ('{KEY}', 'x', 'capital', 'KRW', -5, now())".encode()
    )
    assert numbers(ledger)[-2:] == [7, 8]
    assert flaws(ledger, KEY) == ()


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/New_York"])
def test_the_clients_time_zone_changes_no_hash(ledger: Database, connect: Connect, zone: str) -> None:
    elsewhere = connect(Role.WRITER)
    elsewhere.connection.execute(f"set timezone = '{zone}'".encode())
    deposit(elsewhere, "z")
    assert flaws(elsewhere, KEY) == ()
    assert flaws(ledger, KEY) == ()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (
            "update posting set amount = amount * 2 where account_id = '{key}' and source = 'cash:b'",
            "3 is altered",
        ),
        (
            "update posting set at = at + interval '1 us' where account_id = '{key}' and chain_number = 2",
            "2 is altered",
        ),
        (
            "update posting set chain_hash = sha256('x') where account_id = '{key}' and chain_number = 4",
            "4 is altered",
        ),
        ("delete from posting where account_id = '{key}' and chain_number in (3, 4)", "3 is missing"),
        ("delete from posting where account_id = '{key}' and chain_number = 1", "1 is missing"),
        ("delete from posting where account_id = '{key}' and source = 'cash:c'", "5 is cut off"),
        ("delete from posting where account_id = '{key}'", "1 is cut off"),
        ("delete from chain_head where account_id = '{key}'", "6 is unlike its head"),
        ("update chain_head set number = 5 where account_id = '{key}'", "6 is unlike its head"),
        ("update chain_head set hash = sha256('x') where account_id = '{key}'", "6 is unlike its head"),
        (
            "insert into posting overriding system value"
            " select 99, '{key}', 'x', 'assets', 'KRW', 9, now(), 7, sha256('x')",
            "7 is altered",
        ),
        # Swapped: the sums stay.
        (
            "update posting set amount = -amount where account_id = '{key}' and chain_number in (1, 2)",
            "1 is altered",
        ),
    ],
)
def test_what_a_superuser_changes_with_the_triggers_off_is_found(
    ledger: Database, connect: Connect, damage: str, told: str
) -> None:
    as_superuser(connect, damage.format(key=KEY))
    assert f"chain posting: link {told}" in flaws(ledger, KEY)
    assert flaws(ledger, OTHER) == ()


def test_an_end_that_was_cut_off_together_with_its_head_shows_against_one_kept_elsewhere(
    ledger: Database, connect: Connect
) -> None:
    remembered = chain_heads(ledger, KEY)
    assert flaws(ledger, KEY, remembered) == ()
    as_superuser(
        connect,
        f"delete from posting where account_id = '{KEY}' and chain_number > 4; update chain_head h set number = 4,"
        f" hash = chain_at('posting', '{KEY}', 4) where account_id = '{KEY}'",
    )
    assert flaws(ledger, KEY) == ()
    assert flaws(ledger, KEY, remembered) == ("chain posting: the remembered link 6 is gone",)
    deposit(ledger, "later")
    assert flaws(ledger, KEY) == ()
    assert flaws(ledger, KEY, remembered) == ("chain posting: the remembered link 6 is another",)


def test_a_remembered_head_stays_a_link_as_the_chain_grows(ledger: Database) -> None:
    remembered = chain_heads(ledger, KEY)
    deposit(ledger, "later")
    assert flaws(ledger, KEY, remembered) == ()
    forged = {"posting": replace(remembered["posting"], number=5)}
    assert flaws(ledger, KEY, forged) == ("chain posting: the remembered link 5 is another",)


@pytest.mark.parametrize(
    "command",
    [
        f"update chain_head set number = 1 where account_id = '{KEY}'",
        f"update chain_head set number = number, hash = sha256('x') where account_id = '{KEY}'",
        f"update chain_head set account_id = '{OTHER}x', number = 9 where account_id = '{KEY}'",
        "delete from chain_head",
        "truncate chain_head",
    ],
)
def test_a_head_only_grows_even_for_its_owner(ledger: Database, connect: Connect, command: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connect().connection.execute(command.encode())


def test_two_writers_at_once_keep_one_unbroken_chain(ledger: Database, connect: Connect) -> None:
    def write(writer: int, db: Database) -> None:
        for number in range(15):
            deposit(db, f"{writer}-{number}")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3), [connect(Role.WRITER) for _ in range(3)]))
    assert sorted(numbers(ledger)) == list(range(1, 97))
    assert flaws(ledger, KEY) == ()
    assert chain_heads(ledger, KEY)["posting"].number == 96


def test_a_writer_with_an_old_snapshot_is_refused_rather_than_linked_wrongly(
    ledger: Database, connect: Connect
) -> None:
    late = connect(Role.WRITER)

    def write() -> None:
        with late.transaction():
            late.connection.execute(b"set transaction isolation level repeatable read")
            numbers(late)
            deposit(ledger, "first")
            put_postings(late, KEY, cash_postings("cash:second", Krw(1), AT))

    with pytest.raises(psycopg.errors.UniqueViolation, match="posting_chain"):
        write()
    assert flaws(ledger, KEY) == ()


def test_everything_that_trading_journals_is_chained(journal: Database, connect: Connect) -> None:
    world = tape(bitcoin(2), Chart(market=ETH, price=5_000_000, days=[0.0005, 0.0005]))
    trader = open_trader(journal, Exchange(tape=world))
    trader.buy(ETH, "0.1")
    assert chain_heads(journal, trader.account.account_id).keys() == CHAINED
    trader.laws()
    for table, column in (("orders", "reason"), ("order_event", "event"), ("fill", "market"), ("stop", "kind")):
        as_superuser(connect, f"update {table} set {column} = 'other' where chain_number = 1")
        assert f"chain {table}: link 1 is altered" in flaws(journal, trader.account.account_id)


def test_a_journal_from_before_the_chain_is_linked_by_its_migration(connect: Connect) -> None:
    owner = connect()
    migrate(owner, [each for each in packaged() if each.version < ledger_version()])
    insert = (
        "insert into account (account_id, venue, mode, feed, installation, identity, settings)"
        " values ('{0}', 'simulator', 'paper', 'f', '0001', '{{}}', '{{}}');"
        " insert into posting (account_id, source, book, currency, amount, at) values"
        " ('{0}', 'cash:a', 'assets', 'KRW', 100.50, now()), ('{0}', 'cash:a', 'capital', 'KRW', -100.50, now());"
        " insert into orders (identifier, account_id, position_id, leg, number, reason, market, side, type, evidence,"
        " created_at)"
        " values ('{0}-e01', '{0}', 'p', 'e', 1, 'entry', 'KRW-BTC', 'bid', 'limit', '{{\"a\": null}}', now());"
        " insert into order_event (identifier, at, event, state, doubt, detail)"
        " values ('{0}-e01', now(), 'Committed', 'planned', false, '{{}}');"
    )
    for key in (KEY, OTHER):
        owner.connection.execute(insert.format(key).encode(), prepare=False)
    migrate(owner)
    for key in (KEY, OTHER):
        heads = chain_heads(owner, key)
        assert {name: head.number for name, head in heads.items()} == {"posting": 2, "orders": 1, "order_event": 1}
        assert [each for each in flaws(owner, key) if "chain" in each] == []
    writer = connect(Role.WRITER)
    deposit(writer, "b")
    assert numbers(writer) == [1, 2, 3, 4]
    assert flaws(writer, KEY) == ()
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.connection.execute(b"delete from posting")


def ledger_version() -> int:
    """The number of the migration that starts the chains."""
    (version,) = (each.version for each in packaged() if each.name == "ledger")
    return version


def test_a_null_inside_a_detail_is_told_from_nothing(journal: Database, connect: Connect) -> None:
    world = tape(bitcoin(2), Chart(market=ETH, price=5_000_000, days=[0.0005, 0.0005]))
    trader = open_trader(journal, Exchange(tape=world))
    trader.buy(ETH, "0.1")
    as_superuser(connect, """update orders set evidence = evidence || '{"more": null}'""")
    assert flaws(journal, trader.account.account_id) == ("chain orders: link 1 is altered",)


def test_a_column_that_is_added_later_leaves_the_older_links_whole(ledger: Database, connect: Connect) -> None:
    connect().connection.execute(b"alter table posting add column note text")
    assert flaws(ledger, KEY) == ()
    as_superuser(connect, f"update posting set note = 'x' where account_id = '{KEY}' and chain_number = 2")
    assert flaws(ledger, KEY) == ("chain posting: link 2 is altered",)


def test_an_event_of_no_order_is_refused(ledger: Database) -> None:
    with pytest.raises(psycopg.errors.IntegrityError):
        ledger.do(
            "order_event_put",
            identifier="nobody",
            at=AT,
            event="Committed",
            state="planned",
            doubt=False,
            uuid=None,
            spent=False,
            detail={},
        )

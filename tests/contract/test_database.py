"""The connection: values there and back, all or nothing, roles, and every fault under its own name."""

from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import psycopg
import pytest

from makenaide.domain.clock import KST
from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.store.adapters import to_json
from makenaide.store.db import Database, Jsonb, Role
from makenaide.store.queries import Queries
from tests.contract.conftest import Connect, only, put

NOON = datetime(2026, 1, 5, 12, 30, 0, 123456, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        Decimal("0.00000001"),
        Decimal("123456789012345678901234.000000001"),
        Decimal("-0.10"),
        Krw("5000.25"),
        Krw(-1),
        Price("0.00000123"),
        Quantity("12.00000001"),
    ],
    ids=str,
)
def test_money_comes_back_as_the_same_decimal(db: Database, value: Decimal | Krw | Price | Quantity) -> None:
    put(db, 1, amount=value)
    found = only(db, "one", id=1).amount
    assert isinstance(found, Decimal)
    assert str(found) == str(value if isinstance(value, Decimal) else value.value)


@pytest.mark.parametrize("moment", [NOON, NOON.astimezone(KST), NOON - timedelta(days=9_000)], ids=str)
def test_times_come_back_aware_and_in_utc(db: Database, moment: datetime) -> None:
    put(db, 1, at=moment)
    found = only(db, "one", id=1).at
    assert found == moment
    assert found.utcoffset() == timedelta(0)


def test_a_naive_time_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="a time needs a zone"):
        put(db, 1, at=NOON.replace(tzinfo=None))


def test_an_enum_is_stored_by_its_value(db: Database) -> None:
    put(db, 1, note=Colour.RED)
    assert only(db, "one", id=1).note == "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"price": Price("0.1"), "nested": {"list": [Krw(1), Decimal("2.50")]}}, None),
        (MappingProxyType({"at": NOON, "colour": Colour.RED, "flag": True}), None),
        ({"x": float("nan"), "y": None, "z": 1.5}, {"x": None, "y": None, "z": 1.5}),
        ({"f": np.float64(0.5), "i": np.int64(3), "b": np.bool_(True)}, {"f": 0.5, "i": 3, "b": True}),
        (Jsonb([1, "two", Quantity("0.5")]), [1, "two", "0.5"]),
        ({}, {}),
    ],
    ids=["money", "times", "nan", "numpy", "list", "empty"],
)
def test_evidence_is_json_with_decimals_as_text(db: Database, value: object, expected: object) -> None:
    put(db, 1, detail=value)
    texts = {
        "money": {"price": "0.1", "nested": {"list": ["1", "2.50"]}},
        "times": {"at": "2026-01-05T12:30:00.123456Z", "colour": "red", "flag": True},
    }
    wanted = expected if expected is not None else texts["money" if "price" in str(value) else "times"]
    assert only(db, "one", id=1).detail == wanted


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON form for object"):
        to_json({"x": object()})


def test_rows_have_the_columns_as_names(db: Database) -> None:
    put(db, 1, amount=Decimal(5))
    put(db, 2)
    assert [(row.id, row.amount) for row in db.rows("all")] == [(1, Decimal(5)), (2, None)]
    assert db.row("one", id=3) is None


def test_one_row_is_not_several(db: Database) -> None:
    db.do_many("put_id", [{"id": number} for number in range(3)])
    with pytest.raises(Inconsistent, match="query all: one row expected"):
        db.row("all")


def test_statements_say_how_many_rows_they_touched(db: Database) -> None:
    assert db.do_many("put_id", []) == 0
    assert db.do_many("put_id", [{"id": number} for number in range(5)]) == 5
    assert db.do("clear") == 5


def test_many_is_all_or_none(db: Database) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.do_many("put_id", [{"id": 1}, {"id": 2}, {"id": 1}])
    assert db.rows("all") == []


@pytest.mark.parametrize(
    ("name", "types"), [("copy_text", ()), ("copy_binary", ("int4", "numeric", "timestamptz", "jsonb"))]
)
def test_copy_takes_the_values_of_the_domain(db: Database, name: str, types: tuple[str, ...]) -> None:
    amounts = (None, 7, Decimal("0.5"), Krw(-3), Quantity("0.00000001"), Price(1))
    rows = [(number, amounts[number % 6], NOON, {"last": Krw(number)}) for number in range(100)]
    assert db.copy(name, rows, types) == 100
    assert [row.amount for row in db.rows("all")][:6] == [None, 7, Decimal("0.5"), -3, Decimal("0.00000001"), 1]
    assert only(db, "one", id=99).at == NOON
    assert only(db, "one", id=99).detail == {"last": "99"}
    with pytest.raises(ValueError, match="a time needs a zone"):
        db.copy(name, [(100, None, NOON.replace(tzinfo=None), None)], types)


def test_a_failed_copy_leaves_nothing(db: Database) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.copy("copy_text", [(1, None, None, {}), (1, None, None, {})])
    assert db.rows("all") == []


def test_a_per_cent_sign_is_doubled_in_every_query(db: Database) -> None:
    assert tuple(only(db, "percent")) == ("100 %", 3)


def test_unknown_queries_and_wrong_parameters_never_reach_the_server(db: Database) -> None:
    with pytest.raises(Inconsistent, match=r"did you mean put_id\?"):
        db.do("put_ids", id=1)
    with pytest.raises(Inconsistent, match="missing id; not known to it: number"):
        db.do("put_id", number=1)
    with pytest.raises(Inconsistent, match="missing id"):
        db.do_many("put_id", [{"id": 1}, {}])
    assert db.rows("all") == []


def test_a_transaction_is_all_or_nothing(db: Database, connect: Connect, queries: Queries) -> None:
    other = connect(Role.READER)
    other.use(queries)
    with db.transaction():
        put(db, 1)
        assert other.rows("all") == []
    with pytest.raises(psycopg.errors.UniqueViolation), db.transaction():
        db.do_many("put_id", [{"id": 2}, {"id": 1}])
    assert [row.id for row in other.rows("all")] == [1]


def test_an_inner_transaction_can_fail_alone(db: Database) -> None:
    with db.transaction():
        put(db, 1)
        with suppress(psycopg.errors.UniqueViolation), db.transaction():
            put(db, 2)
            put(db, 1)
        put(db, 3)
    assert [row.id for row in db.rows("all")] == [1, 3]


def test_a_snapshot_sees_one_moment_and_cannot_write(db: Database, connect: Connect, queries: Queries) -> None:
    other = connect()
    other.use(queries)
    with db.snapshot():
        assert db.rows("all") == []
        put(other, 1)
        assert db.rows("all") == []
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), db.snapshot():
        put(db, 2)
    with pytest.raises(Inconsistent, match="inside a transaction"), db.transaction(), db.snapshot():
        pass
    assert [row.id for row in db.rows("all")] == [1]


@pytest.mark.parametrize(
    ("role", "may"),
    [(Role.WRITER, {"put_id", "all", "annotate"}), (Role.READER, {"all"})],
)
def test_a_role_may_do_what_it_was_granted_and_nothing_else(
    db: Database, connect: Connect, queries: Queries, role: Role, may: set[str]
) -> None:
    other = connect(role)
    other.use(queries)
    values: dict[str, dict[str, object]] = {"put_id": {"id": 1}, "annotate": {"note": "x"}}
    for name in ("put_id", "annotate", "all", "spoil", "clear"):
        with nullcontext() if name in may else pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.do(name, **values.get(name, {}))
    assert only(other, "me").name == f"makenaide_{role.value}"
    assert not db.closed


def test_a_connection_tells_its_name_and_works_in_utc(db: Database) -> None:
    me = only(db, "me")
    assert (me.zone, me.application) == ("UTC", "test")

"""Named SQL is found by name, complete, and complains with a file and a line."""

from pathlib import Path

import pytest

from makenaide.domain.errors import Inconsistent
from makenaide.store.queries import Queries, packaged

ORDERS = """\
-- Orders.
-- name: orders_insert
-- one row
insert into orders (identifier, total) -- 100 %% of it
values (%(identifier)s, %(total)s);

-- name: orders_unsettled
select identifier from orders
where state = %(state)s and note like 'a;b%%';
"""


def load(folder: Path, **texts: str) -> Queries:
    for name, text in texts.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    return Queries.load(folder)


def test_a_file_holds_any_number_of_queries(tmp_path: Path) -> None:
    queries = load(tmp_path, orders=ORDERS, runs="-- name: run_latest\nselect 1")
    assert set(queries.by_name) == {"orders_insert", "orders_unsettled", "run_latest"}


def test_comment_lines_and_the_last_semicolon_never_reach_the_server(tmp_path: Path) -> None:
    query = load(tmp_path, orders=ORDERS).get("orders_insert")
    assert query.sql == (
        b"insert into orders (identifier, total) -- 100 %% of it\nvalues (%(identifier)s, %(total)s)"
    )


def test_a_semicolon_inside_stays(tmp_path: Path) -> None:
    assert b"'a;b%%'" in load(tmp_path, orders=ORDERS).get("orders_unsettled").sql


def test_a_query_knows_its_parameters_and_its_place(tmp_path: Path) -> None:
    query = load(tmp_path, orders=ORDERS).get("orders_insert")
    assert query.parameters == {"identifier", "total"}
    assert query.source == "orders.sql:2"


def test_an_unknown_name_gets_the_nearest_one(tmp_path: Path) -> None:
    queries = load(tmp_path, orders=ORDERS)
    with pytest.raises(Inconsistent, match=r"no query is named order_insert: did you mean orders_insert\?"):
        queries.get("order_insert")


def test_a_name_like_no_other_gets_no_guess(tmp_path: Path) -> None:
    with pytest.raises(Inconsistent, match=r"no query is named zzz$"):
        load(tmp_path, orders=ORDERS).get("zzz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1;", r"bad\.sql:1: SQL before the first '-- name:' line"),
        ("-- name: a\nselect 1;\n-- name: a\nselect 2;", r"bad\.sql:3: the query a is also in bad\.sql:1"),
        ("-- name: a\n-- nothing\n;", r"bad\.sql:1: the query a has no statement"),
        ("-- name: a\n-- name: b\nselect 1", r"bad\.sql:1: the query a has no statement"),
        ("-- name: A-1\nselect 1;", r"bad\.sql:1: a query's name is like orders_insert, not 'A-1'"),
        ("-- name:\nselect 1;", r"bad\.sql:1: a query's name is like orders_insert, not ''"),
    ],
)
def test_a_broken_file_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Inconsistent, match=message):
        load(tmp_path, bad=text)


def test_a_name_in_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Inconsistent, match=r"two\.sql:1: the query a is also in one\.sql:1"):
        load(tmp_path, one="-- name: a\nselect 1", two="-- name: a\nselect 1")


def test_other_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("select", encoding="utf-8")
    assert load(tmp_path).by_name == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"identifier"}, "missing total; not known to it: nothing"),
        ({"identifier", "total", "price"}, "missing nothing; not known to it: price"),
        ({"identifer", "total"}, "missing identifier; not known to it: identifer"),
    ],
)
def test_exactly_the_parameters_must_be_given(tmp_path: Path, given: set[str], message: str) -> None:
    query = load(tmp_path, orders=ORDERS).get("orders_insert")
    query.require({"total", "identifier"})
    with pytest.raises(Inconsistent, match=message):
        query.require(given)


def test_the_packaged_queries_load_once() -> None:
    assert packaged() is packaged()
    assert packaged().by_name

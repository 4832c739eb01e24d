"""Named SQL from files: every statement has a name, so that code says what it wants and SQL stays SQL.

    -- name: orders_unsettled
    select identifier, market from orders where state = %(state)s;

A file holds any number of such blocks. Parameters are `%(name)s`; a literal per cent sign is written `%%`.
Lines that begin with `--` are comments and never reach the server.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Self

from makenaide.domain.errors import Inconsistent

_HEADER = re.compile(r"--\s*name:\s*(.*?)\s*$")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER = re.compile(r"%\(([A-Za-z_][A-Za-z0-9_]*)\)[sbt]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One named statement; `source` is "file:line" of its name."""

    name: str
    sql: bytes
    parameters: frozenset[str]
    source: str

    def require(self, given: Set[str]) -> None:
        """`Inconsistent`, naming the difference, unless exactly this query's parameters are given."""
        if given == self.parameters:
            return
        missing = ", ".join(sorted(self.parameters - given)) or "nothing"
        surplus = ", ".join(sorted(given - self.parameters)) or "nothing"
        raise Inconsistent(f"query {self.name} ({self.source}): missing {missing}; not known to it: {surplus}")


@dataclass(frozen=True, slots=True)
class Queries:
    """All queries of one folder, by name."""

    by_name: Mapping[str, Query]

    @classmethod
    def load(cls, folder: Traversable) -> Self:
        """The queries of the folder's `*.sql`; `Inconsistent` for a name given twice, a bad name, an empty body."""
        found: dict[str, Query] = {}
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            if not file.name.endswith(".sql"):
                continue
            for query in _parse(file.name, file.read_text(encoding="utf-8")):
                if query.name in found:
                    first = found[query.name].source
                    raise Inconsistent(f"{query.source}: the query {query.name} is also in {first}")
                found[query.name] = query
        return cls(MappingProxyType(found))

    def get(self, name: str) -> Query:
        """The query of that name; `Inconsistent` with the nearest name when there is none."""
        query = self.by_name.get(name)
        if query is not None:
            return query
        near = get_close_matches(name, self.by_name, n=1)
        hint = f": did you mean {near[0]}?" if near else ""
        raise Inconsistent(f"no query is named {name}{hint}")


@cache
def packaged() -> Queries:
    """The queries that come with Makenaide (`store/queries/*.sql`), read once per process."""
    return Queries.load(files("makenaide.store") / "queries")


def _parse(file: str, text: str) -> Iterator[Query]:
    name, source, body = "", "", list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.fullmatch(line.strip())
        if header is not None:
            if name:
                yield _query(name, source, body)
            name, source, body = header.group(1), f"{file}:{number}", []
            if not _NAME.fullmatch(name):
                raise Inconsistent(f"{source}: a query's name is like orders_insert, not {name!r}")
        elif line.strip() and not line.lstrip().startswith("--"):
            if not name:
                raise Inconsistent(f"{file}:{number}: SQL before the first '-- name:' line")
            body.append(line.rstrip())
    if name:
        yield _query(name, source, body)


def _query(name: str, source: str, body: list[str]) -> Query:
    sql = "\n".join(body).rstrip().removesuffix(";")
    if not sql:
        raise Inconsistent(f"{source}: the query {name} has no statement")
    return Query(name=name, sql=sql.encode(), parameters=frozenset(_PLACEHOLDER.findall(sql)), source=source)

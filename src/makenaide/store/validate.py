"""Is the live schema the one that the migrations make? Asked of the catalogue, in a read-only transaction.

`schema/expected.json` holds the description of a freshly migrated schema; write it again with `write_expected`
whenever a migration is added (a test says when it is out of date). The description names no schema, no
version-dependent detail of the server, and no data, so that PostgreSQL 15 and 18 give the same.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from makenaide.domain.errors import SchemaMismatch
from makenaide.store.db import Database

Description: TypeAlias = dict[str, dict[str, dict[str, str]]]
"""Kind of thing -> thing -> what is said of it -> its definition, such as table candle -> column open -> numeric."""

# Partitions (made as time goes by) and what belongs to an extension are no part of the schema.
_MINE = """
with mine as (
    select c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = %(schema)s and not c.relispartition and c.relkind in ('r', 'p', 'v', 'm', 'S')
      and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass
                      and d.deptype = 'e'))
"""
_RELATIONS = """
select relname as thing, 'kind' as fact,
       case relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
            when 'm' then 'materialized view' else 'sequence' end as definition from mine
union all select relname, 'owner', pg_get_userbyid(relowner) from mine
union all select relname, 'row security', 'on' from mine where relrowsecurity
"""
_COLUMNS = """
select c.relname as thing, 'column ' || a.attname as fact,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
           case a.attidentity when 'a' then 'always identity' when 'd' then 'identity' end,
           case when a.attgenerated <> '' then 'generated ' || pg_get_expr(d.adbin, d.adrelid)
                when d.adbin is not null then 'default ' || pg_get_expr(d.adbin, d.adrelid) end) as definition
from mine c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relkind <> 'S'
"""
# NOT NULL is told with the column: only PostgreSQL 18 has it as a constraint too.
_CONSTRAINTS = """
select c.relname as thing, 'constraint ' || k.conname as fact, pg_get_constraintdef(k.oid, true)
       || case when k.convalidated then '' else ' (not validated)' end as definition
from mine c join pg_constraint k on k.conrelid = c.oid and k.contype in ('c', 'f', 'p', 'u', 'x')
"""
_INDEXES = """
select c.relname as thing, 'index ' || i.relname as fact,
       pg_get_indexdef(i.oid, 0, true) || case when x.indisvalid then '' else ' (invalid)' end as definition
from mine c join pg_index x on x.indrelid = c.oid join pg_class i on i.oid = x.indexrelid
"""
_TRIGGERS = """
select c.relname as thing, 'trigger ' || t.tgname as fact,
       pg_get_triggerdef(t.oid, true) || case when t.tgenabled = 'D' then ' (disabled)' else '' end as definition
from mine c join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal
"""
# MAINTAIN exists from PostgreSQL 17 on; an owner may do everything anyway.
_GRANTS = """
select c.relname as thing,
       'grant to ' || case g.grantee when 0 then 'everybody' else pg_get_userbyid(g.grantee) end
       || coalesce(' on ' || g.attname, '') as fact,
       string_agg(g.privilege_type, ', ' order by g.privilege_type) as definition
from mine c cross join lateral (
    select null::name as attname, acl.* from aclexplode(c.relacl) acl
    union all
    select a.attname, acl.* from pg_attribute a cross join lateral aclexplode(a.attacl) acl where a.attrelid = c.oid
) g
where g.grantee <> c.relowner and g.privilege_type <> 'MAINTAIN'
group by 1, 2
"""
_FUNCTIONS = """
select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as thing, 'definition' as fact,
       concat_ws(' ', l.lanname, 'returns', pg_get_function_result(p.oid),
           case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
           case when p.prosecdef then 'security definer' end, 'body', md5(p.prosrc)) as definition
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
where n.nspname = %(schema)s
  and not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass
                  and d.deptype = 'e')
"""
_TYPES = """
select t.typname as thing, 'values' as fact, string_agg(e.enumlabel, ', ' order by e.enumsortorder) as definition
from pg_type t join pg_namespace n on n.oid = t.typnamespace join pg_enum e on e.enumtypid = t.oid
where n.nspname = %(schema)s group by 1
"""
_SCHEMA = """
select 'schema' as thing,
       'grant to ' || case g.grantee when 0 then 'everybody' else pg_get_userbyid(g.grantee) end as fact,
       string_agg(g.privilege_type, ', ' order by g.privilege_type) as definition
from pg_namespace n cross join lateral aclexplode(n.nspacl) g
where n.nspname = %(schema)s and g.grantee <> n.nspowner group by 1, 2
"""
_PARTS = (
    ("relation", (_RELATIONS, _COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS, _GRANTS)),
    ("function", (_FUNCTIONS,)),
    ("type", (_TYPES,)),
    ("schema", (_SCHEMA,)),
)


def describe(db: Database) -> Description:
    """What the catalogue says of the connection's schema, sorted; writes nothing."""
    schema = db.settings.schema
    found: Description = {kind: {} for kind, _ in _PARTS}
    with db.snapshot():
        for kind, queries in _PARTS:
            for query in queries:
                for row in db.connection.execute((_MINE + query).encode(), {"schema": schema}):
                    text = row.definition.replace(f'"{schema}".', "").replace(f"{schema}.", "")
                    found[kind].setdefault(row.thing, {})[row.fact] = text
    return found


def validate(db: Database, expected: Description | None = None) -> tuple[str, ...]:
    """The differences between the live schema and the expected one (default: the packaged); none is good.

    Reads only. `SchemaMismatch` where the connection may not look at the schema at all.
    """
    expected = packaged_expectation() if expected is None else expected
    live = describe(db)
    if not live["relation"]:
        raise SchemaMismatch(f"{db.name}: the schema {db.settings.schema} is not there: run `makenaide db init`")
    return tuple(line for kind in expected for line in _differences(kind, expected[kind], live.get(kind, {})))


def packaged_expectation() -> Description:
    """The description that comes with Makenaide (`store/schema/expected.json`)."""
    found: Description = json.loads((files("makenaide.store") / "schema" / "expected.json").read_text("utf-8"))
    return found


def write_expected(db: Database, path: Path) -> None:
    """Write the description of the connection's schema, freshly migrated, to `path`, one fact a line."""
    path.write_text(
        json.dumps(describe(db), indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _differences(kind: str, wanted: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    for thing in sorted(wanted.keys() | live.keys()):
        name = f"{wanted.get(thing, live.get(thing, {})).get('kind', kind)} {thing}".removeprefix("schema ")
        if thing not in live:
            yield f"missing {name}"
        elif thing not in wanted:
            yield f"extra {name}"
        else:
            yield from _facts(name, wanted[thing], live[thing])


def _facts(name: str, wanted: Mapping[str, str], live: Mapping[str, str]) -> Iterator[str]:
    for fact in sorted(wanted.keys() | live.keys()):
        want, have = wanted.get(fact), live.get(fact)
        if have is None:
            yield f"{name}: missing {fact}: {want}"
        elif want is None:
            yield f"{name}: extra {fact}: {have}"
        elif want != have:
            yield f"{name}: altered {fact}: {have}, expected {want}"

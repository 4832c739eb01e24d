"""Lists of checks as a table, as data, as Markdown and as a page: the same facts, harmless for each reader."""

import html
import re
from typing import Any

from rich.console import Console

from makenaide.app.checking import Taken
from makenaide.catalogue import Text
from makenaide.cli.found import Told, change, counts, told
from makenaide.cli.output import safe, table, visible
from makenaide.domain.clock import kst
from makenaide.domain.verdict import Verdict

COLOURS = {
    Verdict.PASS: "green",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.WARN: "yellow",
    Verdict.UNKNOWN: "magenta",
    Verdict.FAIL: "bold red",
}
COLUMNS = (
    "checking.column.verdict",
    "checking.column.check",
    "checking.column.title",
    "checking.column.found",
    "checking.column.was",
)
_SPECIAL = re.compile(r"([\\`*_\[\]|~#])")
_STYLE = """
:root{color-scheme:light dark;--line:#8884}
body{font:15px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
b{white-space:nowrap}.PASS{color:#0a7d4b}.NA{opacity:.6}.WARN{color:#b06000}.UNKNOWN{color:#8e24aa}.FAIL{color:#c0392b}
.quiet{opacity:.75;font-size:.9rem}td p{margin:.2rem 0 0}
"""


def print_table(out: Console, taken: Taken, what: str, text: Text) -> None:
    """The table that a person takes in at a glance; colours only where `out` is a terminal."""
    columns = [(text(key), "left") for key in COLUMNS]
    rows = [
        (
            f"[{COLOURS[row.verdict]}]{row.verdict}[/]",
            row.id,
            safe(row.title),
            _cell(row, text),
            safe(row.was),
        )
        for row in told(taken, text)
    ]
    out.print(table(columns, rows))
    out.print()
    out.print(f"[{COLOURS[taken.verdict]}]{safe(_summary(taken, what, text))}[/]", soft_wrap=True)
    if taken.changed:
        out.print(safe(text("checking.changed", changes=_changes(taken))), soft_wrap=True)


def list_data(taken: Taken, what: str, text: Text) -> dict[str, Any]:
    """The list as plain values; times are KST with offset."""
    return {
        "list": what,
        "verdict": taken.verdict,
        "taken_at": _time(taken.at),
        "account": taken.account_id or None,
        "stored": taken.kept,
        "checks": [_row(row) for row in told(taken, text)],
        "changed": [{"id": each.id, "before": each.before, "after": each.after} for each in taken.changed],
        "heads": {name: {"number": head.number, "hash": head.hash} for name, head in taken.heads.items()},
    }


def markdown(taken: Taken, what: str, text: Text) -> str:
    """The list as Markdown: a heading, a table, and what is to be done."""
    lines = [f"# {_marked(_summary(taken, what, text))}", ""]
    if taken.changed:
        lines += [_marked(text("checking.changed", changes=_changes(taken))), ""]
    lines.append("| " + " | ".join(_marked(text(key)) for key in COLUMNS) + " |")
    lines.append("|" + " --- |" * len(COLUMNS))
    rows = told(taken, text)
    for row in rows:
        cells = (str(row.verdict), row.id, row.title, _found(row, text), row.was)
        lines.append("| " + " | ".join(_marked(each) for each in cells) + " |")
    todo = [f"- {_marked(f'{row.id}: {row.remedy}')} ({row.result.check.runbook})" for row in rows if row.remedy]
    return "\n".join([*lines, *([""] if todo else []), *todo]) + "\n"


def html_page(taken: Taken, what: str, text: Text) -> str:
    """The list as one page that needs nothing else."""
    title = _escaped(_summary(taken, what, text))
    heads = "".join(f"<th>{_escaped(text(key))}</th>" for key in COLUMNS)
    rows = "".join(_page_row(row, text) for row in told(taken, text))
    changed = f"<p>{_escaped(text('checking.changed', changes=_changes(taken)))}</p>" if taken.changed else ""
    language = _escaped(text("language"))
    head = (
        "<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>{title}</title><style>{_STYLE}</style>"
    )
    body = f"<h1>{title}</h1>{changed}<table><tr>{heads}</tr>{rows}</table>"
    return f"<!doctype html><html lang={language}><head>{head}</head><body>{body}</body></html>\n"


def _page_row(row: Told, text: Text) -> str:
    kind = str(row.verdict).replace("/", "")
    remedy = (
        f"<p class=quiet>{_escaped(row.remedy)} ({_escaped(row.result.check.runbook)})</p>" if row.remedy else ""
    )
    cells = (
        f"<b class={kind}>{_escaped(row.verdict)}</b>",
        _escaped(row.id),
        _escaped(row.title),
        f"{_escaped(_found(row, text))}{remedy}",
        _escaped(row.was),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _row(row: Told) -> dict[str, Any]:
    seen, check = row.result.evidence, row.result.check
    return {
        "id": row.id,
        "title": row.title,
        "verdict": row.verdict,
        "value": seen.value,
        "source": seen.source,
        "taken_at": _time(seen.taken_at),
        "valid_until": _time(seen.valid_until),
        "said": row.found,
        "severity": check.severity,
        "remedy": row.remedy or None,
        "runbook": check.runbook,
        "seconds": round(row.result.seconds, 3),
        "was": row.was or None,
        "acknowledged_until": None if row.until is None else row.until.isoformat(),
    }


def _summary(taken: Taken, what: str, text: Text) -> str:
    return text(
        "checking.summary",
        what=what,
        verdict=str(taken.verdict),
        counts=counts(taken),
        at=f"{kst(taken.at):%Y-%m-%d %H:%M}",
        account=taken.account_id or "-",
    )


def _cell(row: Told, text: Text) -> str:
    found = safe(_found(row, text))
    return f"{found}\n[dim]-> {safe(row.remedy)}[/]" if row.remedy else found


def _found(row: Told, text: Text) -> str:
    if row.until is None:
        return row.found
    return f"{row.found} ({text('checking.seen', until=row.until.isoformat())})"


def _changes(taken: Taken) -> str:
    return ", ".join(change(each) for each in taken.changed)


def _time(at: Any) -> str:
    return kst(at).isoformat(timespec="seconds")


def _marked(value: object) -> str:
    """`value` as plain words in Markdown: no mark-up, no HTML, no line feed."""
    return _SPECIAL.sub(r"\\\1", visible(value)).replace("&", "&amp;").replace("<", "&lt;")


def _escaped(value: object) -> str:
    return html.escape(visible(value))

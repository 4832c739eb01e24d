"""The runbooks, made from the checks and the plans themselves, so that text and code cannot part.

    python -m makenaide.cli.runbook docs/runbooks          # `make runbooks`

Writes each page in English and in Korean (`morning.md`, `morning.ko.md`) and an index of them.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from makenaide import __version__
from makenaide.catalogue import messages
from makenaide.cli.runbook_plans import Known, known_steps
from makenaide.domain.parameter import Parameter
from makenaide.domain.verdict import Verdict
from makenaide.ops.check import Check, Checklist, Severity
from makenaide.ops.checks.register import LISTS
from makenaide.ops.plan import Procedure
from makenaide.ops.settings import OperationsSettings

LANGUAGES = ("en", "ko")
_PARAMETER = re.compile(r"\{(\w+)[^{}]*\}")

COMPROMISE: Mapping[str, tuple[str, ...]] = {
    "key": (),
    "orders": (),
    "isolate": (
        'makenaide halt --reason "suspected compromise"',
        "makenaide stop --mode live --all --accept-unguarded",
    ),
    "unplug": (),
    "evidence": (
        "makenaide audit --mode live --since 365d --json > audit.json",
        "makenaide check E5 --mode live --json > security.json",
        "makenaide audit --mode live --link 'CHAIN NUMBER HASH'",
    ),
    "rebuild": ("make setup", "make check", 'makenaide halt --reason "rebuilt, not released yet"'),
    "rotate": (),
    "restore": (
        "makenaide restore NAME --mode live",
        "makenaide db init --mode live",
        "makenaide db validate --mode live",
        "makenaide audit --mode live --link 'CHAIN NUMBER HASH'",
    ),
    "reconcile": ("makenaide reconcile --mode live",),
    "review": (
        "makenaide audit --mode live --since 365d",
        "makenaide audit --mode live --since 365d --actor person",
    ),
    "resume": (
        "makenaide rehearse --seeds 20 --days 30",
        "makenaide live check",
        "makenaide live confirm",
        "makenaide start --mode live",
        "makenaide check morning --mode live",
        "makenaide check readiness --mode live",
        "makenaide halt --lift",
    ),
}
"""What to do when somebody else may hold the key or the machine: the steps in their order, and their commands."""


def pages(language: str) -> dict[str, str]:
    """Every page of one language by its file name."""
    book = _Book(language)
    named = {str(checklist): book.checklist(checklist) for checklist in Checklist}
    named |= {str(procedure): book.plan(procedure) for procedure in Procedure}
    named["suspected-compromise"] = book.compromise()
    named["README"] = book.index(tuple(named))
    return {file_name(name, language): text for name, text in named.items()}


def file_name(page: str, language: str) -> str:
    """ "morning", "ko" -> "morning.ko.md"; English has no suffix."""
    return f"{page}.md" if language == "en" else f"{page}.{language}.md"


def write(folder: Path) -> tuple[Path, ...]:
    """Write every page of every language into `folder`; `OSError` where that cannot be. The files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for language in LANGUAGES:
        for name, text in pages(language).items():
            (folder / name).write_text(text, encoding="utf-8")
            written.append(folder / name)
    return tuple(written)


class _Book:
    """The pages of one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._texts = messages(language)

    def checklist(self, checklist: Checklist) -> str:
        """A page for each list: what every check asks, and what to do."""
        checks = LISTS[checklist]
        lines = [*self._head(str(checklist)), self._say(f"runbook.intro.{checklist}"), ""]
        lines += [*_code(f"makenaide check {checklist}"), ""]
        rows = [(f"[{each.id}](#{each.id.lower()})", self._title(each), str(each.severity)) for each in checks]
        lines += self._table(("id", "asks", "severity"), rows)
        for check in checks:
            lines += self._check(check)
        return _page(lines)

    def plan(self, procedure: Procedure) -> str:
        """A page for the start and the stop: every step, and what to do when it fails."""
        steps = known_steps(procedure)
        lines = [*self._head(str(procedure)), self._say(f"runbook.intro.{procedure}"), ""]
        lines += [*_code(f"makenaide {procedure} --plan", f"makenaide {procedure}"), ""]
        rows = [(f"[{each.id}](#{each.id.lower()})", self._does(each), f"{each.deadline:g} s") for each in steps]
        lines += self._table(("id", "does", "deadline"), rows)
        for step in steps:
            lines += self._step(procedure, step)
        return _page(lines)

    def compromise(self) -> str:
        """What to do when somebody else may hold the key or the machine."""
        lines = [*self._head("suspected-compromise"), self._say("runbook.intro.suspected-compromise"), ""]
        for number, (name, commands) in enumerate(COMPROMISE.items(), 1):
            lines += [f'<a id="{name}"></a>', "", f"## {number}. {self._say(f'runbook.compromise.{name}')}", ""]
            lines += [self._say(f"runbook.doing.{name}"), ""]
            lines += [*_code(*commands), ""] if commands else []
        return _page(lines)

    def index(self, names: Sequence[str]) -> str:
        """The list of pages, and what verdicts and severities mean on each of them."""
        lines = [*self._head("README"), self._say("runbook.intro.README"), ""]
        rows = [
            (
                f"[{self._say(f'runbook.page.{name}')}]({file_name(name, self._language)})",
                self._say(f"runbook.when.{name}"),
            )
            for name in names
        ]
        lines += self._table(("page", "when"), rows)
        lines += ["", f"## {self._say('runbook.verdicts')}", ""]
        lines += self._table(("verdict", "means"), [(f"**{each}**", self._verdict(each)) for each in Verdict])
        lines += ["", f"## {self._say('runbook.severities')}", ""]
        graded = [(str(each), self._say(f"runbook.severity_of.{each}")) for each in Severity]
        return _page(lines + self._table(("severity", "means"), graded))

    # ---- the parts ----

    def _head(self, page: str) -> list[str]:
        other = next(each for each in LANGUAGES if each != self._language)
        link = f"[{self._say('runbook.other_language')}]({file_name(page, other)})"
        up = [] if page == "README" else [f"[{self._say('runbook.up')}]({file_name('README', self._language)})"]
        made = self._say("runbook.made").format(version=__version__)
        return [f"# {self._say(f'runbook.page.{page}')}", "", " · ".join([*up, link]), "", f"*{made}*", ""]

    def _check(self, check: Check) -> list[str]:
        anchor = check.id.lower()
        lines = ["", f'<a id="{anchor}"></a>', "", f"## {check.id} {self._title(check)}", ""]
        lines += [*_code(f"makenaide check {check.id}"), ""]
        lines += [f"**{self._say('runbook.do')}** {self._plain(f'check.remedy.{check.id}')}", ""]
        lines += self._table(("verdict", "means"), [(f"**{each}**", self._means(check, each)) for each in Verdict])
        said = [each for key, each in self._texts.items() if key.startswith(f"check.said.{anchor}_")]
        if said:
            lines += ["", f"**{self._say('runbook.says')}**", "", *(f"- {_shown(each)}" for each in said)]
        bounds = list(_bounds(check, self._texts.get(f"check.remedy.{check.id}", "")))
        if bounds:
            lines += ["", f"**{self._say('runbook.bounds')}**", ""]
            lines += self._table(("setting", "default", "unit", "source"), bounds)
        if check.cites:
            lines += ["", f"{self._say('runbook.cites')} {check.cites}"]
        return lines

    def _step(self, procedure: Procedure, step: Known) -> list[str]:
        lines = ["", f'<a id="{step.id.lower()}"></a>', "", f"## {step.id} {self._does(step)}", ""]
        lines += [*_code(f"makenaide {procedure}"), ""]
        lines += [self._say("runbook.within").format(seconds=f"{step.deadline:g}"), ""]
        lines += [f"**{self._say('runbook.fails')}** {self._say(f'runbook.failed.{step.id}')}", ""]
        rows = [
            (
                _shown(self._texts.get(f"plan.does.{does}", does)),
                self._say("runbook.skipped" if skip else "runbook.done"),
                self._plain(f"plan.why.{why}"),
            )
            for does, why, skip in step.ways
        ]
        return lines + self._table(("does", "how", "why"), rows)

    def _means(self, check: Check, verdict: Verdict) -> str:
        if verdict is Verdict.FAIL and check.list is Checklist.READINESS:
            return self._say("runbook.fail_of.readiness")
        if verdict is Verdict.FAIL:
            return self._say(f"runbook.fail_of.{check.severity}")
        if verdict is Verdict.NOT_APPLICABLE and check.money:
            return self._say("runbook.money")
        return self._verdict(verdict)

    def _verdict(self, verdict: Verdict) -> str:
        return self._say(f"runbook.verdict_of.{verdict.name}")

    def _title(self, check: Check) -> str:
        return self._plain(f"check.title.{check.id}")

    def _does(self, step: Known) -> str:
        return self._plain(f"plan.does.{step.does}")

    def _plain(self, key: str) -> str:
        """A text of the checks or the plans, its parameters by name; its key where nobody has written it yet."""
        return _shown(self._texts.get(key, key))

    def _say(self, key: str) -> str:
        return self._texts[key]

    def _table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
        names = [self._say(f"runbook.column.{name}") for name in columns]
        lines = [names, ["---"] * len(names), *rows]
        return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _bounds(check: Check, remedy: str) -> Iterator[tuple[str, ...]]:
    """The settings that the remedy names, or whose source names the check."""
    for each in fields(OperationsSettings):
        about: Parameter | None = each.metadata.get("parameter")
        if about is None or each.default is MISSING:
            continue
        cited = re.search(rf"\b{check.id}\b", about.source) is not None
        if cited or re.search(rf"\b{each.name}\b", remedy) is not None:
            yield (f"`operations.{each.name}`", f"`{_default(each.default)}`", about.unit, about.source)


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(message: str) -> str:
    """A message with its parameters by name, as a page can show them, and nothing that Markdown reads as a tag."""
    return _PARAMETER.sub(r"*\1*", message).replace("<", "&lt;").replace("\n", " ")


def _code(*commands: str) -> list[str]:
    return ["```sh", *commands, "```"]


def _page(lines: Sequence[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")

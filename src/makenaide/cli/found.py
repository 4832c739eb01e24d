"""What a check found, in words: every parameter may hold foreign text, and whoever prints makes it harmless."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby

from makenaide.app.checking import Taken
from makenaide.catalogue import Text
from makenaide.domain.verdict import Verdict
from makenaide.ops.evidence import Said
from makenaide.ops.record import Change
from makenaide.ops.runner import Result

_NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One check for a reader. `was` is the verdict before where that was another, `until` the day it is folded to.

    `remedy`: what to do, "" where nothing is to be done.
    """

    id: str
    verdict: Verdict
    title: str
    found: str
    remedy: str
    was: str
    until: date | None
    result: Result


def told(taken: Taken, text: Text) -> list[Told]:
    """Every check of the run, in its order."""
    return [_told(each, taken, text) for each in taken.results]


def sentence(said: Said, text: Text) -> str:
    """What was found, in the language of `text`, and in brackets the parts of it that are N/A.

    A sentence that nobody wrote is told by its key and its values.
    """
    whole = _sentence(said, text)
    if not said.more:
        return whole
    absent = "; ".join(_sentence(each, text) for each in said.more)
    return f"{whole} ({Verdict.NOT_APPLICABLE}: {absent})"


def _sentence(said: Said, text: Text) -> str:
    try:
        # Filled in here: parameters may have any name.
        return text(f"check.said.{said.key}").format(**said.values)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError):
        return f"{said.key}: {', '.join(f'{name} {value}' for name, value in said.values.items())}"


def change(each: Change) -> str:
    """One change: "M6 PASS -> FAIL"."""
    return f"{each.id} {each.before or _NONE} -> {each.after or _NONE}"


def counts(taken: Taken) -> str:
    """How many there are of each verdict, the worst first: "1 FAIL, 8 PASS"."""
    verdicts = sorted(
        (each.evidence.verdict for each in taken.results), key=lambda each: (-each.exit_code, str(each))
    )
    return ", ".join(f"{len(list(some))} {verdict}" for verdict, some in groupby(verdicts))


def _told(result: Result, taken: Taken, text: Text) -> Told:
    name, verdict = result.check.id, result.evidence.verdict
    was = taken.was.get(name)
    word = taken.acknowledged.get(name)
    return Told(
        id=name,
        verdict=verdict,
        title=_text(text, f"check.title.{name}", name),
        found=sentence(result.evidence.said, text),
        remedy="" if verdict.quiet else _text(text, f"check.remedy.{name}", ""),
        was="" if not taken.was or was is verdict else str(was or _NONE),
        until=None if word is None else word.until,
        result=result,
    )


def _text(text: Text, key: str, otherwise: str) -> str:
    try:
        return text(key)
    except KeyError:
        return otherwise

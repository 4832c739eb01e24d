"""The message catalogue: every text that a person reads, in English and Korean, by key.

    text = texts("ko")
    text("report.title")            # "모의 거래 보고서"
    text("run.progress", day=3)     # named parameters fill {day}

Keys are dotted; the files of the folders `en` and `ko` hold the same keys with the same parameters (a test compares
them). A table may go on in another file, a key may not.
"""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from makenaide.domain.errors import Inconsistent

Text = Callable[..., str]


@cache
def messages(language: str) -> dict[str, str]:
    """Every message of `language` ("en" or "ko") by its dotted key."""
    found: dict[str, str] = {}
    folder = files(__package__).joinpath(language)
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".toml"):
            continue
        for key, message in _flat(tomllib.loads(file.read_text(encoding="utf-8")), ""):
            if key in found:
                raise Inconsistent(f"catalogue {language}/{file.name}: {key} is in another file, too")
            found[key] = message
    return found


def _flat(table: dict[str, Any], path: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{path}{key}"
        pairs += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return pairs


def texts(language: str) -> Text:
    """A lookup in `language`: `text(key, **parameters)`; KeyError for a key that is not in the catalogue."""
    catalogue = messages(language)

    def text(key: str, **parameters: object) -> str:
        return catalogue[key].format(**parameters) if parameters else catalogue[key]

    return text


def language(env: Mapping[str, str]) -> str:
    """ "ko" or "en": MAKENAIDE_LANG, else the locale's, else English."""
    for name in ("MAKENAIDE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if env.get(name):
            return "ko" if env[name].lower().startswith("ko") else "en"
    return "en"

"""The message catalogue: every text that a person reads, in English and Korean, by key.

    text = texts("ko")
    text("report.title")            # "모의 거래 보고서"
    text("run.progress", day=3)     # named parameters fill {day}

Keys are dotted; `en.toml` and `ko.toml` hold the same keys with the same parameters (a test compares them).
"""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Text = Callable[..., str]


@cache
def messages(language: str) -> dict[str, str]:
    """Every message of `language` ("en" or "ko") by its dotted key."""
    source = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(source), ""))


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

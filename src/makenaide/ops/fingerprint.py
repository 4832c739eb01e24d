"""Fingerprints of what is run: the installed source, and the settings that change what is traded."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

NOT_TRADED = ("paper", "upbit", "market", "venue", "quota", "live", "operations")
"""Tables of the configuration that change with whom and how is talked, not what is traded; a new table counts."""
_KINDS = (".py", ".sql", ".json", ".toml")


def code_hash_of(package: Traversable) -> str:
    """SHA-256 (hex) over the source files below `package`: each path and content, in the order of the paths."""
    digest = hashlib.sha256()
    for path, file in sorted(_sources(package, ""), key=lambda each: each[0]):
        content = file.read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@cache
def code_hash() -> str:
    """The fingerprint of this installation, read once a process."""
    return code_hash_of(files("makenaide"))


def configuration_hash(tree: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the tables of `tree` (`config.tree`) that change what is traded."""
    chosen = {name: table for name, table in tree.items() if name not in NOT_TRADED}
    return hash_of(chosen)


def hash_of(data: Any) -> str:
    """SHA-256 (hex) of plain values."""
    return hashlib.sha256(msgspec.json.encode(data, order="deterministic")).hexdigest()


def _sources(folder: Traversable, path: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for each in folder.iterdir():
        name = f"{path}{each.name}"
        if each.is_dir():
            found += [] if each.name == "__pycache__" else _sources(each, f"{name}/")
        elif each.name.endswith(_KINDS):
            found.append((name, each))
    return found

"""Keeping the result of a rehearsal as evidence, where this version has a room for it (`ops.readiness`)."""

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from makenaide.app.database import open_store
from makenaide.config import tree
from makenaide.environment import Environment
from makenaide.store.db import Role


class Keeper(Protocol):
    """Stamps a result with what it is about, and keeps it as evidence that expires."""

    def stamps(self, at: datetime) -> Mapping[str, Any]:
        """What tells the code and the configuration that were rehearsed, and when that ended."""
        ...

    def keep(self, result: Mapping[str, Any]) -> bool:
        """Store `result`, green or red; whether there was a place for it."""
        ...


class Unkept:
    """For a version without evidence: the result is told and forgotten."""

    def stamps(self, at: datetime) -> Mapping[str, Any]:
        """Only when it ended."""
        return {"taken_at": at.isoformat()}

    def keep(self, result: Mapping[str, Any]) -> bool:  # noqa: ARG002 - the shape of a keeper
        """There is no place for it."""
        return False


class Stored:
    """Keeps results in the operator's own database."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._readiness: Any = import_module("makenaide.ops.readiness")
        self._fingerprint: Any = import_module("makenaide.ops.fingerprint")

    def stamps(self, at: datetime) -> Mapping[str, Any]:
        """The hashes of code and configuration by which the evidence is found again."""
        configuration = self._fingerprint.configuration_hash(tree(self._env.config))
        return {"code": self._fingerprint.code_hash(), "configuration": configuration, "taken_at": at.isoformat()}

    def keep(self, result: Mapping[str, Any]) -> bool:
        """Store it; `DatabaseUnavailable` and the like where that cannot be."""
        with open_store(self._env, prepare=True) as store, store.open(Role.WRITER) as db:
            self._readiness.store_rehearsal(db, result)
        return True


def keeper(env: Environment) -> Keeper:
    """The place of this version for evidence."""
    return Unkept() if find_spec("makenaide.ops") is None else Stored(env)

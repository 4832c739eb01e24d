"""Where a rehearsal's result is kept as evidence that expires."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from makenaide.app.database import open_store
from makenaide.app.evidence import hashes, keep_rehearsal
from makenaide.environment import Environment


class Keeper:
    """Stamps a result with what it is about, and keeps it in the operator's own database."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def stamps(self, at: datetime) -> Mapping[str, Any]:
        """The hashes of code and configuration by which the evidence is found again, and when it ended."""
        return {**hashes(self._env.config), "taken_at": at.isoformat()}

    def keep(self, result: Mapping[str, Any]) -> None:
        """Store `result`, green or red, for either mode; `DatabaseUnavailable` and the like where that cannot be."""
        with open_store(self._env, prepare=True) as store:
            keep_rehearsal(store, result)

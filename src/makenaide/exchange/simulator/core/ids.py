"""The venue's ids: derived from its seed and a counter a kind, so that the same commands give the same ids."""

from collections import defaultdict
from uuid import NAMESPACE_OID, uuid5


class Ids:
    """Hands out uuids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._given: defaultdict[str, int] = defaultdict(int)

    def next(self, kind: str) -> str:
        """The next id of `kind`, such as order or trade."""
        self._given[kind] += 1
        return self.of(f"{kind} {self._given[kind]}")

    def of(self, name: str) -> str:
        """The id of `name`, always the same; nothing is counted."""
        return str(uuid5(NAMESPACE_OID, f"{self._seed} {name}"))

    def state(self) -> list[str]:
        """How many were given, in words, for comparing two venues."""
        return [f"ids {kind} {count}" for kind, count in sorted(self._given.items())]

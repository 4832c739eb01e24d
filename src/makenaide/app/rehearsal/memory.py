"""Files that outlive a process without a disk: `execution.disk.Files` for rehearsals."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class MemoryFiles:
    """Keeps contents by path; what `replace` and `append` were given is there, whatever dies afterwards."""

    kept: dict[Path, bytes] = field(default_factory=dict)

    def read(self, path: Path, start: int = 0) -> bytes | None:
        """The file from byte `start` on; None when there is none."""
        content = self.kept.get(path)
        return None if content is None else content[start:]

    def replace(self, path: Path, content: bytes) -> None:
        """`path` holds `content` and nothing else."""
        self.kept[path] = content

    def append(self, path: Path, content: bytes) -> None:
        """`content` stands at the end of `path`."""
        self.kept[path] = self.kept.get(path, b"") + content

    def remove(self, path: Path) -> None:
        """`path` is gone."""
        self.kept.pop(path, None)

"""Where mutants live: copies of the tree in a temporary folder, gone afterwards whatever happens."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LEFT_OUT = shutil.ignore_patterns(
    ".venv*", ".git", "__pycache__", ".*_cache", ".hypothesis", ".coverage*", "build", "dist", "*.egg-info"
)


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder with a short name: PostgreSQL's socket lies in it, whose path may have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-")).resolve()
    try:
        folder.chmod(0o755)  # the database's own user has to pass
        (folder / "tmp").mkdir(mode=0o777)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copied(repository: Path, to: Path) -> Path:
    """A copy of the tree, compiled so that a changed file is always seen.

    Python tells a stale compiled file by size and second of change, which a mutant may share with what stood
    there before; here the content decides.
    """
    shutil.copytree(repository, to, ignore=_LEFT_OUT)
    mode = ["--invalidation-mode", "checked-hash"]
    subprocess.run([sys.executable, "-m", "compileall", "-qq", *mode, "src", "tests"], cwd=to, check=False)
    return to


@contextmanager
def planted(path: Path, text: str) -> Iterator[None]:
    """`text` in the file for as long as the block lasts."""
    before = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")

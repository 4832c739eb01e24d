"""Who is alive: processes told apart by their number and the moment of their start, zombies counted as dead.

The system gives numbers of dead processes to new ones, so a number alone proves nothing.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine that a process runs as."""

    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Whether this user can pass through `folder` and all above it."""
        return all(self._has(each, 0o1) for each in (folder, *folder.parents))

    def may_read(self, path: Path) -> bool:
        """Whether this user can get at `path` and read it."""
        return self.may_enter(path.parent) and self._has(path, 0o4)

    def _has(self, path: Path, bit: int) -> bool:
        if self.uid == 0:
            return True
        about = path.stat()
        if about.st_uid == self.uid:
            return bool(about.st_mode & (bit << 6))
        if about.st_gid == self.gid:
            return bool(about.st_mode & (bit << 3))
        return bool(about.st_mode & bit)


def me() -> Account:
    """The user that this process runs as."""
    return Account(os.geteuid(), os.getegid())


def birth(pid: int) -> str | None:
    """A word for the start of process `pid`, the same for all who ask; None when it is dead or a zombie."""
    return _linux_birth(pid) if sys.platform == "linux" else _other_birth(pid)


def _linux_birth(pid: int) -> str | None:
    # psutil adds the boot time to it, which moves when the clock is set.
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command, in parentheses, may hold anything; the state is field 3, the start (in ticks) field 22.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in ("Z", "X"):
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    return f"{fields[19]}.{boot}"


def _other_birth(pid: int) -> str | None:
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 - never needed where /proc tells

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.3f}"
    except psutil.NoSuchProcess:
        return None


def seconds_alive() -> float:
    """How long ago this process was started; a machine that slept meanwhile counts, as people do."""
    if sys.platform != "linux":
        import psutil  # noqa: PLC0415

        return float(max(0.0, time.time() - psutil.Process().create_time()))
    stat = (_PROC / "self/stat").read_text(encoding="utf-8", errors="replace")
    ticks = int(stat.rpartition(")")[2].split()[19])
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))


def works_in(pid: int, folder: Path) -> bool:
    """Whether `pid` is alive and `folder` is its working folder (a PostgreSQL process works in its data folder)."""
    return birth(pid) is not None and _folder_of(pid) == folder


def _folder_of(pid: int) -> Path | None:
    return _linux_folder(pid) if sys.platform == "linux" else _other_folder(pid)


def _linux_folder(pid: int) -> Path | None:
    try:
        return (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def _other_folder(pid: int) -> Path | None:
    import psutil  # noqa: PLC0415

    try:
        return Path(psutil.Process(pid).cwd())
    except psutil.Error:
        return None


def all_in(folder: Path) -> Iterator[int]:
    """The living processes whose working folder is `folder`."""
    import psutil  # noqa: PLC0415

    return (pid for pid in psutil.pids() if works_in(pid, folder))

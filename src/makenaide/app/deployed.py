"""What is installed here, and what was deployed here last: two manifests, and the dashboard that went with it."""

import re
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import files
from pathlib import Path

import msgspec

from makenaide import __version__
from makenaide.app.client import UNREADABLE, write_private
from makenaide.domain.errors import Misconfigured
from makenaide.environment import Environment
from makenaide.ops.fingerprint import code_hash_of
from makenaide.ops.scene import Board, Manifest
from makenaide.store.home import file_faults

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MISSING = "missing"


class _Deployed(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    code: str
    packages: dict[str, str]


def installed() -> Manifest:
    """What is installed now, read from the files: a process that began earlier may still run what was there then."""
    return Manifest(version=__version__, code=code_hash_of(files("makenaide")), packages=_packages())


def deployed(home: Path) -> Manifest | None:
    """What was deployed in the data folder `home` last; None when nothing ever was, `Misconfigured` when damaged."""
    file = manifest_file(home)
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_Deployed)
    except FileNotFoundError:
        return None
    except (OSError, *UNREADABLE) as cause:
        raise Misconfigured(f"{file}: cannot be read: {cause}") from cause
    return Manifest(version=kept.version, code=kept.code, packages=kept.packages)


def deploy(env: Environment) -> Manifest:
    """Write down that what is installed now is what shall run here, and the dashboard's file; `DiskFull`."""
    from makenaide.dashboard.panels import body  # noqa: PLC0415 - whoever only reads the manifest needs no dashboard

    now = installed()
    content = _Deployed(version=now.version, code=now.code, packages=dict(now.packages))
    with file_faults(env.home):
        for file, written in (
            (manifest_file(env.home), msgspec.json.format(msgspec.json.encode(content))),
            (panels_file(env.home), body()),
        ):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_private(file, written)
    return now


def board(home: Path) -> Board:
    """The dashboard as it is shown in `home`, and as it ought to be."""
    from makenaide.dashboard.panels import body, widgets  # noqa: PLC0415 - as above

    try:
        shown = sha256(panels_file(home).read_bytes()).hexdigest()
    except FileNotFoundError:
        shown = None
    return Board(shown=shown, generated=sha256(body()).hexdigest(), widgets=widgets())


def manifest_file(home: Path) -> Path:
    """Where the manifest of what was deployed is."""
    return home / "deployed.json"


def panels_file(home: Path) -> Path:
    """Where the dashboard's definition is."""
    return home / "dashboard" / "panels.json"


def _packages() -> dict[str, str]:
    """The versions of the distributions that ours needs to run; "missing" for one that is not there."""
    found = {}
    for line in _required():
        name = _NAME.match(line)
        if name is None or "extra ==" in line:
            continue
        try:
            found[name[0].lower()] = version(name[0])
        except PackageNotFoundError:
            found[name[0].lower()] = _MISSING
    return dict(sorted(found.items()))


def _required() -> list[str]:
    """What our distribution says that it needs; nothing where the source runs without being installed."""
    try:
        return requires("makenaide") or []
    except PackageNotFoundError:
        return []

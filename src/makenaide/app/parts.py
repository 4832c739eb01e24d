"""The database as a part of the place: looked at without opening it, for opening starts the embedded one."""

from makenaide.app.operation import State, read_operation
from makenaide.domain.errors import DatabaseUnavailable
from makenaide.environment import Environment
from makenaide.ops.scene import Part, PartState
from makenaide.store.cluster import Cluster
from makenaide.store.db import Database, Role
from makenaide.store.embedded import PUBLIC
from makenaide.store.home import Home
from makenaide.store.processes import works_in

_NAME = "database"
_WORDS = {"starting up": PartState.STARTING, "shutting down": PartState.STOPPING}
_STATUS = {"starting": PartState.STARTING, "stopping": PartState.STOPPING}


def database_part(env: Environment) -> Part:
    """The database of `env` as it stands. Where nobody ever started or stopped the system, it is wanted up.

    Raises what keeps anybody from looking: `Misconfigured` for an address or a password that is none.
    """
    operation = read_operation(env.home)
    said = {State.STARTED: True, State.STOPPED: False}
    wanted = True if operation is None else said.get(operation.state)
    if env.database_url is not None:
        return _connected(env.database_url, wanted=wanted)
    if not env.home.is_dir():
        return Part(name=_NAME, state=PartState.DOWN, word="never made", wanted=wanted)
    return _embedded(Home(env.home, PUBLIC).cluster(), wanted=wanted)


def database_before(env: Environment) -> Part | None:
    """The database before it is opened, where the system was started or stopped by a plan and it is not up.

    None when it is up, or nobody ever said how it ought to be: then opening it is no news.
    """
    if read_operation(env.home) is None:
        return None
    part = database_part(env)
    return None if part.state is PartState.UP else part


def _connected(address: str, *, wanted: bool | None) -> Part:
    try:
        with Database.connect(address, role=Role.READER) as db:
            return Part(name=_NAME, state=PartState.UP, word="available", wanted=wanted, detail=db.name)
    except DatabaseUnavailable as cause:
        told = str(cause)
        state = next((state for word, state in _WORDS.items() if word in told), PartState.DOWN)
        return Part(name=_NAME, state=state, word=state.value, wanted=wanted, detail=told)


def _embedded(cluster: Cluster, *, wanted: bool | None) -> Part:
    if not cluster.exists:
        return Part(name=_NAME, state=PartState.DOWN, word="never made", wanted=wanted)
    running = cluster.running()
    if running is not None:
        detail = f"PostgreSQL {cluster.major}, process {running.pid}"
        return Part(name=_NAME, state=PartState.UP, word="ready", wanted=wanted, detail=detail)
    status = _status(cluster)
    if status is None:
        return Part(name=_NAME, state=PartState.DOWN, word="stopped", wanted=wanted)
    # Its file is there: if it lives it is on its way up or down, if not it died without a word.
    state = _STATUS.get(status, PartState.BROKEN)
    return Part(name=_NAME, state=state, word=status, wanted=wanted)


def _status(cluster: Cluster) -> str | None:
    """What the server wrote about itself last, "died" for a dead one; None when it ended as it should."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].isdigit() or not works_in(int(lines[0]), cluster.data):
        return "died"
    return lines[7].strip() if len(lines) > 7 else "starting"

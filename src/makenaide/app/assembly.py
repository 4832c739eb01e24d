"""How a session is put together: the trader's and a rehearsal's are the same, but for what they stand on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from makenaide.config import Config
from makenaide.domain.clock import Clock
from makenaide.exchange.venue import Venue
from makenaide.execution.disk import Files
from makenaide.execution.guard.keeper import Keeper, Link
from makenaide.execution.halt import HaltSource
from makenaide.execution.pausing import Paused
from makenaide.execution.permit import Permit
from makenaide.execution.steadiness import Steadiness
from makenaide.execution.submit import Desk
from makenaide.monitoring.watching import registry_of
from makenaide.pipeline.history import History
from makenaide.pipeline.session import Notices, Ready, Session, Vigil
from makenaide.store.accounts import Account, Lease
from makenaide.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a session stands on: the books, the venue, and the guard with its folder and its key."""

    account: Account
    db: Database
    lease: Lease
    venue: Venue
    clock: Clock
    files: Files
    folder: Path
    key: bytes
    link: Link
    vigil: Vigil
    halt: HaltSource | None = None
    ready: Ready | None = None
    notices: Notices | None = None
    steadiness: Steadiness | None = None


def assemble(
    config: Config,
    ground: Ground,
    *,
    permits: tuple[Permit, ...] = (),
    stopping: Callable[[], bool] = lambda: False,
    desk: Callable[..., Desk] = Desk,
) -> Session:
    """The keeper, the desk and the session under the operator's `config`.

    An entry needs every one of `permits`, a market that no person paused, and a guard that has its stop. `desk` makes
    the desk: a test that plants a fault puts another one here.
    """
    keeper = Keeper(
        db=ground.db,
        lease=ground.lease,
        account=ground.account,
        clock=ground.clock,
        files=ground.files,
        folder=ground.folder,
        key=ground.key,
        settings=config.execution,
        link=ground.link,
    )
    return Session(
        account=ground.account,
        db=ground.db,
        lease=ground.lease,
        venue=ground.venue,
        keeper=keeper,
        vigil=ground.vigil,
        clock=ground.clock,
        desk=desk(
            db=ground.db,
            lease=ground.lease,
            venue=ground.venue,
            clock=ground.clock,
            settings=config.execution,
            permits=(*permits, Paused(db=ground.db, account_id=ground.account.account_id), keeper),
            rival=keeper.rival,
            settled=keeper.publish,
        ),
        history=History(ground.db, ground.account.feed),
        strategy=config.strategy,
        risk=config.risk,
        schedule=config.schedule,
        stopping=stopping,
        halt=ground.halt,
        ready=ground.ready,
        notices=ground.notices,
        steadiness=ground.steadiness,
        measures=registry_of(ground.db),
    )

"""What may forbid buying on an account, put together: the kill switch always, limits where set, and with real keys
limits and a fresh rehearsal whatever is set."""

from makenaide.config import Config, tree
from makenaide.domain.clock import Clock
from makenaide.execution.budget import Budget
from makenaide.execution.halt import HaltPermit, HaltSource
from makenaide.execution.permit import Permit
from makenaide.ops.fingerprint import code_hash, configuration_hash
from makenaide.ops.readiness import RehearsalPermit
from makenaide.store.accounts import Account
from makenaide.store.db import Database


def permits(config: Config, db: Database, account: Account, halt: HaltSource, clock: Clock) -> tuple[Permit, ...]:
    """The permits of `account`, in the order in which they are asked."""
    live = bool(account.settings.get("live", False))
    found: list[Permit] = [HaltPermit(source=halt)]
    if live or config.live.limited:
        found.append(
            Budget(
                db=db,
                account_id=account.account_id,
                clock=clock,
                limits=config.live.limits,
                fee=config.live.fee,
                required=live,
            )
        )
    if live:
        configuration = configuration_hash(tree(config))
        found.append(RehearsalPermit(db=db, clock=clock, code=code_hash(), configuration=configuration))
    return tuple(found)

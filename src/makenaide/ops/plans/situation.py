"""Where the system stands before a plan is made: what the planner may know, and nothing else."""

from dataclasses import dataclass
from enum import StrEnum

from makenaide.ops.scene import PartState


class Schema(StrEnum):
    """How the database's schema stands; UNSEEN: nobody could look, because the database is down."""

    CURRENT = "current"
    OLDER = "older"
    MISSING = "missing"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """How everything stands now.

    `ours`: the database's power is in our hands. `kept_up`: it stays up though nobody uses it. `account`: the one
    that is meant; `stored`: whether its books are there (None: nobody could look). `live`: real money is meant.
    `holding`: how many positions and orders in doubt the account has (None: nobody could look). `guarded`: how many
    positions its guard watches. `stopped`: the last plan left the system stopped safely.
    `hung`: the steward lives, and gives no sign of life.
    """

    database: PartState
    ours: bool
    kept_up: bool
    account: str | None
    stored: bool | None
    live: bool
    schema: Schema
    trader: bool
    guard: bool
    steward: bool
    holding: int | None
    guarded: int
    stopped: bool
    hung: bool = False

"""The halt that a stop sets while it is under way: its own, so that it lifts it itself once nothing runs that could
buy. A person's halt is left alone.
"""

from datetime import UTC, datetime
from pathlib import Path

from makenaide.app.halted import halt_file
from makenaide.execution.halt import Halt
from makenaide.store.home import file_faults

REASON = "stop"
BY = "plan"


def halt_own(home: Path) -> Halt | None:
    """Buying is halted from here on; what is in force now. One that is in force already stays as it is."""
    switch = halt_file(home)
    if switch.halt() is None:
        with file_faults(home):
            switch.set(REASON, BY, datetime.now(UTC))
    return switch.halt()


def lift_own(home: Path) -> bool:
    """Lift the halt of a stop; False when there is none, or it is somebody else's."""
    switch = halt_file(home)
    halt = switch.halt()
    if halt is None or (halt.reason, halt.by) != (REASON, BY):
        return False
    with file_faults(home):
        switch.lift()
    return True

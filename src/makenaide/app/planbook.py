"""What a plan leaves in the data folder: its traces, the system's named state, and that no two go on at once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from makenaide.app.operation import Operation, State, read_operation, write_operation
from makenaide.domain.errors import InUse
from makenaide.execution.disk import Disk
from makenaide.ops.plan import FOLDER, Ended, Plan, PlanFile, Procedure, Result
from makenaide.store.claims import exclusive
from makenaide.store.home import file_faults

_UNDER_WAY = {Procedure.START: State.STARTING, Procedure.STOP: State.STOPPING}
_DONE = {Procedure.START: State.STARTED, Procedure.STOP: State.STOPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeJournal:
    """`ops.plan.Journal` at home: <home>/plans/<plan>.jsonl, and operation.json.

    `account` and `arguments` are what is traded on; what is None stays as it was. `before` is what the last plan
    left: a start that fails makes no other account the one that is meant without a name.
    """

    home: Path
    plan: str
    account: str | None = None
    arguments: tuple[str, ...] | None = None
    before: Operation | None = None

    def began(self, plan: Plan) -> None:
        """The plan is under way, and the system in a state between."""
        self._file.began(plan)
        self._write(plan, _UNDER_WAY[plan.procedure])

    def stepped(self, result: Result) -> None:
        """A step ended."""
        self._file.stepped(result)

    def ended(self, ended: Ended) -> None:
        """The state that the plan left, or the step that failed, and why. It matters more than the trace."""
        if ended.failure is None:
            self._write(ended.plan, _DONE[ended.plan.procedure])
        else:
            failed = ended.failed or (ended.results[-1] if ended.results else None)
            step = None if failed is None else failed.step
            self._write(ended.plan, State.FAILED, step, str(ended.failure))
        self._file.ended(ended)

    @property
    def _file(self) -> PlanFile:
        return PlanFile(files=Disk(), folder=self.home / FOLDER, plan=self.plan)

    def _write(self, plan: Plan, state: State, step: str | None = None, cause: str = "") -> None:
        kept = read_operation(self.home) or Operation(state=state, at=plan.at)
        account, arguments = self.account or kept.account, self.arguments
        if state is State.FAILED and plan.procedure is Procedure.START and self.before and self.before.arguments:
            account, arguments = self.before.account, self.before.arguments
        write_operation(
            self.home,
            Operation(
                state=state,
                at=plan.at,
                plan=plan.id,
                step=step,
                cause=cause,
                account=account,
                arguments=kept.arguments if arguments is None else arguments,
            ),
        )


@contextmanager
def one_plan(home: Path) -> Iterator[None]:
    """No other start or stop goes on in `home` until the block ends; `InUse` when one does."""
    folder = home / FOLDER
    busy = InUse("another start or stop is under way in this data folder")
    with ExitStack() as stack:
        with file_faults(home):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(exclusive(folder / "lock", 0.0, busy))
        yield

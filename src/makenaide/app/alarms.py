"""The alarms at home: the messages of the lists, due every day, and whom they tell. One that stays out is the alarm.

Declared by what was started and configured; live by what keeps the schedule, and by the channels that really open.
"""

from makenaide.app.notify import channels
from makenaide.app.operation import State, read_operation
from makenaide.domain.errors import Misconfigured
from makenaide.environment import Environment
from makenaide.monitoring.channels import LOG, WEBHOOK
from makenaide.ops.check import Checklist
from makenaide.ops.scene import Alarm


def alarms(env: Environment, *, keeping: bool) -> tuple[tuple[Alarm, ...], tuple[Alarm, ...]]:
    """Declared and live; `keeping`: whether somebody keeps the schedule now. None is declared before the first start.

    While the system is stopped its alarms are known, and off.
    """
    operation = read_operation(env.home)
    if operation is None:
        return (), ()
    started = operation.state is State.STARTED
    declared = _all(env, tells=(LOG, WEBHOOK) if env.webhook.url else (LOG,), enabled=started)
    if keeping:
        return declared, _all(env, tells=_usable(env), enabled=True)
    return declared, () if started else declared


def _all(env: Environment, *, tells: tuple[str, ...], enabled: bool) -> tuple[Alarm, ...]:
    operations = env.config.operations
    rules = {
        Checklist.MORNING: f"when the run ends, by {operations.morning_by} KST",
        Checklist.EVENING: f"{operations.evening_at} KST",
    }
    return tuple(Alarm(name=name, enabled=enabled, tells=tells, rule=rule) for name, rule in rules.items())


def _usable(env: Environment) -> tuple[str, ...]:
    try:
        return tuple(each.name for each in channels(env))
    except Misconfigured:
        return (LOG,)

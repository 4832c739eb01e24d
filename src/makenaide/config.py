"""Configuration: plain values into one frozen tree of the rooms' own settings. `environment` reads the values.

Misspelt names are refused with a near miss.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints

import msgspec

from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import Krw
from makenaide.domain.parameter import near, parameter, require_in_range, require_known
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.settings import QuotaSettings, VenueSettings
from makenaide.exchange.upbit.settings import UpbitSettings
from makenaide.execution.settings import ExecutionSettings
from makenaide.ops.settings import OperationsSettings
from makenaide.pipeline.schedule import ScheduleSettings
from makenaide.risk.budget import Limits
from makenaide.risk.settings import RiskSettings
from makenaide.strategy.settings import StrategySettings

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSettings:
    """The paper account."""

    krw: Decimal = parameter(Decimal(10_000_000), "KRW", "opening balance of a paper account", low=5_000)

    def __post_init__(self) -> None:
        require_in_range(self)

    @property
    def opening(self) -> Krw:
        """The won that a new paper account starts with."""
        return Krw(self.krw)


class LiveVenue(StrEnum):
    """Where live mode trades: at Upbit itself, or, to rehearse the way there, at a simulator on this machine."""

    UPBIT = "upbit"
    SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """Real money: how much of it may be spent (0 = not set, and live trading stays closed), and where.

    Limits above zero hold on paper, too, so that a rehearsal meets them.
    """

    order_krw: Decimal = parameter(Decimal(0), "KRW", "most that one entry may cost; 0 = not set", low=0)
    day_krw: Decimal = parameter(
        Decimal(0), "KRW", "most that a trading day's entries may cost; 0 = not set", low=0
    )
    total_krw: Decimal = parameter(Decimal(0), "KRW", "most that all holdings may have cost; 0 = not set", low=0)
    fee: Decimal = parameter(Decimal("0.0025"), "ratio", "upbit-api.md section 5: highest fee", low=0, high=0.1)
    account: str = parameter("main", "name", "another name opens another live account")
    venue: LiveVenue = parameter(LiveVenue.UPBIT, "upbit or simulator", "docs/why/0011-live-mode.md")

    def __post_init__(self) -> None:
        require_in_range(self)
        if not (self.account and self.account.isascii() and self.account.isprintable()):
            raise Misconfigured(f"account: expected printable ASCII letters, got {self.account!r}")

    @property
    def limits(self) -> Limits:
        """The limits as the budget takes them."""
        return Limits(order=Krw(self.order_krw), day=Krw(self.day_krw), total=Krw(self.total_krw))

    @property
    def limited(self) -> bool:
        """Whether any limit is set."""
        return any((self.order_krw, self.day_krw, self.total_krw))


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every room's settings; the field names are the tables of the file."""

    paper: PaperSettings = field(default_factory=PaperSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    strategy: StrategySettings = field(default_factory=StrategySettings)
    risk: RiskSettings = field(default_factory=RiskSettings)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    upbit: UpbitSettings = field(default_factory=UpbitSettings)
    market: GeneratorSettings = field(default_factory=GeneratorSettings)
    venue: VenueSettings = field(default_factory=VenueSettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    operations: OperationsSettings = field(default_factory=OperationsSettings)


def tree(config: Any) -> dict[str, Any]:
    """The whole configuration as plain values, for `config show`, and for what identifies an account."""
    return {
        each.name: tree(value) if is_dataclass(value) and not isinstance(value, type) else _shown(value)
        for each in fields(config)
        for value in [getattr(config, each.name)]
    }


def _shown(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_shown(item) for item in value]
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def build(cls: type[Settings], values: Mapping[str, Any], path: str) -> Settings:
    """`values` as an instance of the settings class `cls`; `Misconfigured` names the key by its dotted path."""
    known = {each.name: each for each in fields(cls)}  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        where = f"{path}.{name}" if path else name
        if name not in known:
            raise Misconfigured(f"{where}: unknown setting{near(name, known)}")
        chosen[name] = _value(hints[name], value, where)
    try:
        return cls(**chosen)
    except Misconfigured as cause:
        raise Misconfigured(f"{path}.{cause}" if path else str(cause)) from None


def _value(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise Misconfigured(f"{where}: expected a table, got {value!r}")
        return build(kind, value, where)
    if kind is float and isinstance(value, Decimal):
        value = float(value)
    require_known(kind, value, where)
    try:
        return msgspec.convert(str(value) if kind is Decimal and isinstance(value, int) else value, kind)
    except msgspec.ValidationError as cause:
        raise Misconfigured(f"{where}: {str(cause)[0].lower()}{str(cause)[1:]}, which {value!r} is not") from None

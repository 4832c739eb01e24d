"""Everything about Upbit that can be set, as one tree; importing it costs no network library."""

from dataclasses import dataclass, field

from makenaide.domain.parameter import parameter, require_in_range
from makenaide.exchange.upbit.limiter import LimiterSettings
from makenaide.exchange.upbit.retry import RetrySettings

UPBIT = "https://api.upbit.com"
"""The venue's own base address (upbit-api.md, section 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """How long one request may take, how many connections are kept, how much a reply may hold."""

    connect: float = parameter(3.0, "s", "mission.md, X3", low=0.05, high=30)
    read: float = parameter(5.0, "s between bytes", "mission.md, X3", low=0.05, high=60)
    total: float = parameter(10.0, "s", "mission.md, X3", low=0.05, high=120)
    pool: int = parameter(8, "connections kept", "threads of one process", low=1, high=64)
    body_limit: int = parameter(16 * 2**20, "bytes", "all 855 books are 2.3 MB", low=1024, high=2**30)

    def __post_init__(self) -> None:
        require_in_range(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpbitSettings:
    """The address of the venue, and how it is spoken to."""

    base_url: str = parameter(UPBIT, "address", "upbit-api.md, section 1")
    transport: TransportSettings = field(default_factory=TransportSettings)
    limiter: LimiterSettings = field(default_factory=LimiterSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)

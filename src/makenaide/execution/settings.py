"""Times and counts of the order protocol (docs/why/0003-order-protocol.md)."""

from dataclasses import dataclass

from makenaide.domain.parameter import parameter, require_in_range


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
    """How long an order is followed, how long an entry stays wanted, how often the unknown is looked at."""

    follow_seconds: float = parameter(10.0, "s", "order protocol: look until closed", low=0.5, high=120)
    poll_seconds: float = parameter(0.2, "s", "order protocol: between looks", low=0.05, high=10)
    wanted_seconds: float = parameter(60.0, "s", "order protocol, point 6: age of an entry", low=1, high=60)
    settle_looks: int = parameter(6, "looks", "order protocol, point 5: per settling", low=1, high=60)
    settle_pause: float = parameter(2.0, "s", "order protocol: between settling looks", low=0.1, high=60)
    exit_retry_seconds: float = parameter(60.0, "s", "a stop that could not sell tries again", low=1, high=600)
    rest_seconds: float = parameter(10.0, "s", "issue 4, ledger: compare after so long a calm", low=0, high=120)
    balance_reads: int = parameter(3, "reads", "issue 4, ledger: equal reads in a row", low=1, high=10)
    balance_pause: float = parameter(0.5, "s", "between reads of the balances", low=0.05, high=10)
    compare_tries: int = parameter(3, "tries", "looks at a difference before it is a finding", low=1, high=10)
    compare_pause: float = parameter(5.0, "s", "between those: the venue's lists lag", low=0.1, high=60)
    look_overlap: float = parameter(300.0, "s", "orders are listed by the second, and late", low=1, high=86_400)
    wish_seconds: float = parameter(2.0, "s", "how often a person's wishes are looked for", low=0.1, high=60)

    def __post_init__(self) -> None:
        require_in_range(self)

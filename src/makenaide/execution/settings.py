"""Times and counts of the order protocol and the guard (docs/why/0003-order-protocol.md, 0012-guard.md)."""

from dataclasses import dataclass

from makenaide.domain.parameter import parameter, require_in_range

_VOID = "order protocol, point 5: before an attempt is void"
_GUARD = "order protocol, point 8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
    """How long an order is followed, how long an entry stays wanted, how often the unknown is looked at."""

    follow_seconds: float = parameter(10.0, "s", "order protocol: look until closed", low=0.5, high=120)
    poll_seconds: float = parameter(0.2, "s", "order protocol: between looks", low=0.05, high=10)
    wanted_seconds: float = parameter(60.0, "s", "order protocol, point 6: age of an entry", low=1, high=60)
    settle_looks: int = parameter(6, "looks", "order protocol, point 5: per settling", low=1, high=60)
    settle_pause: float = parameter(2.0, "s", "order protocol: between settling looks", low=0.1, high=60)
    settle_again_seconds: float = parameter(15.0, "s", "the unknown is settled before all else", low=1, high=600)
    void_seconds: float = parameter(60.0, "s", _VOID + ": since the last send", low=60, high=3_600)
    void_looks: int = parameter(6, "looks", _VOID + ": since the last send", low=6, high=60)
    exit_retry_seconds: float = parameter(60.0, "s", "a stop that could not sell tries again", low=1, high=600)
    lag_seconds: float = parameter(
        5.0, "s", "balances lag behind trades: an exit refused for lack of coins", high=60
    )
    stuck_seconds: float = parameter(3_600.0, "s", "an exit refused for good is tried again", low=60, high=86_400)
    beat_seconds: float = parameter(1.0, "s", "the guard's heartbeat", low=0.1, high=5)
    silent_seconds: float = parameter(5.0, "s", _GUARD + ": an older heartbeat stops buys", low=1, high=60)
    acknowledge_seconds: float = parameter(
        2.0, "s", _GUARD + ": wait for a stop's acknowledgement", low=0.1, high=30
    )
    rest_seconds: float = parameter(10.0, "s", "issue 4, ledger: compare after so long a calm", low=0, high=120)
    balance_reads: int = parameter(3, "reads", "issue 4, ledger: equal reads in a row", low=1, high=10)
    balance_pause: float = parameter(0.5, "s", "between reads of the balances", low=0.05, high=10)
    compare_tries: int = parameter(3, "tries", "looks at a difference before it is a finding", low=1, high=10)
    compare_pause: float = parameter(5.0, "s", "between those: the venue's lists lag", low=0.1, high=60)
    look_overlap: float = parameter(300.0, "s", "orders are listed by the second, and late", low=1, high=86_400)
    wish_seconds: float = parameter(2.0, "s", "how often a person's wishes are looked for", low=0.1, high=60)

    def __post_init__(self) -> None:
        require_in_range(self)

"""How the stream is kept alive; importing it costs no network library."""

from dataclasses import dataclass

from makenaide.domain.parameter import parameter, require_in_range

FRAME_LIMIT = 2**20
"""Bytes of the largest frame that is read; the largest real ones hold some thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketSettings:
    """One connection: how long it may take to open and to close, and how far it reads ahead."""

    connect: float = parameter(3.0, "s", "mission.md, X3", low=0.05, high=30)
    open: float = parameter(5.0, "s, TLS and upgrade included", "mission.md, X3", low=0.05, high=60)
    close: float = parameter(0.5, "s", "a stop takes at most a second", low=0.05, high=10)
    backlog: int = parameter(64, "frames read ahead", "memory: 64 MiB of hostile frames", low=1, high=4096)

    def __post_init__(self) -> None:
        require_in_range(self)


_SOURCE = "upbit-api.md, section 9.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """When a stream pings, when it holds a connection for dead, and how it comes back.

    `heartbeat` is the market whose silence means that the stream is dead, where it is subscribed ("" = none): a
    quiet market may say nothing for minutes. A stream without it asks the venue for a heartbeat by the text PING.
    """

    heartbeat: str = parameter("KRW-BTC", "market code", _SOURCE)
    ping: float = parameter(20.0, "s between pings", f"{_SOURCE}: ping every 10-30 s", low=1, high=50)
    pong: float = parameter(10.0, "s without any sign of life after a ping", _SOURCE, low=0.1, high=60)
    stale: float = parameter(30.0, "s without a frame", f"{_SOURCE}: UP comes every 10 s", low=0.5, high=600)
    snapshot: float = parameter(10.0, "s", f"{_SOURCE}: no snapshot within 10 s", low=0.1, high=600)
    settle: float = parameter(0.5, "s", f"{_SOURCE}: snapshots come after 180 and 340 ms", low=0, high=30)
    garbled: int = parameter(10, "unreadable frames in a row", "then the connection is given up", low=1, high=1000)
    spacing: float = parameter(1.0, "s between connects", _SOURCE, low=0.2, high=60)
    message: float = parameter(1.0, "s a message", "upbit-api.md, section 7: 100 a minute", low=0.65, high=60)
    base: float = parameter(0.5, "s", "reconnect: first span of the full jitter", low=0, high=60)
    cap: float = parameter(30.0, "s", "reconnect: widest span of the full jitter", low=0, high=600)
    steady: float = parameter(30.0, "s", "a connection that lived so long was a good one", low=0, high=3600)
    block_first: float = parameter(10.0, "s", "upbit-api.md, section 7: first block of a 418", low=0.1, high=600)
    block_cap: float = parameter(600.0, "s", "longest wait after a block", low=1, high=86400)
    slice: float = parameter(0.25, "s", "how soon a stop is noticed", low=0.01, high=0.5)

    def __post_init__(self) -> None:
        require_in_range(self)

"""The stream: connects, subscribes, reads, and comes back, for as long as something is wanted of it."""

import threading

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import NotConnected
from makenaide.exchange.upbit.auth import bearer
from makenaide.exchange.upbit.limiter import BLOCKED, TOO_MANY, Group, Limiter, Turn
from makenaide.exchange.upbit.stream.connection import PRIVATE, PUBLIC, Refused, Socket
from makenaide.exchange.upbit.stream.news import Lost
from makenaide.exchange.upbit.stream.session import Ended, Session, StreamParts
from makenaide.exchange.upbit.stream.status import Board, State, StreamStatus
from makenaide.exchange.upbit.stream.subscription import Subscription


class Stream:
    """One subscription kept alive in one thread. Everything but `run` may be called from any thread.

    After every connect the whole subscription is sent again and `Connected` goes to the news, so that whoever keeps
    orders or balances reconciles by REST; until then the latest prices are empty. Never raises for what the venue
    or the network does: `status` and the news tell. `Misconfigured` when the limiter has no share of the connects.
    """

    def __init__(self, parts: StreamParts) -> None:
        if parts.limiter is not None:
            # Here and not at the first connect, where it would end the stream's thread instead of the start.
            parts.limiter.require_share(Group.WEBSOCKET_CONNECT)
        self._parts = parts
        self._settings = parts.settings
        self._board = Board()
        self._wanted = Subscription()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._blocks = 0

    def want(self, subscription: Subscription) -> None:
        """Ask for this, the whole of it, from now on; nothing closes the connection.

        `Misconfigured` when it is the account's news and there are no keys.
        """
        if subscription.private and self._parts.keys is None:
            raise Misconfigured("the account's stream needs API keys")
        if subscription != self._wanted:
            self._wanted = subscription

    def start(self) -> None:
        """Run in a thread of its own, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name="upbit-stream", daemon=True)
            self._thread.start()

    def stop(self, seconds: float = 1.0) -> bool:
        """End it for good; whether it has ended within `seconds`.

        Only an opening that is under way may take longer, up to its own time limit; it delivers nothing any more.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join(seconds)
            return not self._thread.is_alive()
        return True

    def status(self) -> StreamStatus:
        """How it is doing."""
        return self._board.status()

    def run(self) -> None:
        """Until `stop`, in the caller's thread."""
        try:
            while not self._over():
                if self._wanted:
                    began = self._parts.monotonic()
                    self._rest(self._connection(self._wanted), began)
                else:
                    self._board.state(State.IDLE)
                    self._parts.clock.sleep(self._settings.slice)
        finally:
            self._board.state(State.STOPPED)

    def _over(self) -> bool:
        return self._stop.is_set() or self._parts.stopping()

    def _connection(self, subscription: Subscription) -> Ended:
        self._board.state(State.CONNECTING)
        try:
            socket = self._open(PRIVATE if subscription.private else PUBLIC, self._headers(subscription))
        except Refused as cause:
            return Ended(str(cause), blocked=cause.response.status in (TOO_MANY, BLOCKED))
        except NotConnected as cause:
            return Ended(str(cause), fault=not self._over())
        self._board.connected(self._parts.clock.now())
        # Said of a connection that ends in a way that nobody has foreseen: even then nothing is lost unnoticed.
        ended = Ended("broke off")
        try:
            session = Session(socket, self._parts, self._board, private=subscription.private)
            ended = session.run(lambda: self._wanted, self._over)
        finally:
            # First of all: what a lost connection said is no price any more.
            self._parts.latest.clear()
            self._parts.news.put(Lost(self._parts.clock.now(), ended.reason))
            socket.close()
        return ended

    def _open(self, path: str, headers: dict[str, str]) -> Socket:
        limiter = self._parts.limiter
        if limiter is None:
            return self._parts.opener(path, headers)
        turn = self._turn(limiter)
        try:
            socket = self._parts.opener(path, headers)
        except Refused as cause:
            limiter.heard(turn, cause.response)
            raise
        limiter.heard(turn, socket.upgrade)
        return socket

    def _turn(self, limiter: Limiter) -> Turn:
        """In slices, because a stop does not wait for its turn."""
        while not self._over():
            turn = limiter.take(Group.WEBSOCKET_CONNECT, self._settings.slice)
            if isinstance(turn, Turn):
                return turn
            if turn.wait > self._settings.cap:
                raise NotConnected(f"no turn to connect for {turn.wait:.1f} s")
            self._parts.clock.sleep(min(turn.wait, self._settings.slice))
        raise NotConnected("stopped")

    def _headers(self, subscription: Subscription) -> dict[str, str]:
        if not subscription.private or self._parts.keys is None:
            return {}
        return {"Authorization": bearer(self._parts.keys, self._parts.ids())}

    def _rest(self, ended: Ended, began: float) -> None:
        """Wait before the next connect: full jitter, longer with every failure in a row, longest when blocked."""
        settings, now = self._settings, self._parts.monotonic()
        wait = began + settings.spacing - now
        if now - began >= settings.steady or not ended.fault:
            self._failures = self._blocks = 0
        if ended.fault:
            self._board.failed(self._parts.clock.now(), ended.reason)
            self._board.state(State.WAITING)
            wait = max(wait, self._parts.rng.uniform(0, _doubled(settings.base, self._failures, settings.cap)))
            self._failures += 1
        if ended.blocked:
            wait += _doubled(settings.block_first, self._blocks, settings.block_cap)
            self._blocks += 1
        while not self._over() and (left := now + wait - self._parts.monotonic()) > 0:
            self._parts.clock.sleep(min(left, settings.slice))


def _doubled(base: float, times: int, cap: float) -> float:
    return float(min(cap, base * 2.0 ** min(times, 30)))

"""A `Transport` to the simulator in the same process, on which everything goes wrong that goes wrong on sockets."""

from collections.abc import Callable
from dataclasses import dataclass

from makenaide.exchange.http import Interrupted, NotConnected, Request, Response
from makenaide.exchange.simulator.rest.delivery import Door


def _at_once(_seconds: float) -> None:
    """Waiting costs nothing where nobody counts the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorTransport:
    """Carries requests through `door`. A reply that takes longer than `patience` seconds is given up.

    `wait` lets the caller's time pass while it waits (a hand-driven clock's `sleep`).
    """

    door: Door
    patience: float = 10.0
    wait: Callable[[float], None] = _at_once
    peer: str = "127.0.0.1"

    def send(self, request: Request) -> Response:
        """Send once; raises `NotConnected` or `Interrupted` where a socket's client would."""
        delivery = self.door.deliver(request, self.peer)
        if delivery.refused:
            raise NotConnected("the connection was refused")
        if delivery.response is None:
            self.wait(min(delivery.stall, self.patience))
            raise Interrupted("no reply came" if delivery.stall else "the connection closed without a reply")
        self.wait(min(delivery.seconds, self.patience))
        if delivery.seconds > self.patience:
            raise Interrupted(f"the reply took longer than {self.patience} s")
        if delivery.cut:
            raise Interrupted(f"the connection closed after {delivery.cut_at} bytes of the body")
        return delivery.response

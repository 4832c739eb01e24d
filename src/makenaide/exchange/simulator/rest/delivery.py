"""What becomes of a reply on its way to the caller: usually it arrives whole and at once."""

from dataclasses import dataclass
from typing import Protocol

from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.rest.face import Face


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`response`, and how it travels; None: the connection closes without one, after `stall` seconds.

    `cut_at`: it closes after so many bytes of the body. `speed`: the body comes at so many bytes a second.
    `refused`: the connection never opened (on a socket that is open already, it closes). `later`: in so many seconds
    something else is due, see `Door.settle`.
    """

    response: Response | None
    cut_at: int | None = None
    speed: int | None = None
    stall: float = 0.0
    refused: bool = False
    later: float | None = None

    @property
    def cut(self) -> bool:
        """Whether the caller never gets the whole body."""
        return self.cut_at is not None and self.response is not None and self.cut_at < len(self.response.body)

    @property
    def seconds(self) -> float:
        """How long the body is under way."""
        if self.speed is None or self.response is None:
            return 0.0
        sent = len(self.response.body) if self.cut_at is None else min(self.cut_at, len(self.response.body))
        return sent / self.speed


class Door(Protocol):
    """What stands between the callers and the face."""

    def deliver(self, request: Request, peer: str) -> Delivery:
        """What the caller at address `peer` gets for `request`."""
        ...

    def settle(self) -> None:
        """Do what has become due without anybody calling."""
        ...


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """Every reply of `face` arrives whole and at once."""

    face: Face

    def deliver(self, request: Request, peer: str) -> Delivery:
        """The face's reply."""
        return Delivery(response=self.face.handle(request, peer))

    def settle(self) -> None:
        """Nothing is ever due."""

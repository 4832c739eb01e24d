"""What goes wrong with the frames of a WebSocket: they go missing, come twice or late, or nothing comes any more."""

from collections.abc import Sequence
from datetime import timedelta

from makenaide.exchange.simulator.faults.plan import Call, Faults, Kind, Rule
from makenaide.exchange.simulator.stream.hub import Hub
from makenaide.exchange.simulator.stream.session import Frame, Session


class Mischief:
    """Stands between `hub` and its clients (`Hub.mischief`): gets the frames to be sent, gives those that are."""

    def __init__(self, hub: Hub, faults: Faults) -> None:
        self._hub = hub
        self._faults = faults
        self._held: dict[int, Frame] = {}

    def __call__(self, session: Session, frames: Sequence[Frame]) -> Sequence[Frame]:
        """The frames that `session` gets now, in the order in which it gets them."""
        if not self._faults.listed() and not self._held:
            return frames
        sent: list[Frame] = []
        held = self._held.pop(session.caller.number, None)
        for frame in frames:
            rule = self._met(frame)
            kind = None if rule is None else rule.kind
            if rule is not None and kind in (Kind.SILENCE, Kind.DROP):
                self._end(rule, session)
                return sent
            if kind is Kind.DISORDER and held is None:
                held = frame
            elif kind is not Kind.GAP:
                sent += [frame] * (2 if kind is Kind.REPEAT else 1)
                sent += [] if held is None else [held]
                held = None
        self._keep(session, held)
        return sent

    def _met(self, frame: Frame) -> Rule | None:
        name = f"{frame.type} {frame.code}".rstrip()
        met = self._faults.met(Call(name=name, at=self._hub.face.venue.now, frame=True))
        return met[0] if met else None

    def _end(self, rule: Rule, session: Session) -> None:
        if rule.kind is Kind.DROP:
            session.line.drop()
        else:
            until = self._hub.face.venue.now + timedelta(seconds=rule.seconds)
            self._hub.silence(until if rule.end is None else min(until, rule.end))

    def _keep(self, session: Session, held: Frame | None) -> None:
        """Hold a frame back until the next one of this client; what a client that left never got is forgotten."""
        if held is not None:
            self._held[session.caller.number] = held
        if len(self._held) > len(self._hub.sessions):
            there = {each.caller.number for each in self._hub.sessions}
            self._held = {number: kept for number, kept in self._held.items() if number in there}

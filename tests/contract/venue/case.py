"""A numbered promise of the venue: what a case is, and the world that it is kept in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from makenaide.exchange.simulator.market import MarketData
from tests.unit.simulator_street import flat

if TYPE_CHECKING:
    from tests.contract.venue.rig import Rig

Given = Mapping[str, object]
HOLDINGS = {"KRW": "10000000", "BTC": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Market data, what each account holds, and the settings that are not the default ones, by room.

    `quota` is not enforced unless a case says so.
    """

    data: Callable[[], MarketData] = flat
    balances: Mapping[str, str] = field(default_factory=lambda: HOLDINGS)
    venue: Given = field(default_factory=dict)
    face: Given = field(default_factory=dict)
    quota: Given = field(default_factory=dict)
    stream: Given = field(default_factory=dict)

    def settings(self) -> set[str]:
        """The names of all settings that differ, such as "venue.checks"."""
        rooms = {"venue": self.venue, "face": self.face, "quota": self.quota, "stream": self.stream}
        return {f"{room}.{name}" for room, given in rooms.items() for name in given if name != "enforced"}

    def beside(self, other: "World") -> "World":
        """This world with the settings of `other` where it has none of its own."""
        return World(
            data=self.data,
            balances=self.balances,
            venue={**other.venue, **self.venue},
            face={**other.face, **self.face},
            quota={**other.quota, **self.quota},
            stream={**other.stream, **self.stream},
        )


PLAIN = World()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`about` names settings that the promise depends on, so that it is not asked where they are others.

    `wired` is a promise of sockets themselves, of which nothing shows in process.
    """

    number: str
    title: str
    section: str
    world: World
    about: frozenset[str]
    check: Callable[["Rig"], None]
    wired: bool = False

    def bears(self, other: World) -> bool:
        """Whether the promise must hold under the settings of `other` too."""
        return not self.wired and not other.settings() & (self.about | self.world.settings())


CASES: dict[str, Case] = {}


def case(
    number: str, title: str, section: str, *about: str, world: World = PLAIN, wired: bool = False
) -> Callable[[Callable[["Rig"], None]], Callable[["Rig"], None]]:
    """Enter the decorated function as the case of that number."""

    def enter(check: Callable[["Rig"], None]) -> Callable[["Rig"], None]:
        if number in CASES:
            raise ValueError(f"{number} is there twice")
        CASES[number] = Case(
            number=number,
            title=title,
            section=section,
            world=world,
            about=frozenset(about),
            check=check,
            wired=wired,
        )
        return check

    return enter

"""The four panels of the operations guide (mission.md, 1.8), and the measures that each of their widgets shows.

Declared once: what is shown is drawn from this, and M4 compares the shown with it and asks whether each measure has
data. Two words of the guide mean something else here. A part's state is told by what it does: workers by their runs,
the database by connections to it. And the effect of an optimisation is what was measured then and now, no formula.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from makenaide.monitoring.measures import Name

_VERSION = 1
"""Of the form of `body`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """One widget. `cloud`: its measures exist only where the place has a bill, and it is left out at home."""

    id: str
    measures: tuple[Name, ...]
    cloud: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One of the four panels."""

    id: str
    widgets: tuple[Widget, ...]


PANELS = (
    Panel(
        id="D1",
        widgets=(
            Widget(id="D1a", measures=(Name.WORK,)),
            Widget(id="D1b", measures=(Name.CONNECT,)),
            Widget(id="D1c", measures=(Name.API,)),
        ),
    ),
    Panel(
        id="D2",
        widgets=(
            Widget(id="D2a", measures=(Name.START,)),
            Widget(id="D2b", measures=(Name.WORK,)),
            Widget(id="D2c", measures=(Name.WORK, Name.API)),
        ),
    ),
    Panel(
        id="D3",
        widgets=(
            Widget(id="D3a", measures=(Name.TRADES,)),
            Widget(id="D3b", measures=(Name.RETURN,)),
            Widget(id="D3c", measures=(Name.DRAWDOWN, Name.EXPOSURE)),
        ),
    ),
    Panel(
        id="D4",
        widgets=(
            Widget(id="D4a", measures=(Name.COST,), cloud=True),
            Widget(id="D4b", measures=(Name.DATABASE, Name.QUERY)),
            Widget(id="D4c", measures=(Name.START, Name.WORK, Name.QUERY)),
        ),
    ),
)
"""System, performance, trading, cost: in the order of the guide."""


def widgets(*, cloud: bool = False) -> Mapping[str, tuple[str, ...]]:
    """The measures of each widget by its ID; in the `cloud`, or at home, where costs have no measure."""
    return {
        widget.id: tuple(str(name) for name in widget.measures)
        for panel in PANELS
        for widget in panel.widgets
        if cloud or not widget.cloud
    }


def body(*, cloud: bool = False) -> bytes:
    """What is to be shown, as canonical JSON: the same bytes for the same panels, whose hash M4 compares."""
    shown = widgets(cloud=cloud)
    panels = [
        {
            "id": panel.id,
            "widgets": [
                {"id": each.id, "measures": list(shown[each.id])} for each in panel.widgets if each.id in shown
            ],
        }
        for panel in PANELS
    ]
    return msgspec.json.encode({"version": _VERSION, "panels": panels}, order="sorted")

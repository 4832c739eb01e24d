"""The dashboard's declaration: the twelve widgets of the guide, canonical, and each with measures that exist."""

import json
from itertools import chain

import pytest

from makenaide.dashboard.panels import PANELS, body, widgets
from makenaide.monitoring.measures import Name

IDS = [f"D{panel}{letter}" for panel in range(1, 5) for letter in "abc"]


def test_the_four_panels_hold_the_twelve_widgets_of_the_guide_in_order() -> None:
    assert [panel.id for panel in PANELS] == ["D1", "D2", "D3", "D4"]
    assert list(widgets(cloud=True)) == IDS
    assert all(each.id.startswith(panel.id) for panel in PANELS for each in panel.widgets)


def test_at_home_only_the_bill_is_left_out() -> None:
    assert list(widgets()) == [each for each in IDS if each != "D4a"]
    assert Name.COST not in chain(*widgets().values())


def test_every_measure_is_shown_somewhere_and_every_widget_shows_one() -> None:
    shown = widgets(cloud=True)
    beside = {Name.LISTEN}  # asked for by a check alone
    assert set(chain(*shown.values())) == {str(name) for name in set(Name) - beside}
    assert all(shown.values())


@pytest.mark.parametrize("cloud", [False, True])
def test_the_body_is_canonical_json_of_the_same_widgets(cloud: bool) -> None:
    content = body(cloud=cloud)
    told = json.loads(content)
    assert content == json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    found = {each["id"]: tuple(each["measures"]) for panel in told["panels"] for each in panel["widgets"]}
    assert found == widgets(cloud=cloud)


def test_two_places_have_two_bodies() -> None:
    assert body() != body(cloud=True)

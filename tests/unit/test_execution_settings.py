"""The thresholds of execution: kept as a golden file, impossible values refused by name."""

from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.execution.settings import ExecutionSettings
from tests.unit.thresholds import require_golden


def test_no_threshold_changes_without_a_line_that_says_so(rewrite_golden: bool) -> None:
    require_golden(ExecutionSettings, "execution_settings.txt", rewrite_golden)


@pytest.mark.parametrize("name", ["follow_seconds", "wanted_seconds", "settle_looks"])
def test_a_value_out_of_range_is_refused_by_name(name: str) -> None:
    change: dict[str, Any] = {name: -1}
    with pytest.raises(Misconfigured, match=f"^{name}: expected"):
        ExecutionSettings(**change)

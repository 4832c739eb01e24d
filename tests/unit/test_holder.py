"""Who holds an account, in the words of its lease: only a trading process may be asked to end."""

import os

import pytest

from makenaide.app.detached import Living, this_process
from makenaide.app.holder import holder_name, trader_of


def test_a_trading_process_is_known_by_its_number_and_its_start() -> None:
    found = trader_of(holder_name(command=False))
    assert found == this_process()
    assert found is not None
    assert found.alive
    assert found.pid == os.getpid()


@pytest.mark.parametrize("words", ["", "test", "process 12", "process x (run, 1.a)", "process 12 (run, )"])
def test_other_words_name_no_process(words: str) -> None:
    assert trader_of(words) is None


def test_a_persons_command_is_waited_for_and_never_asked_to_end() -> None:
    assert trader_of(holder_name(command=True)) is None


def test_a_number_that_another_process_has_now_is_not_alive() -> None:
    assert not Living(pid=os.getpid(), born="0.deadbeef").alive

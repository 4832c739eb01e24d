"""`halt`: the kill switch. The file comes first; the database is told if it runs."""

import os
import sys
from datetime import UTC, datetime

from makenaide.app.halted import halt_file, holds_live, keep_throw, note_in_database
from makenaide.app.person import person, user
from makenaide.catalogue import Text, language, texts
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe
from makenaide.domain.errors import MakenaideError, Misconfigured
from makenaide.environment import Environment, data_folder
from makenaide.execution.halt import Halt
from makenaide.store.home import file_faults

SENTENCE = "allow buying again"
"""What a person types to lift a halt."""


def set_halt(reason: str, *, as_json: bool) -> None:
    """Halt buying in this data folder, from now on: whatever is wrong with its configuration."""
    home, now = data_folder(os.environ), datetime.now(UTC)
    switch = halt_file(home)
    with file_faults(home):
        home.mkdir(parents=True, exist_ok=True)
        switch.set(reason, user(), now)
    _tell(_environment(), (None, switch.halt(), now), texts(language(os.environ)), as_json=as_json)


def _environment() -> Environment | None:
    """What the database needs; None while the configuration is broken: the halt is noted in the trail later."""
    try:
        return environment()[0]
    except MakenaideError:
        return None


def lift_halt(*, yes: bool, as_json: bool) -> None:
    """Allow buying again, once a person has said so; a script may say so on paper only."""
    env, text = environment()
    switch, now = halt_file(env.home), datetime.now(UTC)
    before = switch.halt()
    if before is not None:
        _require_word(env, text, yes=yes)
        with file_faults(env.home):
            switch.lift()
    _tell(env, (before, switch.halt(), now), text, as_json=as_json)


def _require_word(env: Environment, text: Text, *, yes: bool) -> None:
    live = holds_live(env)
    if yes and not live:
        return
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misconfigured(text("halt.live_terminal") if live else text("halt.terminal"))
    console(error=True).print(text("halt.type", sentence=SENTENCE))
    if sys.stdin.readline().strip() != SENTENCE:
        raise Misconfigured(text("halt.wrong"))


def _tell(
    env: Environment | None, now: tuple[Halt | None, Halt | None, datetime], text: Text, *, as_json: bool
) -> None:
    """`now`: the halt that was lifted, the one in force, and when."""
    before, halt, at = now
    if not as_json:
        told = text("halt.lifted") if halt is None else text("halt.set", halt=safe(halt))
        console().print(told, style="green" if halt is None else "bold red")
        sys.stdout.flush()
    noted = env is not None and note_in_database(env, halt, at, person())
    thrown = before if halt is None else halt
    if not noted and thrown is not None:
        keep_throw(data_folder(os.environ), (thrown, halt is not None), at, person())
    if as_json:
        told_halt = None if halt is None else {"reason": halt.reason, "by": halt.by, "at": halt.at}
        print_json({"halt": told_halt, "noted": noted})
    elif not noted:
        console().print(text("halt.later"), style="dim")

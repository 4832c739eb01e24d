"""The door for people: commands, exit codes, and the one place where faults become messages.

Heavy rooms (database driver, arrays, tables) are imported inside the commands, so that `--help` answers at once.
"""

import errno
import os
import sys
from typing import NoReturn

import click

from makenaide.catalogue import language, texts
from makenaide.cli import commands
from makenaide.domain.errors import DiskFull, MakenaideError

_TEXT = texts(language(os.environ))


class _Commands(click.Group):
    """A group that answers a misspelt command with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as fault:
            import difflib  # noqa: PLC0415 - only a misspelt command needs it

            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = _TEXT("cli.near_miss", name=close[0]) if close else _TEXT("cli.see_help")
            raise click.UsageError(f"{fault.message} {hint}", ctx) from None


@click.group(cls=_Commands, help=_TEXT("help.makenaide"), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="makenaide", prog_name="makenaide")
def makenaide() -> None:
    """Only a group; each command explains itself."""


commands.register(makenaide, _TEXT)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0, or the exit code of the fault's class (docs/reference/exit-codes.md)."""
    try:
        code = makenaide.main(arguments, prog_name="makenaide", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as fault:
        fault.show()
        sys.exit(fault.exit_code)
    except MakenaideError as fault:
        _fail(fault)
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): nothing more to say, and nothing to say it to.
        _drop_output()
        sys.exit(0)
    except OSError as fault:
        if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        _drop_output()
        _fail(DiskFull(str(fault)))
    sys.exit(code if isinstance(code, int) else 0)


def _fail(fault: MakenaideError) -> NoReturn:
    sys.stderr.write(f"{headline(fault)}\n  {printable(str(fault))}\n")
    sys.exit(fault.exit_code)


def _drop_output() -> None:
    """What is still buffered goes nowhere, or Python would try once more at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def headline(fault: MakenaideError) -> str:
    """The fault's class in the user's language, from the nearest class that the catalogue knows."""
    for kind in type(fault).__mro__:
        try:
            return _TEXT(f"error.{kind.__name__}")
        except KeyError:
            continue
    return type(fault).__name__


def printable(text: str) -> str:
    """`text` without control characters: a hostile name from a file or a reply must not steer the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)

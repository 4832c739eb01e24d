"""What every command starts with: the environment and the texts."""

import os

from makenaide.catalogue import Text, language, texts
from makenaide.environment import Environment, load


def environment() -> tuple[Environment, Text]:
    """The process's environment and the texts in the user's language."""
    env = load(os.environ)
    return env, texts(language(os.environ))

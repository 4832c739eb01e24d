"""What every command starts with: the environment and the texts."""

import os

from makenaide.catalogue import Text, language, texts
from makenaide.environment import Environment, forget_secrets, load


def environment() -> tuple[Environment, Text]:
    """The process's environment and the texts in the user's language.

    The trading key is taken out of the process's own variables: no child inherits it.
    """
    try:
        env = load(os.environ)
    finally:
        forget_secrets(os.environ)
    return env, texts(language(os.environ))

"""Who types: the name of the system's user, for the audit trail. Loads nothing, so that a halt is thrown at once."""

import getpass


def person() -> str:
    """ "person kim"; "person" where the system has no name for its user."""
    name = user()
    return f"person {name}" if name else "person"


def user() -> str:
    """The name of the system's user; "" where it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""

"""Who types: the name of the system's user, for the audit trail. Loads nothing, so that a halt is thrown at once."""

import os
import pwd


def person() -> str:
    """ "person kim"."""
    return f"person {user()}"


def user() -> str:
    """The name of the system's user, whatever the environment says; its number where it has no name."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

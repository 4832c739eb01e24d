"""`status`: the server starts while the driver and the tables are loaded, for people ask this one often."""

from makenaide.app.server import early_server
from makenaide.cli.door import environment


def show_status(mode: str, *, as_json: bool) -> None:
    """Print where the account used last in that mode stands; first of all, whether buying is halted."""
    env, text = environment()
    with early_server(env) as server:
        from makenaide.app.database import store_of  # noqa: PLC0415
        from makenaide.cli.standing import show_standing, tell_halt  # noqa: PLC0415

        if not as_json:
            tell_halt(env.home, text)  # before the database has its say
        store = store_of(env, server, prepare=True)
        if mode == "live":
            from makenaide.app.identity import mode_of  # noqa: PLC0415 - loads every room's settings

            store = store.of(mode_of(env.config, {"mode": mode}))
        show_standing(store, env.home, text, as_json=as_json)

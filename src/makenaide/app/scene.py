"""The scene at home: what the checks look at for one account, with a venue that is asked and never traded on.

    with scene_of(env, store, account) as scene:
        results = run_checks(MORNING, scene)

The account's lease is left alone. A venue that cannot be opened is no fault of the scene: it says why there is none.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.database import Store
from makenaide.app.halted import halt_file
from makenaide.app.holder import held
from makenaide.app.identity import stored_source
from makenaide.app.late import KeyRights, Late, Opened, Opening, VenueEnds, VenueSkew
from makenaide.app.live import key_place, keys_of
from makenaide.app.place import Home
from makenaide.app.venues import live_market, open_market
from makenaide.config import Config, tree
from makenaide.domain.errors import DatabaseUnavailable, MakenaideError
from makenaide.environment import Environment
from makenaide.exchange.upbit.shares import Role as Share
from makenaide.ops.fingerprint import code_hash, configuration_hash, hash_of
from makenaide.ops.scene import NO_ACCOUNT, Key, Part, Scene
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role
from makenaide.store.surroundings import world_now

NOT_ASKED = "this look asks no venue"
_MARK = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is known before anybody looks: how the database stood, and whether real money was asked for by its mode.

    `away`: why nothing could be read of the account; "" where that was no hindrance.
    """

    found: Part | None = None
    live: bool = False
    away: str = ""


_NOTHING = Before()


@contextmanager
def scene_of(
    env: Environment,
    store: Store | None,
    account: Account | None,
    *,
    venue: bool = True,
    before: Before = _NOTHING,
) -> Iterator[Scene]:
    """The scene of `account` (None: there is none yet) over `store` (None: the database cannot be opened).

    Raises for a configuration that is wrong, and for nothing that is to be looked at.
    """
    books = _books(store, before)
    now, holder = _present(books, account)
    scene = _scene(env, account, now, books)
    scene = replace(
        scene,
        live=scene.live or before.live,
        place=Home(env=env, account=account, now=now, books=books, found=before.found),
        no_account=before.away or NO_ACCOUNT,
    )
    way = _way(env, scene, holder) if venue else _Closed(NOT_ASKED)
    with ExitStack() as stack:
        if isinstance(way, _Closed):
            yield replace(scene, no_venue=way.why)
            return
        late = Late(way.opening)
        late.start()
        stack.callback(late.stop)
        yield replace(
            scene,
            venue=late.venue,
            skew=VenueSkew(late.opened, narrow=not scene.stepped),
            ends=None if scene.stepped else VenueEnds(late.opened),
            rights=KeyRights(late.opened) if way.keyed else None,
        )


def scenes_within(env: Environment, db: Database, account: Account, at: Opened) -> Callable[[], Scene]:
    """Scenes of the process that trades on `account`: over its own connection, venue and clock, in its thread."""

    def books() -> AbstractContextManager[Database]:
        return nullcontext(db)

    base = _scene(env, account, at.clock.now(), books)
    base = replace(base, venue=at.venue, skew=VenueSkew(lambda: at, narrow=False))

    def scene() -> Scene:
        now = at.clock.now()
        place = Home(env=env, account=account, now=now, books=books)
        return replace(base, now=now, place=place)

    return scene


def _scene(
    env: Environment, account: Account | None, now: datetime, books: Callable[[], AbstractContextManager[Database]]
) -> Scene:
    config = env.config
    settings = tree(config)
    halt = halt_file(env.home).halt()
    return Scene(
        account=account,
        live=account is not None and bool(account.settings.get("live", False)),
        now=now,
        settings=config.operations,
        schedule=config.schedule,
        books=books,
        place=Home(env=env, account=account, now=now, books=books),
        clock=WallClock(StopFlag()),
        configuration=configuration_hash(settings),
        code=code_hash(),
        config=settings,
        key=_key(env.secrets.access),
        halted=None if halt is None else str(halt),
    )


def _books(store: Store | None, before: Before) -> Callable[[], AbstractContextManager[Database]]:
    """A reader of its own for each look. No look makes a schema."""
    if store is None:
        seen = "" if before.found is None else before.found.detail
        why = seen or before.away or "the database is away"

        def away() -> AbstractContextManager[Database]:
            raise DatabaseUnavailable(why)

        return away
    looked = replace(store, prepare=False)
    return lambda: looked.open(Role.READER)


def _present(
    books: Callable[[], AbstractContextManager[Database]], account: Account | None
) -> tuple[datetime, str | None]:
    """The world's time, and who holds the account; the wall's time where nobody can tell."""
    wall = datetime.now(UTC)
    if account is None or account.last_slot is None:
        return wall, None
    try:
        with books() as db:
            known = world_now(db, account.account_id)
            return known or account.first_slot or wall, held(db, account.account_id)
    except (MakenaideError, OSError):
        return wall, None


# ---- the venue ----


@dataclass(frozen=True, slots=True)
class _Closed:
    """There is no venue to ask."""

    why: str


@dataclass(frozen=True, slots=True)
class _Open:
    """How the venue is opened; `keyed`: with the real key. Those of paper are the simulator's own business."""

    opening: Opening
    keyed: bool = False


def _way(env: Environment, scene: Scene, holder: str | None) -> _Open | _Closed:
    """The way to the account's venue, with a person's share of its limits."""
    account = scene.account
    if account is None:
        return _Closed(scene.no_account)
    if holder is not None:
        return _Closed(f"the account's simulator belongs to {holder}, as long as that runs")
    config = env.config
    paced = replace(config, upbit=replace(config.upbit, limiter=config.upbit.limiter.within(Share.PERSON)))
    try:
        if account.settings.get("live", False):
            return _live_way(env, paced)
        return _paper_way(env, paced, account)
    except (MakenaideError, OSError) as cause:
        return _Closed(f"the venue cannot be opened: {cause}")


def _live_way(env: Environment, config: Config) -> _Open | _Closed:
    place = key_place(config)
    if not place.verdict.holds:
        return _Closed(place.seen)
    keys = keys_of(env.secrets)
    if keys is None:
        return _Closed("the trading key is not there whole")

    @contextmanager
    def opening() -> Iterator[Opened]:
        with live_market(config, keys, StopFlag()) as market:
            yield Opened(venue=market.venue, clock=market.clock, endings=market.endings)

    return _Open(opening, keyed=True)


def _paper_way(env: Environment, config: Config, account: Account) -> _Open | _Closed:
    folder = env.home / "accounts" / account.account_id
    if not (folder / "world.json").is_file():
        return _Closed(f"{folder}: the account's world is not there")

    @contextmanager
    def opening() -> Iterator[Opened]:
        with open_market(config, stored_source(account), folder, StopFlag()) as market:
            yield Opened(venue=market.venue, clock=market.clock, endings=market.endings)

    return _Open(opening)


def _key(access: str) -> Key | None:
    return Key(mark=hash_of(["access", access])[:_MARK], access=access) if access else None

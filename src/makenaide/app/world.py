"""A simulated world: everything that a simulator needs to serve it, and to build it again after a crash."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec

from makenaide.app.client import UNREADABLE, read_keys, unhurried, upbit_client, write_private
from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import near
from makenaide.exchange.simulator.core.commandlog import CommandLog, rebuild
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.faults.console import Console
from makenaide.exchange.simulator.faults.courier import Courier, calls
from makenaide.exchange.simulator.faults.plan import Faults
from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.prices import files
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.incidents import Misfit
from makenaide.exchange.simulator.prices.live import LiveData
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.program import event
from makenaide.exchange.simulator.prices.staged import Staged
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import (
    ALL_SCOPES,
    ApiKey,
    FaceSettings,
    Pace,
    VenueSettings,
    fingerprint,
)
from makenaide.exchange.simulator.table import read
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.settings import UpbitSettings
from makenaide.exchange.upbit.shares import Role
from makenaide.exchange.upbit.transport import UrllibTransport
from makenaide.store.home import file_faults

ACCOUNT = "paper"
"""The one account of a simulated world that Makenaide trades with."""

_SHORTEST_TOKEN = 32
_BOOK_SECONDS = 2.0
"""Two tries of that take less than a client's patience with one read (`TransportSettings.read`)."""
MAIN_KEY = "main"
"""The name of that account's own key, which is kept in keys.json; another key NAME is kept in keys-NAME.json."""

SCOPES = (
    *("view_account", "view_orders", "make_orders", "view_withdrawals", "withdraw"),
    *("view_deposits", "deposit", "transfer", "manage_pockets"),
)
"""The rights that a key can have (upbit-api.md section 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a key may do: for which account, with which rights, until when, from where (nowhere named: anywhere)."""

    account: str = ACCOUNT
    scopes: frozenset[str] = ALL_SCOPES
    expires: datetime | None = None
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for scope in sorted(self.scopes - set(SCOPES)):
            raise Misconfigured(f"scopes: unknown right {scope}{near(scope, SCOPES)}")
        for address in self.addresses:
            if not _is_address(address):
                raise Misconfigured(f"addresses: expected IP addresses, got {address!r}")


def _is_address(text: str) -> bool:
    try:
        return str(ip_address(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Generated prices (`market`), replayed (`replay`) or real ones (`upbit`: how they are asked for), the venue's
    settings, and the opening balances.

    `balances` are those of `ACCOUNT`, `accounts` those of further ones. `keys`, `events` and `faults` are tables as a
    scenario holds them; relative times in them count from `begun`, or from the data's first slot where that is None.
    Kept as JSON in `folder`, beside the command log and the keys.
    """

    folder: str
    market: GeneratorSettings | None = None
    replay: str | None = None
    venue: VenueSettings = field(default_factory=VenueSettings)
    face: FaceSettings = field(default_factory=FaceSettings)
    balances: dict[str, Decimal] = field(default_factory=dict)
    accounts: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: tuple[dict[str, Any], ...] = ()
    faults: tuple[dict[str, Any], ...] = ()
    begun: datetime | None = None
    upbit: UpbitSettings | None = None

    @property
    def log(self) -> Path:
        """The venue's command log."""
        return Path(self.folder) / "commands.log"

    @property
    def file(self) -> Path:
        """Where the world's own description is kept."""
        return Path(self.folder) / "world.json"

    @property
    def keys_file(self) -> Path:
        """Where the account's keys are kept, readable to the owner alone."""
        return self.key_file(MAIN_KEY)

    @property
    def operator_file(self) -> Path:
        """Where the operator's token is kept, readable to the owner alone."""
        return Path(self.folder) / "operator.token"

    def key_file(self, name: str) -> Path:
        """Where the key of that name is kept, readable to the owner alone."""
        return Path(self.folder) / ("keys.json" if name == MAIN_KEY else f"keys-{name}.json")


def save(world: World) -> None:
    """Write the description (and keys, the first time) into the world's folder; `DiskFull`, `Misconfigured`."""
    with file_faults(Path(world.folder)):
        Path(world.folder).mkdir(parents=True, exist_ok=True)
        for name in sorted({MAIN_KEY, *world.keys}):
            if not world.key_file(name).exists():
                pair = {"access": secrets.token_hex(20), "secret": secrets.token_hex(32)}
                write_private(world.key_file(name), msgspec.json.encode(pair))
        if not world.operator_file.exists():
            write_private(world.operator_file, secrets.token_hex(32).encode())
        write_private(world.file, msgspec.json.format(msgspec.json.encode(world)))


def load(file: Path) -> World:
    """The world described in `file`; `Misconfigured` when it cannot be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=World)
    except (OSError, *UNREADABLE) as cause:
        raise Misconfigured(f"{file}: no world: {cause}") from cause


def keys(world: World, name: str = MAIN_KEY) -> Keys:
    """The account's keys, or those called `name`; `Misconfigured` when they cannot be read."""
    return read_keys(world.key_file(name))


def market_data(world: World) -> MarketData:
    """The prices of `world`, with its events; `Misconfigured` as of `prices` and `staged`."""
    return staged(world, prices(world))


def staged(world: World, data: MarketData) -> MarketData:
    """`data` with the events of `world`; `Misconfigured` names what in the description does not fit the data.

    Nothing is written: a world is worth keeping once this has passed.
    """
    begin = _begin(world, data)
    _grants(world, begin)
    events = [event(table, f"events.{n}", begin) for n, table in enumerate(world.events, 1)]
    try:
        data = Staged(data, events) if events else data
    except Misfit as fault:
        number = next(n for n, each in enumerate(events, 1) if each is fault.event)
        raise Misconfigured(f"events.{number}: {fault}") from None
    accounts = {ACCOUNT, *world.accounts}
    for name in sorted(set(world.venue.unconsented) - accounts):
        raise Misconfigured(f"venue.unconsented: unknown account {name}{near(name, accounts)}")
    try:
        venue = Venue(data, replace(world.venue, pace=Pace.STEPPED))
    except Misconfigured as fault:
        raise Misconfigured(f"venue.{fault}") from None
    # There are the same calls in any pace, and a stepped face needs no clock.
    _faults(world, Face(venue, (), world.face))
    return data


def prices(world: World) -> MarketData:
    """What `world` generates, replays or asks for, without its events.

    `BadCandles`, `Misconfigured`; `Inconsistent` when the books that were used before cannot be read.
    """
    if world.upbit is not None:
        return _real_prices(world.upbit, Path(world.folder))
    if world.replay is not None:
        return files.load(Path(world.replay))
    if world.market is None:
        raise Misconfigured(f"{world.file}: neither market nor replay nor upbit")
    return generate(world.market)


def _real_prices(settings: UpbitSettings, folder: Path) -> LiveData:
    """The real exchange's list and books, asked for with the share of the venue's limits that is a paper venue's."""
    clock = unhurried()
    # The venue answers one after the other: who waits for it must not give up while it waits for a book.
    hasty = replace(settings.transport, total=min(settings.transport.total, _BOOK_SECONDS))
    retry = replace(settings.retry, attempts=min(settings.retry.attempts, 2))
    # Open as long as the process: prices have no end.
    transport = UrllibTransport(settings.base_url, hasty)
    paced = replace(settings, limiter=settings.limiter.within(Role.PAPER), retry=retry)
    return LiveData(upbit_client(paced, transport, None, clock), clock.now(), folder / "books.jsonl")


def open_face(world: World, data: MarketData, clock: Clock | None) -> tuple[Face, CommandLog]:
    """The venue of `world` over `data`, rebuilt from its command log, its accounts open, behind its HTTP face."""
    venue = Venue(data, world.venue)
    log = rebuild(venue, world.log, fingerprint(world.venue, _named(world)))
    for name, held in ({ACCOUNT: world.balances} | world.accounts).items():
        if name not in venue.accounts:
            venue.open_account(name, held)
    return Face(venue, _api_keys(world, data), world.face, None if _stepped(world) else clock), log


def open_door(world: World, face: Face, clock: Clock | None) -> Courier:
    """The way to `face` for callers and for the operator, with the world's faults on it."""
    faults = _faults(world, face)
    hand = None if _stepped(world) else clock
    return Courier(face, faults, hand, Console(face.venue, faults, _operator_token(world), hand))


def _faults(world: World, face: Face) -> Faults:
    faults, begin = Faults((), world.venue.seed, calls(face)), _begin(world, face.venue.data)
    for n, table in enumerate(world.faults, 1):
        faults.plan(table, f"faults.{n}", begin)
    return faults


def _operator_token(world: World) -> str:
    try:
        token = world.operator_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise Misconfigured(f"{world.operator_file}: no token: {cause}") from cause
    if len(token) < _SHORTEST_TOKEN:
        raise Misconfigured(f"{world.operator_file}: no token: expected at least {_SHORTEST_TOKEN} characters")
    return token


def _api_keys(world: World, data: MarketData) -> list[ApiKey]:
    begin = _begin(world, data)
    opened: list[ApiKey] = []
    for name, grant in _grants(world, begin).items():
        pair = keys(world, name)
        opened.append(
            ApiKey(
                access=pair.access,
                secret=pair.secret,
                account=grant.account,
                scopes=grant.scopes,
                created_at=begin,
                expires_at=grant.expires,
                addresses=grant.addresses,
            )
        )
    return opened


def _grants(world: World, begin: datetime) -> dict[str, Grant]:
    names = sorted({MAIN_KEY, *world.keys})
    return {name: read(Grant, world.keys.get(name, {}), f"keys.{name}", begin) for name in names}


def _begin(world: World, data: MarketData) -> datetime:
    return data.first_slot if world.begun is None else world.begun


def _stepped(world: World) -> bool:
    return world.venue.pace is Pace.STEPPED


def _named(world: World) -> Mapping[str, str]:
    """What tells this world's data from another's."""
    if world.upbit is not None:
        prices = "upbit"  # wherever it is asked, and however
    elif world.replay is not None:
        prices = files.fingerprint(Path(world.replay))
    else:
        prices = msgspec.json.encode(world.market).decode()
    if not world.events:
        return {"prices": prices}
    return {"prices": prices, "events": msgspec.json.encode([world.begun, world.events]).decode()}

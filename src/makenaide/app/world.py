"""A simulated world: everything that a simulator needs to serve it, and to build it again after a crash."""

import os
import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import msgspec

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.core.commandlog import CommandLog, rebuild
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.prices import files
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import (
    ApiKey,
    FaceSettings,
    Pace,
    QuotaSettings,
    VenueSettings,
    fingerprint,
)
from makenaide.exchange.upbit.auth import Keys
from makenaide.store.home import file_faults

ACCOUNT = "paper"
"""The one account of a simulated world that Makenaide trades with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Generated prices (`market`) or replayed ones (`replay`), the venue's settings, and the opening balances.

    Kept as JSON in `folder`, beside the command log and the keys.
    """

    folder: str
    market: GeneratorSettings | None = None
    replay: str | None = None
    venue: VenueSettings = field(default_factory=VenueSettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)
    balances: dict[str, Decimal] = field(default_factory=dict)

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
        return Path(self.folder) / "keys.json"


def save(world: World) -> None:
    """Write the description (and keys, the first time) into the world's folder; `DiskFull`, `Misconfigured`."""
    with file_faults(Path(world.folder)):
        Path(world.folder).mkdir(parents=True, exist_ok=True)
        if not world.keys_file.exists():
            pair = {"access": secrets.token_hex(20), "secret": secrets.token_hex(32)}
            _replace(world.keys_file, msgspec.json.encode(pair))
        _replace(world.file, msgspec.json.format(msgspec.json.encode(world)))


def _replace(file: Path, content: bytes) -> None:
    """Write `file` for this user's eyes only, whole or not at all."""
    partial = file.with_suffix(".part")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    partial.replace(file)


def load(file: Path) -> World:
    """The world described in `file`; `Misconfigured` when it cannot be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=World)
    except (OSError, msgspec.MsgspecError) as cause:
        raise Misconfigured(f"{file}: no world: {cause}") from cause


def keys(world: World) -> Keys:
    """The account's keys; `Misconfigured` when they cannot be read."""
    try:
        pair = msgspec.json.decode(world.keys_file.read_bytes(), type=dict[str, str])
        return Keys(access=pair["access"], secret=pair["secret"])
    except (OSError, KeyError, msgspec.MsgspecError) as cause:
        raise Misconfigured(f"{world.keys_file}: no keys: {cause}") from cause


def market_data(world: World) -> MarketData:
    """The prices of `world`."""
    if world.replay is not None:
        return files.load(Path(world.replay))
    if world.market is None:
        raise Misconfigured(f"{world.file}: neither market nor replay")
    return generate(world.market)


def open_face(world: World, data: MarketData, clock: Clock | None) -> tuple[Face, CommandLog]:
    """The venue of `world` over `data`, rebuilt from its command log, with its account open, behind its HTTP face."""
    venue = Venue(data, world.venue)
    named = {"prices": _named(world)}
    log = rebuild(venue, world.log, fingerprint(world.venue, named))
    if ACCOUNT not in venue.accounts:
        venue.open_account(ACCOUNT, world.balances)
    pair = keys(world)
    api_key = ApiKey(access=pair.access, secret=pair.secret, account=ACCOUNT)
    face = Face(venue, [api_key], FaceSettings(quota=world.quota), None if _stepped(world) else clock)
    return face, log


def _stepped(world: World) -> bool:
    return world.venue.pace is Pace.STEPPED


def _named(world: World) -> str:
    if world.replay is not None:
        return files.fingerprint(Path(world.replay))
    return msgspec.json.encode(world.market).decode()

"""What the tests of live mode share: a schema for live rows, a green rehearsal, and the grounds of a decision."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from makenaide.app.evidence import hashes
from makenaide.app.identity import source
from makenaide.app.live import Grounds
from makenaide.app.wanted import wanted_account
from makenaide.config import Config, LiveSettings
from makenaide.environment import Environment, UpbitSecrets, load
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.settings import FaceSettings, QuotaSettings
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.outcomes import AddressRight, WithdrawalRight
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.migrate import migrate
from tests.unit.upbit_desk import desk

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CANARY = "canary-4711-not-a-secret"
SECRETS = UpbitSecrets(access=f"access-{CANARY}", secret=f"secret-{CANARY}")
LIMITS = LiveSettings(order_krw=Decimal(50_000), day_krw=Decimal(100_000), total_krw=Decimal(200_000))
TRADING = frozenset({"view_account", "view_orders", "make_orders"})
UNQUOTED = FaceSettings(quota=QuotaSettings(enforced=False))
LIVE = {"mode": "live"}


@contextmanager
def schema_of(postgres: EmbeddedPostgres, name: str, role: Role = Role.WRITER) -> Iterator[Database]:
    """A connection to the freshly migrated schema `name`, which is dropped afterwards."""
    settings = StoreSettings(schema=name)
    try:
        with Database.connect(postgres.conninfo, role=Role.OWNER, settings=settings) as owner:
            migrate(owner)
        with Database.connect(postgres.conninfo, role=role, settings=settings) as db:
            yield db
    finally:
        with Database.connect(postgres.conninfo, role=Role.OWNER) as db:
            db.connection.execute(b"reset role")
            db.connection.execute(f"drop schema if exists {name} cascade".encode())


def result(config: Config, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    """A green rehearsal of this code and of `config`."""
    return {"seeds": 20, "days": 30, "violations": 0, "taken_at": at.isoformat()} | hashes(config) | more


def environment_of(home: Path, live: LiveSettings = LIMITS) -> Environment:
    """An environment with a key and with `live`."""
    env = load({"MAKENAIDE_HOME": str(home)})
    values = {
        "order_krw": live.order_krw,
        "day_krw": live.day_krw,
        "total_krw": live.total_krw,
        "account": live.account,
        "venue": str(live.venue),
    }
    return replace(env, values={"live": values}, secrets=SECRETS)


def grounds(env: Environment, db: Database, **more: Any) -> Grounds:
    """The grounds under which all but the rehearsal and the confirmation holds; `more` replaces some."""
    config = more.pop("config", env.config)
    wanted = replace(wanted_account(env, source(config, LIVE)), home=env.home)
    plain: Mapping[str, Any] = {
        "config": config,
        "wanted": wanted,
        "secrets": env.secrets,
        "db": db,
        "halt": None,
        "now": NOW,
        "probes": asked(),
    }
    return Grounds(**(dict(plain) | more))


class Asked:
    """The venue's answers to the probes, from the simulator through the real client; counts how often."""

    def __init__(self, venue: Venue | None, scopes: frozenset[str], **face: Any) -> None:
        self.addresses: tuple[str, ...] = face.pop("addresses", ())
        self.face = replace(UNQUOTED, **face)
        self.venue, self.scopes, self.times = venue, scopes, 0

    def __call__(self, keys: Keys) -> tuple[WithdrawalRight, AddressRight]:
        self.times += 1
        client = desk(self.venue, scopes=self.scopes, settings=self.face, addresses=self.addresses).client
        return client.withdrawal_right(), client.address_allowed()


def asked(venue: Venue | None = None, scopes: frozenset[str] = TRADING, **face: Any) -> Asked:
    """Probes of a simulated key with `scopes`."""
    return Asked(venue, scopes, **face)

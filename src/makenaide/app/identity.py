"""Which account is meant: the source of its prices, and the fingerprint by which it is found again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from makenaide.config import Config, LiveVenue, tree
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.prices import files
from makenaide.store.accounts import Account
from makenaide.store.modes import Mode

_OWN_BUSINESS = ("upbit", "live", "operations")
"""Tables of the configuration that say how to talk or operate, not what to trade: they make no other account.

Limits of `live` do once they are set, for they then hold on paper, too.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an account's prices come from, as asked for on the command line; None = not said.

    `kind` is "simulator", "replay" or "upbit". `endless`: on the wall clock, until stopped. `live`: orders with a
    real key, at `upbit` or where the rehearsal of live trading is set up (`live.venue`).
    """

    kind: str
    seed: int
    days: int | None
    markets: int
    replay: Path | None
    endless: bool
    live: bool = False


def source(config: Config, asked: Mapping[str, Any]) -> Source:
    """The source that the options of the command line name; `Misconfigured` where they contradict each other.

    Naming live mode opens nothing: that is for `app.live` to decide.
    """
    if asked.get("mode") == Mode.LIVE:
        return _live(config, asked)
    replay, exchange = asked.get("replay"), asked.get("exchange")
    if replay is not None:
        _refuse(asked, "--replay", ("seed", "markets", "endless"), exchange == "upbit")
    if exchange == "upbit":
        _refuse(asked, "--exchange upbit", ("seed", "markets", "days"), False)
    kind = "replay" if replay is not None else (exchange or "simulator")
    endless = bool(asked.get("endless")) or kind == "upbit"
    days = asked.get("days")
    if endless and days is not None:
        raise Misconfigured("--days: a run on the wall clock has no end; leave --endless or --days out")
    if kind == "simulator" and days is None and not endless:
        days = config.market.days
    return Source(
        kind=kind,
        seed=config.market.seed if asked.get("seed") is None else int(asked["seed"]),
        days=days,
        markets=asked.get("markets") or config.market.markets,
        replay=replay,
        endless=endless,
    )


def _live(config: Config, asked: Mapping[str, Any]) -> Source:
    """There is one live account a name (`live.account`): nothing else can be asked for."""
    _refuse(asked, "--mode live", ("seed", "markets", "days", "replay"), False)
    if asked.get("exchange") == "simulator":
        raise Misconfigured(
            "--mode live: cannot be combined with --exchange simulator; to rehearse it set live.venue = "
            '"simulator" (docs/why/0011-live-mode.md)'
        )
    market = config.market
    return Source(
        kind="upbit", seed=market.seed, days=None, markets=market.markets, replay=None, endless=True, live=True
    )


def stored_source(account: Account) -> Source:
    """The source that `account` was opened with, to open its venue again."""
    kept = account.settings
    live = bool(kept.get("live", False))
    return Source(
        kind="upbit" if live else account.venue,
        seed=int(kept["seed"]),
        days=kept["days"],
        markets=int(kept["markets"]),
        replay=None if kept["replay"] is None else Path(kept["replay"]),
        endless=bool(kept["endless"]),
        live=live,
    )


def rows_of(config: Config, wanted: Source) -> Mode:
    """Whose rows an account of `wanted` writes: live ones only with real money at Upbit itself."""
    return Mode.LIVE if wanted.live and config.live.venue is LiveVenue.UPBIT else Mode.PAPER


def mode_of(config: Config, asked: Mapping[str, Any]) -> Mode:
    """Whose rows the option `--mode` means."""
    return rows_of(config, _live(config, {})) if asked.get("mode") == Mode.LIVE else Mode.PAPER


def named(asked: Mapping[str, Any]) -> bool:
    """Whether the command line says which account is meant; if not, the one used last is."""
    if asked.get("mode") == Mode.LIVE or asked.get("seed") is not None:
        return True
    return any(asked.get(name) for name in ("days", "markets", "replay", "exchange", "endless"))


def _refuse(asked: Mapping[str, Any], option: str, others: tuple[str, ...], upbit: bool) -> None:
    clash = [f"--{name}" for name in others if asked.get(name) is not None and asked[name] is not False]
    clash += ["--exchange upbit"] if upbit else []
    if clash:
        raise Misconfigured(f"{option}: cannot be combined with {', '.join(clash)}")


def identity(config: Config, wanted: Source) -> dict[str, Any]:
    """What makes two accounts the same one: the prices and every setting that changes what is traded.

    A paper account on the real exchange goes on when settings change; only its opening money makes another one.
    """
    settings = tree(config)
    if wanted.live and rows_of(config, wanted) is Mode.LIVE:
        return {"venue": "upbit", "mode": "live", "account": config.live.account}
    if wanted.live:
        at = {"account": config.live.account, "address": config.upbit.base_url}
        return {"venue": "simulator", "mode": "paper", "live_rehearsal": at}
    if wanted.kind == "upbit":
        return {"venue": "upbit", "mode": "paper", "paper": settings["paper"]}
    chosen = {name: table for name, table in settings.items() if name not in _OWN_BUSINESS}
    chosen["market"] |= {"seed": wanted.seed, "markets": wanted.markets, "days": wanted.days}
    chosen["venue"] |= {"seed": wanted.seed}
    if config.live.limited:
        chosen["live"] = {name: settings["live"][name] for name in ("order_krw", "day_krw", "total_krw", "fee")}
    data = {"venue": wanted.kind, "mode": "paper", "endless": wanted.endless, "settings": chosen}
    if wanted.replay is not None:
        chosen.pop("market")
        data |= {"replay": files.fingerprint(wanted.replay), "days": wanted.days}
    return data


def account_id(data: Mapping[str, Any]) -> str:
    """Twelve hex digits of the identity's SHA-256."""
    text = msgspec.json.encode(data, order="deterministic")
    return hashlib.sha256(text).hexdigest()[:12]

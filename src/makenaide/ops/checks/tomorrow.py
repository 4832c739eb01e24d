"""E7: what the next day (KST) brings: warnings, ends of markets, halted wallets, maintenance, and the macro calendar.

Crypto knows no holidays. The day of an announced end of a market (`delisting_date`) stands only in the stream's
tickers; a check opens no stream, so the value says that it was not looked at. The trader's own stream does look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from makenaide.domain.clock import DAY, kst
from makenaide.domain.errors import MakenaideError, Misconfigured
from makenaide.domain.market import Market, base_of, quote_of
from makenaide.domain.verdict import Verdict
from makenaide.exchange.venue import Listing, WalletState
from makenaide.execution.portfolio import watched_positions
from makenaide.monitoring.measures import Name
from makenaide.ops.calendar import load_calendar
from makenaide.ops.checks.announced import CATEGORIES, WITHIN, about, concerns, ends_or_warns, newest
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.keys import LINE
from makenaide.ops.checks.wording import clean, names
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Scene
from makenaide.store.accounts import Account
from makenaide.store.announcements import Announcement, announcements, heard_last
from makenaide.store.candles import known_listings
from makenaide.store.db import Database
from makenaide.store.measures import measured_last

SILENCE = timedelta(days=1)
"""A listener notes every half minute that it listens; one of which nothing was noted for longer is deaf (UNKNOWN)."""

STEPPED = "--endless is not given"
"""Why nobody listens for an account whose time is its own, even with a key."""

_SOURCES = "GET /v1/market/all, GET /v1/status/wallet, tables listing and announcement, the macro calendar"
_MOST = 20

Found = tuple[list[Point], dict[str, Any]]
"""What one part of the look found, and its share of the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the books know: the markets held (dust left out), those last seen in the list, and what was announced."""

    held: tuple[Market, ...]
    listed: dict[Market, bool]
    """Whether each market of the last stored list was under a warning."""
    announced: tuple[Announcement, ...]
    heard: datetime | None


def tomorrow(scene: Scene) -> Evidence:
    """E7. FAIL: a market held is under a warning, gone from the list, or its end is announced. WARN: maintenance
    tomorrow, a held coin's wallet halted or its wallet work announced, a calendar that ends within
    `calendar_days`. UNKNOWN: a part could not be looked at. Without a key, wallets and announcements are N/A.
    """
    account = scene.account_or_raise()
    day = kst(scene.now).date() + DAY
    with scene.books() as db:
        known = _known(scene, db, account)
    parts = [
        _markets(scene, known),
        _ends(scene, known),
        _wallets(scene, known),
        _announced(scene, known, day),
        _calendar(scene, day),
    ]
    points = [each for found, _ in parts for each in found]
    value = {name: told for _, share in parts for name, told in share.items()}
    quiet = point(Verdict.PASS, "e7_quiet", day=str(day), events=names(value.get("events") or ["-"]))
    return evidence(scene, [quiet, *points], {"day": str(day), **value}, _SOURCES)


def _known(scene: Scene, db: Database, account: Account) -> Known:
    rows = known_listings(db, account.feed)
    held = {each.market for each in watched_positions(db, account.account_id)}
    return Known(
        held=tuple(sorted(held)),
        listed={code: row.warning for code, row in rows.items() if row.gone_at is None},
        announced=newest(announcements(db, scene.now - WITHIN, CATEGORIES)),
        heard=max(
            filter(None, (heard_last(db), measured_last(db, account.account_id).get(Name.LISTEN))), default=None
        ),
    )


# ---- markets ----


def _markets(scene: Scene, known: Known) -> Found:
    if scene.venue is None and scene.stepped:
        # The world stands still with its trader: the list that it stored last is the present one.
        return judge_markets(_stored(known), known)
    try:
        listed = scene.ask().markets()
    except MakenaideError as cause:
        return [point(Verdict.UNKNOWN, "e7_markets_unseen", cause=clean(cause))], {"markets": None}
    return judge_markets(listed, known)


def _stored(known: Known) -> tuple[Listing, ...]:
    return tuple(
        Listing(market=code, korean_name="", english_name="", warning=warning)
        for code, warning in sorted(known.listed.items())
    )


def judge_markets(listed: Sequence[Listing], known: Known) -> Found:
    """The venue's list against what is held and what was listed when the trader last looked."""
    won = {each.market: each for each in listed if quote_of(each.market) == "KRW"}
    warned = [code for code, each in won.items() if each.warning]
    held_warned = [code for code in known.held if code in warned]
    held_gone = [code for code in known.held if code not in won]
    vanished = [code for code in known.listed if code not in won and code not in known.held]
    points = []
    if held_gone:
        points.append(point(Verdict.FAIL, "e7_held_gone", markets=names(held_gone)))
    if held_warned:
        points.append(point(Verdict.FAIL, "e7_held_warned", markets=names(held_warned)))
    value = {
        "markets": len(won),
        "warnings": len(warned),
        "cautions": sum(1 for each in won.values() if each.cautions),
        "vanished": sorted(vanished)[:_MOST],
        "held": {code: _flags(won.get(code)) for code in known.held},
    }
    return points, value


def _flags(listing: Listing | None) -> list[str]:
    if listing is None:
        return ["gone"]
    return [*(["warning"] if listing.warning else []), *(clean(each, 60) for each in listing.cautions)]


def _ends(scene: Scene, known: Known) -> Found:
    """The announced end of each market held. A stepped world has no stream to ask; its list is all there is."""
    if scene.ends is None or not known.held:
        return [], {"ends": {}}
    try:
        seen = scene.ends.look(known.held)
    except MakenaideError as cause:
        return [point(Verdict.UNKNOWN, "e7_ends_unseen", markets=names(known.held), cause=clean(cause))], {
            "ends": None
        }
    unseen = [code for code in known.held if code not in seen]
    points = []
    if ending := {code: day for code, day in seen.items() if day is not None}:
        told = names([f"{code} {day}" for code, day in sorted(ending.items())])
        points.append(point(Verdict.FAIL, "e7_held_ends", markets=told))
    if unseen:
        points.append(point(Verdict.UNKNOWN, "e7_ends_unseen", markets=names(unseen), cause="-"))
    return points, {"ends": {code: str(day) for code, day in sorted(ending.items())}}


def _keyless(scene: Scene) -> str:
    """The line by which no key is used here to see wallets or hear announcements; "" where one is, or ought to be."""
    if scene.live:
        return ""
    if scene.key is None:
        return LINE
    return STEPPED if scene.stepped else ""


# ---- wallets ----


def _wallets(scene: Scene, known: Known) -> Found:
    """By the rule of buying: a coin's wallet works when it does on one of its networks at least."""
    held = sorted({base_of(code) for code in known.held})
    if not held:
        return [], {"wallets": {}}
    try:
        wallets = scene.ask().wallets()
    except MakenaideError as cause:
        if line := _keyless(scene):
            return [point(Verdict.NOT_APPLICABLE, "e7_no_wallets", line=line)], {"wallets": line}
        return [point(Verdict.UNKNOWN, "e7_wallets_unseen", cause=clean(cause))], {"wallets": None}
    states = {coin: sorted({str(each.state) for each in wallets if each.currency == coin}) for coin in held}
    halted = [coin for coin, found in states.items() if found and WalletState.WORKING not in found]
    points = [point(Verdict.WARN, "e7_wallet_halted", coins=names(halted))] if halted else []
    return points, {"wallets": states}


# ---- announcements ----


def _announced(scene: Scene, known: Known, day: date) -> Found:
    """Without a key nobody can listen; with one, a listener of which nothing was noted for a day is deaf."""
    line = _keyless(scene)
    if line and not known.announced:
        return [point(Verdict.NOT_APPLICABLE, "e7_unheard", line=line)], {"announcements": line}
    deaf = not line and (known.heard is None or scene.now - known.heard > SILENCE)
    points, value = judge_announcements(known, day, scene.now)
    if deaf:
        points.append(point(Verdict.UNKNOWN, "e7_deaf", days=SILENCE.days))
    heard = None if known.heard is None else known.heard.isoformat()
    return points, {**value, "heard_at": heard}


def judge_announcements(known: Known, day: date, now: datetime) -> Found:
    """Ends and warnings of held coins whenever they come; maintenance and held coins' wallets by their day."""
    coins = {base_of(code) for code in known.held}
    ends: list[Announcement] = []
    work: list[Announcement] = []
    wallets: list[Announcement] = []
    for each in known.announced:
        if each.category in ("trade", "digital_asset") and ends_or_warns(each) and about(each, coins):
            ends.append(each)
        elif each.category == "maintenance" and concerns(each, day, now):
            work.append(each)
        elif each.category == "wallet" and concerns(each, day, now) and about(each, coins):
            wallets.append(each)
    found = (
        (Verdict.FAIL, "e7_end_announced", ends),
        (Verdict.WARN, "e7_maintenance", work),
        (Verdict.WARN, "e7_wallet_work", wallets),
    )
    points = [point(verdict, key, titles=names(_titles(some), 3)) for verdict, key, some in found if some]
    value = {
        "announcements": len(known.announced),
        "ends": _titles(ends),
        "maintenance": _titles(work),
        "wallet_work": _titles(wallets),
    }
    return points, value


def _titles(found: Sequence[Announcement]) -> list[str]:
    return [clean(each.title, 120) for each in found[:_MOST]]


# ---- the calendar ----


def _calendar(scene: Scene, day: date) -> Found:
    try:
        calendar = load_calendar(scene.settings.calendar)
    except Misconfigured as cause:
        return [point(Verdict.UNKNOWN, "e7_calendar_unreadable", cause=clean(cause))], {"events": None}
    last, days = calendar.last, scene.settings.calendar_days
    value = {
        "calendar": clean(calendar.name),
        "events": [each.shown for each in calendar.on(day)],
        "calendar_until": None if last is None else str(last),
    }
    if last is None or last <= kst(scene.now).date() + timedelta(days=days):
        until = "-" if last is None else str(last)
        return [point(Verdict.WARN, "e7_calendar_ends", until=until, days=days)], value
    return [], value

"""What announcements say, as far as a machine can tell: the dates in them, and which coins they are about.

They are written for people, in Korean, and are not to be trusted: a date that is not understood makes an announcement
undated, never absent.
"""

import re
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from makenaide.domain.clock import kst
from makenaide.store.announcements import Announcement

CATEGORIES = ("maintenance", "trade", "wallet", "digital_asset")
WITHIN = timedelta(days=60)
"""How far back announcements are looked at: an end of trading is announced a month ahead and more."""
UNDATED = timedelta(days=3)
"""How long an announcement without a date in it counts."""

_LONGEST = 20_000
_RANGE = timedelta(days=31)
_DATE = re.compile(
    r"(?P<y>20\d\d)[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})(?!\d)"
    r"|(?:(?P<ky>20\d\d)년 {0,2})?(?P<km>\d{1,2})월 {0,2}(?P<kd>\d{1,2})일"
    r"|(?<![\d/.-])(?P<sm>\d{1,2})/(?P<sd>\d{1,2})(?![\d/])"
)
_TO = re.compile(
    r" {0,2}(?:\([월화수목금토일]\))? {0,2}(?:오전|오후)? {0,2}(?:\d{1,2}(?::\d{2}|시(?: {0,2}\d{1,2}분)?))?"
    r" {0,2}(?:부터)? {0,2}[~∼～–-] {0,2}"
)
_END = re.compile(r"거래 {0,2}지원 {0,2}종료|상장 {0,2}폐지|delist|end of trading|terminat", re.IGNORECASE)
_WARNED = re.compile(r"유의|investment warning", re.IGNORECASE)
_LIFTED = re.compile(r"해제|철회|취소|lifted|released|withdrawn", re.IGNORECASE)


def newest(found: Sequence[Announcement]) -> tuple[Announcement, ...]:
    """Of each announcement its newest version, in the order of their listing."""
    last = {each.uuid: each for each in sorted(found, key=lambda each: each.listed_at)}
    return tuple(sorted(last.values(), key=lambda each: (each.listed_at, each.uuid)))


def dates(text: str, listed: date) -> tuple[date, ...]:
    """The KST dates in `text`, ranges day by day; one without a year is the one nearest to `listed`."""
    found: list[date] = []
    before: re.Match[str] | None = None
    for match in _DATE.finditer(text[:_LONGEST]):
        day = _day(match, listed)
        if day is None:
            continue
        if before is not None and found and _TO.fullmatch(text, before.end(), match.start()):
            found += _between(found[-1], day)
        found.append(day)
        before = match
    return tuple(dict.fromkeys(found))


def _between(first: date, last: date) -> list[date]:
    days = (last - first).days
    return [first + timedelta(days=each) for each in range(1, days)] if 0 < days <= _RANGE.days else []


def _day(match: re.Match[str], listed: date) -> date | None:
    year = match["y"] or match["ky"]
    month, day = int(match["m"] or match["km"] or match["sm"]), int(match["d"] or match["kd"] or match["sd"])
    years = [int(year)] if year else [listed.year - 1, listed.year, listed.year + 1]
    found = []
    for each in years:
        try:
            found.append(date(each, month, day))
        except ValueError:
            continue
    return min(found, key=lambda each: abs(each - listed), default=None)


def concerns(heard: Announcement, day: date, now: datetime) -> bool:
    """Whether it tells of `day` (KST): by the dates of its title, else of its body; without one, while it is new."""
    listed = kst(heard.listed_at).date()
    told = dates(heard.title, listed) or dates(heard.body or "", listed)
    return day in told if told else now - heard.listed_at < UNDATED


def about(heard: Announcement, currencies: Collection[str]) -> tuple[str, ...]:
    """Which of `currencies` it names, as words of their own: SOL is not in SOLVE."""
    text = f"{heard.title}\n{(heard.body or '')[:_LONGEST]}"
    return tuple(
        each
        for each in sorted(currencies)
        if re.search(rf"(?<![A-Za-z0-9]){re.escape(each)}(?![A-Za-z0-9])", text)
    )


def ends_or_warns(heard: Announcement) -> bool:
    """Whether its title tells of an end of trading or of a warning, and not that one was lifted."""
    title = heard.title[:_LONGEST]
    return bool(_END.search(title) or _WARNED.search(title)) and not _LIFTED.search(title)

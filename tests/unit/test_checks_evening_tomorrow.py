"""E7: what announcements say, the venue's list against what is held, and the calendar's end."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from makenaide.domain.market import Market
from makenaide.exchange.venue import Listing
from makenaide.ops.checks.announced import about, concerns, dates, ends_or_warns, newest
from makenaide.ops.checks.tomorrow import Known, _calendar, judge_announcements, judge_markets
from makenaide.store.announcements import Announcement
from tests.unit.evening_scene import NOW, ago, evening, spoken

TODAY = date(2026, 3, 2)
TOMORROW = date(2026, 3, 3)
ETH, XRP, SOL = Market("KRW-ETH"), Market("KRW-XRP"), Market("KRW-SOL")


def heard(title: str, category: str = "maintenance", hours: float = 5, **more: Any) -> Announcement:
    """One that was listed so many hours ago."""
    plain: dict[str, Any] = {"uuid": title[:30], "title": title, "category": category, "body": None, "url": None}
    return Announcement(**(plain | {"listed_at": ago(hours), "heard_at": ago(hours)} | more))


def known(*announced: Announcement, held: tuple[Market, ...] = (ETH,), **listed: bool) -> Known:
    """ETH is held; `listed` by currency, under a warning or not."""
    codes = {Market(f"KRW-{coin}"): warned for coin, warned in listed.items()}
    return Known(held=held, listed=codes, announced=announced, heard=NOW)


# ---- dates ----


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("서버 점검 안내 (12월 1일)", ["2025-12-01"]),
        ("서버 점검 안내(3월3일 02:00 ~ 06:00)", ["2026-03-03"]),
        ("거래지원 종료 안내 (3/3 15:00)", ["2026-03-03"]),
        ("2026-12-01 점검", ["2026-12-01"]),
        ("2026.3.3, 2026/03/04", ["2026-03-03", "2026-03-04"]),
        ("2027년 1월 1일 점검", ["2027-01-01"]),
        ("1월 1일 점검", ["2026-01-01"]),
        ("3월 2일 23:00 ~ 3월 4일 05:00", ["2026-03-02", "2026-03-03", "2026-03-04"]),
        ("3월 2일(월) 오후 11시 30분부터 ~ 3월 4일", ["2026-03-02", "2026-03-03", "2026-03-04"]),
        ("3/2 ~ 3/4", ["2026-03-02", "2026-03-03", "2026-03-04"]),
        ("3월 2일, 그리고 3월 4일", ["2026-03-02", "2026-03-04"]),
        ("3월 4일 ~ 3월 2일", ["2026-03-04", "2026-03-02"]),
        ("2026-01-01 ~ 2026-12-31", ["2026-01-01", "2026-12-31"]),
        ("24/7 거래, 2월 30일, 13월 1일, 1/2/3, 99/99", []),
        ("2월 29일", []),  # none of the three years around has that day
        ("점검 안내", []),
        ("", []),
    ],
)
def test_dates_are_found_as_people_write_them(text: str, found: list[str]) -> None:
    assert [str(each) for each in dates(text, TODAY)] == found


def test_a_date_without_a_year_is_the_nearest() -> None:
    assert dates("1월 2일", date(2026, 12, 30)) == (date(2027, 1, 2),)
    assert dates("12월 30일", date(2027, 1, 2)) == (date(2026, 12, 30),)
    assert dates("2월 29일", date(2028, 2, 1)) == (date(2028, 2, 29),)


def test_long_texts_are_cut_and_hostile_ones_take_no_time() -> None:
    assert dates(" " * 30_000 + "3월 3일", TODAY) == ()
    assert dates("1" * 500_000, TODAY) == ()
    assert len(dates("3월 3일 ~ " * 50_000, TODAY)) == 1
    assert dates("3월 3일" + " " * 19_000 + "~", TODAY) == (TOMORROW,)


@pytest.mark.parametrize(
    ("announcement", "told"),
    [
        (heard("점검 (3월 3일)"), True),
        (heard("점검 (3월 4일)"), False),
        (heard("점검 (3월 4일)", body="3월 3일"), False),
        (heard("점검", body="일시: 3월 3일 02:00"), True),
        (heard("점검", body="일시: 3월 5일"), False),
        (heard("점검 (3/3)", hours=300), True),
        (heard("점검", hours=71), True),
        (heard("점검", hours=72), False),
    ],
)
def test_an_announcement_concerns_the_day_it_names_or_being_undated_the_first_three(
    announcement: Announcement, told: bool
) -> None:
    assert concerns(announcement, TOMORROW, NOW) is told


def test_coins_are_named_as_words_of_their_own() -> None:
    told = heard("솔라나(SOL), SOLVE 그리고 ETH2", body="XRP의 입출금")
    assert about(told, {"SOL", "ETH", "XRP", "VE"}) == ("SOL", "XRP")
    assert about(heard("."), {"."}) == (".",)


@pytest.mark.parametrize(
    ("title", "bad"),
    [
        ("이더리움(ETH) 거래지원 종료 안내 (3/20)", True),
        ("이더리움(ETH) 거래 지원 종료 예정", True),
        ("이더리움(ETH) 거래유의 종목 지정 안내", True),
        ("이더리움(ETH) 유의 종목 지정 기간 연장", True),
        ("ETH: end of trading", True),
        ("ETH will be delisted", True),
        ("이더리움(ETH) 거래유의 종목 지정 해제 안내", False),
        ("거래지원 종료 결정 철회 (ETH)", False),
        ("이더리움(ETH) 신규 거래지원 안내", False),
    ],
)
def test_ends_and_warnings_are_told_from_their_lifting(title: str, bad: bool) -> None:
    assert ends_or_warns(heard(title)) is bad


def test_of_an_announcement_the_newest_version_speaks() -> None:
    old, new = heard("3월 3일", uuid="a", hours=9), heard("3월 9일", uuid="a", hours=1)
    other = heard("b", uuid="b", hours=5)
    assert newest([new, other, old]) == (other, new)


@pytest.mark.parametrize(
    ("announced", "expected"),
    [
        ([heard("점검 (3월 3일)")], ["WARN e7_maintenance"]),
        ([heard("점검 (3월 9일)")], []),
        ([heard("이더리움(ETH) 거래지원 종료 안내 (3/20)", "trade", 200)], ["FAIL e7_end_announced"]),
        ([heard("이더리움(ETH) 유의 종목 지정", "digital_asset", 200)], ["FAIL e7_end_announced"]),
        ([heard("리플(XRP) 거래지원 종료 안내 (3/3)", "trade")], []),
        ([heard("이더리움(ETH) 유의 종목 지정 해제", "trade")], []),
        ([heard("ETH 입출금 중단 (3월 3일)", "wallet")], ["WARN e7_wallet_work"]),
        ([heard("ETH 입출금 중단 (3월 9일)", "wallet")], []),
        ([heard("XRP 입출금 중단 (3월 3일)", "wallet")], []),
        (
            [heard("점검 3/3"), heard("ETH 3/3", "wallet"), heard("ETH 거래지원 종료", "trade")],
            ["FAIL e7_end_announced", "WARN e7_maintenance", "WARN e7_wallet_work"],
        ),
        ([], []),
    ],
)
def test_announcements_speak_of_held_coins_and_of_tomorrow(
    announced: list[Announcement], expected: list[str]
) -> None:
    points, value = judge_announcements(known(*announced), TOMORROW, NOW)
    assert spoken(points) == expected
    assert value["announcements"] == len(announced)


# ---- markets ----


def listing(code: str, *, warning: bool = False, cautions: tuple[str, ...] = ()) -> Listing:
    return Listing(market=Market(code), korean_name="", english_name="", warning=warning, cautions=cautions)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([listing("KRW-ETH"), listing("KRW-XRP")], []),
        ([listing("KRW-ETH", warning=True), listing("KRW-XRP")], ["FAIL e7_held_warned"]),
        ([listing("KRW-ETH"), listing("KRW-XRP", warning=True)], []),
        ([listing("KRW-ETH", cautions=("PRICE_FLUCTUATIONS",)), listing("KRW-XRP")], []),
        ([listing("KRW-XRP"), listing("BTC-ETH")], ["FAIL e7_held_gone"]),
        ([listing("KRW-ETH")], []),
    ],
)
def test_a_market_that_is_held_fails_when_it_is_warned_of_or_gone(
    listed: list[Listing], expected: list[str]
) -> None:
    points, _ = judge_markets(listed, known(ETH=False, XRP=False))
    assert spoken(points) == expected


def test_the_flags_of_all_markets_are_counted() -> None:
    listed = [
        listing("KRW-ETH", cautions=("A", "B")),
        listing("KRW-XRP", warning=True, cautions=("A",)),
        listing("KRW-BTC"),
        listing("BTC-XRP", warning=True),
    ]
    _, value = judge_markets(listed, known(held=(ETH, SOL), ETH=False, XRP=True, DOT=False, SOL=False))
    assert value == {
        "markets": 3,
        "warnings": 1,
        "cautions": 2,
        "vanished": ["KRW-DOT"],
        "held": {"KRW-ETH": ["A", "B"], "KRW-SOL": ["gone"]},
    }


# ---- the calendar ----


def calendar(tmp_path: Path, at: str) -> str:
    file = tmp_path / "own.toml"
    row = f'[[event]]\nkind = "cpi"\nat = {at}\nsure = true\nsource = "https://example.org"\n'
    file.write_text(row, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("days", "expected"), [(31, []), (30, ["WARN e7_calendar_ends"]), (1, ["WARN e7_calendar_ends"])]
)
def test_a_calendar_must_reach_beyond_thirty_days(tmp_path: Path, days: int, expected: list[str]) -> None:
    own = calendar(tmp_path, str(TODAY + timedelta(days=days)))
    points, value = _calendar(evening(calendar=own), TOMORROW)
    assert spoken(points) == expected
    assert value["events"] == (["CPI 2026-03-03"] if days == 1 else [])


def test_an_empty_calendar_and_an_unreadable_one_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "empty.toml"
    file.write_text("", encoding="utf-8")
    (ends,) = _calendar(evening(calendar=str(file)), TOMORROW)[0]
    assert spoken([ends]) == ["WARN e7_calendar_ends"]
    assert ends.said.values["until"] == "-"
    own = calendar(tmp_path, '"soon"')
    (broken,) = _calendar(evening(calendar=own), TOMORROW)[0]
    assert spoken([broken]) == ["UNKNOWN e7_calendar_unreadable"]
    assert "own.toml, line 1: at: expected" in broken.said.values["cause"]


def test_the_packaged_calendar_is_read_by_itself() -> None:
    points, value = _calendar(evening(), date(2026, 3, 11))
    assert (points, value["events"]) == ([], ["CPI 2026-03-11 21:30"])

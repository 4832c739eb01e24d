"""What the documents leave open, each set otherwise than by default."""

from dataclasses import dataclass
from decimal import Decimal

from makenaide.exchange.simulator.settings import (
    BadToken,
    Check,
    EntryCheck,
    ExclusionName,
    Maintenance,
    RejectedIdentifier,
    SelfMatch,
    TakingPostOnly,
)
from tests.contract.venue.case import World


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way in which the real venue may differ from the default settings."""

    name: str
    world: World


def _venue(name: str, **settings: object) -> Alternative:
    return Alternative(name, World(venue=settings))


def _face(name: str, **settings: object) -> Alternative:
    return Alternative(name, World(face=settings))


def _quota(name: str, **settings: object) -> Alternative:
    return Alternative(name, World(quota=settings))


def _stream(name: str, **settings: object) -> Alternative:
    return Alternative(name, World(stream=settings))


_JUDGED = (Check.MARKET, Check.PRICE, Check.TOTAL, Check.IDENTIFIER, Check.FUNDS, Check.DEPTH)
_ENTRY = tuple(EntryCheck)

ALTERNATIVES = [
    *(
        _venue(f"{_JUDGED[turn]}-first", checks=(Check.MAINTENANCE, Check.FORM, *_JUDGED[turn:], *_JUDGED[:turn]))
        for turn in range(1, len(_JUDGED))
    ),
    _venue("checks-reversed", checks=(Check.MAINTENANCE, Check.FORM, *reversed(_JUDGED))),
    _venue("identifier-before-form", checks=(Check.IDENTIFIER, *(each for each in Check if each != "identifier"))),
    _venue("form-before-maintenance", checks=(Check.FORM, Check.MAINTENANCE, *_JUDGED)),
    _venue(
        "funds-before-identifier",
        checks=(*tuple(Check)[:5], Check.FUNDS, Check.IDENTIFIER, Check.DEPTH),
    ),
    _venue("rejected-identifier-free", rejected_identifier=RejectedIdentifier.FREE),
    _venue("test-burns-identifier", test_burns_identifier=True),
    *(_venue(f"self-match-{kind}", self_match=kind) for kind in SelfMatch if kind is not SelfMatch.CANCEL_MAKER),
    _venue("self-match-as-before", self_match=SelfMatch.NONE, self_match_shown=False),
    _venue("taking-post-only-refused", taking_post_only=TakingPostOnly.REFUSED),
    _venue("cancels-take-a-second", cancel_delay_ms=1000),
    _venue("cancel-and-new-answers-200", cancel_and_new_status=200),
    _venue("excluded-pairs", exclusion_name=ExclusionName.EXCLUDED_PAIRS),
    _venue("exclude-pairs", exclusion_name=ExclusionName.EXCLUDE_PAIRS),
    _venue("balances-lag-a-second", balance_lag_ms=1000),
    _venue("average-with-fee", average_with_fee=True),
    _venue("far-prices-refused", far_price_ratio=Decimal(10)),
    _venue("stable-tick", stable_tick=Decimal("0.5")),
    _venue("beyond-book-is-bad-request", beyond_book="bad_request"),
    _venue("consent-403", consent_status=403),
    _venue("preview-not-found", preview_refusal="notfoundmarket"),
    _venue("withdrawals-locked", withdrawals_locked=True),
    _venue("missing-withdrawal-is-bad-request", missing_withdrawal="bad_request"),
    *(
        _face(f"entry-{_ENTRY[turn]}-first", checks=(*_ENTRY[turn:], *_ENTRY[:turn]))
        for turn in range(1, len(_ENTRY))
    ),
    _face("entry-reversed", checks=tuple(reversed(_ENTRY))),
    _face("out-of-scope-403", out_of_scope_status=403),
    _face("nonces-for-a-minute", nonce_seconds=60),
    _face("old-address-error", old_address_error=True),
    _face("bodies-instead-of-queries", body_parameters=True),
    _quota("windows-begin-late", phase_ms=500),
    _quota("json-429", json_body=True),
    _quota("other-group-names", header_names=(("candle", "candles"), ("trade", "crix-trades"))),
    _quota("long-blocks", refusals_to_block=2, first_block_seconds=60),
    _stream("bad-token-frame", bad_token=BadToken.FRAME),
    _stream("public-on-private", public_on_private=True),
    _stream("maintenance-drops", maintenance=Maintenance.DROP),
    _stream("slow-grid", grid_ms=500),
    _stream("assets-later", first_assets_seconds=5),
]

"""What opens a live account: given by `app.live` alone, once everything holds that has to."""

from dataclasses import dataclass, field

from makenaide.exchange.upbit.auth import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The keys of the account that may be opened. They show in no text."""

    account_id: str
    keys: Keys = field(repr=False)

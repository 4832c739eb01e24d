"""What can go wrong between Makenaide and Upbit; to a person all of it means "try again later"."""

from makenaide.domain.errors import Unavailable

MOST_WORDS = 400
"""So many characters of an error are kept."""


class VenueUnavailable(Unavailable):
    """Upbit does not answer: try again later."""


class VenueGarbled(Unavailable):
    """Upbit answered something that is not what its documents say: try again later.

    The detail is cut at `MOST_WORDS` characters: it may quote a reply of any length.
    """

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail if len(detail) <= MOST_WORDS else f"{detail[:MOST_WORDS]}...")


class VenueRefused(Unavailable):
    """Upbit refused the call.

    `status` is the HTTP status, `name` the venue's error name as text (quotation errors carry a number there),
    `message` its words; `name` is empty when the body was not an error object (upbit-api.md, section 6).
    """

    def __init__(self, call: str, status: int, name: str, message: str) -> None:
        super().__init__(f"{call}: refused with {status} {name or '(no name)'}: {message}")
        self.call = call
        self.status = status
        self.name = name
        self.message = message

    @property
    def not_found(self) -> bool:
        """The venue knows no such order."""
        return self.status == 404 and self.name == "order_not_found"

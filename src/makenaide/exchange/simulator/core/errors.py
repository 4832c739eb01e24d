"""The venue's refusals as they are raised.

Inside the simulator a refusal travels as an exception up to the face, which turns it into a reply.
"""

from typing import Final

from makenaide.exchange.simulator.refusals import REFUSALS

NO_ROUTE: Final = "no Route matched with those values"

_QUOTATION: Final[dict[str, tuple[int, str]]] = {
    "missing": (400, "Missing request parameter error. Check the required parameters!"),
    "mismatch": (400, "Type mismatch error. Check the parameters type!"),
    "invalid": (400, "Invalid parameter. Check the given value!"),
    "unknown": (404, "Code not found"),
}


class Refused(Exception):
    """The venue says no: `status`, `name` (an integer on quotation calls) and `message` of the reply."""

    def __init__(self, status: int, name: str | int, message: str) -> None:
        super().__init__(f"{status} {name}: {message}")
        self.status = status
        self.name = name
        self.message = message


def refused(name: str, detail: str = "", *, status: int | None = None) -> Refused:
    """The documented refusal `name`; `detail` fills its message's gap (a field, a currency, a market)."""
    known, message = REFUSALS[name]
    return Refused(known if status is None else status, name, message.format(detail))


def invalid_field(field: str, *, missing: bool = False) -> Refused:
    """`validation_error` as the venue words it: "side is missing, side does not have a valid value"."""
    return refused("validation_error", f"{field} is missing, {field}" if missing else field)


def bad_quotation(kind: str) -> Refused:
    """A quotation refusal: `kind` is missing, mismatch, invalid or unknown; its name is the status, an integer."""
    status, message = _QUOTATION[kind]
    return Refused(status, status, message)

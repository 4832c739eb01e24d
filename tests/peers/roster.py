"""Who is asked, and which of their calls are known not to work, with the reason that the documents give."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A script of `tests/peers/callers`: `package` is what it tries, `scenario` what the simulator is
    told besides."""

    title: str
    module: str
    package: str
    arguments: tuple[str, ...] = ()
    scenario: str = ""
    note: str = ""


EXAMPLES = "upbit-sdk/examples"
"""Below .venv-peers: from the client's source archive."""

ROSTER = (
    Caller(title="upbit-sdk, synchronous", module="official", package="upbit-sdk"),
    Caller(title="upbit-sdk, asynchronous", module="official", package="upbit-sdk", arguments=("async",)),
    Caller(title="upbit-sdk, streams", module="official_stream", package="upbit-sdk"),
    Caller(
        title="upbit-sdk, its own examples",
        module="official_examples",
        package="upbit-sdk",
        arguments=(EXAMPLES,),
        scenario="[quota]\nenforced = false\n",
        note="As they are, by `UPBIT_BASE_URL` alone; only their pauses between polls are cut to 0.12 s. The rate "
        "limits are off (`[quota] enforced = false`), because `batch_cancel_orders.py` cancels twice at once, of "
        "which Upbit takes one in two seconds. The examples of Singapore fix their own address and are left out. "
        "Those of the streams, `ws_public` and `ws_private`, wait for minutes and are not run; `ws_info` cannot: its "
        "endpoint is not served. `dca_kr.py` runs to its end and calls its own buys failed: it waits for `done`, and "
        "Upbit ends a market buy that leaves a remainder as `cancel`.",
    ),
    Caller(title="ccxt", module="ccxt_rest", package="ccxt", note='`exchange.urls["api"]` names the simulator.'),
    Caller(title="ccxt.pro, streams", module="ccxt_stream", package="ccxt"),
    Caller(
        title="pyupbit",
        module="pyupbit_rest",
        package="pyupbit",
        scenario="[face]\nbody_parameters = true\n",
        note="Its host is hardcoded: the script puts another one into its requests. It sends the parameters of GET "
        "and DELETE as a body, which Upbit's documents forbid: the simulator reads them with `body_parameters`.",
    ),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A call that fails: `sign` is in what the client says, `why` is what the table says."""

    sign: str
    why: str


_EXAMPLES = "upbit-sdk, its own examples"
_ANSWERS: Mapping[str, tuple[str, str]] = {
    "deposits/get_deposit.py": ("deposit_not_found", "its deposit"),
    "orders/cancel_and_new_order.py": ("order_not_found", "its order"),
    "orders/cancel_order.py": ("order_not_found", "its order"),
    "orders/get_order.py": ("order_not_found", "its order"),
    "pockets/get_sub_pocket_balance.py": ("pocket_not_found", "its pocket"),
    "pockets/list_pocket_api_keys.py": ("pocket_not_found", "its pocket"),
    "pockets/transfer.py": ("pocket_not_found", "its pocket"),
    "pockets/universal_transfer.py": ("pocket_not_found", "its pocket"),
    "travel_rule/verify_travelrule_by_txid.py": ("deposit_not_found", "its deposit"),
    "travel_rule/verify_travelrule_by_uuid.py": ("deposit_not_found", "its deposit"),
    "withdraws/cancel_withdrawal.py": ("withdraw_not_found", "its withdrawal"),
    "withdraws/get_withdrawal.py": ("withdraw_not_found", "its withdrawal"),
    "withdraws/withdraw.py": ("withdraw_address_not_registered", "its address"),
}
"""Examples that name something of their author's by hand: Upbit too tells others that there is no such thing."""

KNOWN: Mapping[tuple[str, str], Known] = {
    **{
        (_EXAMPLES, call): Known(sign, f"yes: `{sign}`, as {what} is not ours, with Upbit too")
        for call, (sign, what) in _ANSWERS.items()
    },
    (_EXAMPLES, "withdraws/withdraw_krw.py"): Known(
        "open_api_withdraw_locked", "no: the simulator never pays out; it answers `open_api_withdraw_locked`"
    ),
    ("pyupbit", "get_deposit_list"): Known("None", "no: it asks for `//v1/deposits`, which is no path of Upbit's"),
}

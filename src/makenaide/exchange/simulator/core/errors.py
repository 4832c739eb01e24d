"""The venue's refusals by name: status and message as documented (upbit-api.md section 6).

Inside the simulator a refusal travels as an exception up to the face, which turns it into a reply.
"""

from typing import Final

from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import near

NO_ROUTE: Final = "no Route matched with those values"

_KNOWN: Final[dict[str, tuple[int, str]]] = {
    "validation_error": (400, "{0} does not have a valid value"),
    "invalid_parameter": (400, "잘못된 파라미터"),
    "bad_request": (400, "잘못된 요청입니다."),
    "QUERY_PARAMETER_NOT_SUPPORTED": (400, "Request body is not supported. Use query parameters."),
    "create_bid_error": (400, "주문 요청 정보가 올바르지 않습니다."),
    "create_ask_error": (400, "주문 요청 정보가 올바르지 않습니다."),
    "insufficient_funds_bid": (400, "주문 가능한 금액({0})이 부족합니다."),
    "insufficient_funds_ask": (400, "주문가능한 금액({0})이 부족합니다."),
    "under_min_total_bid": (400, "최소주문금액 이상으로 주문해주세요"),
    "under_min_total_ask": (400, "최소주문금액 이상으로 주문해주세요"),
    "over_krw_funds_bid": (400, "최대 주문 가능 금액 {0} 보다 작은 주문을 입력해 주세요."),
    "invalid_funds": (400, "주문 가능한 금액이 올바르지 않습니다."),
    "volume_too_large": (400, "주문 가능한 수량을 초과하였습니다."),
    "invalid_price_bid": (400, "주문가격 단위를 잘못 입력하셨습니다. 확인 후 시도해주세요."),
    "invalid_price_ask": (400, "주문가격 단위를 잘못 입력하셨습니다. 확인 후 시도해주세요."),
    "invalid_volume_bid": (400, "주문수량 단위를 잘못 입력하셨습니다. 확인 후 시도해주세요."),
    "invalid_volume_ask": (400, "주문수량 단위를 잘못 입력하셨습니다. 확인 후 시도해주세요."),
    "invalid_time_in_force": (400, "주문조건을 다시 확인해 주세요."),
    "invalid_post_only": (400, "post_only 주문은 smp_type 과 함께 사용할 수 없습니다."),
    "duplicated_identifier": (400, "이미 사용된 identifier 입니다."),
    "not_supported_ord_type": (400, "현재 해당 마켓에서 지원하지 않는 주문입니다."),
    "notfoundmarket": (400, "다음 마켓에 없는 종목입니다: {0}"),
    "thirdparty_agreement_required": (400, "개인정보 제 3자 제공 동의가 필요합니다."),
    "withdraw_address_not_registered": (400, "등록된 출금 주소가 아닙니다."),
    "withdraw_insufficient_balance": (400, "출금 가능한 잔액이 부족합니다."),
    "coin_address_not_found": (400, "입금 주소를 찾지 못했습니다."),
    "no_authorization_token": (401, "Authorization token is missing."),
    "jwt_verification": (401, "Failed to verify Jwt token."),
    "invalid_query_payload": (401, "Failed to verify the query of Jwt."),
    "invalid_access_key": (401, "잘못된 엑세스 키입니다."),
    "expired_access_key": (401, "This key has expired."),
    "nonce_used": (401, "이미 요청한 nonce값이 다시 사용되었습니다."),
    "no_authorization_ip": (401, "This is not a verified IP."),
    "out_of_scope": (401, "권한이 부족합니다."),
    "market_offline": (403, "시스템 점검 중입니다. 점검이 완료된 후에 다시 시도해주세요."),
    "open_api_withdraw_locked": (403, "안전을 위해 Open API 출금이 잠겨 있습니다."),
    "order_not_found": (404, "주문을 찾지 못했습니다."),
    "currency_not_found": (404, "화폐를 찾지 못했습니다."),
    "pocket_not_found": (404, "포켓을 찾지 못했습니다."),
    "deposit_not_found": (404, "입금 정보를 찾지 못했습니다."),
    "withdraw_not_found": (404, "출금 정보를 찾지 못했습니다."),
    "internal_server_error": (500, "서버 내부 오류가 발생했습니다."),
}

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
    known, message = _KNOWN[name]
    return Refused(known if status is None else status, name, message.format(detail))


def require_known(*names: str) -> None:
    """`Misconfigured` unless each of `names` is one of the venue's errors."""
    for name in names:
        if name not in _KNOWN:
            raise Misconfigured(f"{name}: the venue has no such error name{near(name, _KNOWN)}")


def invalid_field(field: str, *, missing: bool = False) -> Refused:
    """`validation_error` as the venue words it: "side is missing, side does not have a valid value"."""
    return refused("validation_error", f"{field} is missing, {field}" if missing else field)


def bad_quotation(kind: str) -> Refused:
    """A quotation refusal: `kind` is missing, mismatch, invalid or unknown; its name is the status, an integer."""
    status, message = _QUOTATION[kind]
    return Refused(status, status, message)

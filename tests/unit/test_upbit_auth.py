"""Signatures, judged by PyJWT as an independent party."""

import hashlib
import json
import string

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Pairs
from makenaide.exchange.upbit.auth import Keys, bearer, query_text

SECRET = "q7" * 40
KEYS = Keys(access="the-access-key", secret=SECRET)
WORDS = st.text(min_size=1, max_size=30)


def claims(token: str, secret: str = SECRET) -> dict[str, object]:
    """What PyJWT reads from `token` after it has checked the signature."""
    scheme, _, text = token.partition(" ")
    assert scheme == "Bearer"
    decoded: dict[str, object] = jwt.decode(text, secret, algorithms=["HS512"])
    return decoded


def test_a_request_without_parameters_carries_no_hash() -> None:
    assert claims(bearer(KEYS, "n-1")) == {"access_key": "the-access-key", "nonce": "n-1"}
    assert claims(bearer(KEYS, "n-1", "")) == {"access_key": "the-access-key", "nonce": "n-1"}


def test_the_header_names_the_algorithm_of_the_documents() -> None:
    token = bearer(KEYS, "n-1").removeprefix("Bearer ")
    assert jwt.get_unverified_header(token) == {"alg": "HS512", "typ": "JWT"}


def test_the_hash_is_that_of_the_decoded_text_in_sent_order() -> None:
    pairs: Pairs = (("states[]", "wait"), ("states[]", "watch"), ("pairs", "KRW-BTC,KRW-ETH"))
    text = query_text(pairs)
    assert text == "states[]=wait&states[]=watch&pairs=KRW-BTC,KRW-ETH"
    read = claims(bearer(KEYS, "n", text))
    assert read["query_hash"] == hashlib.sha512(text.encode()).hexdigest()
    assert read["query_hash_alg"] == "SHA512"


@given(nonce=WORDS, pairs=st.lists(st.tuples(WORDS, WORDS), max_size=6))
def test_an_independent_party_verifies_every_token(nonce: str, pairs: list[tuple[str, str]]) -> None:
    text = query_text(tuple(pairs))
    read = claims(bearer(KEYS, nonce, text))
    assert read["nonce"] == nonce
    expected = hashlib.sha512(text.encode()).hexdigest() if pairs else None
    assert read.get("query_hash") == expected


@given(secret=st.text(string.ascii_letters + string.digits, min_size=64, max_size=90))
def test_another_secret_does_not_verify(secret: str) -> None:
    token = bearer(Keys(access="a", secret=secret), "n")
    assert claims(token, secret)["access_key"] == "a"
    with pytest.raises(jwt.InvalidSignatureError):
        claims(token, "x" + secret)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_the_forty_characters_of_a_real_secret_are_used_raw() -> None:
    secret = "k" * 40
    assert claims(bearer(Keys(access="a", secret=secret), "n"), secret)["nonce"] == "n"


def test_a_secret_never_shows() -> None:
    assert SECRET not in repr(KEYS)
    assert SECRET not in str(KEYS)
    assert SECRET not in json.dumps(claims(bearer(KEYS, "n", "a=b")))


@pytest.mark.parametrize("bad", ["", "two words", "line\n", "열쇠", "tab\t"])
def test_a_key_that_is_not_a_word_is_refused_without_showing_it(bad: str) -> None:
    with pytest.raises(Misconfigured, match="Upbit secret key") as caught:
        Keys(access="good", secret=bad)
    assert not bad or bad not in str(caught.value)
    with pytest.raises(Misconfigured, match="Upbit access key"):
        Keys(access=bad, secret="good")

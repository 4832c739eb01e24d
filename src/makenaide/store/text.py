"""Words from outside, as a database can hold them."""


def storable(text: str) -> str:
    """`text` with "?" for what neither PostgreSQL nor a wire can hold; otherwise as it came."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode()

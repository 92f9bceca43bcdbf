from __future__ import annotations

import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.encoding import Part, canonical_json, check_digest, check_name, dec, enc, sha256
from app.errors import BadEncoding

NAMES = st.from_regex(r"[a-z0-9_.-]{1,12}", fullmatch=True)
KINDS: list[st.SearchStrategy[Any]] = [st.uuids(), st.integers(0, 2**64 - 1), NAMES, st.binary(max_size=12)]
# Any text, lone surrogates too, and any number.
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.floats() | TEXTS
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
BAD_NAMES = ["", "Name", "a b", "naïve", "a\n", "a/b", "\u0660"]


@st.composite
def two_tuples(draw: st.DrawFn) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Draw two tuples of the same kinds, as one label allows."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=6))
    return tuple(map(draw, kinds)), tuple(map(draw, kinds))


@given(two_tuples())
def test_different_tuples_have_different_bytes(pair: tuple[tuple[Part, ...], tuple[Part, ...]]) -> None:
    """Under one label two encodings are equal only if all parts are."""
    one, two = pair

    assert (enc("x", *one) == enc("x", *two)) == (one == two)


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_no_split_of_the_same_bytes_encodes_alike(one: list[bytes], two: list[bytes]) -> None:
    """Moving a byte from one part to its neighbor, or adding an empty part, changes the encoding."""
    assert (enc("x", *one) == enc("x", *two)) == (one == two)


def test_label_is_part_of_the_bytes() -> None:
    """The same parts under another label are another thing."""
    assert enc("a", b"x") != enc("b", b"x")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_refuses_text_that_is_no_name(name: str) -> None:
    """Text with more than one spelling never enters a context."""
    with pytest.raises(BadEncoding):
        enc("x", name)
    with pytest.raises(BadEncoding):
        check_name(name)


@pytest.mark.parametrize("number", [-1, 2**64, True, False])
def test_refuses_numbers_outside_u64(number: int) -> None:
    """Negative and huge numbers, and truth values, have no encoding."""
    with pytest.raises(BadEncoding):
        enc("x", number)


def test_refuses_a_label_that_is_not_ascii() -> None:
    """Labels have one spelling."""
    with pytest.raises(BadEncoding):
        enc("testimoný")


def test_counts_up_to_255_parts_with_the_label() -> None:
    """The count is one byte: 254 parts fit beside the label, 255 do not."""
    assert enc("x", *[b""] * 254)[0] == 255
    with pytest.raises(BadEncoding):
        enc("x", *[b""] * 255)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_decodes_what_it_encoded(parts: list[bytes]) -> None:
    """Decoding gives the raw parts back."""
    assert dec("label", len(parts), enc("label", *parts)) == tuple(parts)


@given(st.integers(0, 28), st.binary(min_size=1, max_size=3))
def test_decoding_refuses_cut_and_extended_bytes(cut: int, more: bytes) -> None:
    """No byte may be missing and none may follow."""
    data = enc("label", b"first", b"second")

    with pytest.raises(BadEncoding):
        dec("label", 2, data[:cut])
    with pytest.raises(BadEncoding):
        dec("label", 2, data + more)


@pytest.mark.parametrize(("label", "count"), [("other", 2), ("label", 1), ("label", 3), ("", 2)])
def test_decoding_refuses_another_label_or_count(label: str, count: int) -> None:
    """Bytes of one structure are not read as another."""
    with pytest.raises(BadEncoding):
        dec(label, count, enc("label", b"first", b"second"))


@pytest.mark.parametrize("count", [2, 4])
def test_decoding_refuses_a_count_that_does_not_match_the_parts(count: int) -> None:
    """The count byte must tell the truth."""
    data = bytes([count]) + enc("label", b"first", b"second")[1:]

    with pytest.raises(BadEncoding):
        dec("label", 2, data)


def test_canonical_json_has_one_spelling() -> None:
    """Order and blanks of the input do not matter."""
    assert canonical_json({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800", {1: 2}, object(), {"a": b"x"}])
def test_canonical_json_refuses_what_json_cannot_say(value: object) -> None:
    """What would be rounded, escaped or guessed is an error."""
    with pytest.raises(BadEncoding):
        canonical_json(value)


@given(JSON)
def test_canonical_json_is_rfc_8785(value: Any) -> None:
    """Also where it takes the faster way: every name, text and number is spelled as the library spells it."""
    try:
        expected = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError):
        with pytest.raises(BadEncoding):
            canonical_json(value)
    else:
        assert canonical_json(value) == expected


def test_canonical_json_refuses_bottomless_nesting() -> None:
    """Nesting beyond the stack is an error of ours, not a crash."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(BadEncoding):
        canonical_json(value)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_digest_has_32_bytes(size: int) -> None:
    """Another length is refused."""
    with pytest.raises(BadEncoding):
        check_digest(bytes(size))


def test_sha256_is_the_standard_one() -> None:
    """The digest is plain SHA-256."""
    assert sha256(b"abc") == hashlib.sha256(b"abc").digest()

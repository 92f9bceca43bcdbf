"""ODK's encrypted forms: opened exactly, and nothing else opens."""

from __future__ import annotations

import base64
import hashlib
from itertools import islice
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from app.crypto.odk import FileOpener, Signed, check_signature, enketo_ivs, ivs, unwrap_key
from app.crypto.secrets import Secret
from app.errors import BadEncoding, BadSignature, TamperedBox
from tests.vectors import make, reference

VECTOR = make.read()["odk"]
PRIVATE = Secret(bytes.fromhex(VECTOR["private"]))
KEY = Secret(bytes.fromhex(VECTOR["key"]))
WRAPPED = bytes.fromhex(VECTOR["wrapped"])
SIGNED = Signed(
    VECTOR["form"], VECTOR["version"], base64.b64encode(WRAPPED).decode(), instance_id=VECTOR["instance_id"]
)
FILES = [(each["name"], hashlib.md5(bytes.fromhex(each["plaintext"])).digest()) for each in VECTOR["files"]]  # noqa: S324
# The published vector of the format.
INSTANCE, INSTANCE_KEY = "uuid:22525f8e-4f2d-41ed-94da-4c46a2478448", "3TJoHf74zHbDwG3Ta+bcvfUr50C6yF/astfu+CdSnQU="
PUBLISHED = {
    0: "39bbb0890f3222269da68b172146477a",
    1: "39bcb0890f3222269da68b172146477a",
    8: "39bcb18a103323279ea68b172146477a",
    15: "39bcb18a103323279ea78c182247487b",
    31: "3abdb28b113424289fa88d192348497c",
}


def opened(key: Secret, iv: bytes, sealed: bytes, step: int) -> bytes:
    """A file, opened in pieces of so many bytes."""
    opener = FileOpener(key, iv)
    return b"".join(opener.update(sealed[at : at + step]) for at in range(0, len(sealed), step)) + opener.finish()


def sealed_for(secret: bytes) -> bytes:
    """Something else than a key, wrapped for the same form."""
    loaded = load_der_private_key(PRIVATE.reveal(), None)
    assert isinstance(loaded, RSAPrivateKey)
    return reference.rsa_seal(loaded.public_key(), secret)


def test_the_published_ivs() -> None:
    """The IVs of the format's own example."""
    made = list(islice(ivs(INSTANCE, Secret(base64.b64decode(INSTANCE_KEY))), 32))

    assert {at: made[at].hex() for at in PUBLISHED} == PUBLISHED


def test_our_own_ivs() -> None:
    """The frozen IVs of a submission, and Enketo's are the same while no byte runs over."""
    expected = [bytes.fromhex(iv) for iv in VECTOR["ivs"]]

    assert list(islice(ivs(VECTOR["instance_id"], KEY), len(expected))) == expected
    assert list(islice(enketo_ivs(VECTOR["instance_id"], KEY), len(expected))) == expected


@pytest.mark.parametrize("kind", [ivs, enketo_ivs], ids=["ivs", "enketo_ivs"])
@pytest.mark.parametrize("column", range(16))
def test_a_byte_that_runs_over(kind: Any, column: int) -> None:
    """It starts again at zero; Enketo's carries into the byte before, but for the first of a word."""
    vector = VECTOR["running_over"][column]
    made = list(islice(kind("uuid:x", Secret(bytes.fromhex(vector["key"]))), 33))

    assert {at: made[int(at)].hex() for at in vector[kind.__name__]} == vector[kind.__name__]


@pytest.mark.parametrize("column", [pytest.param(one, id=str(one)) for one in (1, 2, 3, 5, 15)])
def test_what_enketo_does_to_the_byte_before(column: int) -> None:
    """Zero where it ran over, and the last bit of the byte before it turned."""
    vector = VECTOR["running_over"][column]
    right, theirs = (bytearray.fromhex(vector[name][str(column)]) for name in ("ivs", "enketo_ivs"))

    assert right[column] == 0
    theirs[column - 1] ^= 1
    assert theirs == right


@pytest.mark.parametrize("step", [1, 16, 17, 4096])
@pytest.mark.parametrize("number", range(3))
def test_opening_a_file_in_pieces(number: int, step: int) -> None:
    """Every file of the submission opens, however it is cut."""
    file, iv = VECTOR["files"][number], bytes.fromhex(VECTOR["ivs"][number])

    assert opened(KEY, iv, bytes.fromhex(file["sealed"]), step).hex() == file["plaintext"]


@pytest.mark.parametrize("kept", [0, 15, -1, -16])
def test_a_cut_file(kept: int) -> None:
    """Without its last bytes a file has no padding."""
    sealed = bytes.fromhex(VECTOR["files"][0]["sealed"])[:kept]

    with pytest.raises(BadEncoding):
        opened(KEY, bytes.fromhex(VECTOR["ivs"][0]), sealed, 4096)


def test_unwrapping_the_key() -> None:
    """With the form's private key."""
    assert unwrap_key(PRIVATE, WRAPPED) == KEY


@pytest.mark.parametrize("wrapped", [bytes(256), b"", sealed_for(bytes(31)), sealed_for(bytes(33))], ids=len)
def test_what_is_no_key(wrapped: bytes) -> None:
    """Neither foreign bytes nor a key of another length."""
    with pytest.raises(TamperedBox):
        unwrap_key(PRIVATE, wrapped)


@pytest.mark.parametrize("kind", ["noise", "ed25519"])
def test_a_private_key_that_is_none(kind: str) -> None:
    """Only RSA in PKCS #8."""
    other = Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(BadEncoding):
        unwrap_key(Secret(other if kind == "ed25519" else b"noise"), WRAPPED)


def test_the_signature() -> None:
    """It covers form, version, key, instance and every file in order."""
    digest = SIGNED.digest(FILES)

    assert digest.hex() == VECTOR["digest"]
    check_signature(PRIVATE, bytes.fromhex(VECTOR["signature"]), digest)


@pytest.mark.parametrize(
    ("signed", "files"),
    [
        pytest.param(SIGNED, FILES[::-1], id="order"),
        pytest.param(SIGNED, FILES[:-1], id="missing file"),
        pytest.param(Signed("other", SIGNED.version, SIGNED.wrapped_key, SIGNED.instance_id), FILES, id="form"),
        pytest.param(Signed(SIGNED.form, "", SIGNED.wrapped_key, SIGNED.instance_id), FILES, id="no version"),
        pytest.param(Signed(SIGNED.form, SIGNED.version, SIGNED.wrapped_key, "uuid:other"), FILES, id="instance"),
    ],
)
def test_another_signature(signed: Signed, files: list[tuple[str, bytes]]) -> None:
    """Anything else was not signed."""
    with pytest.raises(BadSignature):
        check_signature(PRIVATE, bytes.fromhex(VECTOR["signature"]), signed.digest(files))


def test_a_form_without_a_version() -> None:
    """The line of the version is left out, as clients do."""
    signed = Signed("f", "", "k", "i")

    assert signed.digest([]) == reference.odk_digest("f", "", "k", "i", [])

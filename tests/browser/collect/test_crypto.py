"""The phone's cryptography in Chromium: against RFC 9180, the frozen vectors, and ``cryptography`` itself."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import tests
from app.crypto import encoding, padding
from app.crypto.intake import FILE_HEADER, SealedBody, new_private, public_of, unseal
from tests.browser.collect.phones import Phone, Phones
from tests.vectors import make

VECTORS = Path(tests.__path__[0]) / "vectors"
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
# X25519 key pairs go into a browser as JSON Web Keys (RFC 8037).
PAIR = """
  const pair = async (secret, open) => {
    const point = {kty: "OKP", crv: "X25519", x: encoding.toBase64Url(encoding.fromHex(open))};
    const whole = {...point, d: encoding.toBase64Url(encoding.fromHex(secret))};
    return {
      privateKey: await crypto.subtle.importKey("jwk", whole, "X25519", false, ["deriveBits"]),
      publicKey: await crypto.subtle.importKey("jwk", point, "X25519", true, []),
    };
  };
  const [hex, raw] = [encoding.toHex, encoding.fromHex];
"""
TEXTS: list[Any] = [
    {"b": 1, "a": [True, None, 'ü\u2028"\\\n\u0001'], "\u20ac": "", "\U0001f600": 1, "\ufb33": 2, "1": {}},
    [0, -1, 1.5, 1e21, 1e-7, 0.1 + 0.2, 2**53 - 1, "تم"],
]


@pytest.fixture(scope="module")
def browser_of(phones: Phones) -> Phone:
    """A browser; nothing is stored in it."""
    return phones.new()


def vector(name: str) -> dict[str, Any]:
    """A frozen vector of the project."""
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return found


def test_hpke_seals_as_rfc_9180_does(browser_of: Phone) -> None:
    """The RFC's own vector for exactly this suite: the same encapsulated key and ciphertext to the bit."""
    known = json.loads((Path(__file__).parent / "rfc9180.json").read_text())

    sealed = browser_of.run(
        PAIR
        + """const {info, skEm, pkEm, pkRm, plaintext, aad} = given;
        const fixed = {aad: raw(aad), ephemeral: await pair(skEm, pkEm)};
        return hex(await hpke.seal(raw(pkRm), raw(info), raw(plaintext), fixed));""",
        **known,
    )

    assert sealed == known["enc"] + known["ciphertext"]


def test_cryptography_opens_what_the_phone_seals(browser_of: Phone) -> None:
    """Under the same context, and under no other; two sealings of one text differ."""
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    script = """const [info, text] = [encoding.utf8("context"), encoding.utf8("text")];
        const seal = () => hpke.seal(encoding.fromHex(given.public), info, text);
        return [encoding.toHex(await seal()), encoding.toHex(await seal())];"""

    one, other = (bytes.fromhex(sealed) for sealed in browser_of.run(script, public=public.hex()))

    assert SUITE.decrypt(one, private, b"context") == b"text"
    assert one[:32] != other[:32]
    with pytest.raises(InvalidTag):
        SUITE.decrypt(one, private, b"another")


def test_sealed_body_is_the_frozen_one(browser_of: Phone) -> None:
    """Sealed in Python with a known ephemeral key, and sealed again here with the same: context and body to the bit."""
    known = vector("intake")
    script = (
        PAIR
        + """const {deployment, parts, ephemeral, ephemeral_public, recipient, plaintext} = given;
        const {study, key_id, client_uuid} = parts;
        const info = encoding.enc("testimony/1/intake", ...[deployment, study, key_id, client_uuid].map(encoding.uuid));
        const fixed = {ephemeral: await pair(ephemeral, ephemeral_public)};
        const sealed = await hpke.seal(raw(recipient), info, encoding.pad(raw(plaintext)), fixed);
        const ids = encoding.join(encoding.uuid(study), encoding.uuid(key_id));
        const head = encoding.join(encoding.utf8("TS"), Uint8Array.of(1, 1), ids);
        return [hex(info), hex(encoding.join(head, sealed))];"""
    )
    ephemeral = X25519PrivateKey.from_private_bytes(bytes.fromhex(known["ephemeral"]))
    public = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    context, body = browser_of.run(script, **known, ephemeral_public=public.hex(), recipient=known["public"])

    assert context == known["context"]
    assert body == known["body"]


def test_sealed_file_is_the_frozen_one(browser_of: Phone) -> None:
    """Chunks and head that Python made are made again here, to the bit, by the modules that the form uses."""
    known = vector("intake_file")
    script = (
        PAIR
        + """const {deployment, parts, key, salt, inside, content, ephemeral, ephemeral_public, recipient} = given;
        const {study, key_id, client_uuid, file} = parts;
        const sealer = await chunks.chunkSealer(raw(key), raw(salt), {deployment, study, file}, inside.size);
        const padded = encoding.pad(raw(content));
        const sealed = encoding.join(
          await sealer(0, padded.subarray(0, chunks.CHUNK)), await sealer(1, padded.subarray(chunks.CHUNK)),
        );
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", sealed));
        const info = encoding.enc("testimony/1/intake-file",
          ...[deployment, study, key_id, client_uuid, file].map(encoding.uuid));
        const fixed = {ephemeral: await pair(ephemeral, ephemeral_public)};
        const box = await hpke.seal(raw(recipient), info, encoding.pad(encoding.canonicalJson(inside)), fixed);
        const ids = encoding.join(encoding.uuid(study), encoding.uuid(key_id));
        const head = encoding.join(encoding.utf8("TH"), Uint8Array.of(1, 1), ids);
        const both = [sealed.length, chunks.chunkCount(inside.size)];
        return [both, hex(digest), hex(info), hex(encoding.join(head, box))];"""
    )
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(known["ephemeral"]))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    content = make.seed("phone file", known["inside"]["size"]).hex()

    sizes, digest, context, head = browser_of.run(script, **known, ephemeral_public=public.hex(), content=content)

    assert sizes == [known["sealed_bytes"], 2]
    assert (digest, context, head) == (known["sealed_sha256"], known["context"], known["head"])


def test_server_opens_the_head_that_the_form_seals(browser_of: Phone) -> None:
    """With the name in any script; under the ids that it is for."""
    private, deployment, ids = (
        new_private(),
        uuid4(),
        {name: str(uuid4()) for name in ("study", "key", "client", "file")},
    )
    inside = {"key": "A" * 43, "salt": "B" * 43, "name": "صوت 1.m4a", "size": 7}
    script = """const {public, deployment, ids, inside} = given;
        const intake = {id: ids.key, public: encoding.fromHex(public)};
        return sealing.sealHead({deployment, study: ids.study}, intake, ids.client, ids.file, inside);"""

    told = browser_of.run(
        script, public=public_of(private).hex(), deployment=str(deployment), ids=ids, inside={**inside, "at": 1}
    )

    head = SealedBody.parse(base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)), FILE_HEADER)
    place = {"deployment": deployment, "client_uuid": UUID(ids["client"]), "file": UUID(ids["file"])}
    assert (str(head.study), str(head.key_id)) == (ids["study"], ids["key"])
    assert json.loads(unseal(private, head, **place)) == inside


@pytest.mark.parametrize("changed", ["", "record", "file", "head", "signature", "pinned"])
def test_words_for_files_count_for_one_head_only(browser_of: Phone, changed: str) -> None:
    """Signed by the pinned key, for these ids and this sealed head; else the phone keeps what it has."""
    known = vector("intake_file")
    sent = {"record": known["parts"]["client_uuid"], "file": known["parts"]["file"], "head": known["head"]}
    other = "5acb984e-cb0f-4c31-a238-c107b3d28b8e"
    sent |= {"head": known["head"][:-2] + "00"} if changed == "head" else {changed: other} if changed in sent else {}
    public = "00" * 32 if changed == "pinned" else known["public"]
    signed = None if changed == "signature" else base64.b64encode(bytes.fromhex(known["signature"])).decode()

    said = browser_of.run(
        """const sent = {...given.sent, head: encoding.fromHex(given.sent.head)};
        await signature.checkFileReceipt(given.signed, given.pinned, sent);
        return "good";""",
        signed=signed,
        pinned={"deployment": known["deployment"], "receiptKey": {"id": "receipt-1", "public": base64url(public)}},
        sent=sent,
    )

    assert said == ("good" if not changed else {"name": "Tampered"})


@pytest.mark.parametrize("public", ["00" * 32, "01" + "00" * 31, "aa" * 31], ids=["zero", "order four", "cut"])
def test_bad_public_keys_are_refused(browser_of: Phone, public: str) -> None:
    """A key that gives no shared secret, or is none, seals nothing."""
    script = """return hpke.seal(encoding.fromHex(given.public), encoding.utf8(""), encoding.utf8("text"))
        .then(() => "sealed", () => "refused");"""

    assert browser_of.run(script, public=public) == "refused"


def test_encoding_writes_the_vector(browser_of: Phone) -> None:
    """``enc`` of every kind of part is the frozen bytes; what has no encoding is refused."""
    known = vector("enc")
    script = """const kinds = {uuid: encoding.uuid, int: BigInt, name: String, bytes: encoding.fromHex};
        const parts = given.parts.map(([kind, text]) => kinds[kind](text));
        const refused = [[-1], [1.5], [2n ** 64n], ["Upper"], [""], [null]].map((bad) => {
          try { encoding.enc("x", ...bad); return false; } catch { return true; }
        });
        return [encoding.toHex(encoding.enc(given.label, ...parts)), refused];"""
    parts = [[kind, str(value)] for kind, value in known["parts"]]

    encoded, refused = browser_of.run(script, label=known["label"], parts=parts)

    assert encoded == known["encoded"]
    assert all(refused)


def test_canonical_json_is_the_server_s(browser_of: Phone) -> None:
    """Names by UTF-16, numbers as ECMAScript, escapes as RFC 8785: byte by byte; what has none is refused."""
    script = """const refused = [undefined, NaN, Infinity, "\\ud800", {a: undefined}, 1n, new Date()].map((bad) => {
          try { encoding.canonicalJson(bad); return false; } catch { return true; }
        });
        return [given.texts.map((text) => encoding.toHex(encoding.canonicalJson(JSON.parse(text)))), refused];"""

    written, refused = browser_of.run(script, texts=[json.dumps(text) for text in TEXTS])

    assert [bytes.fromhex(text) for text in written] == [encoding.canonical_json(text) for text in TEXTS]
    assert all(refused)


def test_padding_is_the_server_s(browser_of: Phone) -> None:
    """Sizes by the vectors and far beyond; what was padded comes out, and no other padding does."""
    sizes = [size for size, _ in vector("padding")["sizes"]] + [2**20 - 1, 2**20, 3 * 2**20 + 17]
    script = """const text = encoding.utf8("text");
        const wrong = encoding.join(encoding.pad(text), new Uint8Array(1));
        let refused = false;
        try { encoding.unpad(wrong); } catch { refused = true; }
        return [given.sizes.map(encoding.paddedSize), encoding.toHex(encoding.unpad(encoding.pad(text))), refused];"""

    padded, again, refused = browser_of.run(script, sizes=sizes)

    assert padded == [padding.padded_size(size) for size in sizes]
    assert bytes.fromhex(again) == b"text"
    assert refused


def intake_key(**changed: Any) -> dict[str, Any]:
    """What the server would answer, made of the frozen vector."""
    known = vector("intake_key")
    parts = known["parts"]
    answer = {
        "deployment": known["deployment"],
        "key_id": parts["key_id"],
        "public": base64url(parts["public"]),
        "seal_until": parts["seal_until"],
        "open_until": parts["open_until"],
        "signature": base64url(known["signature"]),
    }
    return {**answer, **changed}


def base64url(digits: str) -> str:
    """Hexadecimal digits as base64url without padding."""
    return base64.urlsafe_b64encode(bytes.fromhex(digits)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"seal_until": 1802592001}, False),
        ({"open_until": 1807776001}, False),
        ({"public": base64url("00" * 32)}, False),
        ({"key_id": "2ae5650d-cfe3-446d-908c-61db3c76672f"}, False),
        ({"signature": base64url("00" * 64)}, False),
        ({"signature": "?"}, False),
        ({"deployment": "2ae5650d-cfe3-446d-908c-61db3c76672f"}, False),
    ],
    ids=["signed", "later", "longer", "other key", "other id", "no signature", "no base64", "other deployment"],
)
def test_intake_keys_are_taken_from_the_pinned_key_only(
    browser_of: Phone, changed: dict[str, Any], *, good: bool
) -> None:
    """One changed bit of what is signed, and the phone seals nothing to it."""
    known = vector("intake_key")
    pinned = {
        "deployment": known["deployment"],
        "receiptKey": {"id": "receipt-1", "public": base64url(known["public"])},
    }

    said = browser_of.run(
        "return signature.checkedIntakeKey(given.answer, given.pinned);", answer=intake_key(**changed), pinned=pinned
    )

    assert said == ({"name": "Tampered"} if not good else said)
    assert ("sealUntil" in said) == good


@pytest.mark.parametrize(
    ("changed", "sent", "good"),
    [
        ({}, {}, True),
        ({"case": "AAAA-2222"}, {}, False),
        ({"day": "2026-02-01"}, {}, False),
        ({"key_id": "receipt-2"}, {}, False),
        ({}, {"id": "5acb984e-cb0f-4c31-a238-c107b3d28b8e"}, False),
        ({}, {"sha256": "00" * 32}, False),
        ({}, {"study": "5acb984e-cb0f-4c31-a238-c107b3d28b8e"}, False),
    ],
    ids=["signed", "other case", "other day", "other key", "for another id", "for other bytes", "for another study"],
)
def test_receipts_count_for_what_was_sent_only(
    browser_of: Phone, changed: dict[str, Any], sent: dict[str, str], *, good: bool
) -> None:
    """Signed by the pinned key, and for this id, this study and these bytes; else the phone keeps what it has."""
    known, receipt = receipt_of_vector()
    pinned = {
        "deployment": known["deployment"],
        "receiptKey": {"id": "receipt-1", "public": base64url(known["public"])},
    }
    expected = {"id": receipt["client_uuid"], "study": receipt["study"], "sha256": receipt["sealed_body_sha256"]}

    said = browser_of.run(
        "await signature.checkReceipt(given.receipt, given.pinned, given.sent); return 'good';",
        receipt={**receipt, **changed},
        pinned=pinned,
        sent={**expected, **sent},
    )

    assert said == ("good" if good else {"name": "Tampered"})


def receipt_of_vector() -> tuple[dict[str, Any], dict[str, str]]:
    """The frozen vector, and the receipt that it is of."""
    known = vector("receipt")
    parts = dict(known["parts"])
    receipt = {
        "deployment": known["deployment"],
        **{name: parts[name] for name in ("key_id", "study", "record", "submitter", "client_uuid", "content", "day")},
        "case": parts["case_code"],
        "instrument_sha256": parts["instrument"],
        "sealed_body_sha256": parts["sealed_body"],
        "signature": base64.b64encode(bytes.fromhex(known["signature"])).decode(),
    }
    return known, receipt

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.audit import entries
from app.crypto import contexts, envelope, grants, hpke, intake, packs, shares, signing
from app.crypto.encoding import Part, enc
from app.crypto.mac import content_digest, event_mac
from app.crypto.padding import padded_size
from app.crypto.passkeys import open_public_key
from app.crypto.passwords import Argon2Params, Bundle, stretch, unlock_key
from app.crypto.principals import KeyPair, fingerprint_text
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.crypto.tokens import session_key, token_hash
from tests.vectors import make, reference

VECTORS = make.read()
READERS: dict[str, Callable[[Any], Part]] = {"uuid": UUID, "int": int, "name": str, "bytes": bytes.fromhex}
NUMBERS = {"version", "expires", "position", "count", "at", "seal_until", "open_until"}
TEXTS = {"compartment", "name", "scope", "team", "key_id", "pepper_id", "case_code", "day"}


def raw(vector: dict[str, Any], name: str) -> bytes:
    """Read bytes of a vector."""
    return bytes.fromhex(vector[name])


def secret(vector: dict[str, Any], name: str) -> Secret:
    """Read a secret of a vector."""
    return Secret(raw(vector, name))


def parts(vector: dict[str, Any]) -> dict[str, Any]:
    """Read the parts of a vector's context, the deployment among them."""
    return {"deployment": UUID(vector["deployment"])} | {
        name: _part(name, value) for name, value in vector["parts"].items()
    }


def _part(name: str, value: Any) -> Any:
    if name in NUMBERS:
        return value
    if isinstance(value, str) and len(value) == 36:
        return UUID(value)
    return value if name in TEXTS else bytes.fromhex(value)


def test_a_vector_for_every_format() -> None:
    """All sealed and signed formats have their frozen file."""
    assert set(VECTORS) == {
        *("enc", "padding", "principal", "field", "pack", "grant", "member", "disclosure"),
        *("user", "session", "passkey", "share", "content", "receipt", "roster", "event", "trail", "odk"),
        *("chunk", "upload"),
        *("intake", "intake_key", "intake_file"),
    }


def test_the_files_are_what_their_script_makes() -> None:
    """Nobody edits a vector by hand, and no library changes what the script makes of the same inputs."""
    again = json.loads(json.dumps(make.build(VECTORS)))

    assert again == VECTORS


def test_enc() -> None:
    """Every kind of part has its frozen bytes."""
    vector = VECTORS["enc"]

    assert enc(vector["label"], *[READERS[kind](value) for kind, value in vector["parts"]]) == raw(vector, "encoded")


@pytest.mark.parametrize(("size", "padded"), VECTORS["padding"]["sizes"])
def test_padding(size: int, padded: int) -> None:
    """Length classes begin where they always began."""
    assert padded_size(size) == padded


def test_principal() -> None:
    """A private key has its frozen public half, fingerprint and spoken form."""
    vector = VECTORS["principal"]
    pair = KeyPair.from_private(secret(vector, "private"))

    assert (pair.public, pair.fingerprint) == (raw(vector, "public"), raw(vector, "fingerprint"))
    assert fingerprint_text(pair.fingerprint) == vector["spoken"]


def test_field_opens() -> None:
    """A frozen field opens under its frozen key in its place."""
    vector = VECTORS["field"]
    context = contexts.field(**parts(vector))

    assert context == raw(vector, "context")
    assert envelope.unseal(secret(vector, "key"), context, raw(vector, "sealed")) == raw(vector, "plaintext")


def test_field_is_sealed_to_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the frozen salt, sealing gives the frozen blob."""
    vector = VECTORS["field"]
    monkeypatch.setattr(os, "urandom", lambda size: raw(vector, "salt")[:size])

    sealed = envelope.seal(secret(vector, "key"), raw(vector, "context"), raw(vector, "plaintext"))

    assert sealed == raw(vector, "sealed")


def test_pack() -> None:
    """Fields have their frozen pack and digest, both ways."""
    vector = VECTORS["pack"]
    fields = {name: Sealed(bytes.fromhex(blob)) for name, blob in vector["fields"].items()}

    assert packs.pack(fields) == raw(vector, "packed")
    assert packs.unpack(raw(vector, "packed")) == fields
    assert packs.digest(raw(vector, "packed")) == raw(vector, "digest")


def test_share() -> None:
    """A share has its frozen sealed form, both ways."""
    vector = VECTORS["share"]
    place, kk, value = parts(vector), secret(vector, "kk"), secret(vector, "value")

    assert contexts.share(**place) == raw(vector, "context")
    assert shares.seal_share(kk, **place, value=value) == raw(vector, "sealed")
    assert shares.open_share(kk, **place, blob=raw(vector, "sealed")) == value


def test_content() -> None:
    """Content has its frozen digest."""
    vector = VECTORS["content"]

    assert content_digest(secret(vector, "idem"), raw(vector, "canonical")) == raw(vector, "digest")


@pytest.mark.parametrize("name", ["receipt", "roster", "trail"])
def test_signed_messages(name: str) -> None:
    """Receipts, rosters and checkpoints given out before still verify."""
    vector = VECTORS[name]
    message = getattr(contexts, name)(**parts(vector))

    assert message == raw(vector, "message")
    signing.verify(raw(vector, "public"), message, raw(vector, "signature"))


@pytest.mark.parametrize("name", ["grant", "disclosure"])
def test_boxes_open(name: str) -> None:
    """A frozen box opens with its share, its context and its pair."""
    vector = VECTORS[name]
    more = {key: vector[key] for key in ("fields", "expires") if key in vector}
    context = getattr(contexts, name)(**parts(vector), **more)
    pair = KeyPair.from_private(secret(vector, "private"))

    assert context == raw(vector, "context")
    assert grants.open_box(secret(vector, "share"), context, pair, raw(vector, "box")) == secret(vector, "secret")


def test_member_box_opens() -> None:
    """A frozen member box hands over the epoch's private key."""
    vector = VECTORS["member"]
    context = contexts.member(**parts(vector))
    pair = KeyPair.from_private(secret(vector, "private"))

    assert context == raw(vector, "context")
    assert hpke.unwrap(pair, raw(vector, "box"), context) == secret(vector, "secret")


def test_bundle_opens_with_the_password() -> None:
    """From the password to the key pair, each step has its frozen bytes."""
    vector = VECTORS["user"]
    place, params = parts(vector), Argon2Params(**vector["params"])
    argon = stretch(vector["password"], place["salt"], params)
    named = {name: place[name] for name in ("deployment", "user", "key_id")}
    key = unlock_key(argon, raw(vector, "mac"), place["salt"])
    context = contexts.user(**place, params=params)

    assert argon == secret(vector, "argon")
    assert contexts.pepper(**named, argon=argon.reveal()) == raw(vector, "pepper_message")
    assert key == secret(vector, "key")
    assert context == raw(vector, "context")
    plaintext = envelope.unseal(key, context, raw(vector, "sealed"))
    assert Bundle.decode(plaintext) == Bundle(secret(vector, "private"), secret(vector, "totp"))


def test_session_opens_with_the_token() -> None:
    """A session row sealed before opens with its token."""
    vector = VECTORS["session"]
    digest = token_hash(vector["token"])
    context = contexts.session(**parts(vector), token_hash=digest)
    key = session_key(vector["token"], context=context)

    assert (digest, context, key) == (raw(vector, "token_hash"), raw(vector, "context"), secret(vector, "key"))
    assert envelope.unseal(key, context, raw(vector, "sealed")) == raw(vector, "bundle")


def test_passkey_opens_with_its_owners_bundle() -> None:
    """A credential's row sealed before opens with the private key that made it."""
    vector = VECTORS["passkey"]
    context = contexts.passkey(**parts(vector), credential=raw(vector, "credential"))
    bundle = Bundle(secret(vector, "private"), Secret(b""))

    assert context == raw(vector, "context")
    assert open_public_key(bundle, context, Sealed(raw(vector, "sealed"))) == raw(vector, "public_key")


def test_events_have_their_bytes_checks_and_places() -> None:
    """Each event of a frozen chain, also one without a key, has its bytes, its check and its hash."""
    vector = VECTORS["event"]
    deployment, key, before = UUID(vector["deployment"]), secret(vector, "key"), entries.START

    assert contexts.event_key(deployment) == enc("testimony/1/event-key", deployment)
    for position, each in enumerate(vector["events"], 1):
        ids = {name: each[name] and UUID(each[name]) for name in ("id", "actor_id", "study_id", "case_id", "record_id")}
        row = each | ids | {"at": entries.EPOCH + timedelta(microseconds=each["at"])}
        content = entries.message(deployment, row)
        before = entries.link_hash(deployment, position, before, content)

        assert (content, before) == (raw(each, "bytes"), raw(each, "hash"))
        assert event_mac(key, content) == raw(each, "check")


def test_the_reference_is_hpke() -> None:
    """The second writing of HPKE gives the first ciphertext of RFC 9180, appendix A.1.1 (AES-128-GCM)."""
    ephemeral = bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736")
    public = bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")

    made = reference.hpke_x25519(
        ephemeral, public, b"Ode on a Grecian Urn", b"Beauty is truth, truth beauty", aad=b"Count-0", aead=1
    )

    assert made.hex() == (
        "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    )


def test_intake_opens() -> None:
    """A frozen sealed body comes apart, and opens with its frozen key in its place."""
    vector = VECTORS["intake"]
    body, named = intake.SealedBody.parse(raw(vector, "body")), parts(vector)

    assert contexts.intake(**named) == raw(vector, "context")
    assert intake.public_of(secret(vector, "private")) == raw(vector, "public")
    assert (body.study, body.key_id) == (named["study"], named["key_id"])
    opened = intake.unseal(
        secret(vector, "private"), body, deployment=named["deployment"], client_uuid=named["client_uuid"]
    )
    assert opened == raw(vector, "plaintext")


def test_intake_key_verifies() -> None:
    """The frozen signature covers the frozen key and its times."""
    vector = VECTORS["intake_key"]

    assert contexts.intake_key(**parts(vector)) == raw(vector, "message")
    signing.verify(raw(vector, "public"), raw(vector, "message"), raw(vector, "signature"))

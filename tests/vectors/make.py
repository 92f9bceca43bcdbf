"""Makes the frozen vectors beside this file: ``python -m tests.vectors.make``.

All inputs come from fixed names by SHA-256, so a second run writes the same bytes. HPKE is random: a box that is frozen
already is kept, and only a missing one is made. Bytes are hex.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import unicodedata
from pathlib import Path
from typing import Any
from uuid import UUID

import rfc8785
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from tests.vectors import reference

Vector = dict[str, Any]
FOLDER = Path(__file__).parent
ARGON2 = {"m_kib": 7168, "t": 2, "p": 1}


def seed(name: str, size: int = 32) -> bytes:
    """Give the fixed bytes of a name."""
    return hashlib.shake_256(b"testimony vector " + name.encode()).digest(size)


def uid(name: str) -> UUID:
    """Give the fixed UUID of a name."""
    return UUID(bytes=seed(name, 16), version=4)


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


D, STUDY, CASE, RECORD = uid("deployment"), uid("study"), uid("case"), uid("record")
TEAM, USER = seed("team pair", 96), seed("user pair", 96)
TEAM_FP, USER_FP = sha(reference.public_of(TEAM)), sha(reference.public_of(USER))


def build(frozen: dict[str, Vector]) -> dict[str, Vector]:
    """Make every vector; boxes are taken from ``frozen`` where they are there."""
    made = [enc(), padding(), principal(), field(), pack(), share(), content(), receipt(), roster(), user(), session()]
    made += [passkey()]
    made += [event(), trail()]
    made += [intake(), intake_key(), intake_file()]
    made += [odk(frozen.get("odk", {}))]
    made += [chunk(), upload()]
    made += [boxed(one, frozen) for one in (grant(), member(), disclosure())]
    return {one["format"]: one for one in made}


def enc() -> Vector:
    """Every kind of part."""
    parts: list[reference.Part] = [D, 2**64 - 1, "draft.field_1-x", b"\x00\xff", b""]
    kinds = [("uuid", str(D)), ("int", 2**64 - 1), ("name", "draft.field_1-x"), ("bytes", "00ff"), ("bytes", "")]
    return {
        "format": "enc",
        "label": "testimony/1/vector",
        "parts": kinds,
        "encoded": reference.enc("testimony/1/vector", *parts).hex(),
    }


def padding() -> Vector:
    """Sizes around every step where a class begins."""
    sizes = [0, 1, 254, 255, 256, 263, 264, 511, 512, 527, 528, 4095, 4096, 99_999, 1_000_000]
    return {"format": "padding", "sizes": [[size, reference.padded_size(size)] for size in sizes]}


def principal() -> Vector:
    """A key pair of a fixed private key."""
    number = int.from_bytes(USER_FP, "big") % 10**60
    digits = str(number).zfill(60)
    return {
        "format": "principal",
        "private": USER.hex(),
        "public": reference.public_of(USER).hex(),
        "fingerprint": USER_FP.hex(),
        "spoken": " ".join(digits[at : at + 5] for at in range(0, 60, 5)),
    }


def field() -> Vector:
    """One sealed field."""
    names = {"compartment": "source", "name": "draft.reason_left", "version": 3}
    context = reference.enc("testimony/1/field", D, STUDY, CASE, RECORD, "source", "draft.reason_left", 3)
    key, salt, plaintext = seed("K"), seed("field salt"), '{"value":"خرجت ليلاً"}'.encode()
    return {
        "format": "field",
        "parts": {"study": str(STUDY), "case": str(CASE), "record": str(RECORD), **names},
        "deployment": str(D),
        "context": context.hex(),
        "key": key.hex(),
        "salt": salt.hex(),
        "plaintext": plaintext.hex(),
        "sealed": reference.envelope(key, context, plaintext, salt).hex(),
    }


def pack() -> Vector:
    """Two blobs and their digest; what is in them does not matter to the format."""
    fields = {"name": seed("blob name", 40), "alias.1": seed("blob alias", 5), "empty": b""}
    packed = reference.pack(fields)
    named = {name: blob.hex() for name, blob in fields.items()}
    return {"format": "pack", "fields": named, "packed": packed.hex(), "digest": sha(packed).hex()}


def share() -> Vector:
    """One share under key version 7."""
    share_id, kk, value = uid("share"), seed("KK"), seed("share value")
    info = reference.enc("testimony/1/share", D, share_id, RECORD, 7)
    return {
        "format": "share",
        "deployment": str(D),
        "parts": {"share": str(share_id), "record": str(RECORD), "version": 7},
        "context": info.hex(),
        "kk": kk.hex(),
        "value": value.hex(),
        "sealed": reference.share(kk, info, share_id, value).hex(),
    }


def content() -> Vector:
    """The digest of one body."""
    idem, canonical = seed("idem"), b'{"answers":{},"case":null}'
    digest = reference.content(idem, canonical)
    return {"format": "content", "idem": idem.hex(), "canonical": canonical.hex(), "digest": digest.hex()}


def signed(vector: Vector, message: bytes) -> Vector:
    """Add message, key and signature."""
    key = Ed25519PrivateKey.from_private_bytes(seed("signing"))
    public = key.public_key().public_bytes_raw()
    return vector | {"message": message.hex(), "public": public.hex(), "signature": key.sign(message).hex()}


def receipt() -> Vector:
    """A receipt for a body that came sealed from a phone."""
    parts = {
        "key_id": "receipt-1",
        "study": str(STUDY),
        "record": str(RECORD),
        "case_code": "K7QF-2M9D",
        "submitter": str(uid("user")),
        "client_uuid": str(uid("client uuid")),
        "instrument": seed("instrument").hex(),
        "content": seed("content").hex(),
        "sealed_body": seed("sealed body").hex(),
        "day": "2026-01-31",
    }
    people = (uid("user"), uid("client uuid"))
    digests = (seed("instrument"), seed("content"), seed("sealed body"))
    message = reference.enc(
        "testimony/1/receipt", D, "receipt-1", STUDY, RECORD, "k7qf-2m9d", *people, *digests, "2026-01-31"
    )
    return signed({"format": "receipt", "deployment": str(D), "parts": parts}, message)


def roster() -> Vector:
    """A roster's signature over the digest of its canonical body."""
    body = b'{"members":[],"version":12}'
    message = reference.enc("testimony/1/roster", D, "roster-1", STUDY, 12, sha(body))
    parts = {"key_id": "roster-1", "study": str(STUDY), "version": 12, "body": body.hex()}
    return signed({"format": "roster", "deployment": str(D), "parts": parts}, message)


EVENTS: list[Vector] = [
    {
        "key_id": "event-1",
        "id": str(UUID("01980a1b-2c3d-7e4f-8a5b-6c7d8e9f0a1b")),
        "at": 1_800_000_000_123_456,
        "action": "record.accepted",
        "actor_kind": "device",
        "actor_id": str(uid("user")),
        "study_id": str(STUDY),
        "case_id": str(CASE),
        "record_id": str(RECORD),
        "details": {
            "turn": 1,
            "made": {"row": "00", "column.status": "received", "é€😀": 'a"\\\n'},
            "gone": ["x", "a"],
        },
    },
    {
        "key_id": None,
        "id": str(uid("old event")),
        "at": 0,
        "action": "signed_in",
        "actor_kind": "user",
        "actor_id": None,
        "study_id": None,
        "case_id": None,
        "record_id": None,
        "details": {},
    },
]


def event() -> Vector:
    """Two events, the second as they were before events carried checks; their checks and their places in a chain."""
    secret, before, made = seed("event custody"), bytes(32), []
    message = reference.enc("testimony/1/event-key", D)
    key = reference.hmac_sha256(secret, message)
    for position, each in enumerate(EVENTS, 1):
        ids = [
            b"" if each[name] is None else UUID(each[name]) for name in ("actor_id", "study_id", "case_id", "record_id")
        ]
        names = [each[name].encode() for name in ("action", "actor_kind")]
        content = reference.enc(
            "testimony/1/event",
            D,
            (each["key_id"] or "").encode(),
            UUID(each["id"]),
            each["at"],
            *names,
            *ids,
            rfc8785.dumps(each["details"]),
        )
        before = sha(reference.enc("testimony/1/link", D, position, before, content))
        check = reference.hmac_sha256(key, content)
        made.append({**each, "bytes": content.hex(), "check": check.hex(), "hash": before.hex()})
    return {"format": "event", "deployment": str(D), "custody": secret.hex(), "key": key.hex(), "events": made}


def trail() -> Vector:
    """A checkpoint of the trail."""
    digest = seed("chain")
    message = reference.enc("testimony/1/trail", D, "audit-1", 1_000, digest, 17, 1_800_000_000_123_456)
    parts = {"key_id": "audit-1", "position": 1_000, "digest": digest.hex(), "count": 17, "at": 1_800_000_000_123_456}
    return signed({"format": "trail", "deployment": str(D), "parts": parts}, message)


def user() -> Vector:
    """A bundle under a password; the pepper's MAC is given, for its key never leaves custody."""
    password, salt, mac = "Zürich \u0041\u030a 42", seed("argon salt", 16), seed("pepper mac")
    raw = unicodedata.normalize("NFC", password).encode()
    argon = hash_secret_raw(raw, salt, ARGON2["t"], ARGON2["m_kib"], ARGON2["p"], 32, Type.ID)
    key_id, user_id = uid("key id"), uid("user")
    context = reference.enc("testimony/1/user", D, user_id, key_id, "pepper-1", *ARGON2.values(), salt)
    key = reference.hkdf(argon + mac, salt, b"testimony/1/unlock", 32)
    bundle = reference.enc("testimony/1/bundle", USER, seed("totp", 20))
    return {
        "format": "user",
        "deployment": str(D),
        "parts": {"user": str(user_id), "key_id": str(key_id), "pepper_id": "pepper-1", "salt": salt.hex()},
        "params": ARGON2,
        "password": password,
        "argon": argon.hex(),
        "pepper_message": reference.enc("testimony/1/pepper", D, user_id, key_id, argon).hex(),
        "mac": mac.hex(),
        "key": key.hex(),
        "context": context.hex(),
        "private": USER.hex(),
        "totp": seed("totp", 20).hex(),
        "bundle": bundle.hex(),
        "sealed": reference.envelope(key, context, bundle, seed("bundle salt")).hex(),
    }


def session() -> Vector:
    """The same bundle in a session row."""
    token = "ts_" + "Ab3-_" * 8 + "xyz"
    key_id, user_id, expires = uid("key id"), uid("user"), 1_800_000_000
    context = reference.enc("testimony/1/session", D, sha(token.encode()), user_id, key_id, expires)
    key = reference.hkdf(token.encode(), b"", context, 32)
    bundle = reference.enc("testimony/1/bundle", USER, seed("totp", 20))
    return {
        "format": "session",
        "deployment": str(D),
        "token": token,
        "token_hash": sha(token.encode()).hex(),
        "parts": {"user": str(user_id), "key_id": str(key_id), "expires": expires},
        "context": context.hex(),
        "key": key.hex(),
        "bundle": bundle.hex(),
        "sealed": reference.envelope(key, context, bundle, seed("session salt")).hex(),
    }


def passkey() -> Vector:
    """The public key of a credential under the bundle of its owner."""
    credential, public_key, user_id = seed("credential", 20), seed("credential key", 77), uid("user")
    context = reference.enc("testimony/1/passkey", D, user_id, sha(credential))
    key = reference.hkdf(USER, b"", context, 32)
    return {
        "format": "passkey",
        "deployment": str(D),
        "private": USER.hex(),
        "parts": {"user": str(user_id)},
        "credential": credential.hex(),
        "context": context.hex(),
        "public_key": public_key.hex(),
        "sealed": reference.envelope(key, context, public_key, seed("passkey salt")).hex(),
    }


INTAKE_PUBLIC = reference.x25519_public(seed("intake private"))


def intake() -> Vector:
    """A body that a phone sealed, with the ephemeral key that it drew."""
    parts = {"study": STUDY, "key_id": uid("intake key"), "client_uuid": uid("client uuid")}
    context = reference.enc("testimony/1/intake", D, *parts.values())
    plaintext, ephemeral = '{"answers":{"reason_left":{"value":"خرجت ليلاً"}}}'.encode(), seed("intake ephemeral")
    box = reference.hpke_x25519(ephemeral, INTAKE_PUBLIC, context, reference.pad(plaintext))
    return {
        "format": "intake",
        "deployment": str(D),
        "parts": {name: str(part) for name, part in parts.items()},
        "context": context.hex(),
        "private": seed("intake private").hex(),
        "public": INTAKE_PUBLIC.hex(),
        "ephemeral": ephemeral.hex(),
        "plaintext": plaintext.hex(),
        "body": (b"TS\x01\x01" + parts["study"].bytes + parts["key_id"].bytes + box).hex(),
    }


def intake_key() -> Vector:
    """The signature of an intake key with its times."""
    times = {"seal_until": 1_802_592_000, "open_until": 1_807_776_000}
    message = reference.enc("testimony/1/intake-key", D, uid("intake key"), INTAKE_PUBLIC, *times.values())
    parts = {"key_id": str(uid("intake key")), "public": INTAKE_PUBLIC.hex(), **times}
    return signed({"format": "intake_key", "deployment": str(D), "parts": parts}, message)


def intake_file() -> Vector:
    """A file of two chunks that a phone sealed, its head with the ephemeral key that was drawn, and what is signed."""
    parts = {"study": STUDY, "key_id": uid("intake key"), "client_uuid": uid("client uuid"), "file": uid("phone file")}
    context = reference.enc("testimony/1/intake-file", D, *parts.values())
    chunk_context = reference.enc("testimony/1/intake-chunk", D, STUDY, parts["file"])
    key, salt, ephemeral = seed("phone file key"), seed("phone file salt"), seed("file ephemeral")
    content, size = seed("phone file", 70_000), 1 << 16
    inside: dict[str, str | int] = {
        "key": base64url(key),
        "name": "voice \u0645.m4a",
        "salt": base64url(salt),
        "size": len(content),
    }
    box = reference.hpke_x25519(ephemeral, INTAKE_PUBLIC, context, reference.pad(rfc8785.dumps(dict(inside))))
    head = b"TH\x01\x01" + parts["study"].bytes + parts["key_id"].bytes + box
    padded = reference.pad(content)
    chunks = [padded[at : at + size] for at in range(0, len(padded), size)]
    sealed = reference.segment(key, parts["file"], salt, chunk_context, chunks, 0, last=True)[36:]
    vector = {
        "format": "intake_file",
        "deployment": str(D),
        "parts": {name: str(part) for name, part in parts.items()},
        "context": context.hex(),
        "chunk_context": chunk_context.hex(),
        "private": seed("intake private").hex(),
        "recipient": INTAKE_PUBLIC.hex(),
        "ephemeral": ephemeral.hex(),
        "key": key.hex(),
        "salt": salt.hex(),
        "inside": inside,
        "content_sha256": sha(content).hex(),
        "head": head.hex(),
        "sealed_bytes": len(sealed),
        "sealed_sha256": sha(sealed).hex(),
        "upload_secret": reference.hkdf(key, sha(head), b"testimony/1/sealed-upload", 32).hex(),
    }
    ids = (parts["client_uuid"], parts["file"])
    return signed(vector, reference.enc("testimony/1/file-receipt", D, "receipt-1", *ids, sha(head)))


def base64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


FILE_PARTS = {"study": STUDY, "case": CASE, "record": RECORD, "file": uid("file")}


def chunk() -> Vector:
    """A file of two segments, the first of a full chunk and a short one, the second of the last chunk alone."""
    context, key = reference.enc("testimony/1/chunk", D, *FILE_PARTS.values()), seed("K_file")
    whole = [seed("chunk 0", 1 << 16), seed("chunk 1", 5), seed("chunk 2", 300)]
    ids, salts = [uid("segment 0"), uid("segment 1")], [seed("segment salt 0"), seed("segment salt 1")]
    first = reference.segment(key, ids[0], salts[0], context, whole[:2], 0, last=False)
    second = reference.segment(key, ids[1], salts[1], context, whole[2:], 2, last=True)
    return {
        "format": "chunk",
        "deployment": str(D),
        "parts": {name: str(part) for name, part in FILE_PARTS.items()},
        "context": context.hex(),
        "key": key.hex(),
        "plaintext_sha256": sha(b"".join(whole)).hex(),
        "segments": [
            {"id": str(ids[0]), "salt": salts[0].hex(), "size": 65_541, "sealed_sha256": sha(first).hex()},
            {"id": str(ids[1]), "salt": salts[1].hex(), "size": 300, "sealed": second.hex()},
        ],
    }


def upload() -> Vector:
    """What rests between two requests of an upload."""
    context, secret, idem = reference.enc("testimony/1/upload", D, RECORD, uid("file")), seed("secret"), seed("idem")
    key = reference.hkdf(secret, idem, b"testimony/1/upload", 32)
    return {
        "format": "upload",
        "deployment": str(D),
        "parts": {"record": str(RECORD), "file": str(uid("file"))},
        "context": context.hex(),
        "secret": secret.hex(),
        "idem": idem.hex(),
        "kept": seed("K_file").hex(),
        "sealed": reference.envelope(key, context, seed("K_file"), seed("upload salt")).hex(),
    }


def odk(frozen: Vector) -> Vector:
    """A submission of an encrypted form with two media files, and the IVs of a seed that runs over in each column."""
    private = bytes.fromhex(frozen["private"]) if frozen else _rsa_key()
    loaded = load_der_private_key(private, None)
    assert isinstance(loaded, RSAPrivateKey)
    key, instance_id, form, version = seed("odk key"), f"uuid:{uid('odk instance')}", "interview", "2026112201"
    media = [("voice \u0645.m4a", seed("odk voice", 1000)), ("photo.jpg", seed("odk photo", 32))]
    files = [*media, ("submission.xml", "<data id='interview'>\u062e\u0631\u062c\u062a</data>".encode())]
    wrapped = frozen.get("wrapped") or reference.rsa_seal(loaded.public_key(), key).hex()
    text = base64.b64encode(bytes.fromhex(wrapped)).decode()
    digest = reference.odk_digest(form, version, text, instance_id, files)
    ivs = reference.odk_ivs(instance_id, key, len(files))
    return {
        "format": "odk",
        "private": private.hex(),
        "form": form,
        "version": version,
        "instance_id": instance_id,
        "key": key.hex(),
        "wrapped": wrapped,
        "ivs": [iv.hex() for iv in ivs],
        "files": [
            {"name": name, "plaintext": data.hex(), "sealed": reference.odk_file(key, iv, data).hex()}
            for (name, data), iv in zip(files, ivs, strict=True)
        ],
        "digest": digest.hex(),
        "signature": frozen.get("signature") or reference.rsa_seal(loaded.public_key(), digest).hex(),
        "running_over": [_running_over(column) for column in range(16)],
    }


def _rsa_key() -> bytes:
    made = rsa.generate_private_key(65537, 2048)
    return made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _running_over(column: int) -> Vector:
    """A key whose seed has 255 in a column, with the IVs of both kinds in its first and its second round."""
    keys = (seed(f"odk run {number}") for number in itertools.count())
    key = next(each for each in keys if hashlib.md5(b"uuid:x" + each).digest()[column] == 0xFF)  # noqa: S324
    kinds = {"ivs": True, "enketo_ivs": False}
    made = {name: reference.odk_ivs("uuid:x", key, 33, wraps=wraps) for name, wraps in kinds.items()}
    at = (column, column + 16)
    return {"key": key.hex()} | {name: {str(one): each[one].hex() for one in at} for name, each in made.items()}


def grant() -> Vector:
    """A key in a grant's box."""
    parts: dict[str, UUID | str] = {
        "study": STUDY,
        "record": RECORD,
        "grant": uid("grant"),
        "scope": "identity.g",
        "epoch": uid("epoch"),
    }
    context = reference.enc("testimony/1/grant", D, *parts.values(), TEAM_FP)
    named = {name: str(part) for name, part in parts.items()} | {"fingerprint": TEAM_FP.hex()}
    return _box("grant", named, context, TEAM, seed("K"), share=seed("grant share"))


def member() -> Vector:
    """An epoch's private key in a member's box: HPKE only, no envelope."""
    epoch, user_id = uid("epoch"), uid("user")
    context = reference.enc("testimony/1/member", D, STUDY, "guardians", epoch, TEAM_FP, user_id, USER_FP)
    named = {"study": str(STUDY), "team": "guardians", "epoch": str(epoch), "user": str(user_id)}
    named |= {"team_fingerprint": TEAM_FP.hex(), "fingerprint": USER_FP.hex()}
    return _box("member", named, context, USER, TEAM)


def disclosure() -> Vector:
    """The auditors' half, handed to one asker."""
    parts: dict[str, UUID | str] = {"study": STUDY, "record": RECORD}
    parts |= {"disclosure": uid("disclosure"), "scope": "identity.a"}
    parts |= {"asker": uid("user")}
    named_digest = sha(reference.enc("testimony/1/fields", b'["alias","name"]'))
    context = reference.enc("testimony/1/disclosure", D, *parts.values(), USER_FP, named_digest, 1_800_000_000)
    named = {name: str(part) for name, part in parts.items()} | {"fingerprint": USER_FP.hex()}
    return _box("disclosure", named, context, USER, seed("h_a"), share=seed("disclosure share")) | {
        "fields": ["name", "alias"],
        "expires": 1_800_000_000,
    }


def boxed(vector: Vector, frozen: dict[str, Vector]) -> Vector:
    """Put the frozen box in, or make one if there is none."""
    kept = frozen.get(vector["format"], {}).get("box")
    return vector | {"box": kept or _fresh_box(vector).hex()}


def _fresh_box(vector: Vector) -> bytes:
    info = bytes.fromhex(vector["context"])
    inner = reference.hpke_seal(bytes.fromhex(vector["private"]), bytes.fromhex(vector["secret"]), info)
    if "share" not in vector:
        return inner
    return reference.envelope(bytes.fromhex(vector["share"]), info, inner, seed(vector["format"] + " salt"))


def _box(
    name: str, parts: dict[str, str], context: bytes, private: bytes, secret: bytes, *, share: bytes | None = None
) -> Vector:
    vector = {"format": name, "deployment": str(D), "parts": parts, "context": context.hex()}
    vector |= {"private": private.hex(), "secret": secret.hex()}
    return vector if share is None else vector | {"share": share.hex()}


def read() -> dict[str, Vector]:
    """Read the frozen vectors."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def write() -> None:
    """Write every vector to its file."""
    for name, vector in build(read()).items():
        text = json.dumps(vector, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    write()

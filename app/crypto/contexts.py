"""The context of everything sealed or signed: one function per label, parts in the order of the specification.

A context says where a sealed thing belongs: it is the AAD and the HKDF info, so a blob moved to another field, record,
case, study, compartment, version, epoch, grant or deployment does not open. Keyword-only, so no two parts change places
unseen. The specification names the parts of every label; changing one breaks whatever is sealed already.
All raise BadEncoding for a name, number or digest out of form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from app.crypto.encoding import canonical_json, check_digest, check_name, enc, sha256
from app.crypto.passwords import SALT_BYTES, Argon2Params
from app.errors import BadEncoding

__all__ = [
    "chunk",
    "disclosure",
    "field",
    "file",
    "file_receipt",
    "form_key",
    "grant",
    "intake",
    "intake_chunk",
    "intake_file",
    "intake_key",
    "member",
    "passkey",
    "pepper",
    "receipt",
    "recovery",
    "roster",
    "session",
    "share",
    "upload",
    "user",
    "waiting",
    "waiting_part",
]

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def field(
    deployment: UUID, *, study: UUID, case: UUID, record: UUID, compartment: str, name: str, version: int
) -> bytes:
    """Context of one sealed field; version 0 is the field as it arrived."""
    return enc("testimony/1/field", deployment, study, case, record, compartment, name, version)


def form_key(deployment: UUID, *, form: UUID, public: bytes) -> bytes:
    """Context of the private key of a form's version; ``public`` is the SHA-256 of its other half."""
    return enc("testimony/1/form-key", deployment, form, check_digest(public))


def grant(
    deployment: UUID, *, study: UUID, record: UUID, grant: UUID, scope: str, epoch: UUID, fingerprint: bytes
) -> bytes:
    """Context of the box of a grant; the fingerprint is that of the epoch's public key."""
    return enc("testimony/1/grant", deployment, study, record, grant, scope, epoch, check_digest(fingerprint))


def member(
    deployment: UUID,
    *,
    study: UUID,
    team: str,
    epoch: UUID,
    team_fingerprint: bytes,
    user: UUID,
    fingerprint: bytes,
) -> bytes:
    """Context of the box that hands an epoch's private key to a member."""
    team_digest, digest = check_digest(team_fingerprint), check_digest(fingerprint)
    return enc("testimony/1/member", deployment, study, team, epoch, team_digest, user, digest)


def user(deployment: UUID, *, user: UUID, key_id: UUID, pepper_id: str, params: Argon2Params, salt: bytes) -> bytes:
    """Context of a user's bundle under the password; holds the Argon2 cost, so nobody can lower it in a row."""
    if len(salt) != SALT_BYTES:
        raise BadEncoding
    return enc("testimony/1/user", deployment, user, key_id, pepper_id, params.m_kib, params.t, params.p, salt)


def pepper(deployment: UUID, *, user: UUID, key_id: UUID, argon: bytes) -> bytes:
    """Message whose MAC under the pepper is asked of custody."""
    return enc("testimony/1/pepper", deployment, user, key_id, check_digest(argon))


def session(deployment: UUID, *, token_hash: bytes, user: UUID, key_id: UUID, expires: int) -> bytes:
    """Context of a user's bundle in a session row; ``expires`` in unix seconds."""
    return enc("testimony/1/session", deployment, check_digest(token_hash), user, key_id, expires)


def passkey(deployment: UUID, *, user: UUID, credential: bytes) -> bytes:
    """Context of a passkey's public key in its row; ``credential`` is the id that the authenticator gave."""
    return enc("testimony/1/passkey", deployment, user, sha256(credential))


def disclosure(
    deployment: UUID,
    *,
    study: UUID,
    record: UUID,
    disclosure: UUID,
    scope: str,
    asker: UUID,
    fingerprint: bytes,
    fields: Iterable[str],
    expires: int,
) -> bytes:
    """Context of the half that an auditor hands to one asker for the named fields; ``expires`` in unix seconds."""
    names: list[str] = sorted({check_name(name) for name in fields})
    named = sha256(enc("testimony/1/fields", canonical_json(names)))
    digest = check_digest(fingerprint)
    return enc("testimony/1/disclosure", deployment, study, record, disclosure, scope, asker, digest, named, expires)


def share(deployment: UUID, *, share: UUID, record: UUID, version: int) -> bytes:
    """Context of a share in the keystore under key version ``version``."""
    return enc("testimony/1/share", deployment, share, record, version)


def chunk(deployment: UUID, *, study: UUID, case: UUID, record: UUID, file: UUID) -> bytes:
    """Context of every chunk of one file."""
    return enc("testimony/1/chunk", deployment, study, case, record, file)


def file(deployment: UUID, *, study: UUID, case: UUID, record: UUID, file: UUID) -> bytes:
    """Context of the description of a file: its name, its type and the order of its segments."""
    return enc("testimony/1/file", deployment, study, case, record, file)


def upload(deployment: UUID, *, record: UUID, file: UUID) -> bytes:
    """Context of what rests between the requests of one upload under the secret that its client sends."""
    return enc("testimony/1/upload", deployment, record, file)


def intake(deployment: UUID, *, study: UUID, key_id: UUID, client_uuid: UUID) -> bytes:
    """HPKE info of a body that a phone seals to an intake key."""
    return enc("testimony/1/intake", deployment, study, key_id, client_uuid)


def intake_file(deployment: UUID, *, study: UUID, key_id: UUID, client_uuid: UUID, file: UUID) -> bytes:
    """HPKE info of the head of a file that a phone seals to an intake key; ``client_uuid`` is its record's."""
    return enc("testimony/1/intake-file", deployment, study, key_id, client_uuid, file)


def intake_chunk(deployment: UUID, *, study: UUID, file: UUID) -> bytes:
    """AAD of the chunks that a phone seals, before it knows the key and the record that they go with."""
    return enc("testimony/1/intake-chunk", deployment, study, file)


def intake_key(deployment: UUID, *, key_id: UUID, public: bytes, seal_until: int, open_until: int) -> bytes:
    """Message that signs an intake key, and context of its private half at rest; both times in unix seconds."""
    return enc("testimony/1/intake-key", deployment, key_id, check_digest(public), seal_until, open_until)


def receipt(
    deployment: UUID,
    *,
    key_id: str,
    study: UUID,
    record: UUID,
    case_code: str,
    submitter: UUID,
    client_uuid: UUID,
    instrument: bytes,
    content: bytes,
    sealed_body: bytes = b"",
    day: str,
) -> bytes:
    """Message a receipt signs; ``day`` as YYYY-MM-DD, ``sealed_body`` a SHA-256 or empty."""
    if DAY.fullmatch(day) is None:
        raise BadEncoding
    return enc(
        "testimony/1/receipt",
        deployment,
        key_id,
        study,
        record,
        case_code.lower(),
        submitter,
        client_uuid,
        check_digest(instrument),
        check_digest(content),
        check_digest(sealed_body) if sealed_body else b"",
        day,
    )


def file_receipt(deployment: UUID, *, key_id: str, client_uuid: UUID, file: UUID, head: bytes) -> bytes:
    """Message that says: the whole file is kept whose sealed head has this SHA-256."""
    return enc("testimony/1/file-receipt", deployment, key_id, client_uuid, file, check_digest(head))


def recovery(
    deployment: UUID,
    *,
    key_id: str,
    study: UUID,
    version: int,
    floor: int,
    proposer: UUID,
    keep: Iterable[UUID],
    expires: int,
) -> bytes:
    """Message that signs a lead's proposal to let a roster stand again above its floor, with these members alone."""
    kept = sha256(b"".join(sorted(user.bytes for user in keep)))
    return enc("testimony/1/recovery", deployment, key_id, study, version, floor, proposer, kept, expires)


def roster(deployment: UUID, *, key_id: str, study: UUID, version: int, body: bytes) -> bytes:
    """Message a roster's signature covers; ``body`` is the roster as canonical JSON."""
    return enc("testimony/1/roster", deployment, key_id, study, version, sha256(body))


def event_key(deployment: UUID) -> bytes:
    """Message whose MAC under custody's event key is the key of the events' checks."""
    return enc("testimony/1/event-key", deployment)


def event(
    deployment: UUID,
    *,
    key_id: str,
    event: UUID,
    at: int,
    action: str,
    actor_kind: str,
    actor: UUID | None,
    study: UUID | None,
    case: UUID | None,
    record: UUID | None,
    details: bytes,
) -> bytes:
    """Bytes of one event: what its check and its link cover; ``at`` in microseconds, ``details`` as canonical JSON.

    Absent ids are empty. Names stand as UTF-8 and ``at`` as 8 signed bytes, so that whatever somebody put into a row
    has bytes too, and is found out instead of stopping whoever looks.
    """
    ids = (b"" if each is None else each for each in (actor, study, case, record))
    moment = at.to_bytes(8, "big", signed=True)
    names = (action.encode(errors="surrogatepass"), actor_kind.encode(errors="surrogatepass"))
    return enc("testimony/1/event", deployment, key_id.encode(), event, moment, *names, *ids, details)


def link(deployment: UUID, *, position: int, before: bytes, event: bytes) -> bytes:
    """Bytes whose SHA-256 is the chain's hash at a position; ``before`` is the hash there, 32 zeros at the start."""
    return enc("testimony/1/link", deployment, position, check_digest(before), event)


def trail(deployment: UUID, *, key_id: str, position: int, digest: bytes, count: int, at: int) -> bytes:
    """Message a checkpoint of the trail signs; ``digest`` is the chain's hash there, ``at`` in microseconds."""
    return enc("testimony/1/trail", deployment, key_id, position, check_digest(digest), count, at)


def waiting(deployment: UUID, *, form: UUID, submission: UUID) -> bytes:
    """HKDF info of the key under which the parts of an encrypted form wait, made from the form's private key."""
    return enc("testimony/1/waiting", deployment, form, submission)


def waiting_part(deployment: UUID, *, submission: UUID, part: UUID, index: int) -> bytes:
    """Context of one piece of a part that waits; the envelope has the submission's own id for a part."""
    return enc("testimony/1/waiting-part", deployment, submission, part, index)

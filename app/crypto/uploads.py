"""What rests between the requests of an upload: the file's key, later its size, under a secret that its client sends.

    envelope(HKDF-SHA512(upload secret, salt = the record's idem secret, info = "testimony/1/upload", 32), context, …)

The record's own secret is mixed in so that an erasure is final here too: without it neither an old row nor the client's
secret opens anything.
"""

from __future__ import annotations

from app.crypto.envelope import seal, unseal
from app.crypto.kdf import derive
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadEncoding, NotFound, TamperedField

__all__ = ["open_upload", "seal_upload"]

LABEL = b"testimony/1/upload"


def seal_upload(secret: Secret, idem: Secret, context: bytes, kept: Secret) -> Sealed:
    """Seal for whoever sends the upload's secret again."""
    return seal(_key(secret, idem), context, kept.reveal())


def open_upload(secret: Secret, idem: Secret, context: bytes, sealed: bytes) -> Secret:
    """Open what ``seal_upload`` sealed; NotFound for another secret: that is somebody else's upload."""
    try:
        return Secret(unseal(_key(secret, idem), context, sealed))
    except (BadEncoding, TamperedField):
        raise NotFound from None


def _key(secret: Secret, idem: Secret) -> Secret:
    return Secret(derive(secret.reveal(), salt=idem.reveal(), info=LABEL))

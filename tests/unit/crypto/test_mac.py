from __future__ import annotations

import hashlib

from app.crypto.mac import content_digest
from app.crypto.secrets import Secret

IDEM = Secret(b"i" * 32)


def test_the_same_delivery_has_the_same_digest() -> None:
    """A repeated submission is known by its digest."""
    assert content_digest(IDEM, b"body") == content_digest(IDEM, b"body")


def test_other_content_or_another_record_has_another_digest() -> None:
    """Two records with equal answers cannot be matched by their digests."""
    digests = {
        content_digest(IDEM, b"body"),
        content_digest(IDEM, b"Body"),
        content_digest(Secret(b"j" * 32), b"body"),
        hashlib.sha256(b"body").digest(),
    }

    assert len(digests) == 4

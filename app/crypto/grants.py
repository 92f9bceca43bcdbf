"""The box of a grant or disclosure at rest: HPKE to a principal, inside an envelope under that grant's own share.

    box = envelope(share, context, HPKE(public, secret, info = context))

Without the share in the keystore the box opens nothing, not even for the principal: destroying the share is revoking.
"""

from __future__ import annotations

from app.crypto.envelope import seal, unseal
from app.crypto.hpke import unwrap, wrap
from app.crypto.principals import KeyPair
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadEncoding, TamperedBox, TamperedField

__all__ = ["open_box", "seal_box"]


def seal_box(share: Secret, context: bytes, public: bytes, secret: Secret) -> Sealed:
    """Wrap a key, or half of one, to a public key and seal it under the grant's share.

    Raises:
        BadPublicKey: it is no X-Wing public key.
    """
    return seal(share, context, wrap(public, secret, context))


def open_box(share: Secret, context: bytes, pair: KeyPair, box: bytes) -> Secret:
    """Open a box with its share, its context and the pair it was made for.

    Raises:
        TamperedBox: one of the three is another, or the bytes changed.
    """
    try:
        wrapped = unseal(share, context, box)
    except (TamperedField, BadEncoding):
        raise TamperedBox from None
    return unwrap(pair, wrapped, context)

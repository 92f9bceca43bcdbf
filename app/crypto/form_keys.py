"""RSA key pairs of encrypted forms: ODK's clients seal an interview to the public half before they send it."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from app.crypto.secrets import Secret

__all__ = ["new_form_key"]

# What ODK's clients expect (ODK XForms specification, "Encryption").
BITS, EXPONENT = 2048, 65537


def new_form_key() -> tuple[Secret, bytes]:
    """Make a pair: the private half as PKCS #8 in DER, the public half as SubjectPublicKeyInfo in DER."""
    pair = rsa.generate_private_key(EXPONENT, BITS)
    private = pair.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return Secret(private), pair.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

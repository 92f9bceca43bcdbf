"""Tokens: 256 random bits that stand for a person or a device, and the withdrawal token of an interviewee.

Rows are keyed by the SHA-256 of a token; the token itself is never stored. A session's key is derived from it, so a
dump of the database opens no session.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import string

from app.crypto.encoding import sha256
from app.crypto.kdf import derive
from app.crypto.secrets import Secret
from app.errors import BadEncoding

__all__ = [
    "PREFIXES",
    "app_password_hash",
    "form_token",
    "new_app_password",
    "new_path_token",
    "new_token",
    "new_withdrawal_token",
    "session_key",
    "token_hash",
    "token_secret",
    "withdrawal_hash",
]

# What a token is for, and the prefix by which people and leak scanners know it.
PREFIXES = {
    "session": "ts",
    "device": "td",
    "device-offer": "to",
    "invitation": "ti",
    "submit": "tu",
    "reader": "tr",
    "visit": "tv",
}
TOKEN = re.compile(r"t[a-z]_[A-Za-z0-9_-]{43}", re.ASCII)
FORM = b"testimony/1/form"
# What ODK Collect takes in a path (OpenRosa token authentication): 64 of 64 symbols are 384 bits.
PATH_SYMBOLS, PATH_LENGTH = string.ascii_letters + string.digits + "!$", 64
WITHDRAWAL_BYTES = 16
WITHDRAWAL_GROUP = 4
_IGNORED = re.compile(r"[\s-]+")


def new_token(kind: str) -> str:
    """Make a token of 256 random bits: prefix, underscore, 43 base64url characters.

    Raises:
        BadEncoding: no such kind.
    """
    if kind not in PREFIXES:
        raise BadEncoding
    return f"{PREFIXES[kind]}_{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> bytes:
    """SHA-256 over the token as written; any text has one, so a malformed token is simply unknown."""
    return sha256(token.encode("utf-8", "surrogatepass"))


def token_secret(token: str) -> Secret:
    """Give the token's text as key material.

    Raises:
        BadEncoding: it is not a token of ours.
    """
    if TOKEN.fullmatch(token) is None:
        raise BadEncoding
    return Secret(token.encode("ascii"))


def session_key(token: str, *, context: bytes) -> Secret:
    """HKDF-SHA512(token, info = the session's context, 32): the key of the bundle in the session row.

    Raises:
        BadEncoding: it is not a token of ours.
    """
    return Secret(derive(token_secret(token).reveal(), info=context))


def form_token(token: str) -> str:
    """Derive what a form carries to show that it comes from a page given to the holder of this token.

    HKDF-SHA512 under its own label, 32 bytes in base64url: it reveals nothing of the token.

    Raises:
        BadEncoding: it is not a token of ours.
    """
    return base64.urlsafe_b64encode(derive(token_secret(token).reveal(), info=FORM)).decode("ascii").rstrip("=")


def new_path_token() -> str:
    """Make a token for clients that can only keep an address: 64 characters of ``[A-Za-z0-9!$]``."""
    return "".join(secrets.choice(PATH_SYMBOLS) for _ in range(PATH_LENGTH))


def new_app_password() -> str:
    """Make what people type where a client asks for a password: 128 random bits, written as a withdrawal token is."""
    return new_withdrawal_token()


def app_password_hash(password: str) -> bytes:
    """SHA-256 over the password, however it was typed."""
    return withdrawal_hash(password)


def new_withdrawal_token() -> str:
    """Make a withdrawal token: 128 random bits in base32 (RFC 4648, 26 characters), in groups of four."""
    text = base64.b32encode(os.urandom(WITHDRAWAL_BYTES)).decode("ascii").rstrip("=")
    return "-".join(text[at : at + WITHDRAWAL_GROUP] for at in range(0, len(text), WITHDRAWAL_GROUP))


def withdrawal_hash(token: str) -> bytes:
    """SHA-256 over the token in upper case without dashes and blanks; any text has one, unknown tokens look alike."""
    return token_hash(_IGNORED.sub("", token).upper())

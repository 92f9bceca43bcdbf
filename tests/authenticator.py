"""An authenticator in software: makes passkeys and answers challenges as a browser would hand them over.

ES256 and attestation "none", by the structures of WebAuthn Level 3 (sections 6.1 and 6.5); ``user_verified``,
``origin`` and ``counter`` may be changed to be refused.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

from app.crypto.encoding import sha256

ORIGIN = "http://localhost:8443"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
# Steps of the counter; 0 for authenticators that keep none, as those that are synchronized.
COUNTING, NOT_COUNTING = 1, 0


@dataclass
class Authenticator:
    """One passkey of one person."""

    origin: str = ORIGIN
    step: int = COUNTING
    counter: int = 0
    user_verified: bool = True
    id: bytes = field(default_factory=lambda: os.urandom(32))
    user: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any], **client: Any) -> dict[str, Any]:
        """Make the passkey: RegistrationResponseJSON."""
        self.user = unb64(options["user"]["id"])
        said = self._client("webauthn.create", options["challenge"], client)
        data = self._data(options["rp"]["id"], PRESENT | ATTESTED) + self._attested()
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"clientDataJSON": b64(said), "attestationObject": b64(attestation), "transports": ["internal"]}
        return self._credential(response)

    def answer(self, options: dict[str, Any], **client: Any) -> dict[str, Any]:
        """Answer a challenge: AuthenticationResponseJSON."""
        said = self._client("webauthn.get", options["challenge"], client)
        data = self._data(options["rpId"], PRESENT)
        signature = self.key.sign(data + sha256(said), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": b64(said),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": b64(self.user),
            }
        )

    def copy(self) -> Self:
        """A stolen copy, with the counter as it stands."""
        mine = {name: getattr(self, name) for name in ("origin", "step", "counter", "id", "user", "key")}
        return type(self)(**mine)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        own = {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key"}
        return {**own, "authenticatorAttachment": "platform", "clientExtensionResults": {}, "response": response}

    def _client(self, kind: str, challenge: str, more: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | more).encode()

    def _data(self, host: str, flags: int) -> bytes:
        self.counter += self.step
        flags |= VERIFIED if self.user_verified else 0
        return sha256(host.encode()) + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _attested(self) -> bytes:
        point = self.key.public_key().public_numbers()
        # COSE (RFC 9053): key type EC2, algorithm ES256, curve P-256, coordinates.
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        return bytes(16) + len(self.id).to_bytes(2, "big") + self.id + encode_cbor(cose)


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    """What ``b64`` wrote."""
    return base64.urlsafe_b64decode(text + "==")

"""What passkeys answer, as browsers write it (WebAuthn Level 3, ``PublicKeyCredential.toJSON``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from app.web.api.types import Bytes64
from app.web.bodies import Body

__all__ = ["AnswerBody", "MadeBody"]

Transports = Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=16)]


class _Credential(Body):
    """What both kinds of answers have; no extension is asked for, and what is said of any is not read."""

    id: Bytes64
    raw_id: Bytes64 = Field(alias="rawId", repr=False)
    type: Literal["public-key"]
    attachment: Literal["platform", "cross-platform"] | None = Field(None, alias="authenticatorAttachment")
    extensions: dict[str, Any] = Field(default_factory=dict, alias="clientExtensionResults", repr=False)

    def text(self) -> str:
        """The answer as JSON, for the services."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


class _Signed(Body):
    client_data: Bytes64 = Field(alias="clientDataJSON", repr=False)
    authenticator_data: Bytes64 = Field(alias="authenticatorData", repr=False)
    signature: Bytes64 = Field(repr=False)
    user_handle: Bytes64 | None = Field(None, alias="userHandle", repr=False)


class _Attested(Body):
    client_data: Bytes64 = Field(alias="clientDataJSON", repr=False)
    attestation: Bytes64 = Field(alias="attestationObject", repr=False)
    transports: Transports = Field(default_factory=list)
    # The same again in other forms; the attestation is what counts.
    authenticator_data: Bytes64 | None = Field(None, alias="authenticatorData", repr=False)
    public_key: Bytes64 | None = Field(None, alias="publicKey", repr=False)
    algorithm: int | None = Field(None, alias="publicKeyAlgorithm")


class AnswerBody(_Credential):
    """An answer to a challenge (AuthenticationResponseJSON)."""

    response: _Signed


class MadeBody(_Credential):
    """A passkey just made (RegistrationResponseJSON)."""

    response: _Attested

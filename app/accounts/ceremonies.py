"""The two ceremonies of WebAuthn (Level 3): making a passkey, and answering a challenge with it.

Passkeys are discoverable credentials, so whoever asks for a challenge names nobody, and the answer is the same for
every account and for none. Presence and verification of the user (PIN, finger, face) are always required; which maker
the authenticator has is not asked. Pure verification: rows are the business of ``passkeys``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_cbor,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.accounts.challenges import LASTS, Challenges
from app.collaborators import Collaborators
from app.crypto.encoding import sha256

__all__ = ["LONGEST", "SIGN_IN", "STEP_UP", "Answer", "Ceremonies", "Credential", "Made", "RelyingParty", "session_of"]

# What a challenge is for.
SIGN_IN, STEP_UP, REGISTER = "sign-in", "step-up", "register"
# Characters of an answer as JSON; the largest key and statement fit many times.
LONGEST: Final = 16_384
# WebAuthn's own bound on the id of a credential, in bytes.
LONGEST_ID: Final = 1023
TIMEOUT_MS: Final = int(LASTS.total_seconds() * 1000)
ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# What comes of asking for no attestation: none, or the authenticator's own signature over its key.
FORMATS: Final = frozenset({AttestationFormat.NONE, AttestationFormat.PACKED})
# What a reader of hostile JSON, CBOR and keys may raise; all of it means that this is no answer.
NO_ANSWER: Final = (
    WebAuthnException,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks for passkeys: the host that they belong to, and the one origin that pages of ours have."""

    id: str
    origin: str
    name: str = "Testimony"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that is known already, and how its authenticator is reached."""

    id: bytes
    transports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A new credential: its id, its public key (COSE) and its counter, and the challenge still to be used up."""

    challenge: bytes = field(repr=False)
    credential: Credential
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a passkey answered, read but not yet verified."""

    credential: bytes
    challenge: bytes = field(repr=False)
    whole: AuthenticationCredential = field(repr=False)


class Ceremonies:
    """Both ceremonies for one relying party; one per process."""

    def __init__(self, collaborators: Collaborators, party: RelyingParty) -> None:
        self._party = party
        self._challenges = Challenges(collaborators)

    def sign_in_options(self) -> dict[str, Any]:
        """What a browser needs to answer at sign-in (PublicKeyCredentialRequestOptionsJSON)."""
        return self._request(self._challenges.issue(SIGN_IN), ())

    def step_up_options(self, token: str, known: Iterable[Credential]) -> dict[str, Any]:
        """What a browser needs to answer in the session of this token, with one of these credentials."""
        return self._request(self._challenges.issue(STEP_UP, session_of(token)), known)

    def registration_options(self, token: str, user: UUID, name: str, known: Iterable[Credential]) -> dict[str, Any]:
        """What a browser needs to make a passkey (PublicKeyCredentialCreationOptionsJSON), unlike those known."""
        options = generate_registration_options(
            rp_id=self._party.id,
            rp_name=self._party.name,
            user_id=user.bytes,
            user_name=name,
            challenge=self._challenges.issue(REGISTER, session_of(token)),
            timeout=TIMEOUT_MS,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=ALGORITHMS,
        )
        return options_to_json_dict(options)

    def made(self, token: str, text: str) -> Made | None:
        """The credential that a browser made in this session (RegistrationResponseJSON); None for anything wrong."""
        if len(text) > LONGEST:
            return None
        try:
            return self._made(token, text)
        except NO_ANSWER:
            return None

    def read(self, text: str) -> Answer | None:
        """Read what a browser answered (AuthenticationResponseJSON); None if it is no such thing."""
        if len(text) > LONGEST:
            return None
        try:
            whole = parse_authentication_credential_json(text)
            client = parse_client_data_json(whole.response.client_data_json)
        except NO_ANSWER:
            return None
        if client.cross_origin or len(whole.raw_id) > LONGEST_ID:
            return None
        return Answer(whole.raw_id, client.challenge, whole)

    def verify(self, answer: Answer, user: UUID, public_key: bytes, purpose: str, bound: bytes = b"") -> int | None:
        """The authenticator's counter if the answer is this person's to a good challenge; None for anything wrong.

        The counter is compared by whoever stores it, and the challenge is used up by ``spend``.
        """
        if answer.whole.response.user_handle not in {None, user.bytes}:
            return None
        if not self._challenges.good(answer.challenge, purpose, bound):
            return None
        try:
            verified = verify_authentication_response(
                credential=answer.whole,
                expected_challenge=answer.challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except NO_ANSWER:
            return None
        return verified.new_sign_count

    def spend(self, session: Session, challenge: bytes) -> bool:
        """Use the challenge of what was verified up; False if it was used before."""
        return self._challenges.spend(session, challenge)

    def _made(self, token: str, text: str) -> Made | None:
        whole = parse_registration_credential_json(text)
        client = parse_client_data_json(whole.response.client_data_json)
        if client.cross_origin or not self._challenges.good(client.challenge, REGISTER, session_of(token)):
            return None
        made = whole.response.attestation_object
        # Of a number the parser would make so many bytes of zeros.
        if not isinstance(parse_cbor(made)["authData"], bytes) or parse_attestation_object(made).fmt not in FORMATS:
            return None
        verified = verify_registration_response(
            credential=whole,
            expected_challenge=client.challenge,
            expected_rp_id=self._party.id,
            expected_origin=self._party.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
        if len(verified.credential_id) > LONGEST_ID:
            return None
        known = Credential(verified.credential_id, tuple(each.value for each in whole.response.transports or ()))
        return Made(client.challenge, known, verified.credential_public_key, verified.sign_count)

    def _request(self, challenge: bytes, known: Iterable[Credential]) -> dict[str, Any]:
        options = generate_authentication_options(
            rp_id=self._party.id,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)


def session_of(token: str) -> bytes:
    """What a challenge is bound to in a session."""
    return sha256(token.encode("utf-8", "surrogatepass"))


def _descriptors(known: Iterable[Credential]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=each.id, transports=[AuthenticatorTransport(way) for way in each.transports])
        for each in known
    ]

"""Every error Testimony raises on purpose, as one tree without HTTP in it.

    TestimonyError
    ├── Tampered            a sealed thing, a signature or a roster does not verify
    ├── Malformed           bytes or JSON that break a format
    ├── Invalid             well-formed input that breaks rules; carries every flaw
    ├── Unauthenticated     nobody, or nobody any more
    ├── Throttled           too many attempts from here
    ├── Forbidden           known, but may not
    ├── NotFound            absent, or not yours: the same answer
    ├── Gone                erased or expired
    ├── Conflict            the state does not allow it now
    ├── Retry               the ground moved; seal again (never leaves the service)
    └── Unavailable         a part we need does not answer

Messages are fixed text: no message, argument or repr holds input, a key or testimony.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class TestimonyError(Exception):
    """Root of the tree. ``code`` names the problem; ``detail`` is safe to show."""

    __test__: ClassVar[bool] = False
    code: ClassVar[str] = "internal"
    detail: str = "Something went wrong on our side."

    def __init__(self, detail: str | None = None) -> None:
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)


class Tampered(TestimonyError):
    """A sealed thing, a signature or a roster does not verify."""

    code = "tampered"
    detail = "A stored item failed its integrity check."


class TamperedField(Tampered):
    """A field's envelope does not open under this key and context."""


class TamperedBox(Tampered):
    """A wrapped secret does not open for this principal and context."""


class TamperedShare(Tampered):
    """A keystore share does not open under its key version and context."""


class TamperedFile(Tampered):
    """A piece of a stored file is missing, or longer or shorter than it was."""


class BadSignature(Tampered):
    """A signature does not verify."""


class RosterRejected(Tampered):
    """A roster does not verify, or is older than its floor."""


class Malformed(TestimonyError):
    """Bytes or JSON that break a format."""

    code = "malformed"
    detail = "The input is not well formed."


class BadEncoding(Malformed):
    """A structure of ours (enc, pack, envelope header, padding) is not canonical."""


class BadPublicKey(Malformed):
    """A public key is not a valid X-Wing or X25519 key."""


class MalformedJson(Malformed):
    """The body is not strict JSON: duplicate keys, NaN, surrogates, NUL, too deep, not UTF-8."""

    code = "malformed-json"
    detail = "The body is not strict JSON."


class BodyTooLarge(Malformed):
    """The body exceeds the limit."""

    code = "body-too-large"
    detail = "The body is larger than this address accepts."


class BodyStalled(Malformed):
    """The body comes too slowly, or not at all."""

    code = "body-stalled"
    detail = "The body came too slowly. Try again."


class BodyCut(Malformed):
    """The connection ended in the middle of the body."""

    code = "body-cut"
    detail = "The body is not complete."


class WrongLength(Malformed):
    """An upload's announced length and what came are not the same."""

    code = "inconsistent-upload-length"
    detail = "The length that was announced is not the length of what came."


class WrongMediaType(Malformed):
    """The body is not application/json."""

    code = "unsupported-media-type"
    detail = "Send application/json."


@dataclass(frozen=True, slots=True)
class Flaw:
    """One flaw of the input: where (RFC 6901 pointer) and what, never the value."""

    pointer: str
    detail: str


class Invalid(TestimonyError):
    """Well-formed input that breaks rules; carries every flaw at once."""

    code = "invalid"
    detail = "Some values are missing or not allowed."

    def __init__(self, flaws: list[Flaw], detail: str | None = None) -> None:
        super().__init__(detail)
        self.flaws = flaws


class InstrumentRefused(Invalid):
    """A questionnaire that would not be safe or is not well formed."""

    code = "instrument-refused"
    detail = "This instrument is refused."


class ConsentMissing(Invalid):
    """Consent is not given, so nothing may be stored."""

    code = "consent-missing"
    detail = "Without consent nothing is stored."


class Unauthenticated(TestimonyError):
    """No valid token."""

    code = "unauthenticated"
    detail = "Sign in first."


class SignInRefused(Unauthenticated):
    """Name, password or code is wrong; which one is not said."""

    code = "sign-in-refused"
    detail = "Name, password or code is wrong."


class Throttled(TestimonyError):
    """Too many attempts; ``retry_after`` is in seconds."""

    code = "throttled"
    detail = "Too many attempts. Wait and try again."

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyStreams(Throttled):
    """Somebody sends as many large bodies at once as anybody may."""

    code = "too-many-uploads"
    detail = "Other uploads of yours are under way. Wait until one of them has ended."


class TooMuchToday(Throttled):
    """Somebody has handed in as many bytes as one person may for now."""

    code = "too-much-today"
    detail = "You have handed in as much as one person may in two days. Try again tomorrow, or ask an administrator."


class Forbidden(TestimonyError):
    """The actor is known but may not do this."""

    code = "forbidden"
    detail = "Your role does not allow this."


class StepUpRequired(Forbidden):
    """The second factor is older than this verb allows."""

    code = "step-up-required"
    detail = "Give a fresh one-time code first."


class OwnWork(Forbidden):
    """Whoever asked, drafted or interviewed may not also approve."""

    code = "own-work"
    detail = "You may not approve your own work."


class NotFound(TestimonyError):
    """Absent or not yours."""

    code = "not-found"
    detail = "There is nothing here for you."


class Gone(TestimonyError):
    """It was here and is no more."""

    code = "gone"
    detail = "This was erased or has expired."


class CannotBeCleaned(TestimonyError):
    """There can be no clean copy of a file."""

    code = "cannot-be-cleaned"
    detail = "This file cannot be cleaned."


class Conflict(TestimonyError):
    """The present state does not allow this."""

    code = "conflict"
    detail = "The present state does not allow this."


class ContentDiffers(Conflict):
    """The same id was accepted with other content."""

    code = "content-differs"
    detail = "This id was already accepted with other content."


class DigestDiffers(Conflict):
    """The digest named is not the digest of what would be released or approved."""

    code = "digest-differs"
    detail = "What you saw is not what is there now. Read it again."


class DoubtsOpen(Conflict):
    """The clean text holds doubtful passages that nobody has looked at."""

    code = "doubts-open"
    detail = "Look at the doubtful passages and say how many of them may stay."


class WrongOffset(Conflict):
    """An upload goes on elsewhere than where it stands; ``expected`` is how many bytes are kept."""

    code = "mismatching-upload-offset"
    detail = "The upload stands elsewhere. Ask for its offset and go on from there."

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.expected = expected


class UploadEnded(Conflict):
    """An upload that is complete takes no more bytes."""

    code = "completed-upload"
    detail = "This upload is complete."


class TooManyFiles(Conflict):
    """The record has as many attachments as it may have, or one came in too many pieces."""

    code = "too-many-files"
    detail = "There are too many attachments, or too many pieces of one."


class CopiesUnseen(Conflict):
    """A clean copy is to be released that the approver has not opened."""

    code = "copies-unseen"
    detail = "Look at every clean copy, and listen to it, before you release it."


class VoicesUnconfirmed(Conflict):
    """A recording is to be released, and nobody has said that its voice may be heard."""

    code = "voices-unconfirmed"
    detail = "Say how many recordings may be heard: a voice can identify somebody."


class StudyNotOpen(Conflict):
    """The study lacks the people that intake needs."""

    code = "study-not-open"
    detail = "This study is not open for intake yet."


class RecordFrozen(Conflict):
    """The record is frozen: withdrawn, waiting for erasure or a decision."""

    code = "frozen"
    detail = "This record is frozen."


class OnHold(Conflict):
    """A hold stops the erasure."""

    code = "on-hold"
    detail = "A hold stops the erasure."


class LastHolder(Conflict):
    """Nobody else holds the key, so this member cannot go."""

    code = "last-holder"
    detail = "Nobody else holds every key of the team; confirm another member first."


class IntakeKeyGone(Gone):
    """The intake key that a body was sealed to is destroyed, or never was."""

    code = "intake-key-gone"
    detail = "The key that this was sealed to does not exist any more, so nothing opens it."


class ShareGone(Gone):
    """The keystore no longer has a share that opens this."""


class RecordDead(Gone):
    """The record or this scope of it was erased."""


class Retry(TestimonyError):
    """The ground moved while sealing; seal again."""

    code = "busy"
    detail = "Too much changed at once. Try again."


class EpochEnded(Retry):
    """A grant names an epoch that has ended meanwhile."""


class StaleKeyVersion(Retry):
    """Shares were sealed under a keystore key version that is no longer current."""


class StaleRoster(Retry):
    """A newer roster exists than the one this was sealed by."""


class Unavailable(TestimonyError):
    """A part we need does not answer."""

    code = "unavailable"
    detail = "Not possible at the moment. Try again later."


class ModelUnusable(Unavailable):
    """A model of the de-identification is missing or is not the one that belongs here."""


class CustodyUnavailable(Unavailable):
    """Custody cannot do this: a key is missing here, or the provider does not answer."""


class KeystoreUnavailable(Unavailable):
    """The keystore does not answer."""


class StoreUnavailable(Unavailable):
    """The store of files does not answer."""


class StoreFull(Unavailable):
    """The store of files has no room left."""

    code = "storage-full"
    detail = "There is no room left for files. Nothing of this request was kept."

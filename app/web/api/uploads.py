"""Attachments on their way in: resumable uploads in the manner of draft-ietf-httpbis-resumable-upload.

The address is the client's own: the id of its record and an id for the file. Every request carries the secret under
which the file's key rests until the upload is complete; or, for a file that a phone sealed, its sealed head
(``app.crypto.intake_files``), and then offset and length count bytes under seal.
"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from app.access import Actor, Permission
from app.bootstrap import Runtime
from app.cases.contents import LARGEST
from app.errors import BodyCut, BodyStalled, ContentDiffers, UploadEnded, WrongLength, WrongMediaType, WrongOffset
from app.intake import files, quota
from app.web.deps import Runtime_, Signed
from app.web.routing import Router
from app.web.sealed_uploading import Head, SealedUpload
from app.web.streams import BodyStream, Streamed
from app.web.uploading import Upload
from app.web.uploads import LIMITS, SEALED, UploadHeaders, UploadTerms, boolean

__all__ = ["router"]

router = Router("/v1/records/{client_uuid}/files", tag="intake")


@router.post(
    "/{file}",
    permission=Permission.RECORD_SUBMIT,
    status=201,
    limit=LARGEST,
    roles_later=True,
    also={
        200: "It had begun before: how far it is; the body was not read.",
        410: "The record was erased, or the key is gone that the file was sealed to.",
        413: "No file may be so large.",
        507: "There is no room left.",
    },
)
def begin_upload(
    client_uuid: UUID, file: UUID, headers: UploadHeaders, body: Streamed, actor: Signed, runtime: Runtime_
) -> Response:
    """Begin an upload: Testimony-Upload-Secret, Upload-Length, Upload-Complete, Repr-Digest, Testimony-File-Name.

    Or Testimony-Sealed-Head and Upload-Complete, with application/vnd.testimony.sealed-file.
    """
    if headers.head is not None and not headers.partial:
        raise WrongMediaType(f"Send {SEALED}.")
    record, head = _record(runtime, actor, client_uuid), _head(runtime, actor, client_uuid, file, headers)
    begun = Upload.begin(
        runtime,
        actor,
        record,
        file,
        secret=headers.secret if head is None else head.secret,
        name=headers.name if head is None else head.name,
        length=headers.length if head is None else head.size,
        digest=headers.digest if head is None else None,
    )
    upload = begun if head is None else SealedUpload(begun, head)
    if upload.new:
        _take(upload, body, headers, complete=headers.complete or False)
    elif head is None and begun.done and headers.digest is not None and not begun.holds(headers.digest):
        raise ContentDiffers
    return _answer(upload, 201 if upload.new else 200, {"location": f"/v1/records/{client_uuid}/files/{file}"})


@router.get("/{file}", permission=Permission.RECORD_SUBMIT, status=204, roles_later=True)
def show_upload(client_uuid: UUID, file: UUID, headers: UploadHeaders, actor: Signed, runtime: Runtime_) -> Response:
    """How far an upload is, in headers alone; HEAD answers the same.

    Once a file is whole that a phone sealed, Testimony-File-Receipt is our signed word for it.
    """
    return _answer(_find(runtime, actor, client_uuid, file, headers), 204)


@router.patch(
    "/{file}",
    permission=Permission.RECORD_SUBMIT,
    status=204,
    limit=LARGEST,
    roles_later=True,
    also={413: "No file may be so large.", 415: "It is no part of an upload.", 507: "There is no room left."},
)
def continue_upload(
    client_uuid: UUID, file: UUID, headers: UploadHeaders, body: Streamed, actor: Signed, runtime: Runtime_
) -> Response:
    """Send the next part: Testimony-Upload-Secret, Upload-Offset, Upload-Complete; Repr-Digest where it is known."""
    offset, complete = headers.appending()
    upload = _find(runtime, actor, client_uuid, file, headers)
    if upload.done:
        raise UploadEnded
    if offset != upload.offset:
        raise WrongOffset(upload.offset)
    with runtime.glance() as session:
        quota.check(session, runtime.collaborators, actor.user())
    _take(upload, body, headers, complete=complete)
    return _answer(upload, 204)


@router.delete("/{file}", permission=Permission.RECORD_SUBMIT, roles_later=True)
def cancel_upload(client_uuid: UUID, file: UUID, headers: UploadHeaders, actor: Signed, runtime: Runtime_) -> None:
    """Forget an upload that is not complete."""
    upload = _find(runtime, actor, client_uuid, file, headers)
    if upload.done:
        raise UploadEnded
    upload.abandon()


def _record(runtime: Runtime, actor: Actor, client_uuid: UUID) -> UUID:
    with runtime.glance() as session:
        return files.record_of(session, actor, client_uuid)


def _head(runtime: Runtime, actor: Actor, client_uuid: UUID, file: UUID, headers: UploadTerms) -> Head | None:
    return None if headers.head is None else Head.open(runtime, actor, client_uuid, file, headers.head)


def _find(runtime: Runtime, actor: Actor, client_uuid: UUID, file: UUID, headers: UploadTerms) -> Upload | SealedUpload:
    record, head = _record(runtime, actor, client_uuid), _head(runtime, actor, client_uuid, file, headers)
    if head is None:
        return Upload.find(runtime, actor, record, file, headers.secret)
    return SealedUpload(Upload.find(runtime, actor, record, file, head.secret), head)


def _take(upload: Upload | SealedUpload, body: BodyStream, headers: UploadTerms, *, complete: bool) -> None:
    """Take the body in. What came before the connection was cut, or before it was too much, is kept."""
    try:
        for piece in body:
            upload.write(piece)
        if complete:
            upload.finish(headers.digest)
    except (BodyCut, BodyStalled, WrongLength):
        upload.pause()
        raise
    if not complete:
        upload.pause()


def _answer(upload: Upload | SealedUpload, status: int, more: dict[str, str] | None = None) -> Response:
    headers = {
        "upload-offset": str(upload.offset),
        "upload-complete": boolean(upload.done),
        "upload-limit": LIMITS,
        **(more or {}),
    }
    if upload.length is not None:
        headers["upload-length"] = str(upload.length)
    if isinstance(upload, SealedUpload) and upload.receipt is not None:
        headers["testimony-file-receipt"] = upload.receipt
    return Response(status_code=status, headers=headers)

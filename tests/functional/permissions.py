"""The table of who may do what, written by hand from the design and from nothing else, so that it can disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

A64 = "a" * 64
NOBODY_THERE = "00000000-0000-4000-8000-00000000dead"

EVERYBODY = "interviewer redactor approver researcher lead guardian auditor admin"
MEMBERS = "interviewer redactor approver researcher lead guardian auditor"
KEYHOLDERS = "redactor approver researcher lead guardian auditor"


@dataclass(frozen=True)
class Row:
    """One address of one study: which roles may, and what they then get; ``factor``: a fresh second factor is asked.

    In a path, names in braces stand for what ``test_permissions`` made; ``{absent}`` is the id of nothing. Changes
    are sent where they cannot succeed (409, 404, 422), so that one row does not change the world of the next.
    """

    method: str
    path: str
    who: str
    status: int
    body: dict[str, Any] | None = None
    factor: bool = False
    device: bool = False

    @property
    def name(self) -> str:
        """How the case is called in a report."""
        return f"{self.method} {self.path}"


def row(method: str, path: str, who: str, status: int, body: dict[str, Any] | None = None, **more: bool) -> Row:
    """A row below ``/v1/studies/{study}``."""
    return Row(method, "/v1/studies/{study}" + path, who, status, body, **more)


IN_A_STUDY = (
    row("GET", "", MEMBERS, 200),
    row("GET", "/candidates?name=interviewer", "lead", 200),
    row("PUT", "/members/{absent}", "lead", 404, {"roles": ["researcher"], "fingerprint": A64}, factor=True),
    row("POST", "/members/{absent}/confirmation", KEYHOLDERS, 404, {"fingerprint": A64}, factor=True),
    row("DELETE", "/members/{absent}", "lead", 404, factor=True),
    row("GET", "/members/{absent}/removal", "lead", 404),
    row("GET", "/app", MEMBERS, 200),
    row("PUT", "/app", "lead", 422, {"name": "x", "icon": "none"}),
    row("GET", "/dashboard", "lead", 200),
    row("POST", "/teams/redaction", "redactor approver", 409, factor=True),
    row("POST", "/teams/researchers", "approver researcher lead", 409, factor=True),
    row("POST", "/teams/guardians", "guardian", 409, factor=True),
    row("POST", "/teams/auditors", "auditor", 409, factor=True),
    row("POST", "/teams/worker", "", 403),
    row("GET", "/teams/redaction/moves", "redactor approver", 200),
    row("GET", "/teams/researchers/moves", "approver researcher lead", 200),
    row("GET", "/teams/guardians/moves", "guardian", 200),
    row("GET", "/teams/auditors/moves", "auditor", 200),
    row("GET", "/teams/worker/moves", "", 403),
    row("POST", "/teams/redaction/moves", "redactor approver", 200),
    row("POST", "/teams/researchers/moves", "approver researcher lead", 200),
    row("POST", "/teams/guardians/moves", "guardian", 200),
    row("POST", "/teams/auditors/moves", "auditor", 200),
    row("POST", "/teams/worker/moves", "", 403),
    row("GET", "/instruments", MEMBERS, 200, device=True),
    row("GET", "/instruments/{instrument}", MEMBERS, 200, device=True),
    row("GET", "/instruments/{instrument}/schema", MEMBERS, 200, device=True),
    row("GET", "/instruments/{instrument}/form", MEMBERS, 200, device=True),
    row("GET", "/instruments/{instrument}/changes", MEMBERS, 200, device=True),
    row("POST", "/instruments", "lead", 422, {}),
    row("POST", "/instruments/{absent}/publication", "approver", 404),
    row("GET", "/forms", MEMBERS, 200, device=True),
    row("GET", "/forms/{absent}", MEMBERS, 404, device=True),
    row("GET", "/forms/{absent}/xform", MEMBERS, 404, device=True),
    row("POST", "/forms", "lead", 404, {"instrument": NOBODY_THERE}),
    row("POST", "/forms/xlsform", "lead", 422, {"workbook": "none"}),
    row("POST", "/forms/{absent}/publication", "approver", 404),
    row("POST", "/forms/{absent}/closing", "lead", 404),
    row("DELETE", "/forms/{absent}/key", "lead", 404),
    row("GET", "/queue", "redactor approver", 200),
    row("POST", "/queue/next", "redactor approver", 404),
    row("GET", "/records/{absent}/source", "redactor approver", 404),
    row("GET", "/records/{absent}/files", "redactor approver", 404),
    row("GET", "/records/{absent}/files/{absent}", "redactor approver", 404),
    row("POST", "/records/{absent}/files/{absent}/copy", "approver", 404),
    row("GET", "/records/{absent}/copies", "redactor approver", 404),
    row("PUT", "/records/{absent}/draft", "redactor", 404, {"version": 1, "texts": {}}),
    row("POST", "/records/{absent}/draft/finish", "redactor", 404, {"version": 1}),
    row("POST", "/records/{absent}/draft/return", "approver", 404, {"comment": "look again"}),
    row("POST", "/records/{absent}/draft/again", "redactor", 404),
    row("POST", "/records/{absent}/draft/preview", "redactor approver", 404, {}),
    row("POST", "/records/{absent}/release", "approver", 404, {"digest": A64}, factor=True),
    row("POST", "/records/{absent}/release/cut", "approver", 404, {"digest": A64}, factor=True),
    row("GET", "/releases", "approver researcher lead", 200),
    row("GET", "/releases/{record}", "approver researcher lead", 200),
    row("GET", "/releases/{record}/files/{absent}", "approver researcher lead", 404),
    row("GET", "/releases/{record}/reports", "approver", 200),
    row(
        "POST",
        "/releases/{absent}/reports",
        "approver researcher lead auditor",
        404,
        {"field": "f", "start": 0, "end": 1, "reason": "a place"},
    ),
    row("POST", "/samples/{absent}", "approver", 404),
    row("GET", "/samples/{record}", "auditor", 200),
    row("GET", "/samples/{record}/files/{absent}", "auditor", 404),
    row("GET", "/protection", "guardian", 200),
    row("GET", "/protection/{record}", "guardian", 200),
    row("PUT", "/protection/{absent}/triage", "guardian", 404, {"version": 0, "outcome": "watch", "hidden": True}),
    row("POST", "/protection/{absent}/notes", "guardian", 404, {"text": "called"}),
    row(
        "POST",
        "/asks",
        "guardian",
        404,
        {"record": NOBODY_THERE, "scope": "identity", "fields": ["legal_name"], "reason": "danger"},
    ),
    row("GET", "/asks", "guardian auditor", 200),
    row("GET", "/asks/{ask}", "guardian auditor", 200),
    row("POST", "/asks/{absent}/approval", "auditor", 404, {"digest": A64}, factor=True),
    row("POST", "/asks/{absent}/refusal", "auditor", 404, {"reason": "no"}, factor=True),
    row("GET", "/asks/{ask}/disclosure", "guardian", 409),
    row("GET", "/asks/{ask}/file", "guardian", 409),
    row("GET", "/asks/{ask}/marked", "guardian", 409),
    row("POST", "/asks/{ask}/reopening", "guardian", 409),
    row("POST", "/cases/AAAA-2222/withdrawal", "interviewer guardian", 404),
    row("POST", "/cases/AAAA-2222/erasure", "lead guardian", 404, {}, factor=True),
    row("POST", "/cases/AAAA-2222/thaw", "lead guardian", 404, factor=True),
    row("PUT", "/cases/AAAA-2222/hold", "lead guardian", 404, factor=True),
    row("DELETE", "/cases/AAAA-2222/hold", "lead guardian", 404, factor=True),
    row("GET", "/events", "lead guardian auditor", 200),
    row("GET", "/trail", "lead guardian auditor", 200),
    row("GET", "/trail/verification", "lead guardian auditor", 200),
    row("GET", "/trail/checkpoints", "lead guardian auditor", 200),
)

# Well formed, and no answer to any challenge.
NO_PASSKEY = {
    "label": "Key",
    "passkey": {
        "id": "AA",
        "rawId": "AA",
        "type": "public-key",
        "response": {"clientDataJSON": "AA", "attestationObject": "AA"},
    },
}

API_TOKEN = {"study": NOBODY_THERE, "label": "L", "scopes": ["record.submit"], "expires_at": "2030-02-01T00:00:00Z"}

# Addresses of no study: whoever is signed in may, or the admin alone. Nothing here depends on a study's roles.
ELSEWHERE = (
    Row("GET", "/v1/sessions", EVERYBODY, 200),
    Row("DELETE", "/v1/sessions/{absent}", EVERYBODY, 404),
    Row("POST", "/v1/sessions/current/step-up", EVERYBODY, 422, {}),
    Row("POST", "/v1/sessions/current/step-up/challenge", EVERYBODY, 404),
    Row("PUT", "/v1/password", EVERYBODY, 422, {}),
    Row("GET", "/v1/passkeys", EVERYBODY, 200),
    Row("POST", "/v1/passkeys/challenge", EVERYBODY, 200, factor=True),
    Row("POST", "/v1/passkeys", EVERYBODY, 422, NO_PASSKEY, factor=True),
    Row("DELETE", "/v1/passkeys/{absent}", EVERYBODY, 404, factor=True),
    Row("GET", "/v1/users/me", EVERYBODY, 200),
    Row("GET", "/v1/devices", EVERYBODY, 200),
    Row("DELETE", "/v1/devices/{absent}", EVERYBODY, 404),
    Row("POST", "/v1/devices/tokens", EVERYBODY, 404, API_TOKEN, factor=True),
    Row("GET", "/v1/studies", EVERYBODY, 200),
    Row("GET", "/v1/recoveries/{absent}", EVERYBODY, 404),
    Row("POST", "/v1/recoveries/{absent}", EVERYBODY, 404, {"keep": [NOBODY_THERE]}),
    Row("POST", "/v1/recoveries/{absent}/confirmation", EVERYBODY, 404, {"digest": A64}),
    Row("GET", "/v1/users", "admin", 200),
    Row("PATCH", "/v1/users/{absent}", "admin", 404, {"active": False}),
    Row("POST", "/v1/users/{absent}/reset", "admin", 404),
    Row("POST", "/v1/invitations", "admin", 422, {"name": ""}),
    Row("GET", "/v1/invitations", "admin", 200),
    Row("DELETE", "/v1/invitations/{absent}", "admin", 404),
    Row("POST", "/v1/devices", "admin", 404, {"user": NOBODY_THERE, "study": NOBODY_THERE}),
    Row("POST", "/v1/devices/offers", "admin", 404, {"user": NOBODY_THERE, "study": NOBODY_THERE}),
    Row("POST", "/v1/devices/phones", "admin", 404, {"user": NOBODY_THERE, "study": NOBODY_THERE, "kind": "odk"}),
    Row("GET", "/v1/health/service", "admin", 200),
    Row("POST", "/v1/studies", "admin", 404, {"name": "N", "lead": NOBODY_THERE, "fingerprint": A64}),
    Row("GET", "/v1/events", "admin", 200),
    Row("GET", "/v1/trail", "admin", 200),
    Row("GET", "/v1/trail/verification", "admin", 200),
    Row("GET", "/v1/trail/checkpoints", "admin", 200),
    Row("GET", "/metrics", "admin", 200),
)

# Ends the very session that the other rows use: judged in tests of their own.
ENDS_SESSIONS = (("DELETE", "/v1/sessions"), ("DELETE", "/v1/sessions/current"))

# Nobody has to sign in here.
OPEN = (
    Row("GET", "/v1/health/live", "", 200),
    Row("GET", "/v1/health/ready", "", 200),
    Row("GET", "/v1/receipt-keys", "", 200),
    Row("GET", "/v1/openapi.json", "", 200),
    Row("POST", "/v1/withdrawals", "", 202, {"token": "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AA"}),
    Row("POST", "/v1/sessions", "", 422, {}),
    Row("POST", "/v1/sessions/challenge", "", 200),
    Row("POST", "/v1/invitations/accept", "", 422, {}),
    Row("POST", "/v1/invitations/preview", "", 404, {"token": "unknown"}),
    Row("POST", "/v1/devices/redemption", "", 404, {"code": "unknown"}),
)

# The study is named by the body or by the record, so the service asks: judged in tests of their own.
BY_RECORD = (
    ("PUT", "/v1/records/{client_uuid}"),
    ("GET", "/v1/records/{client_uuid}/receipt"),
    ("POST", "/v1/records/{client_uuid}/files/{file}"),
    ("GET", "/v1/records/{client_uuid}/files/{file}"),
    ("PATCH", "/v1/records/{client_uuid}/files/{file}"),
    ("DELETE", "/v1/records/{client_uuid}/files/{file}"),
    ("GET", "/v1/intake-key"),
    ("GET", "/v1/collect/instruments"),
)

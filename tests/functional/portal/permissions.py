"""The table of who may open which page, written by hand from the design and from nothing else, so it can disagree."""

from __future__ import annotations

from dataclasses import dataclass, field

NOBODY_THERE = "00000000-0000-4000-8000-00000000dead"

EVERYBODY = "interviewer redactor approver researcher lead guardian auditor admin"
MEMBERS = "interviewer redactor approver researcher lead guardian auditor"
KEYHOLDERS = "redactor approver researcher lead guardian auditor"


@dataclass(frozen=True)
class Row:
    """One page or form: which roles may, and the status they then get.

    In a path ``{absent}`` is the id of nothing; forms are sent where they cannot change anything, so that no
    row changes the world of the next.
    """

    method: str
    path: str
    who: str
    status: int = 200
    form: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How the case is called in a report."""
        return f"{self.method} {self.path}"


def get(path: str, who: str, status: int = 200) -> Row:
    """A page below ``/studies/{study}``."""
    return Row("GET", "/studies/{study}" + path, who, status)


def post(path: str, who: str, status: int = 404, **form: str) -> Row:
    """A form below ``/studies/{study}``."""
    return Row("POST", "/studies/{study}" + path, who, status, form)


IN_A_STUDY = (
    get("/members", MEMBERS),
    get("/candidates", "lead"),
    post("/members/{absent}", "lead"),
    get("/members/{absent}/confirmation", KEYHOLDERS, 404),
    post("/members/{absent}/confirmation", KEYHOLDERS, 422),
    get("/members/{absent}/removal", "lead", 404),
    post("/members/{absent}/removal", "lead"),
    post("/teams/redaction", "redactor approver", 409),
    post("/teams/guardians", "guardian", 409),
    post("/teams/worker", ""),
    get("/teams/redaction/moves", "redactor approver"),
    post("/teams/redaction/moves", "redactor approver", 303),
    get("/dashboard", "lead"),
    get("/instruments", MEMBERS),
    get("/instruments/{absent}", MEMBERS, 404),
    get("/instruments/upload", "lead"),
    post("/instruments", "lead", 422),
    post("/instruments/{absent}/publication", "approver"),
    get("/forms", MEMBERS),
    get("/forms/new", "lead"),
    post("/forms", "lead", 422),
    post("/forms/xlsform", "lead", 422),
    get("/forms/{absent}", MEMBERS, 404),
    get("/forms/{absent}/xform", MEMBERS, 404),
    post("/forms/{absent}/publication", "approver"),
    post("/forms/{absent}/closing", "lead"),
    post("/forms/{absent}/key", "lead"),
    get("/audit", "lead guardian auditor"),
    get("/audit/verification", "lead guardian auditor"),
    get("/audit/checkpoints", "lead guardian auditor"),
    get("/disclosures", "guardian auditor"),
    get("/disclosures/records/{absent}/identity", "guardian", 404),
    post("/disclosures/records/{absent}/identity", "guardian"),
    get("/disclosures/{absent}", "guardian auditor", 404),
    post("/disclosures/{absent}/approval", "auditor"),
    post("/disclosures/{absent}/refusal", "auditor"),
    get("/disclosures/{absent}/reading", "guardian", 303),
    post("/disclosures/{absent}/reading", "guardian"),
    post("/disclosures/{absent}/reopening", "guardian"),
    get("/disclosures/records/{absent}/files/{absent}", "guardian", 404),
    post("/disclosures/records/{absent}/files/{absent}", "guardian"),
    get("/disclosures/{absent}/file", "guardian", 404),
    get("/protection", "guardian"),
    get("/protection/{absent}", "guardian", 404),
    post("/protection/{absent}/triage", "guardian"),
    post("/protection/{absent}/notes", "guardian"),
    get("/withdrawals", "interviewer guardian"),
    post("/withdrawals", "interviewer guardian", 422, code="AAAA-2222"),
    get("/cases", "lead guardian"),
    get("/cases/AAAA-2222", "lead guardian", 404),
    post("/cases/AAAA-2222/withdrawal", "interviewer guardian"),
    post("/cases/AAAA-2222/erasure", "lead guardian"),
    post("/cases/AAAA-2222/thaw", "lead guardian"),
    post("/cases/AAAA-2222/hold", "lead guardian"),
    get("/erasures/{absent}", "lead guardian", 404),
    get("/queue", "redactor approver"),
    post("/queue/next", "redactor approver", 303),
    post("/queue/{absent}", "redactor approver"),
    get("/records/{absent}/desk", "redactor approver", 404),
    get("/records/{absent}/desk/state", "redactor approver", 404),
    get("/records/{absent}/files/{absent}", "redactor approver", 404),
    post("/records/{absent}/desk/changes", "redactor", 400),
    post("/records/{absent}/desk/answers", "redactor"),
    post("/records/{absent}/desk/words", "redactor"),
    post("/records/{absent}/desk/residual", "redactor"),
    post("/records/{absent}/desk/finish", "redactor"),
    post("/records/{absent}/desk/again", "redactor"),
    get("/records/{absent}/approval", "redactor approver", 404),
    post("/records/{absent}/approval/renaming", "redactor approver", 303),
    post("/records/{absent}/approval/copies", "approver"),
    post("/records/{absent}/approval/release", "approver"),
    post("/records/{absent}/approval/return", "approver"),
    get("/releases", "approver researcher lead"),
    get("/releases/{absent}", "approver researcher lead", 404),
    get("/releases/{absent}/files/{absent}", "approver researcher lead", 404),
    get("/samples/{absent}/files/{absent}", "auditor", 404),
    post("/releases/{absent}/reports", "approver researcher lead auditor"),
    post("/releases/{absent}/sample", "approver"),
    get("/releases/{absent}/cut", "approver", 404),
    post("/releases/{absent}/cut", "approver"),
    get("/samples", "auditor"),
    get("/samples/{absent}", "auditor", 404),
)

# Pages of no study: whoever is signed in, or the admin alone. Nothing here depends on the roles of a study.
ELSEWHERE = (
    Row("GET", "/", EVERYBODY),
    Row("GET", "/account", EVERYBODY),
    Row("POST", "/account/sessions/{absent}/end", EVERYBODY, 404),
    Row("GET", "/account/password", EVERYBODY),
    Row("POST", "/account/password", EVERYBODY, 422),
    Row("POST", "/account/passkeys/new", EVERYBODY, 200),
    Row("POST", "/account/passkeys", EVERYBODY, 422),
    Row("POST", "/account/passkeys/{absent}/remove", EVERYBODY, 404),
    Row("POST", "/account/devices/{absent}/revoke", EVERYBODY, 404),
    Row("GET", "/account/tokens", EVERYBODY),
    Row("POST", "/account/tokens", EVERYBODY, 422),
    Row("GET", "/admin/people", "admin"),
    Row("GET", "/admin/people/{absent}", "admin", 404),
    Row("POST", "/admin/people/{absent}/off", "admin", 404),
    Row("POST", "/admin/people/{absent}/on", "admin", 404),
    Row("POST", "/admin/people/{absent}/reset", "admin", 404),
    Row("POST", "/admin/invitations", "admin", 422),
    Row("POST", "/admin/invitations/{absent}/cancel", "admin", 404),
    Row("GET", "/admin/audit", "admin"),
    Row("GET", "/admin/audit/verification", "admin"),
    Row("GET", "/admin/audit/checkpoints", "admin"),
    Row("GET", "/admin/devices", "admin"),
    Row("POST", "/admin/devices", "admin", 422),
    Row("POST", "/admin/devices/{absent}/revoke", "admin", 404),
    Row("GET", "/admin/studies", "admin"),
    Row("POST", "/admin/studies", "admin", 404),
)

# Ends the very session that the other rows use: judged in tests of their own.
ENDS_SESSIONS = (("POST", "/sign-out"), ("POST", "/account/sessions/end"))

# Nobody has to sign in here.
OPEN = (
    Row("GET", "/static/0/portal.css", "", 200),
    Row("POST", "/language", "", 303),
    Row("GET", "/sign-in", "", 200),
    Row("POST", "/sign-in", "", 401),
    Row("GET", "/forgotten", "", 200),
    Row("GET", "/invitations", "", 200),
    Row("POST", "/invitations", "", 422),
    Row("GET", "/invitations/acceptance", "", 303),
    Row("POST", "/invitations/acceptance", "", 422),
    Row("GET", "/withdraw", "", 200),
    Row("POST", "/withdraw", "", 303),
    Row("GET", "/withdraw/done", "", 200),
    Row("GET", "/collect", "", 200),
    Row("GET", "/collect/manifest.webmanifest", "", 200),
    Row("GET", "/collect/clear", "", 403),
    Row("GET", "/collect/{absent}", "", 404),
    Row("GET", "/collect/{absent}/{absent}", "", 404),
)

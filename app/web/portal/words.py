"""The words that people read for our own names: roles, teams. Other names join them here."""

from __future__ import annotations

from app.access import Role, Team
from app.web.portal.notices import N_

__all__ = [
    "ANSWER_TYPES",
    "ASPECTS",
    "ATTACHMENTS",
    "CHANGES",
    "CLASSES",
    "COMPARTMENTS",
    "DEVICE_KINDS",
    "FIELD_STATUSES",
    "FORM_STATUSES",
    "PLAINTEXT_POLICIES",
    "RELEASE_RULES",
    "ROLES",
    "TEAMS",
    "TOKEN_SCOPES",
]

ROLES: dict[Role, str] = {
    Role.INTERVIEWER: N_("Interviewer"),
    Role.REDACTOR: N_("Redactor"),
    Role.APPROVER: N_("Approver"),
    Role.RESEARCHER: N_("Researcher"),
    Role.LEAD: N_("Lead"),
    Role.GUARDIAN: N_("Guardian"),
    Role.AUDITOR: N_("Auditor"),
    Role.ADMIN: N_("Administrator"),
}
TEAMS: dict[Team, str] = {
    Team.REDACTION: N_("Redaction"),
    Team.GUARDIANS: N_("Guardians"),
    Team.AUDITORS: N_("Auditors"),
    Team.RESEARCHERS: N_("Researchers"),
}

# What an API token may do.
TOKEN_SCOPES = {
    "record.submit": N_("Hand in interviews"),
    "receipt.read": N_("Read the receipts of what it handed in"),
    "instrument.read": N_("Read the questionnaires"),
}

FORM_STATUSES = {
    "draft": N_("draft, waits to be published"),
    "published": N_("published"),
    "closed": N_("closed"),
}
PLAINTEXT_POLICIES = {
    "reject": N_("It is refused, and stays on the phone"),
    "accept_and_flag": N_("It is accepted and marked"),
}
ATTACHMENTS = {
    "audio": N_("Recordings"),
    "image": N_("Photos"),
    "file": N_("Documents"),
}
# What a device speaks.
DEVICE_KINDS = {
    "native": N_("This service's own form, in the browser"),
    "odk": N_("ODK Collect or KoboCollect"),
    "basic": N_("Tella, or another app that asks for a user name and a password"),
    "test": N_("ODK Collect, to try drafts of forms"),
}
# What a questionnaire says of its fields.
CLASSES = {
    "direct": N_("names somebody"),
    "quasi": N_("identifies together with others"),
    "sensitive": N_("sensitive"),
    "narrative": N_("narrative"),
    "plain": N_("plain"),
}
COMPARTMENTS = {
    "identity": N_("identity: guardian and auditor together"),
    "protection": N_("protection: guardians"),
    "research": N_("research: after redaction"),
}
FIELD_STATUSES = {
    "required": N_("required"),
    "conditional": N_("only if it applies"),
    "optional": N_("optional"),
    "extension": N_("extension"),
}
ANSWER_TYPES = {
    "bool": N_("yes or no"),
    "one": N_("one of these"),
    "many": N_("any of these"),
    "date": N_("day"),
    "half_year": N_("half of a year"),
    "year": N_("year"),
    "string": N_("line of text"),
    "strings": N_("lines of text"),
    "text": N_("text"),
    "object": N_("group"),
    "objects": N_("groups"),
    "countries": N_("countries"),
    "bcp47": N_("language"),
    "staff_ref": N_("interviewer"),
}
CHANGES = {"added": N_("added"), "removed": N_("removed"), "changed": N_("changed")}
RELEASE_RULES = {
    "never": N_("never released"),
    "drop": N_("left out"),
    "as_is": N_("released as it is"),
    "redact": N_("released once redacted"),
    "year": N_("released as a year"),
    "half_year": N_("released as half of a year"),
    "year_band": N_("released as a span of years"),
    "age_at_joining": N_("released as a span of ages"),
    "coarsen": N_("released as a wider group"),
    "world_region": N_("released as a region of the world"),
    "language_list": N_("released if the study lists the language"),
}
ASPECTS = {
    "label": N_("question"),
    "hint": N_("help text"),
    "choices": N_("choices"),
    "type": N_("type"),
    "class": N_("class"),
    "section": N_("section"),
    "why": N_("reason"),
    "condition": N_("condition"),
    "release": N_("release"),
    "status": N_("status"),
    "order": N_("order"),
    "members": N_("parts"),
}
STAGES = {
    "received": N_("waits for the machine"),
    "failed": N_("failed, to be drafted by hand"),
    "drafted": N_("waits for a redactor"),
    "finished": N_("waits for an approver"),
    "released": N_("released"),
    "frozen": N_("frozen by a withdrawal"),
}

# What the redaction says of a passage.
SPAN_KINDS = {
    "PERSON": N_("Person"),
    "CODE": N_("Number or address"),
    "LOC": N_("Place"),
    "ORG": N_("Organization"),
    "DATETIME": N_("Date or time"),
    "DEM": N_("Personal detail"),
    "QUANTITY": N_("Amount"),
    "MISC": N_("Something unique"),
}
SPAN_LEVELS = {"direct": N_("identifies directly"), "quasi": N_("identifies together with others")}
RISK_RATINGS = {
    "low": N_("Low: I would give it to a stranger."),
    "medium": N_("Medium: somebody close might guess."),
    "high": N_("High: somebody will recognize the speaker."),
}
DETECTORS = {
    "person": N_("marked by a person"),
    "repeat": N_("stands elsewhere in the record"),
    "roster": N_("a name known from this record"),
    "model": N_("found by the language model"),
    "listed": N_("stands in a word list"),
    "called": N_("somebody is called so"),
    "kunya": N_("form of a name"),
    "capital": N_("written like a name"),
    "uncommon": N_("no common word"),
    "place_cue": N_("stands where a place is named"),
    "occupations": N_("an occupation"),
    "phone": N_("a telephone number"),
    "email": N_("an e-mail address"),
    "date": N_("a date"),
    "duration": N_("an exact duration"),
    "age": N_("an age"),
}
WHY_KEPT = (
    N_("An ordinary word, no name"),
    N_("A public figure in a public role"),
    N_("A title or a role without a name"),
    N_("A group or body known all over the world"),
    N_("A country or a wide region"),
    N_("A year alone or a vague time"),
)
DOUBTS = {
    "capital": N_("written like a name"),
    "rare": N_("a rare word"),
    "name": N_("a name"),
    "number": N_("an exact number"),
    "kunya": N_("form of a name"),
    "date": N_("a date"),
    "initial": N_("an initial"),
    "address": N_("an address"),
}
OTHER_DOUBT = N_("may identify somebody")
TELLS = {
    "region": N_("Region"),
    "country": N_("Country or nationality"),
    "role": N_("Role"),
    "year": N_("Year"),
    "age": N_("Age"),
}
ROLES_TOLD = {
    "fighter": N_("fighter"),
    "recruit": N_("recruit"),
    "recruiter": N_("recruiter"),
    "commander": N_("commander"),
    "guard": N_("guard"),
    "driver": N_("driver"),
    "cook": N_("cook"),
    "medic": N_("medic or doctor"),
    "teacher": N_("teacher"),
    "trainer": N_("trainer"),
    "preacher": N_("preacher"),
    "judge": N_("judge"),
    "police": N_("police"),
    "intelligence": N_("intelligence or informer"),
    "prison": N_("jailer"),
    "media": N_("media"),
    "explosives": N_("explosives"),
    "sniper": N_("sniper"),
    "courier": N_("courier"),
    "smuggler": N_("smuggler"),
    "finance": N_("finance"),
    "administration": N_("clerk or secretary"),
    "mechanic": N_("mechanic"),
    "translator": N_("translator"),
    "engineer": N_("engineer"),
    "farmer": N_("farmer"),
    "student": N_("student"),
    "soldier": N_("soldier"),
    "wife": N_("wife"),
    "widow": N_("widow"),
    "child": N_("child soldier"),
    "convert": N_("convert"),
    "prisoner": N_("prisoner or hostage"),
    "foreigner": N_("foreigner"),
}
DRAFT_FLAGS = {
    "unknown-language": N_("The language was not recognized, so the machine's draft is less reliable."),
    "rules-only": N_("No language model read this text, only rules: the machine's draft is less reliable."),
}
OTHER_DETECTOR = N_("found by a rule")

# What guardians, auditors and leads read of asks and cases.
ASK_KINDS = {
    "identity": N_("read fields of the identity"),
    "source": N_("read answers of the sealed source"),
    "reopen": N_("reopen the source for redaction"),
    "file": N_("open an attachment of the sealed source"),
    "train": N_("take whole texts out, with every name marked, to train the detection"),
}
ASK_STATES = {
    "pending": N_("waits for an auditor"),
    "frozen": N_("waits, but the case is frozen"),
    "open": N_("open"),
    "over": N_("over"),
    "refused": N_("refused"),
}
OUTCOMES = {
    "no_action": N_("No danger: nothing to do"),
    "watch": N_("Watch: look at it again"),
    "act": N_("Act: somebody is in danger"),
}
DECISIONS = {"erase": N_("erasure"), "thaw": N_("undoing the freeze")}
WISHES = {
    "erase_all": N_("erase everything"),
    "erase_identity_keep_anonymised": N_("erase identity and source, keep the release"),
    "decide_later": N_("decide later"),
    "": N_("not recorded"),
}
CASE_EVENTS = {
    "case.frozen": N_("Frozen"),
    "case.thawed": N_("Freeze undone"),
    "case.erase.decided": N_("Asked for, or agreed to, the erasure"),
    "case.thaw.decided": N_("Asked for, or agreed to, undoing the freeze"),
    "record.held": N_("Erasure stopped by a hold"),
    "record.lifted": N_("Hold lifted"),
    "record.erased": N_("Erased"),
}
OBSTACLES = {
    "frozen": N_("The case is frozen already."),
    "not-frozen": N_("The case is not frozen."),
    "held": N_("A hold stops the erasure. Lift it first."),
    "not-held": N_("There is no hold."),
    "yours": N_("You decided this. Now somebody of the other role has to agree."),
    "your-side": N_("Somebody of your role decided this. Now somebody of the other role has to agree."),
    "agreed": N_("Two people agreed. It is carried out as soon as no hold stops it."),
    "not-confirmed": N_("Nobody of your team has confirmed you yet."),
    "not-allowed": N_("Your role does not allow this."),
}

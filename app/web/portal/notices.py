"""Short texts that a page shows once after a change, by names that may stand in an address."""

from __future__ import annotations

__all__ = ["NOTICES", "N_", "text"]


def N_(text: str) -> str:  # noqa: N802  gettext's customary name
    """Mark a text for the catalogs; it is translated where it is shown."""
    return text


NOTICES = {
    "saved": N_("Saved."),
    "session-closed": N_("That session has ended."),
    "sessions-closed": N_("All your sessions have ended."),
    "password-changed": N_("Your password is changed. Please sign in with the new one."),
    "passkey-added": N_("The passkey is added."),
    "passkey-removed": N_("The passkey is removed."),
    "device-revoked": N_("The device is revoked."),
    "invitation-canceled": N_("The invitation is canceled."),
    "switched-off": N_("The account is switched off."),
    "switched-on": N_("The account is switched on again."),
    "study-created": N_("The study is created. Its lead can go on from here."),
    "signed-out": N_("You are signed out."),
    "admitted": N_("Admitted. A present member of each team now confirms."),
    "confirmed": N_("Confirmed: the keys are handed over."),
    "removed": N_("Removed. Access has ended; the grants now wait to be moved."),
    "founded": N_("The team has its key."),
    "moved": N_("Every grant is moved."),
    "uploaded": N_("Uploaded as a draft. Somebody else publishes it."),
    "published": N_("Published."),
    "form-drafted": N_("Made as a draft. Somebody else publishes it."),
    "form-closed": N_("Closed. Phones take it off their list."),
    "form-key-destroyed": N_("The key is destroyed."),
    "nothing-waits": N_("Nothing waits for you."),
    "finished": N_("Finished. Somebody else approves it now."),
    "drafted-again": N_("The machine drafts it again. It comes back to you."),
    "sent-back": N_("Sent back with your comment."),
    "copy-made": N_("The clean copy is made. Open it before you choose it."),
    "released": N_("Released. The redaction team can no longer open the source."),
    "reported": N_("Reported. The release is hidden until an approver has dealt with it."),
    "cut": N_("Cut. The release before it can no longer be opened."),
    "sample-drawn": N_("The auditors can read it for two weeks."),
    "asked": N_("Asked. An auditor answers; you find the answer here."),
    "ask-approved": N_("Approved. Whoever asked can read it for 60 minutes."),
    "ask-refused": N_("Refused. Whoever asked reads your reason."),
    "reopened": N_("The redaction team can open the source again."),
    "triaged": N_("Recorded. Research may see the case."),
    "case-hidden": N_("Recorded. The case is hidden from research."),
    "noted": N_("The note is added."),
    "case-frozen": N_("Frozen. From now on nobody can open anything of this case."),
    "erasure-asked": N_("Recorded. Nothing is erased until somebody of the other role agrees."),
    "erased": N_("Erased."),
    "thaw-asked": N_("Recorded. The case stays frozen until somebody of the other role agrees."),
    "thawed": N_("The case can be opened again."),
    "held": N_("Held. Nothing of this case is erased until the hold is lifted."),
    "lifted": N_("The hold is lifted."),
    "session-ended": N_("Your session has ended. Please sign in again."),
}


def text(name: str) -> str:
    """The text of a notice; empty for a name that is none, since anybody can write an address."""
    return NOTICES.get(name, "")

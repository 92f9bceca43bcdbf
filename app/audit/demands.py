"""What each kind of event must carry: an event of a change without its digests would hide what it changed.

Whoever writes an event is refused without them, and a verification names an event that lacks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DEMANDS", "lacking"]

# The turn of a record or of a case comes with the parts that were made, set and taken; the row of a study or of a form
# has one digest.
RECORD, CASE, ROW = frozenset({"turn"}), frozenset({"case_turn"}), frozenset({"digest"})
BOTH = RECORD | CASE

DEMANDS: dict[str, frozenset[str]] = {
    "record.accepted": BOTH,
    "record.erased": RECORD,
    "record.superseded": RECORD,
    "record.baselined": RECORD,
    "record.held": CASE,
    "record.lifted": CASE,
    "case.assigned": RECORD,
    "case.unassigned": RECORD,
    "case.frozen": CASE,
    "case.thawed": CASE,
    "case.erase.decided": CASE,
    "case.thaw.decided": CASE,
    "case.erased": CASE,
    "case.baselined": CASE,
    "attachment.accepted": RECORD,
    "copy.made": RECORD,
    "draft.stored": RECORD,
    "draft.failed": RECORD,
    "draft.edited": RECORD,
    "draft.finished": RECORD,
    "draft.returned": RECORD,
    "draft.again": RECORD,
    "release.made": RECORD,
    "release.cut": RECORD,
    "release.frozen": RECORD,
    "sample.drawn": RECORD,
    "protection.changed": BOTH,
    "protection.noted": RECORD,
    "disclosure.asked": RECORD,
    "disclosure.approved": RECORD,
    "disclosure.refused": RECORD,
    "source.reopened": RECORD,
    "grants.moved": RECORD,
    "study.created": ROW,
    "study.baselined": ROW,
    "study.app_changed": ROW,
    "intake_key.made": ROW,
    "intake_key.destroyed": ROW,
    "form.drafted": ROW,
    "form.published": ROW,
    "form.closed": ROW,
    "form.key.destroyed": ROW,
}


def lacking(action: str, details: Mapping[str, Any]) -> frozenset[str]:
    """What an event of this kind must carry and does not."""
    return DEMANDS.get(action, frozenset()) - details.keys()

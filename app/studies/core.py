"""The fields the server itself acts on: provenance, consent, threat and priority.

Every instrument must hold each of them exactly as here (its labels, hints and release rule are its own), because
consent gates, alerts and the redaction queue read them by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

PUBLIC: Final = "public_account"
SCOPES: Final = (
    "team_analysis",
    "vetted_researchers",
    "paraphrase_publication",
    "quote_publication",
    "anonymised_archive",
    "aggregate_statistics",
    "recontact",
)

_IF_PUBLIC: Final = [{"field": "source_type", "in": [PUBLIC]}]
_IF_NOT_PUBLIC: Final = [{"field": "source_type", "not_in": [PUBLIC]}]


def _core(
    kind: str,
    choices: tuple[str, ...] = (),
    *,
    class_: str = "plain",
    compartment: str = "research",
    status: str = "required",
    condition: Sequence[object] = (),
    **more: object,
) -> dict[str, object]:
    keys: dict[str, object] = {"type": kind, "class": class_, "compartment": compartment, "status": status}
    keys |= {"sentinels": False, "condition": list(condition), "choices": choices}
    return keys | {"must_be": False, "min": 1, "effects": {}, "needs": {}} | more


CORE: Final[dict[str, dict[str, object]]] = {
    "source_type": _core("one", ("first_hand_interview", "written_submission", PUBLIC)),
    "consent_given": _core("bool", condition=_IF_NOT_PUBLIC, must_be=True),
    "consent_mode": _core(
        "one",
        ("verbal_recorded", "verbal_witnessed", "written_alias", "written_signed"),
        condition=_IF_NOT_PUBLIC,
        effects={"written_signed": "warn"},
    ),
    "consent_scopes": _core("many", SCOPES, condition=_IF_NOT_PUBLIC, min=0),
    "consent_comprehension": _core(
        "one",
        ("teach_back_passed", "teach_back_partial", "not_done"),
        condition=_IF_NOT_PUBLIC,
        effects={"not_done": "block"},
    ),
    "confidentiality_limits_explained": _core("bool", condition=_IF_NOT_PUBLIC, must_be=True),
    "withdrawal_preference": _core(
        "one", ("erase_all", "erase_identity_keep_anonymised", "decide_later"), condition=_IF_NOT_PUBLIC
    ),
    "age_status": _core(
        "one",
        ("adult", "minor_with_safeguards"),
        class_="sensitive",
        compartment="protection",
        condition=_IF_NOT_PUBLIC,
        needs={"minor_with_safeguards": "accepts_minors"},
    ),
    "ethics_reference": _core(
        "string", class_="sensitive", compartment="protection", status="conditional", condition=_IF_PUBLIC
    ),
    "citation": _core("string", class_="direct", compartment="identity", status="conditional", condition=_IF_PUBLIC),
    "threat_disclosed": _core(
        "one",
        ("none", "risk_to_self", "risk_to_other", "child_at_risk", "planned_attack"),
        class_="sensitive",
        compartment="protection",
    ),
    "third_parties_named": _core("bool"),
}

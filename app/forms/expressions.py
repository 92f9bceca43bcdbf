"""When a question is asked: conditions of an instrument as XPath, and the few XPath conditions of a sheet as tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from app.studies.core import PUBLIC
from app.studies.fields import Field, Test

__all__ = ["CONSENT", "CONSENTED", "both", "condition", "parse_condition"]

# The questions that come before every other.
CONSENT: Final = (
    "source_type",
    "consent_given",
    "consent_mode",
    "consent_scopes",
    "consent_comprehension",
    "confidentiality_limits_explained",
    "withdrawal_preference",
    "age_status",
)
# No question is asked before consent, its limits and its comprehension allow storing the answer.
CONSENTED: Final = (
    f"(${{source_type}} = '{PUBLIC}' or (${{consent_given}} = 'true' and ${{confidentiality_limits_explained}} = 'true'"
    " and (${consent_comprehension} = 'teach_back_passed' or ${consent_comprehension} = 'teach_back_partial')))"
)

_QUOTED: Final = r"(?:'([a-z0-9_]+)'|\"([a-z0-9_]+)\")"
_FIELD: Final = r"\$\{\s*([a-z0-9_]+)\s*\}"
_COMPARED: Final = re.compile(rf"{_FIELD}\s*(!?=)\s*{_QUOTED}", re.ASCII)
_SELECTED: Final = re.compile(rf"selected\(\s*{_FIELD}\s*,\s*{_QUOTED}\s*\)", re.ASCII)
_NOT: Final = re.compile(r"not\((.*)\)", re.ASCII | re.DOTALL)
_AND: Final = re.compile(r"\s+and\s+")
_OR: Final = re.compile(r"\s+or\s+")


def both(*conditions: str) -> str:
    """All of these; those that say nothing are left out."""
    said = [each for each in conditions if each]
    return said[0] if len(said) == 1 else " and ".join(f"({each})" for each in said)


def condition(tests: Iterable[Test], fields: Mapping[str, Field]) -> str:
    """The tests as an XPath expression over ``${field}``, true exactly where the checker of answers says so."""
    return both(*(_test(test, fields[test.field], fields) for test in tests))


def _test(test: Test, field: Field, fields: Mapping[str, Field]) -> str:
    here = f"${{{field.name}}}"
    each = [
        f"selected({here}, '{name}')" if field.type == "many" else f"{here} = '{name}'" for name in sorted(test.names)
    ]
    chosen = " or ".join(each)
    if test.wanted:
        return chosen
    # A list may be empty and still be an answer, where the question was asked.
    answered = condition(field.condition, fields) if field.minimum == 0 else f"{here} != ''"
    return both(answered, f"not({chosen})")


def parse_condition(expression: str) -> tuple[Test, ...] | None:
    """The condition of a sheet as tests; None for what is no conjunction of choices of single questions.

    Understood: ``${q} = 'a'``, ``${q} != 'a'``, ``selected(${q}, 'a')``, ``not(…)`` around one of them or around
    several joined by ``or``, and all of these joined by ``and``; parentheses around a part.
    """
    parts = [_part(part) for part in _split(expression.strip(), _AND)]
    return None if any(part is None for part in parts) else tuple(part for part in parts if part is not None)


def _part(part: str) -> Test | None:
    part = _bare(part.strip())
    inverted = _NOT.fullmatch(part)
    if inverted is not None and _closes(part, 3):
        inner = _part(inverted[1])
        return None if inner is None else Test(inner.field, inner.names, wanted=not inner.wanted)
    alternatives = [_single(each.strip()) for each in _split(part, _OR)]
    found = [each for each in alternatives if each is not None]
    if len(found) != len(alternatives) or len({each.field for each in found}) != 1:
        return None
    if len(found) > 1 and not all(each.wanted for each in found):
        return None
    return Test(found[0].field, frozenset().union(*(each.names for each in found)), wanted=found[0].wanted)


def _single(text: str) -> Test | None:
    text = _bare(text)
    if compared := _COMPARED.fullmatch(text):
        return Test(compared[1], frozenset({compared[3] or compared[4]}), wanted=compared[2] == "=")
    if selected := _SELECTED.fullmatch(text):
        return Test(selected[1], frozenset({selected[2] or selected[3]}), wanted=True)
    return None


def _split(text: str, separator: re.Pattern[str]) -> list[str]:
    """The parts between separators that stand in no parentheses."""
    text, parts, start = _bare(text), [], 0
    for match in separator.finditer(text):
        if text.count("(", 0, match.start()) == text.count(")", 0, match.start()):
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _bare(text: str) -> str:
    """Without parentheses around the whole."""
    while text.startswith("(") and _closes(text, 0):
        text = text[1:-1].strip()
    return text


def _closes(text: str, at: int) -> bool:
    """Whether the parenthesis that opens here closes at the end."""
    depth = 0
    for place in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place == len(text) - 1
    return False

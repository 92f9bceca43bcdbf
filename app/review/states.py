"""Asks and disclosures as parts of their record, as ``app/cases/states.py`` tells of parts.

What an ask says and what was answered are two parts: an answer tells nothing anew of what was asked.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.audit.parts import Parts, digest_of
from app.review.models import Ask

__all__ = ["disclosure_key", "of_answer", "of_ask", "of_disclosure"]

ASK = (
    "id", "record_id", "asker_id", "asker_key_id", "asker_fingerprint", "asker_share_id", "asker_box", "scope",
    "purpose", "sealed", "digest", "asked_at",
)  # fmt: skip
ANSWER = ("id", "state", "answered_by", "refusal")
DISCLOSURE = ("id", "ask_id", "record_id", "scope", "asker_id", "approver_id", "box", "expires_at")
PENDING = "pending"


def of_ask(row: dict[str, Any] | Ask) -> Parts:
    """An ask without its answer."""
    key = row["id"] if isinstance(row, dict) else row.id
    return {f"ask.{key.hex}": digest_of("ask", row, ASK)}


def of_answer(row: Ask) -> Parts:
    """The answer of an ask; none while it is pending."""
    if row.state == PENDING and row.answered_by is None and row.refusal is None:
        return {}
    return {f"answer.{row.id.hex}": f"{row.state} {digest_of('answer', row, ANSWER)}"}


def of_disclosure(row: Any) -> Parts:
    """A disclosure as a row."""
    key = row["id"] if isinstance(row, dict) else row.id
    return {disclosure_key(key): digest_of("disclosure", row, DISCLOSURE)}


def disclosure_key(disclosure: UUID) -> str:
    """The name of a disclosure's part."""
    return f"disclosure.{disclosure.hex}"

"""What holds testimony or a key shows nothing of it, whichever way it is turned into text."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import re
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

import app
from app.cases.drafts import DecidedSpan, Draft, DraftText
from app.crypto.passwords import Bundle
from app.crypto.principals import KeyPair
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.deidentify.recognisers.roster import KnownNames
from app.deidentify.spans import Kind, Level, Span
from app.intake.service import Submission
from app.research.library import Release
from app.review.drafts import Source
from app.studies.answers import Checked
from tests.security.canaries import Canary

WORD = Canary("repr").word()
# What a plain value can be annotated as; anything else is a type of ours that is looked at by itself.
PLAIN = re.compile(r"\b(str|bytes|Any|\w+Text)\b")
# Ids of detectors and keys, digests, public words of a questionnaire, names of accounts and studies, settings; training
# sees invented testimony only.
PUBLIC_PARTS = (
    "app.forms.", "app.studies.", "app.settings", "app.operations.", "app.demo", "app.certificates", "app.cli",
    "app.deidentify.lexicon", "app.web.binding", "app.web.deps", "app.web.routing", "app.web.handling",
    "app.client.problem", "app.web.api.collect", "app.web.api.instruments", "app.deidentify.training",
)  # fmt: skip
PUBLIC = frozenset(
    {
        "action", "actor_kind", "asker_fingerprint", "case", "created_day", "day", "detail", "details",
        "credential", "digest", "drop", "enrolled_day", "field", "fields", "fingerprint", "fingerprint_text",
        "fingerprint_words", "id",
        "instrument", "instrument_sha256", "key_id", "keys", "kind", "label", "last_seen_day", "last_used_day", "name",
        "obstacles", "origin", "public_key", "stages", "transports", "warned_day",
        "outcome", "pepper_id", "permission", "pointer", "policy", "preference", "public", "purpose",
        "received_day", "roles", "salt", "scope", "scopes", "sealed_body", "sealed_body_sha256", "sha256",
        "signature", "state", "status", "study", "team", "type", "version", "withdrawal", "withdrawal_sha256",
        "withdrawal_preference",
    }
)  # fmt: skip
PUBLIC_THERE = frozenset(
    {
        # A detector's id; ranges and labels of a cut or a renaming; rows of ids and sealed bytes; digests; a receipt;
        # fixed sentences of a verification, a case's code, names of parts.
        "Signed.hash", "CheckpointOut.hash", "ChainCheck.before", "Finding.what", "Finding.code", "Finding.part",
        "FindingOut.what", "FindingOut.part", "Change.gone",
        "Span.reason", "SpanBody.reason", "SpanOut.reason", "CutRelease.cuts", "CutRelease.narratives",
        "CutBody.cuts", "ReleaseRecord.renaming", "ReleaseBody.renaming", "RenamingBody.renaming",
        "NewGrants.rows", "Accepted.receipt", "Earlier.content",
        "Earlier.receipt", "Receipt.content", "ReceiptOut.content", "Charge.account", "ReadRelease.code", "Charge.pair",
        "Charge.source",
        # Reasons by name, counts by kind, fields of a form, labels of a clean text, words of a language; assets.
        "Estimate.flags", "DraftOut.flags", "ToReleaseOut.flags", "Residual.rating", "ChangesBody.rating",
        "Doubt.reason", "DoubtOut.reason", "Part.doubt", "Rarity.alone", "RarityOut.alone", "OpenApproval.hindrance",
        "Work.since",
        "Opened.code", "Marked.labels", "Marked.header", "Evaluation.counts", "LabelWords.owners", "LabelWords.between",
        "_Mention.prefix", "Asset.content", "Asset.media_type", "Asset.address", "Runtime.group", "OpenSource.code",
        "Erasure.first_role", "Own.code", "Standing.pending", "Standing.wish",
        # What a form is called and how it is made; an address as it is declared.
        "WishBody.form_id", "WishBody.title", "WishBody.plaintext_policy", "WishBody.attachments",
        "UploadBody.form_id", "UploadBody.title", "UploadBody.plaintext_policy",
        "XFormOut.form_id", "XFormOut.title", "XFormOut.md5", "XFormOut.plaintext_policy", "XFormOut.instrument_name",
        "XFormOut.instrument_version", "XFormOut.published_day", "Declared.method", "Declared.path",
        # What an app is called on phones; the name of a study.
        "RedeemedOut.study_title", "RedeemedOut.app_name", "RedeemedOut.app_icon",
    }
)  # fmt: skip


def holders() -> list[type]:
    """Every dataclass and every pydantic model of ours."""
    found: set[type] = set()
    for each in pkgutil.walk_packages(app.__path__, "app."):
        if each.name.endswith("__main__"):
            continue
        if each.name.startswith(PUBLIC_PARTS):
            continue
        for _, member in inspect.getmembers(importlib.import_module(each.name), inspect.isclass):
            ours = member.__module__.startswith("app.") and not member.__module__.startswith(PUBLIC_PARTS)
            if ours and (dataclasses.is_dataclass(member) or issubclass(member, BaseModel)):
                found.add(member)
    return sorted(found, key=lambda each: (each.__module__, each.__qualname__))


def annotated(holder: type) -> dict[str, str]:
    """Its fields with their annotations as written."""
    if issubclass(holder, BaseModel):
        return {name: str(holder.__annotations__.get(name, "")) for name in holder.model_fields}
    assert dataclasses.is_dataclass(holder)
    return {each.name: str(each.type) for each in dataclasses.fields(holder)}


# A value of a type of ours hides itself; that type is looked at by itself.
OWN = re.compile(rf"\b({'|'.join(each.__name__ for each in holders())})\b")


def filled(holder: type) -> Any:
    """An instance whose plain fields hold a canary; made without its checks."""
    plain = {name: PLAIN.search(how) and not OWN.search(how) for name, how in annotated(holder).items()}
    values: dict[str, Any] = {name: [WORD] if is_plain else None for name, is_plain in plain.items()}
    if issubclass(holder, BaseModel):
        return holder.model_construct(**values)
    made = object.__new__(holder)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def shown(holder: type) -> list[str]:
    """Which plain fields the text forms of this holder show."""
    text = repr(filled(holder))
    return [name for name in annotated(holder) if f"{name}=['{WORD}" in text]


@pytest.mark.parametrize("holder", holders(), ids=lambda each: f"{each.__module__}.{each.__qualname__}")
def test_no_holder_shows_more_than_public_things(holder: type) -> None:
    """Every dataclass and model: a plain field that is not known as public is not in its repr."""
    assert [
        name for name in shown(holder) if name not in PUBLIC and f"{holder.__name__}.{name}" not in PUBLIC_THERE
    ] == []


def tellers() -> list[Any]:
    """The holders of testimony, really made."""
    span = DecidedSpan(Span(0, 4, Kind.PERSON, Level.DIRECT, 1.0, "rule"), accepted=False, why=WORD)
    draft = Draft({"exit_account": DraftText((span,), WORD)}, {"gender": {"value": WORD}}, WORD)
    return [
        Submission(uuid4(), uuid4(), None, "form", "1", {"legal_name": {"value": WORD}}, None),
        Checked(
            {"legal_name": {"value": WORD}}, [], frozenset(), priority=False, threat=False, withdrawal_preference=""
        ),
        draft,
        Source(uuid4(), {"legal_name": {"value": WORD}}, draft, 1, None),
        Release(uuid4(), "K7QF-2M9D", 1, {"exit_account": {"value": WORD}}, bytes(32)),
        KnownNames((WORD,), (WORD,), (WORD,)),
    ]


@pytest.mark.parametrize("holder", tellers(), ids=lambda each: type(each).__name__)
def test_testimony_is_not_in_any_text_form(holder: Any) -> None:
    """repr, str, format, in a container and in an exception's arguments."""
    forms = [repr(holder), str(holder), f"{holder}", repr([holder]), repr(ValueError(holder)), f"{holder!r:>9}"]
    assert not any(WORD in form for form in forms)


def secrets() -> list[Any]:
    """The holders of keys."""
    secret = Secret(WORD.encode())
    pair = KeyPair.generate()
    return [secret, pair, Bundle(pair.private, secret), Sealed(WORD.encode())]


@pytest.mark.parametrize("holder", secrets(), ids=lambda each: type(each).__name__)
def test_keys_are_not_in_any_text_form(holder: Any) -> None:
    """repr, str, format show neither bytes nor hex."""
    forms = [repr(holder), str(holder), f"{holder}", repr([holder]), repr({1: holder})]
    raw = [WORD, WORD.encode().hex()] + ([holder.private.reveal().hex()] if hasattr(holder, "private") else [])
    assert not any(part in form for part in raw for form in forms)


@pytest.mark.parametrize("holder", secrets()[:3], ids=lambda each: type(each).__name__)
def test_keys_are_neither_pickled_nor_copied(holder: Any) -> None:
    """A key leaves the process by no general mechanism."""
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(holder)

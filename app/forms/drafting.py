"""Drafting a form: its bytes and its key are made once, and never change. No version is used for other content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.collaborators import Collaborators
from app.crypto.encoding import canonical_json, sha256
from app.crypto.form_keys import new_form_key
from app.crypto.secrets import Secret
from app.errors import Conflict, Flaw, InstrumentRefused, Invalid, NotFound
from app.forms import keys, states
from app.forms.layout import from_xlsform
from app.forms.models import ACCEPT_AND_FLAG, DRAFT, REJECT, Form
from app.forms.xform import Made, Options, from_instrument
from app.forms.xlsform import XlsForm, read_xlsform
from app.studies import instruments
from app.studies.instrument import Instrument
from app.studies.models import InstrumentVersion, Study
from app.studies.policy import StudyPolicy

__all__ = ["POLICIES", "Drafting", "Uploading", "Wish"]

POLICIES: Final = (REJECT, ACCEPT_AND_FLAG)
VERSIONS_A_DAY: Final = 99


@dataclass(frozen=True, slots=True)
class Wish:
    """What a lead asks for. The name and title are what a phone shows to whoever searches it: they should say little.

    ``version``: empty for the next one of the day.
    """

    form_id: str
    title: str
    encrypted: bool = True
    plaintext_policy: str = POLICIES[0]
    attachments: tuple[str, ...] = ()
    version: str = ""


@dataclass(slots=True)
class Drafting:
    """Making a form of a published instrument; a ``Phased`` act, because the work on it takes a second.

    Raises, in its phases:
        Forbidden: only leads draft.
        NotFound: the study has no such instrument.
        Conflict: the instrument is a draft, or this version of the form exists.
        Invalid: a wish is out of form.
    """

    collaborators: Collaborators
    actor: Actor
    study: UUID
    instrument_id: UUID
    wish: Wish
    instrument: Instrument = field(init=False)
    policy: StudyPolicy = field(init=False)
    version: str = field(init=False)
    made: Made = field(init=False)
    key: tuple[Secret, bytes] | None = field(init=False, default=None, repr=False)

    def plan(self, session: Session) -> None:
        """Read the instrument, and find the next version."""
        require(self.actor, Permission.INSTRUMENT_DRAFT)
        check_policy(self.wish.plaintext_policy)
        self.instrument = published_instrument(session, self.study, self.instrument_id)
        self.policy = policy_of(session, self.study)
        self.version = self.wish.version or next_version(session, self.collaborators, self.study, self.wish.form_id)

    def work(self) -> None:
        """Make the key pair and the bytes."""
        self.key = new_form_key() if self.wish.encrypted else None
        public = None if self.key is None else self.key[1]
        wish = self.wish
        options = Options(wish.form_id, self.version, wish.title, public, wish.attachments)
        self.made = from_instrument(self.instrument, self.policy, options)

    def store(self, session: Session) -> UUID:
        """Insert form, key and event; the form's id."""
        row = draft_row(self.actor, self.study, self.instrument_id, self.wish, self.version, self.made)
        return insert_draft(session, self.collaborators, self.actor, row, self.key)

    def refused(self, session: Session) -> None:
        """Nothing was guessed."""

    def undone(self, session: Session) -> None:
        """Nothing was charged."""


@dataclass(slots=True)
class Uploading:
    """Making an instrument and a form of an uploaded XLSForm, both as drafts; a ``Phased`` act.

    What the wish leaves empty the workbook's settings say.

    Raises, in its phases:
        Forbidden: only leads draft.
        Invalid: the workbook is refused, with every flaw at its sheet, row and column; or a wish is out of form.
        Conflict: this version of the questionnaire or of the form exists.
    """

    collaborators: Collaborators
    actor: Actor
    study: UUID
    workbook: bytes = field(repr=False)
    wish: Wish
    policy: StudyPolicy = field(init=False)
    form: XlsForm = field(init=False)
    made: Made = field(init=False)
    key: tuple[Secret, bytes] | None = field(init=False, default=None, repr=False)

    def plan(self, session: Session) -> None:
        """Judge the workbook, and find the form's next version."""
        require(self.actor, Permission.INSTRUMENT_DRAFT)
        check_policy(self.wish.plaintext_policy)
        self.form = read_xlsform(self.workbook)
        self.wish = replace(
            self.wish,
            form_id=self.wish.form_id or self.form.form_id,
            title=self.wish.title or self.form.title,
            version=self.wish.version or self.form.version,
        )
        self.policy = policy_of(session, self.study)
        if not self.wish.version:
            version = next_version(session, self.collaborators, self.study, self.wish.form_id)
            self.wish = replace(self.wish, version=version)

    def work(self) -> None:
        """Make the key pair and the bytes."""
        self.key = new_form_key() if self.wish.encrypted else None
        public = None if self.key is None else self.key[1]
        options = Options(self.wish.form_id, self.wish.version, self.wish.title, public)
        self.made = from_xlsform(self.form, self.policy, options)

    def store(self, session: Session) -> UUID:
        """Insert instrument, form, key and events; the form's id."""
        try:
            key, _ = instruments.draft(session, self.collaborators, self.actor, self.study, self.form.definition)
        except InstrumentRefused as refused:
            raise Invalid([self.form.places.translated(flaw) for flaw in refused.flaws]) from None
        row = draft_row(self.actor, self.study, key, self.wish, self.wish.version, self.made)
        return insert_draft(session, self.collaborators, self.actor, row, self.key)

    def refused(self, session: Session) -> None:
        """Nothing was guessed."""

    def undone(self, session: Session) -> None:
        """Nothing was charged."""


def check_policy(policy: str) -> None:
    """Raise Invalid for what is no policy for plaintext."""
    if policy not in POLICIES:
        raise Invalid([Flaw("/plaintext_policy", f"Give one of: {', '.join(POLICIES)}.")])


def published_instrument(session: Session, study: UUID, key: UUID) -> Instrument:
    """A published instrument of the study; NotFound, or Conflict for a draft."""
    row = session.execute(
        select(InstrumentVersion).where(InstrumentVersion.id == key, InstrumentVersion.study_id == study)
    ).scalar_one_or_none()
    if row is None:
        raise NotFound
    if row.published_at is None:
        raise Conflict("Publish the questionnaire first.")
    return instruments.parsed(row.body)


def policy_of(session: Session, study: UUID) -> StudyPolicy:
    """The study's policy."""
    return StudyPolicy.from_dict(session.scalar(select(Study.policy).where(Study.id == study)) or {})


def next_version(session: Session, collaborators: Collaborators, study: UUID, form_id: str) -> str:
    """The next version of the day, as clients expect them: ten digits that rise.

    Raises:
        Conflict: the day has no more.
    """
    day = collaborators.today().replace("-", "")
    wanted = select(func.max(Form.version)).where(
        Form.study_id == study, Form.form_id == form_id, Form.version.like(f"{day}__")
    )
    last = session.scalar(wanted)
    number = 1 if last is None or not last.isdigit() else int(last[-2:]) + 1
    if number > VERSIONS_A_DAY:
        raise Conflict("This form has no more versions today.")
    return f"{day}{number:02d}"


def draft_row(actor: Actor, study: UUID, instrument: UUID, wish: Wish, version: str, made: Made) -> dict[str, Any]:
    """The row of a draft."""
    mapping = made.mapping.to_json()
    return {
        "id": uuid4(),
        "study_id": study,
        "form_id": wish.form_id,
        "version": version,
        "instrument_id": instrument,
        "title": wish.title.strip(),
        "xml": made.xml,
        "md5": hashlib.md5(made.xml, usedforsecurity=False).hexdigest(),
        "mapping": mapping,
        "mapping_sha256": sha256(canonical_json(mapping)),
        "plaintext_policy": wish.plaintext_policy,
        "status": DRAFT,
        "drafted_by": actor.user(),
    }


def insert_draft(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    row: dict[str, Any],
    key: tuple[Secret, bytes] | None,
) -> UUID:
    """Insert a draft with its key and its event; Conflict if this version exists."""
    taken = select(Form.id).where(
        Form.study_id == row["study_id"], Form.form_id == row["form_id"], Form.version == row["version"]
    )
    if session.scalar(taken) is not None:
        raise Conflict("This version of the form exists already.")
    session.execute(insert(Form).values(row))
    if key is not None:
        session.add(keys.wrapped(session, collaborators, row["id"], *key))
    session.flush()
    form: UUID = row["id"]
    states.tell(session, collaborators, actor, "form.drafted", form)
    return form

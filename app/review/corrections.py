"""What people decided about spans, as material to train models with: only for a purpose that two people agreed on.

Nothing learns from a draft by itself. A guardian asks for named texts, an auditor approves, and for an hour the asker
reads them with the spans of the last draft marked. They hold the source's names: who keeps them keeps a source.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries
from app.cases.drafts import Draft, DraftText
from app.cases.models import Record
from app.cases.sealing import Compartment, open_pack
from app.crypto.sealed import Sealed
from app.deidentify.document import Document
from app.deidentify.marked import mark
from app.errors import Conflict
from app.review.asks import TRAIN
from app.review.opening import OpenDisclosure

SOURCE = Compartment.SOURCE
ID_BYTES = 6


@dataclass(slots=True)
class ExportMarked:
    """Reading: the texts that an approved ask for training names, with the accepted spans of the last draft."""

    opening: OpenDisclosure
    version: int = field(init=False)
    draft: Sealed = field(init=False, repr=False)

    def look(self, session: Session) -> None:
        """Authorise as for any disclosure, fetch the draft, and write the event of the export."""
        self.opening.look(session)
        reading, row = self.opening.reading, self.opening.disclosure
        if reading.row.purpose != TRAIN:
            raise Conflict("This ask is not for training.")
        self.version = session.get_one(Record, row.record_id).draft_version
        self.draft = queries.pack(session, row.record_id, SOURCE, self.version)
        actor, ask = reading.actor, str(reading.ask)
        audit.write(session, reading.collaborators, actor, "corrections.exported", record=row.record_id, ask=ask)

    def open(self) -> dict[str, str]:
        """Marked texts, each with a header whose id names nothing."""
        reading = self.opening.reading
        shown = reading.open()
        key = self.opening.key(shown)
        values = open_pack(reading.place, key, SOURCE, 0, self.opening.packed, shown.fields)
        draft = Draft.from_fields(open_pack(reading.place, key, SOURCE, self.version, self.draft))
        return {
            name: _marked(values[name]["value"], text)
            for name, text in draft.texts.items()
            if name in shown.fields and isinstance(values[name].get("value"), str)
        }


def _marked(text: str, draft: DraftText) -> str:
    language = next((word.language for word in Document(text).words), "und")
    try:
        body = mark(text, [each.span for each in draft.spans if each.accepted])
    except ValueError as refused:
        raise Conflict("A text that holds braces cannot be marked.") from refused
    return f"id: {secrets.token_hex(ID_BYTES)}\nlanguage: {language}\n\n{body}"

"""The questionnaire that a record was taken with: which one it truly is, and which fields rest where."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy.orm import Session

from app.cases.models import Record
from app.cases.sealing import Compartment
from app.collaborators import Collaborators
from app.crypto.receipts import Receipt
from app.errors import BadEncoding, BadSignature, Tampered
from app.studies import instruments
from app.studies.instrument import Instrument

RECEIPT_KEY = "receipt-1"
CACHED = 256


@lru_cache(maxsize=CACHED)
def at_rest(instrument: Instrument, compartment: Compartment) -> tuple[str, ...]:
    """The fields that rest in a compartment on arrival: research answers of every class wait in ``source``."""
    wanted = "research" if compartment is Compartment.SOURCE else compartment.value
    return tuple(each.name for each in instrument.in_compartment(wanted))


def instrument_of(session: Session, collaborators: Collaborators, record: Record) -> Instrument:
    """The questionnaire a record was taken with, as its signed receipt names it.

    Whoever changes the stored questionnaire would change what is released of a record, so the row alone is not
    believed.

    Raises:
        Tampered: receipt or questionnaire are not those of the intake.
    """
    instrument = instruments.by_id(session, record.instrument_id)
    try:
        receipt = Receipt.check(dict(record.receipt), collaborators.custody.public(RECEIPT_KEY))
    except (BadEncoding, BadSignature):
        raise Tampered from None
    if (receipt.record, receipt.study, receipt.key_id) != (record.id, record.study_id, RECEIPT_KEY):
        raise Tampered
    if receipt.instrument != instrument.sha256:
        raise Tampered
    return instrument

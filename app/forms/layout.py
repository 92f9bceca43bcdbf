"""An uploaded XLSForm as phones load it: its author's layout, with the questions of its instrument in their places."""

from __future__ import annotations

from app.errors import Flaw, Invalid
from app.forms.expressions import CONSENT, CONSENTED, both, condition
from app.forms.questions import Questions
from app.forms.rows import Sheet
from app.forms.xform import Made, Options, rendered
from app.forms.xlsform import Item, XlsForm
from app.studies.instrument import Instrument
from app.studies.policy import StudyPolicy

__all__ = ["from_xlsform"]


def from_xlsform(form: XlsForm, policy: StudyPolicy, options: Options) -> Made:
    """Make the form of a workbook, as a study with this policy asks it.

    Raises:
        Invalid: an option is out of form, or pyxform makes nothing of an author's expression.
    """
    settings = options.settings()
    sheet = Sheet()
    questions = Questions(sheet, form.instrument, policy)
    rows: list[int] = []
    for item in form.items:
        _add(sheet, questions, form.instrument, item)
        del rows[len(sheet.survey) :]
        rows += [item.row] * (len(sheet.survey) - len(rows))
    try:
        return rendered(sheet.workbook(settings), questions.places)
    except Invalid as refused:
        raise Invalid([_placed(flaw, rows) for flaw in refused.flaws]) from None


def _placed(flaw: Flaw, rows: list[int]) -> Flaw:
    """The flaw of a row of ours at the row of the author's; pyxform counts from the heading."""
    number = flaw.pointer.rpartition("/")[2]
    index = int(number) - 2 if number.isdigit() else len(rows)
    return Flaw(f"/survey/{rows[index]}", flaw.detail) if 0 <= index < len(rows) else Flaw("/survey", flaw.detail)


def _add(sheet: Sheet, questions: Questions, instrument: Instrument, item: Item) -> None:
    if item.kind == "field":
        field = instrument.fields[item.name]
        if item.name in CONSENT:
            questions.add(field, more=item.cells)
        elif questions.asks(field):
            questions.add(field, gate=CONSENTED, more=item.cells)
    elif item.kind.startswith("end_"):
        sheet.end(item.kind.removeprefix("end_"))
    elif item.kind == "calculate":
        sheet.survey.append({"type": "calculate", "name": item.name} | item.cells)
    elif item.kind.startswith("begin_"):
        sheet.add(item.kind, item.name, item.cells["label"])
    else:
        cells = {key: value for key, value in item.cells.items() if key != "label"}
        # What is read out before consent may stand before it; recordings may not.
        gate = "" if item.kind == "note" else CONSENTED
        when = both(gate, condition(item.tests, instrument.fields))
        sheet.add(item.kind, item.name, item.cells["label"], relevant=when, **cells)

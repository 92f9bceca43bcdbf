from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from app.deidentify import model
from app.deidentify.model import SPREAD
from app.deidentify.pieces import KINDS, WINDOW, marks_of
from app.deidentify.spans import Kind
from app.deidentify.training import measuring
from app.deidentify.training.batches import UNSURE, Source, batches, epoch, label, tag
from app.deidentify.training.texts import Marked, Part
from app.deidentify.training.thresholds import GRID, RATIOS, Evidence, Goal, choose

FOLDER = Path(model.__file__).parent / "models"
PARTS = (
    Part("I saw "),
    Part("Yusuf", Kind.PERSON, direct=True),
    Part(" "),
    Part("Haddad", Kind.PERSON, direct=True),
    Part(" in "),
    Part("Turkey", unsure=True),
    Part(" near "),
    Part("Manbij", Kind.LOC),
)


@pytest.fixture(scope="module", params=["en", "xx"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """The tokenizer of each model."""
    return Tokenizer.from_file(str(FOLDER / request.param / "tokenizer.json"))


def test_neighbouring_names_are_two(tokenizer: Tokenizer) -> None:
    """The first piece of each mark says that it opens one."""
    tags = label(tokenizer, Marked("a", "en", "written", PARTS)).tags.tolist()

    assert tags.count(tag(Kind.PERSON, first=True)) == 2
    assert tags.count(tag(Kind.LOC, first=True)) == 1


def test_level_and_doubt_are_labelled(tokenizer: Tokenizer) -> None:
    """Direct marks say so; what is unsure has no label."""
    labelled = label(tokenizer, Marked("a", "en", "written", PARTS))
    persons = np.isin(labelled.tags, [tag(Kind.PERSON, first=True), tag(Kind.PERSON, first=False)])

    assert (labelled.direct[persons] == 1).all()
    assert (labelled.direct[labelled.tags == tag(Kind.LOC, first=True)] == 0).all()
    assert UNSURE in labelled.tags
    assert ((labelled.tags == UNSURE) == (labelled.direct == UNSURE)).all()


def test_every_tag_has_a_number_of_its_own() -> None:
    """Zero is left for nothing."""
    numbers = [tag(kind, first=first) for kind in KINDS for first in (True, False)]

    assert sorted(numbers) == list(range(1, 1 + 2 * len(KINDS)))


def test_an_epoch_is_full_windows_that_repeat_by_their_seed(tokenizer: Tokenizer) -> None:
    """No padding, and a training that can be repeated."""
    source = Source([Marked(f"a-{i}", "en", "written", PARTS * 9) for i in range(30)])
    first, second = (list(epoch(tokenizer, [source], "seed")) for _ in range(2))

    assert len(first) > 5
    assert all(len(window.ids) == WINDOW for window in first)
    assert {int(window.ids[0]) for window in first} == {marks_of(tokenizer).first}
    assert [w.ids.tolist() for w in first] == [w.ids.tolist() for w in second]


def test_incomplete_batches_are_left_out(tokenizer: Tokenizer) -> None:
    """All rows of a batch are there."""
    source = Source([Marked(f"a-{i}", "en", "written", PARTS * 9) for i in range(30)])
    windows = list(epoch(tokenizer, [source], "seed"))

    assert [ids.shape for ids, _, _ in batches(windows, 4)] == [(4, WINDOW)] * (len(windows) // 4)


def evidence() -> Evidence:
    """Six words: a person scored low, a place, both marked; two unmarked words, one scored high; a rule's hit."""
    return Evidence(
        score=np.array([0.06, 0.9, 0.3, 0.02, 0.01, 0.5], np.float32),
        kind=np.array([KINDS.index(k) for k in (Kind.PERSON, Kind.LOC, Kind.MISC, Kind.PERSON, Kind.LOC, Kind.DEM)]),
        near=np.zeros(6, np.bool_),
        ruled=np.array([False, False, False, False, True, False]),
        wanted=np.array([True, True, False, False, True, False]),
        first=np.array([0, 1, 4]),
        last=np.array([1, 2, 5]),
        direct=np.array([True, False, False]),
        text=np.array([0, 0, 0]),
        texts=1,
    )


def test_figures_count_rules_and_model_together() -> None:
    """A mark is found by either; a wrong word costs precision."""
    figures = evidence().figures(dict.fromkeys(KINDS, 0.3) | {SPREAD: 1.0})

    assert figures.direct == 0.0
    assert figures.quasi == 1.0
    assert figures.precision == pytest.approx(2 / 4)
    assert figures.safe == 0.0


def test_limits_reach_the_goal_and_then_spare_words() -> None:
    """Each kind has the limit that it needs."""
    limits = choose(evidence(), Goal(1.0, 1.0, 1.0))
    figures = evidence().figures(limits)

    assert (figures.direct, figures.quasi, figures.precision, figures.safe) == (1.0, 1.0, 1.0, 1.0)
    assert limits[Kind.PERSON] <= 0.06
    assert limits[Kind.MISC] > 0.3
    assert set(limits.values()) <= {*GRID, *RATIOS}


def test_limits_of_a_mode_stay_below_those_of_another() -> None:
    """The strict mode masks whatever the balanced one masks."""
    balanced = choose(evidence(), Goal(0.0, 0.0, 0.0))
    strict = choose(evidence(), Goal(1.0, 1.0, 1.0), most=balanced)

    assert all(strict[name] <= balanced[name] for name in balanced)


def test_marks_are_counted_where_they_stand() -> None:
    """The evaluation reads the same text and the same marks."""
    read = measuring.marks(Marked("a", "en", "written", PARTS))

    assert [(read.text[m.start : m.end], m.kind, m.direct) for m in read.marks] == [
        ("Yusuf", "PERSON", True),
        ("Haddad", "PERSON", True),
        ("Manbij", "LOC", False),
    ]

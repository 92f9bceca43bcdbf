"""Fit the weights of the residual-risk estimate in app/deidentify/data/risk.toml.

    fit_risk.py MARKED_FOLDER... [--only PREFIX,...] [--folds 5]

Reads marked testimonies with the engine, rules alone and with the models, at both operating points, and fits a
logistic regression of "a direct mention was missed". Give it texts that the models have not seen; ``--only`` takes the
files whose names start with one of the prefixes. Prints how well the estimate does on texts left out of the fit.
"""

from __future__ import annotations

import argparse
import math
import pathlib
import sys

import numpy as np

from app.deidentify import engine as engines
from app.deidentify import risk
from app.deidentify.engine import Engine
from app.deidentify.marked import Marked, read_marked
from app.deidentify.modes import Mode, Using
from app.deidentify.recognisers.roster import KnownNames

OUT = pathlib.Path(__file__).parents[1] / "app/deidentify/data/risk.toml"
# What can only raise the risk: a longer text, more found with little certainty, more doubts.
RAISING = ("expected", "weak", "words", "doubts", "unfamiliar")
NAMES = [each.name for each in risk.fields(risk.Features)]
COLUMNS = [*NAMES, "strict"]  # both operating points are fitted together, each with a constant of its own
RIDGE = 1.0  # how strongly weights are drawn to zero: there are few texts
STEPS = 200
# No marked text is in a language that the lists don't know: that it is misread is assumed, not fitted.
ASSUMED = {"unfamiliar": 2.0}


def missed(text: Marked, spans: list) -> bool:
    """Whether a word of a direct mention stays readable."""
    covered = {i for span in spans for i in range(span.start, span.end)}
    return any(
        i not in covered and text.text[i].isalnum()
        for mark in text.marks
        if mark.direct
        for i in range(mark.start, mark.end)
    )


def measure(engine: Engine, mode: Mode, texts: list[Marked]) -> tuple[np.ndarray, np.ndarray]:
    """The features of each text and whether something was missed in it."""
    rows, answers = [], []
    for text in texts:
        spans, whole, left = engines._until_nothing_more(  # noqa: SLF001
            [text.text], KnownNames(), text.language, engine.recognisers[mode]
        )
        seen = risk.features(whole, left, spans, sum(map(engine.expected, left)))
        rows.append([getattr(seen, name) for name in NAMES])
        answers.append(missed(text, spans[0]))
    return np.array(rows), np.array(answers, dtype=float)


def newton(rows: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The constant and the weights of a ridge regression; the constant is not drawn to zero."""
    design = np.hstack([np.ones((len(rows), 1)), rows])
    ridge = np.diag([1e-6, *[RIDGE] * rows.shape[1]])
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (answers - chance) - ridge @ weights
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + ridge
        step = np.linalg.solve(curve, gradient)
        weights += step
        if np.abs(step).max() < 1e-8:  # noqa: PLR2004 - far below what is printed
            break
    return weights


def fit(rows: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The constant and the weights; what can only raise the risk never lowers it, whatever a few texts say."""
    used = np.ones(rows.shape[1], dtype=bool)
    while True:
        weights = newton(rows * used, answers) * np.array([True, *used])
        wrong = [i for i, name in enumerate(COLUMNS) if name in RAISING and weights[1 + i] < 0]
        if not wrong:
            return weights
        used[wrong] = False


def checked(rows: np.ndarray, answers: np.ndarray, folds: int) -> str:
    """How the estimate does on the folds left out: Brier score beside that of the mean, and the bands it makes."""
    chance = np.zeros(len(rows))
    for fold in range(folds):
        out = np.arange(len(rows)) % folds == fold
        weights = fit(rows[~out], answers[~out])
        chance[out] = 1 / (1 + np.exp(-(weights[0] + rows[out] @ weights[1:])))
    brier, mean = np.mean((chance - answers) ** 2), np.mean((answers.mean() - answers) ** 2)
    order = np.argsort(chance)
    bands = [f"{chance[part].mean():.2f}->{answers[part].mean():.2f}" for part in np.array_split(order, 4)]
    return f"texts {len(rows)}, missed {answers.mean():.2f}, Brier {brier:.3f} (mean {mean:.3f}), {' '.join(bands)}"


def main() -> None:
    """Fit and write all four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    parser.add_argument("--only", default="")
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()
    every = [path for folder in args.folders for path in sorted(folder.glob("*.txt"))]
    paths = [path for path in every if path.name.startswith(tuple(args.only.split(",")))]
    texts = [read_marked(path.read_text(encoding="utf-8")) for path in paths]
    lines = ["# Fitted by scripts/fit_risk.py: the weights of risk.Features, by engine and operating point."]
    for using in Using:
        engine = Engine.load(using)
        measured = {mode: measure(engine, mode, texts) for mode in Mode}
        strict = np.concatenate([np.full((len(rows), 1), mode is Mode.STRICT) for mode, (rows, _) in measured.items()])
        rows = np.hstack([np.concatenate([rows for rows, _ in measured.values()]), strict])
        answers = np.concatenate([answers for _, answers in measured.values()])
        print(f"{using.value}: {checked(rows, answers, args.folds)}", file=sys.stderr)
        constant, *weights, of_strict = fit(rows, answers)
        assert all(map(math.isfinite, [constant, *weights]))  # noqa: S101 - a broken fit must not be written
        for mode in Mode:
            whole = {"constant": constant + of_strict * (mode is Mode.STRICT)}
            named = (whole | dict(zip(NAMES, weights, strict=True)) | ASSUMED).items()
            lines += ["", f"[{using.value}-{mode.value}]", *(f"{name} = {weight:.4f}" for name, weight in named)]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

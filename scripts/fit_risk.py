"""Fit the weights of the residual-risk estimate in app/deidentify/data/risk.toml.

    fit_risk.py --material FOLDER [--out FILE]

Reads the marked testimonies that the networks have not learnt (``dev`` and what the training held out of ``train``)
with the engine, rules alone and with the models, at both operating points, and fits a logistic regression of "a direct
mention was missed". Prints how well the estimate does on texts left out of the fit, mean of several ways to split
them: how well it tells texts with a miss from those without (AUC), and its Brier score beside that of always saying
the share of texts with a miss.
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
from app.deidentify.modes import Mode, Using
from app.deidentify.recognisers.roster import KnownNames
from app.deidentify.training import corpora, texts
from app.deidentify.training.texts import Marked

OUT = pathlib.Path(__file__).parents[1] / "app/deidentify/data/risk.toml"
# What can only raise the risk: a longer text, more found with little certainty, more doubts.
RAISING = ("expected", "weak", "words", "doubts", "unfamiliar")
NAMES = [each.name for each in risk.fields(risk.Features)]
COLUMNS = [*NAMES, "strict"]  # both operating points are fitted together, each with a constant of its own
RIDGE = 1.0  # how strongly weights are drawn to zero: there are few texts
STEPS = 200
FOLDS = 5
SPLITS = 20
# No marked text is in a language that the lists don't know: that it is misread is assumed, not fitted.
ASSUMED = {"unfamiliar": 2.0}


def unseen(material: pathlib.Path) -> list[Marked]:
    """The marked texts that no network has learnt."""
    held = [each for group in corpora.GROUPS for each in corpora.corpus(group, material).held]
    return [*texts.folder(material / "dev"), *held]


def missed(text: Marked, spans: list) -> bool:
    """Whether a letter or figure of a direct mention stays readable."""
    covered = {i for span in spans for i in range(span.start, span.end)}
    at = 0
    for part in text.parts:
        if part.direct and any(part.text[i].isalnum() and at + i not in covered for i in range(len(part.text))):
            return True
        at += len(part.text)
    return False


def measure(engine: Engine, mode: Mode, marked: list[Marked]) -> tuple[np.ndarray, np.ndarray]:
    """The features of each text and whether something was missed in it."""
    rows, answers = [], []
    for text in marked:
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


def left_out(rows: np.ndarray, answers: np.ndarray, of_text: np.ndarray) -> np.ndarray:
    """The estimate of each row by fits without its text, one line for each way to split the texts."""
    estimates = np.zeros((SPLITS, len(rows)))
    for split in range(SPLITS):
        fold = np.random.default_rng(split).permutation(of_text.max() + 1)[of_text] % FOLDS
        for out in (fold == number for number in range(FOLDS)):
            weights = fit(rows[~out], answers[~out])
            estimates[split, out] = 1 / (1 + np.exp(-(weights[0] + rows[out] @ weights[1:])))
    return estimates


def area(estimates: np.ndarray, answers: np.ndarray) -> float:
    """The probability that a text with a miss has a higher estimate than one without."""
    with_miss, without = estimates[answers > 0][:, None], estimates[answers == 0][None]
    return float(np.mean((with_miss > without) + (with_miss == without) / 2)) if with_miss.size * without.size else 0.5


def told(estimates: np.ndarray, answers: np.ndarray) -> str:
    """How an estimate does on texts left out."""
    found = np.mean([area(each, answers) for each in estimates])
    brier, mean = np.mean((estimates - answers) ** 2), np.mean((answers.mean() - answers) ** 2)
    shares = f"missed in {int(answers.sum()):3} ({answers.mean():.2f}, estimated {estimates.mean():.2f})"
    return f"{len(answers):4} texts, {shares}, AUC {found:.2f}, Brier {brier:.3f} (always the share {mean:.3f})"


def report(using: Using, rows: np.ndarray, answers: np.ndarray, english: np.ndarray) -> None:
    """Print how the estimate does at each operating point, in English and in the other languages."""
    count = len(english)
    estimates = left_out(rows, answers, np.tile(np.arange(count), len(Mode)))
    for number, mode in enumerate(Mode):
        mine = slice(number * count, (number + 1) * count)
        for name, which in (("all", english | True), ("en", english), ("xx", ~english)):
            line = told(estimates[:, mine][:, which], answers[mine][which])
            print(f"{using.value} {mode.value:8} {name:3} {line}", file=sys.stderr)


def main() -> None:
    """Fit and write all four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--material", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    args = parser.parse_args()
    marked = unseen(args.material)
    english = np.array([each.language == "en" for each in marked])
    lines = ["# Fitted by scripts/fit_risk.py: the weights of risk.Features, by engine and operating point."]
    for using in Using:
        engine = Engine.load(using)
        measured = {mode: measure(engine, mode, marked) for mode in Mode}
        strict = np.concatenate([np.full((len(rows), 1), mode is Mode.STRICT) for mode, (rows, _) in measured.items()])
        rows = np.hstack([np.concatenate([rows for rows, _ in measured.values()]), strict])
        answers = np.concatenate([answers for _, answers in measured.values()])
        report(using, rows, answers, english)
        constant, *weights, of_strict = fit(rows, answers)
        assert all(map(math.isfinite, [constant, *weights]))  # noqa: S101 - a broken fit must not be written
        for mode in Mode:
            whole = {"constant": constant + of_strict * (mode is Mode.STRICT)}
            named = (whole | dict(zip(NAMES, weights, strict=True)) | ASSUMED).items()
            lines += ["", f"[{using.value}-{mode.value}]", *(f"{name} = {weight:.4f}" for name, weight in named)]
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

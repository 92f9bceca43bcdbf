"""The command of the training: ``python -m app.deidentify.training fit|teach|export|choose|evaluate``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.deidentify import model
from app.deidentify.modes import Mode
from app.deidentify.training import manifest, measuring, texts, thresholds
from app.deidentify.training.corpora import GROUPS, corpus
from app.deidentify.training.texts import Marked

GOALS: Final = {
    Mode.BALANCED: {"en": thresholds.Goal(0.965, 0.89, 0.74), "xx": thresholds.Goal(0.962, 0.895, 0.62)},
    Mode.STRICT: {"en": thresholds.Goal(0.988, 0.957, 0.9), "xx": thresholds.Goal(0.98, 0.94, 0.78)},
}


def fit(given: argparse.Namespace) -> None:
    """Train, or go on where a checkpoint stands."""
    from app.deidentify.training import fit as training  # noqa: PLC0415  needs torch, which the other steps do not

    given.out.mkdir(parents=True, exist_ok=True)
    plan = training.Plan(given.steps, given.rate, given.batch, seed=given.seed, frozen=given.frozen, pause=given.pause)
    if given.teacher:
        from app.deidentify.training import distil  # noqa: PLC0415  needs torch

        tagger, lessons = distil.student(given.teacher, given.layers, given.out), distil.taught(given.teacher, plan)
    else:
        learnt = corpus(given.group, given.material, everything=given.everything)
        tagger, tokenizer = training.start(given.group, given.out, learnt, given.pieces)
        lessons = training.marked(tokenizer, learnt, plan)
    if given.weights:
        training.continue_from(tagger, given.weights)
    training.fit(tagger, lessons, plan, given.out)


def teach(given: argparse.Namespace) -> None:
    """Store what the trained network in ``--teacher`` says of varied texts."""
    from app.deidentify.training import distil  # noqa: PLC0415  needs torch
    from app.deidentify.training import fit as training  # noqa: PLC0415

    learnt = corpus(given.group, given.material, everything=given.everything)
    plan = training.Plan(0, 0, seed=given.seed, pause=given.pause)
    distil.teach(given.teacher, learnt, given.epochs, plan)


def export(given: argparse.Namespace) -> None:
    """Write the trained network into the package."""
    from app.deidentify.training.export import export as write  # noqa: PLC0415  needs torch

    write(given.out, given.models, given.group)


def choose(given: argparse.Namespace) -> None:
    """Choose the thresholds of a group on held-out texts; print figures by halves chosen on the other half."""
    models = model.load(given.models)
    held = _held(given.group, given.material)
    evidence = thresholds.gather(models, held)
    halves = [thresholds.gather(models, held[k::2]) for k in (0, 1)]
    table: dict[str, dict[str, float]] = {}
    for mode, goals in GOALS.items():
        goal = goals[given.group]
        table[mode.value] = thresholds.choose(evidence, goal, table.get(Mode.BALANCED.value))
        crossed = [halves[1 - k].figures(thresholds.choose(halves[k], goal)) for k in (0, 1)]
        _say(mode.value, table[mode.value], evidence.figures(table[mode.value]), "crossed:", *crossed)
    found = manifest.read(given.models)
    found["thresholds"][given.group] = table
    manifest.save(given.models, found)


def evaluate(given: argparse.Namespace) -> None:
    """Print the engine's table for the held-out texts and for dev."""
    models = model.load(given.models)
    for mode in Mode:
        for name, marked in (("dev", _dev(given.group, given.material)), ("held out", _unseen(given))):
            _say(mode.value, name, measuring.evaluate(models, marked, mode))


def _say(*lines: object) -> None:
    sys.stdout.write("\n".join(map(str, lines)) + "\n")


def _unseen(given: argparse.Namespace) -> list[Marked]:
    return list(corpus(given.group, given.material).held)


def _dev(group: str, material: Path) -> list[Marked]:
    return [m for m in texts.folder(material / "dev") if (m.language == "en") == (group == "en")]


def _held(group: str, material: Path) -> list[Marked]:
    return [*_dev(group, material), *corpus(group, material).held]


STEPS: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    step.__name__: step for step in (fit, teach, export, choose, evaluate)
}


def main() -> None:
    """Read the arguments and run one step."""
    parser = argparse.ArgumentParser(prog="python -m app.deidentify.training", description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--group", choices=GROUPS, default="en")
    parser.add_argument("--material", type=Path, help="the folder with train, dev, tab and ehri")
    parser.add_argument("--out", type=Path, help="the folder of checkpoints")
    parser.add_argument("--models", type=Path, default=manifest.MODELS)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--rate", type=float, default=3.5e-4)
    parser.add_argument("--batch", type=int, default=8, help="windows in a step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frozen", type=int, default=0, help="lowest layers that stay as they are")
    parser.add_argument("--pieces", type=int, default=48_000, help="of the multilingual vocabulary")
    parser.add_argument("--teacher", type=Path, help="the folder of a trained network, to teach or to learn from")
    parser.add_argument("--layers", type=int, default=6, help="of the network that learns from a teacher")
    parser.add_argument("--epochs", type=int, default=8, help="how often the teacher reads all texts, varied anew")
    parser.add_argument("--weights", type=Path, help="start from the averaged weights of this checkpoint")
    parser.add_argument("--everything", action="store_true", help="learn the held-out texts too")
    parser.add_argument("--pause", type=Path, help="wait while this file exists")
    given = parser.parse_args()
    STEPS[given.step](given)


if __name__ == "__main__":
    main()

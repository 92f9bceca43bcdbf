"""The engine of ODK Collect and Tella, as it comes with pyxform, filling forms as a person would."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pyxform

JAR = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
DRIVER = Path(__file__).parent / "Fill.java"
SECONDS = 90
# How a line's end is written within a line.
LINE = r"\n"


def compiled(folder: Path) -> str:
    """The driver, compiled against the engine: the class path."""
    subprocess.run(["javac", "-d", folder, "-cp", JAR, DRIVER], check=True, timeout=SECONDS)
    return f"{folder}:{JAR}"


def fill(classes: str, folder: Path, form: bytes, answers: Element) -> bytes:
    """Let the engine answer every question of a form with the texts of an element like its instance."""
    given, said, filled = (folder / name for name in ("form.xml", "answers.tsv", "filled.xml"))
    given.write_bytes(form)
    lines = [f"{path}\t{text.replace(chr(10), LINE)}\n" for path, text in _texts(answers, "/data")]
    said.write_text("".join(lines), "utf-8")
    command: list[str | Path] = ["java", "-cp", classes, "Fill", given, said, filled]
    run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert run.returncode == 0, run.stderr
    return filled.read_bytes()


def _texts(element: Element, path: str) -> Iterator[tuple[str, str]]:
    seen: Counter[str] = Counter()
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name == "meta":
            continue
        seen[name] += 1
        number = f"[{seen[name]}]" if seen[name] > 1 else ""
        if len(child):
            yield from _texts(child, f"{path}/{name}{number}")
        else:
            yield f"{path}/{name}{number}", child.text or ""

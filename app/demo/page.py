"""The printed page: what the researcher reads, beside what the researcher was not shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from app.client import Json
from app.deidentify.label_forms import LABEL
from app.demo.people import SignIns

__all__ = ["masked", "print_release", "print_sign_ins"]


def masked(original: str, released: str) -> list[tuple[str, str]]:
    """Each label of a released text with the passage that it stands for, in order; empty if the texts do not match."""
    labels = LABEL.findall(released)
    kept = [re.escape(part) for part in LABEL.split(released)]
    found = re.fullmatch("(.+?)".join(kept), original, re.DOTALL)
    return list(zip(labels, found.groups(), strict=True)) if found else []


def print_release(console: Console, answers: Mapping[str, Any], release: Json) -> None:
    """Print a release beside the testimony it came from: texts, generalised answers, what is missing altogether."""
    values = {name: answer["value"] for name, answer in release["values"].items() if answer and "value" in answer}
    told = {name: answer["value"] for name, answer in answers.items() if "value" in answer}
    # In the order of the interview.
    shown = {name: values[name] for name in told if name in values}
    console.rule(f"Case {release['case']}, release {release['version']}")
    console.print(_texts(told, shown))
    console.print(_values(told, shown))
    console.print(_missing(told, shown))


def _table(left: str, right: str) -> Table:
    table = Table(expand=True, show_lines=True, pad_edge=False)
    table.add_column(left, ratio=3)
    table.add_column(right, ratio=2, style="red")
    return table


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and LABEL.search(value) is not None


def _texts(told: Mapping[str, Any], shown: Mapping[str, Any]) -> Table:
    table = _table("What the researcher reads", "What the researcher was not shown")
    for name, released in shown.items():
        if not _is_text(released):
            continue
        text = Text(released)
        text.highlight_regex(LABEL, "bold green")
        pairs = Text()
        for label, passage in dict.fromkeys(masked(told[name], released)):
            pairs.append(label, "green").append(f"  {' '.join(passage.split())}\n")
        table.add_row(Group(Text(_title(name), "bold"), text), pairs)
    return table


def _values(told: Mapping[str, Any], shown: Mapping[str, Any]) -> Table:
    table = _table("Answers, made coarser by the questionnaire's rules", "What was told")
    same = []
    for name, released in shown.items():
        if released == told[name]:
            same.append(_title(name))
        elif not _is_text(released):
            table.add_row(Text(f"{_title(name)}: {_plain(released)}"), Text(_plain(told[name])))
    table.add_row(Text(f"As told, because it points to nobody: {', '.join(same)}", "dim"), "")
    return table


def _missing(told: Mapping[str, Any], shown: Mapping[str, Any]) -> Table:
    table = _table("Fields that are in no release", "What was told")
    for name, value in told.items():
        if name not in shown:
            table.add_row(Text(_title(name)), Text(_plain(value)))
    return table


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ("\n" if any(isinstance(part, dict) for part in value) else ", ").join(_plain(part) for part in value)
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_plain(part)}" for name, part in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def print_sign_ins(console: Console, kept: SignIns, url: str, certificate: str, file: str) -> None:
    """Print where the service is and how to sign in as each person: whole lines, to be copied."""
    console.rule("Sign-ins of the demo, and of nothing else")
    for person in kept.people:
        line = Text.assemble((f"{person.role:<12}", "bold"), f"{person.name:<18}", person.password)
        console.print(line, soft_wrap=True)
        console.print(Text(f"{'':<12}{person.totp_uri}", "dim"), soft_wrap=True)
    console.print(f"Serving at {url} with the certificate {certificate}", highlight=False, soft_wrap=True)
    console.print(f"The sign-ins lie in {file}; the study is {kept.study}", highlight=False, soft_wrap=True)

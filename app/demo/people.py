"""The demo's people and the file that holds their sign-ins. Nothing like it may exist in a real deployment."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

from app.client import OneTimeCodes
from app.errors import Conflict
from app.settings import ENV_FILE

__all__ = ["FILE", "ROLES", "DemoPerson", "SignIns", "new_password"]

FILE = "DEMO-SIGN-INS.json"
WARNING = "For the demonstration only: invented people, invented testimony. Real sign-ins are never written to a file."
FILE_MODE = 0o600
ROLES = ("lead", "interviewer", "redactor", "approver", "researcher", "guardian", "auditor")
WORDS = (
    "amber", "anchor", "basil", "beacon", "birch", "candle", "cedar", "cobalt", "copper", "coral", "delta", "ember",
    "fern", "flint", "garnet", "harbor", "hazel", "heron", "indigo", "ivory", "jasmine", "juniper", "lantern",
    "linen", "lotus", "maple", "marble", "meadow", "nectar", "oasis", "olive", "onyx", "opal", "orchid", "pebble",
    "pepper", "quartz", "raven", "reed", "river", "saffron", "sage", "silver", "sparrow", "tulip", "umber", "velvet",
    "violet", "walnut", "willow",
)  # fmt: skip
WORDS_IN_PASSWORD = 6


@dataclass(slots=True)
class DemoPerson:
    """Somebody of the demo, with everything that a real person alone would know."""

    role: str
    name: str
    password: str = field(repr=False)
    user: str = ""
    fingerprint: str = ""
    totp_secret: str = field(default="", repr=False)
    totp_uri: str = field(default="", repr=False)
    spent: int = 0


@dataclass(slots=True)
class SignIns:
    """What the demo keeps between its runs."""

    people: list[DemoPerson] = field(default_factory=list)
    study: str = ""
    device_token: str = field(default="", repr=False)
    client_uuid: str = field(default_factory=lambda: str(uuid4()))
    withdrawal_token: str = field(default="", repr=False)
    withdrawal_sha256: str = ""
    complete: bool = False

    def __getitem__(self, role: str) -> DemoPerson:
        return next(person for person in self.people if person.role == role)

    @property
    def study_id(self) -> UUID:
        """The demo study."""
        return UUID(self.study)

    def code(self, role: str) -> str:
        """A code that this person has not used, also not in an earlier run."""
        person = self[role]
        codes = OneTimeCodes(person.totp_secret, spent=person.spent)
        code = codes.next()
        person.spent = codes.spent
        return code

    def save(self, folder: Path) -> None:
        """Write the file, whole or not at all."""
        fresh = folder / f".{FILE}.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "w") as file:
            json.dump({"warning": WARNING, **asdict(self)}, file, indent=1)
        fresh.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read the file; None if the folder has none, so no demo was begun in it.

        Raises:
            Conflict: the folder is a real deployment's.
        """
        if not (folder / FILE).exists():
            if (folder / ENV_FILE).exists():
                raise Conflict("This folder belongs to a real deployment; name another one for the demo.")
            return None
        tree: dict[str, Any] = json.loads((folder / FILE).read_text())
        del tree["warning"]
        return cls(**{**tree, "people": [DemoPerson(**person) for person in tree["people"]]})


def new_password() -> str:
    """Six random words."""
    return " ".join(secrets.choice(WORDS) for _ in range(WORDS_IN_PASSWORD))

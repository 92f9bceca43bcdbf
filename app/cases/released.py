"""Clean copies of attachments as a release names them: a field of its pack, which holds their keys.

So whoever opens the release opens them, and a release that can no longer be opened leaves nothing of them to open.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from app.cases.sealing import FILES
from app.crypto.secrets import Secret

__all__ = ["ReleasedFile", "is_recording", "put", "take"]


@dataclass(frozen=True, slots=True)
class ReleasedFile:
    """A clean copy: a name of ours, its type and its exact size in bytes."""

    id: UUID
    name: str
    type: str
    size: int
    key: Secret = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The form in which it rests in the pack."""
        key = base64.b64encode(self.key.reveal()).decode("ascii")
        return {"id": str(self.id), "name": self.name, "type": self.type, "size": self.size, "key": key}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        key = Secret(base64.b64decode(tree["key"]))
        return cls(UUID(tree["id"]), tree["name"], tree["type"], tree["size"], key)


def is_recording(media_type: str) -> bool:
    """Whether one can hear a voice in it."""
    return media_type.startswith("audio/")


def put(copies: Iterable[ReleasedFile]) -> dict[str, Any]:
    """The field of a release's pack."""
    return {FILES: [copy.to_json() for copy in copies]}


def take(values: dict[str, Any]) -> tuple[ReleasedFile, ...]:
    """Take the field out of what a release's pack holds; releases without copies may lack it."""
    return tuple(ReleasedFile.from_json(tree) for tree in values.pop(FILES, []))

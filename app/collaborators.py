"""What services are handed to do their work; nothing here is global."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.custody.base import Custody
from app.files.base import FileStore
from app.keystore.service import Keystore


@dataclass(frozen=True, slots=True)
class Collaborators:
    """The deployment's id and parts, its clock, and how long a session lasts: idle, and at all."""

    deployment: UUID
    custody: Custody
    keystore: Keystore
    clock: Callable[[], datetime]
    files: FileStore
    idle_limit: timedelta = timedelta(minutes=30)
    # A working day: whoever steals an unlocked machine overnight finds nothing signed in.
    session_limit: timedelta = timedelta(hours=12)
    # So much of attachments one person may hand in within two days.
    upload_gib: int = 20

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return self.clock()

    def today(self) -> str:
        """The present UTC day, YYYY-MM-DD; nothing finer is kept of people's doings."""
        return self.clock().date().isoformat()


def utc_now() -> datetime:
    """The system clock."""
    return datetime.now(UTC)

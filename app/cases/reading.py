"""The order of reads: the event commits before a key is unwrapped."""

from __future__ import annotations

from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

R_co = TypeVar("R_co", covariant=True)


class Reading(Protocol[R_co]):
    """A read of sealed content. ``look`` runs in a transaction that commits before ``open`` begins."""

    def look(self, session: Session) -> None:
        """Authorise, fetch sealed rows, write the event."""

    def open(self) -> R_co:
        """Fetch shares, unwrap keys, decrypt."""

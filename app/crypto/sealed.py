"""Sealed: the one type that may stand in an encrypted column.

Bytes become Sealed only where this package sealed them, or where the database gives back what it stored. Everything
else stays plain ``bytes`` and is refused by the column, so plaintext cannot slip in by mistake.
"""

from __future__ import annotations

__all__ = ["Sealed"]


class Sealed(bytes):
    """Bytes that some key of ours has sealed; shows its length and nothing else."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show only the length."""
        return f"Sealed({len(self)} bytes)"

    __str__ = __repr__

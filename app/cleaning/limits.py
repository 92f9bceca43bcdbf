"""What one cleaning may cost, and the word by which both sides mean office files."""

from __future__ import annotations

__all__ = ["CPU_SECONDS", "MEMORY", "OFFICE", "WALL_SECONDS"]

CPU_SECONDS = 120
WALL_SECONDS = 180.0
MEMORY = 3 << 29
OFFICE = "office"

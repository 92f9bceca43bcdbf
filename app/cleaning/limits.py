"""What one cleaning may cost, and the word by which both sides mean office files."""

from __future__ import annotations

__all__ = ["COST", "CPU_SECONDS", "FOLDER", "MEMORY", "OFFICE", "OFFICE_MEMORY", "WALL_SECONDS"]

CPU_SECONDS = 120
WALL_SECONDS = 180.0
# In bytes: what a process that reads a picture, a document's pages or a recording may hold.
MEMORY = 3 << 29
# For office files there are two such processes, ours and mat2, and a folder in memory.
OFFICE_MEMORY = 1 << 29
FOLDER = 1 << 29
# So much memory one cleaning may take in all; on one machine there is one at a time.
COST = max(MEMORY, 2 * OFFICE_MEMORY + FOLDER)
OFFICE = "office"

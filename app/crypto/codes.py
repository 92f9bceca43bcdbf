"""Case codes: the random names by which cases are spoken of, such as K7QF-2M9D."""

from __future__ import annotations

import re
import secrets

__all__ = ["CASE_CODE", "new_case_code"]

# No 0, O, 1, I or L: they are confused when read aloud or written by hand. 31 symbols, eight of them: 39 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
GROUP = 4

CASE_CODE = re.compile(rf"[{ALPHABET}]{{{GROUP}}}-[{ALPHABET}]{{{GROUP}}}", re.ASCII)


def new_case_code() -> str:
    """Make a random case code; the caller sees to it that it is new."""
    symbols = "".join(secrets.choice(ALPHABET) for _ in range(2 * GROUP))
    return f"{symbols[:GROUP]}-{symbols[GROUP:]}"

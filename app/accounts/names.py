"""Account names: one spelling per person, so that no two names look alike.

Stored names are lower-case ASCII. What somebody types is folded first, so ``Amal`` and ``amal`` are one person.
"""

from __future__ import annotations

import re
import unicodedata

from app.errors import Flaw, Invalid

__all__ = ["check_account_name", "fold_name"]

ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,63}", re.ASCII)
# Folding can lengthen a text; nobody's name is longer than this before it.
LONGEST_TYPED = 256


def check_account_name(name: str, *, pointer: str = "/name") -> str:
    """Give the name back if an account may carry it.

    Raises:
        Invalid: it is not 3 to 64 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit.
    """
    if ACCOUNT_NAME.fullmatch(name) is None:
        detail = "Use 3 to 64 of a-z, 0-9, dot, dash and underscore; begin with a letter or digit."
        raise Invalid([Flaw(pointer, detail)])
    return name


def fold_name(typed: str) -> str | None:
    """The account name that a typed text means (NFKC, case folded), or None if no account can carry it."""
    if len(typed) > LONGEST_TYPED:
        return None
    folded = unicodedata.normalize("NFKC", typed).casefold()
    return folded if ACCOUNT_NAME.fullmatch(folded) else None

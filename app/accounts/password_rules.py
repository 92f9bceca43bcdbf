"""Which passwords are accepted: length first (NIST SP 800-63B), then a few that everybody tries."""

from __future__ import annotations

import unicodedata

from app.errors import Flaw, Invalid

__all__ = ["LONGEST", "SHORTEST", "can_be_password", "check_password"]

SHORTEST = 12
# Bounds the work before Argon2; a passphrase of forty words fits.
LONGEST = 256
FEWEST_DISTINCT = 5
# What must remain of a password when the person's own name is taken out of it.
FEWEST_BESIDE_NAME = 8

# Frequent passwords that are long enough; shorter ones are refused by their length. Compared case-folded.
COMMON = frozenset(
    {
        "0123456789012", "012345678910", "111222333444", "123123123123", "1234567890ab", "1234567890qwerty",
        "1234567891011", "123456789012", "1234567890123", "12345678901234", "1234qwerasdf", "1q2w3e4r5t6y",
        "1q2w3e4r5t6y7u8i", "1qaz2wsx3edc", "1qaz2wsx3edc4rfv", "abc123abc123", "abcd1234abcd", "abcdef123456",
        "abcdefghijkl", "admin1234567", "admin123admin", "administrator", "adminadminadmin", "asdfasdfasdf",
        "asdfghjkl123", "asdfghjkl;'\\", "changeme1234", "changemeplease", "changethispassword",
        "correct horse battery staple", "correcthorsebatterystaple", "defaultpassword", "footballfootball",
        "helloworld123",
        "iloveyou1234", "iloveyouiloveyou", "iloveyousomuch", "letmein12345", "letmeinletmein", "letmeinplease",
        "monkeymonkey", "p@ssw0rd1234", "p@ssword1234", "passw0rd1234", "password!234", "password0000",
        "password1111", "password1234", "password12345", "password123456", "password2024", "password2025",
        "password2026", "passwordpassword", "princess1234", "q1w2e3r4t5y6", "qazwsxedcrfv", "qwer1234qwer",
        "qwerasdfzxcv", "qwerty123456", "qwertyqwerty", "qwertyuiop12", "qwertyuiop123", "qwertyuiop[]",
        "qwertyuiopasdf", "sunshine1234", "superman1234", "testimony123", "testimony1234", "testtesttest",
        "thisismypassword", "trustno1trustno1", "welcome12345", "welcome123456", "welcomewelcome", "zaq12wsxcde3",
        "zxcvbnm12345",
    }
)  # fmt: skip


def check_password(password: str, name: str, *, pointer: str = "/password") -> None:
    """Return if the person of this account name may choose the password. Lengths count NFC code points.

    Raises:
        Invalid: too short, too long, no Unicode text, often tried, too repetitive, or little more than the name.
    """
    flaw = _flaw(unicodedata.normalize("NFC", password), name, pointer)
    if flaw is not None:
        raise Invalid([flaw])


def can_be_password(password: str) -> bool:
    """Whether somebody could have this password at all; what could not be one is never worked on."""
    return len(password) <= LONGEST and _is_text(password)


def _flaw(password: str, name: str, pointer: str) -> Flaw | None:
    if not SHORTEST <= len(password) <= LONGEST:
        return Flaw(pointer, "Use 12 to 256 characters.")
    if not _is_text(password):
        return Flaw(pointer, "This is not Unicode text.")
    folded = password.casefold()
    if folded in COMMON or len(set(folded)) < FEWEST_DISTINCT:
        return Flaw(pointer, "Too many people would try this one.")
    if name in folded and len(folded.replace(name, "")) < FEWEST_BESIDE_NAME:
        return Flaw(pointer, "This is little more than the account name.")
    return None


def _is_text(password: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in password)

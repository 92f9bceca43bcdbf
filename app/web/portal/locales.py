"""Languages of the pages: which one a request gets, its catalog, and dates and numbers in it.

Catalogs are gettext files (``locale/xx.po``), read once when the first page in their language is made.
"""

from __future__ import annotations

import gettext
import io
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError, dates, negotiate_locale, numbers, units
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

__all__ = ["LOCALES", "Formats", "chosen", "translations"]

FOLDER = Path(__file__).parent / "locale"
# By the language's own name for itself: somebody who reads no English must find theirs.
LOCALES = {"en": "English", "ar": "العربية", "fr": "Français", "de": "Deutsch", "tr": "Türkçe"}
DEFAULT = "en"


def chosen(cookie: str, accepted: str) -> str:
    """The locale of a request: the one chosen before, else the best that the browser accepts, else English."""
    if cookie in LOCALES:
        return cookie
    wanted = sorted(_weighted(accepted), key=lambda pair: -pair[1])
    return negotiate_locale([tag for tag, _ in wanted], list(LOCALES), sep="-") or DEFAULT


def _weighted(accepted: str) -> list[tuple[str, float]]:
    pairs = []
    for part in accepted.split(",")[:20]:
        tag, _, quality = part.partition(";q=")
        try:
            pairs.append((tag.strip(), float(quality or 1)))
        except ValueError:
            continue
    return [(tag, weight) for tag, weight in pairs if tag and weight > 0]


@cache
def translations(locale: str) -> gettext.NullTranslations:
    """The catalog of a locale; English is the language of the templates and needs none."""
    if locale == DEFAULT:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with (FOLDER / f"{locale}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class Formats:
    """Dates, numbers and the direction of writing in one locale. Moments are shown in UTC, which pages say."""

    def __init__(self, locale: str) -> None:
        self._locale = Locale.parse(locale)

    @property
    def direction(self) -> str:
        """``rtl`` or ``ltr``."""
        return self._locale.text_direction

    def isolated(self, text: str) -> str:
        """A name inside a sentence, kept apart where the sentence runs from right to left (UAX 9, FSI and PDI)."""
        return f"\u2068{text}\u2069" if self.direction == "rtl" else text

    def day(self, day: date | str) -> str:
        """A day, from a date or its ISO 8601 text."""
        return dates.format_date(date.fromisoformat(day) if isinstance(day, str) else day, "medium", self._locale)

    def moment(self, moment: datetime) -> str:
        """A day with the time to the minute."""
        day = dates.format_date(moment, "medium", self._locale)
        time = dates.format_time(moment, "short", locale=self._locale)
        pattern = str(dates.get_datetime_format("medium", locale=self._locale)).replace("'", "")
        return pattern.replace("{1}", day).replace("{0}", time)

    def number(self, number: float) -> str:
        """A number with the locale's digits and separators."""
        return numbers.format_decimal(number, locale=self._locale)

    def percent(self, share: float) -> str:
        """A share of 1 as whole percent."""
        return numbers.format_percent(share, locale=self._locale)

    def size(self, count: int) -> str:
        """So many bytes, in the largest unit of which there is one."""
        names = ("byte", "kilobyte", "megabyte", "gigabyte")
        step = min(len(names) - 1, (len(str(count)) - 1) // 3)
        value = round(count / 1000**step, 1)
        return units.format_unit(value, f"digital-{names[step]}", length="short", locale=self._locale)

    def age(self, seconds: int) -> str:
        """How long ago or how long still, roughly: ``3 days``."""
        return dates.format_timedelta(seconds, granularity="minute", locale=self._locale)

    def ago(self, seconds: float) -> str:
        """How long ago, roughly and as one says it: ``3 days ago``."""
        return dates.format_timedelta(
            timedelta(seconds=-seconds), granularity="minute", add_direction=True, locale=self._locale
        )

    def language(self, code: str) -> str:
        """The name of a language; its code if it is not known."""
        try:
            return Locale.parse(code, sep="-").get_display_name(self._locale) or code
        except (ValueError, UnknownLocaleError):
            return code

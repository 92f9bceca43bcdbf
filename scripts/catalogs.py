"""Bring the catalogs of the pages up to date: every text of templates, pages and errors stands in each of them.

python scripts/catalogs.py            adds new texts, untranslated, and drops those that are gone
python scripts/catalogs.py --check    changes nothing; exits with 1 if a text is missing or not translated
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

APP = Path(__file__).resolve().parent.parent / "app"
FOLDER = APP / "web" / "portal" / "locale"
LANGUAGES = ("ar", "fr", "de", "tr")
METHODS = [("web/portal/templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
# Our errors take a fixed text that people may see; a flaw takes it as its second argument.
ERRORS = (
    "Forbidden",
    "OwnWork",
    "NotFound",
    "Gone",
    "Conflict",
    "OnHold",
    "LastHolder",
    "Unavailable",
    "CannotBeCleaned",
)
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "Flaw": (2,)} | dict.fromkeys(ERRORS)


def extracted() -> Catalog:
    """Every text that a page may show, with the files it comes from."""
    catalog = Catalog(project="Testimony", copyright_holder="", msgid_bugs_address="")
    found = extract_from_dir(
        APP, METHODS, {"web/portal/templates/**.html": {"newstyle_gettext": "true", "trimmed": "true"}}, KEYWORDS
    )
    for file, _, message, comments, context in found:
        catalog.add(message, None, [(f"app/{file}", 1)], auto_comments=comments, context=context)
    for text in _details():
        catalog.add(text, None, [("app/errors.py", 1)])
    return catalog


def _details() -> Iterator[str]:
    sys.path.insert(0, str(APP.parent))
    from app.errors import TestimonyError  # noqa: PLC0415  the project need not be installed

    classes = [TestimonyError]
    while classes:
        error = classes.pop()
        classes += error.__subclasses__()
        # Errors of commands and of the worker, which may be imported or not, reach no page.
        if "detail" in vars(error) and error.__module__ == TestimonyError.__module__:
            yield error.detail


def read(language: str) -> Catalog:
    """A language's catalog as it is."""
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def flaws(language: str, template: Catalog) -> list[str]:
    """The texts that the catalog lacks or has no good translation for."""
    catalog = read(language)
    bad = []
    for message in template:
        here = catalog.get(message.id, message.context) if message.id else message
        if here is None or here.fuzzy or not here.string or (here is not message and any(here.check(catalog))):
            bad.append(str(message.id))
    return [text for text in bad if text]


def update(language: str, template: Catalog) -> None:
    """Write the catalog anew: texts in order, without line numbers, so that a change shows what changed."""
    catalog = read(language)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{language}.po").open("wb") as file:
        write_po(file, catalog, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)


def main() -> int:
    """See the module."""
    template = extracted()
    if "--check" not in sys.argv:
        for language in LANGUAGES:
            update(language, template)
    bad = {language: flaws(language, template) for language in LANGUAGES}
    for language, texts in bad.items():
        print(f"{language}: {len(texts)} of {len(template)} to translate")
    return 1 if "--check" in sys.argv and any(bad.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

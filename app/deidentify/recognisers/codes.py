"""Codes that people carry and addresses that reach them, in their written form."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from stdnum import iban, imei

from app.deidentify.document import Document
from app.deidentify.spans import Kind, Level, Span

_REGIONS = {"en": "GB", "fr": "FR", "de": "DE", "nl": "NL", "tr": "TR", "ru": "RU", "ar": "SY"}
_PATTERNS = {
    "email": re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}"),
    "url": re.compile(
        r"(?:https?://|www\.)[^\s<>\"“”«»]{2,200}"
        r"|(?<![\w@.])[a-z0-9-]{2,60}(?:\.[a-z0-9-]{2,60}){0,4}\.[a-z]{2,10}/[\w./@%-]{1,200}", re.IGNORECASE),
    "domain": re.compile(
        r"(?<![\w@.])(?:[a-z0-9-]{2,60}\.){1,4}(?:com|net|org|info|io|me|example|onion|de|fr|nl|tr|ru|uk|be|at|ch|sy|iq)"
        r"(?![\w-])", re.IGNORECASE
    ),
    "handle": re.compile(r"(?<![\w@/.])@[\w.]{2,40}\w"),
    "underscored": re.compile(r"(?<![\w@.])(?=[\w.]{0,40}[_])[^\W_][\w.]{2,40}(?<![.])"),
    "ip": re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)"
        r"|(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}(?::?[0-9a-f]{1,4}){1,4}(?![\w:])", re.IGNORECASE),
    "coordinates": re.compile(
        r"(?<![\d.])-?\d{1,3}[.,]\d{3,8}°?\s?[NSns]?\s?[,;/ ]\s?-?\d{1,3}[.,]\d{3,8}°?(?:\s?[EWOew]\b)?"
        r"|\d{1,3}\s?°\s?\d{1,2}(?:[.,]\d+)?\s?['′][\s\d.,\"″'′]{0,10}[NSEWO]?(?:\s?[сСвВюЮзЗ]\.\s?[шШдД]\.)?"
    ),
    "mixed": re.compile(r"(?<![\w/-])(?=[\w/.№°-]{0,24}\d)(?=[\w/.-]{0,24}[^\W\d_])"
        r"[^\W_][\w]{0,11}(?:[/.-]\w{1,12}){0,5}(?![\w/-])"),
    "slashed": re.compile(r"(?<![\w/.-])\d{1,8}(?:[/-]\d{1,8}){1,4}(?![\w/-])"),
    "long_number": re.compile(r"(?<![\w.,])\+?\(?\d{1,5}\)?(?:[ ./-]{1,2}\(?\d{1,6}\)?){1,8}(?![\w])"
        r"|(?<!\w)\d{5,24}(?!\w)"),
    "plate": re.compile(r"(?<!\w)(?:\d{1,4} ?[A-ZА-ЯÇŞĞÜÖİ]{1,3} ?\d{2,6}"
        r"|[A-ZА-Я]{1,3}[ -]\d{1,4}[ -]?[A-ZА-Я]{0,3}[ -]?\d{0,4}|\d{2,3} № ?\d{4,8})(?!\w)"),
}  # fmt: skip
_YEAR = re.compile(r"(?:19|20|14|13)\d\d")
_DATE = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|(?:19|20)\d\d\s?[-/]\s?(?:(?:19|20)\d\d|\d\d)"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[ .,']000){1,3}|\d{1,3}(?:[ .,']\d{3}){1,2}")
_ORDINARY_MIXED = re.compile(
    r"\d{1,4}(?:st|nd|rd|th|s|er|e|ème|eme|km|kg|h|m|x|pm|am|go|mb|gb|g|k|yo|ых|го|й|е|м|х|'?s)|(?:ak|pk|rpg|m|g|t|mp|f|a|u)-?\d{1,3}|\d{1,2}h\d{2}",
    re.IGNORECASE,
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}(?!\w)", re.IGNORECASE)
_CANDIDATE = re.compile(r"(?<!\w)\d[\d -]{13,20}\d(?!\w)")
_AFTER_CUE = re.compile(r"[^\s,;:!?()\"“”«»…]{1,40}")


def recognise(document: Document) -> Iterator[Span]:
    """Every written code; checked forms (IBAN, IMEI, phone numbers) score highest."""
    for reason, pattern in _PATTERNS.items():
        for m in pattern.finditer(document.text):
            if not _harmless(m[0].strip()):
                yield _code(m.start(), m.end(), 0.8, reason)
    yield from _checked(document.text)
    yield from _phones(document)
    yield from _cued(document)


def _code(start: int, end: int, score: float, reason: str) -> Span:
    return Span(start, end, Kind.CODE, Level.DIRECT, score, reason)


def _harmless(text: str) -> bool:
    """Years, dates, sums with groups of three, weapons and ordinals look like codes and are none."""
    return any(p.fullmatch(text) for p in (_YEAR, _DATE, _THOUSANDS, _ORDINARY_MIXED))


def _checked(text: str) -> Iterator[Span]:
    for m in _IBAN.finditer(text):
        yield _code(m.start(), m.end(), 1.0 if iban.is_valid(m[0]) else 0.7, "iban")
    for m in _CANDIDATE.finditer(text):
        if imei.is_valid(m[0]):
            yield _code(m.start(), m.end(), 1.0, "imei")


def _phones(document: Document) -> Iterator[Span]:
    region = _REGIONS[document.words[0].language] if document.words else "GB"
    for found in phonenumbers.PhoneNumberMatcher(document.text, region, leniency=phonenumbers.Leniency.POSSIBLE):
        if not _harmless(found.raw_string):
            yield _code(found.start, found.end, 0.9, "phone")


def _cued(document: Document) -> Iterator[Span]:
    """Anything with a digit in it shortly after 'plate', 'file', 'cell' and their like."""
    for at in range(1, len(document.words)):
        word = document.words[at]
        if not any(c.isdigit() for c in word.low) or not _near_cue(document, at):
            continue
        m = _AFTER_CUE.match(document.text, word.start)
        if m and not _YEAR.fullmatch(m[0].strip(".")):
            yield _code(word.start, max(word.end, m.start() + len(m[0].rstrip(".-—'"))), 0.7, "cued_code")


def _near_cue(document: Document, at: int) -> bool:
    phrases = document.words[at].lexicon.phrases["code_cues"]
    for back in range(4):
        if at - back < 1 or (back and any(c in document.gap(at - back) for c in ".!?;\n")):
            return False
        if phrases.behind(document.lows, at - back):
            return not back or not set(document.gap(at - back - 1)) & set(".!?;\n")
    return False

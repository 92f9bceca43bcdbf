"""Exact forms, dates, counts and names that a cue announces, in the seven languages."""

# ruff: noqa: RUF001 - names in other scripts look alike on purpose

from __future__ import annotations

import pytest

from app.deidentify.engine import analyse
from app.deidentify.spans import Kind, Level


def masked(text: str, language: str | None = None) -> list[str]:
    """The surfaces that analysis masks."""
    return [text[s.start : s.end] for s in analyse(text, language=language)]


def hidden(text: str, secret: str, language: str | None = None) -> bool:
    """Whether every letter and digit of ``secret`` is masked in ``text``."""
    at = text.index(secret)
    covered = {i for s in analyse(text, language=language) for i in range(s.start, s.end)}
    return all(i in covered for i in range(at, at + len(secret)) if text[i].isalnum())


CODES = [
    ("en", "Call me on +962 70 555 0148 after six.", "+962 70 555 0148"),
    ("ar", "للاتصال: ٠٩٠٠ ٥٥٥ ٢٠٧ مساء", "٠٩٠٠ ٥٥٥ ٢٠٧"),
    (
        "en",
        "i call zero nine zero zero three one two double seven nine now",
        "zero nine zero zero three one two double seven nine",
    ),
    (
        "fr",
        "mon numéro c'est zéro quatre, zéro zéro, douze, trente-trois, nonante",
        "zéro quatre, zéro zéro, douze, trente-trois, nonante",
    ),
    (
        "de",
        "die nummer ist null sechs sieben sechs null null vier vier eins",
        "null sechs sieben sechs null null vier vier eins",
    ),
    ("tr", "numaram sıfır beş üç iki sıfır sıfır dört bir bir", "sıfır beş üç iki sıfır sıfır dört bir bir"),
    ("nl", "mijn nummer is nul zes vijf vijf nul nul zeven een", "nul zes vijf vijf nul nul zeven een"),
    (
        "ru",
        "номер восемь девять два восемь ноль ноль три шесть один",
        "восемь девять два восемь ноль ноль три шесть один",
    ),
    ("ar", "رقمي صفر تسعة صفر خمسة خمسة اثنين سبعة", "صفر تسعة صفر خمسة خمسة اثنين سبعة"),
    ("en", "Write to yaman.abbadi@posta.example please.", "yaman.abbadi@posta.example"),
    ("en", "it is gabo dot oud at mailbox dot example you can write", "gabo dot oud at mailbox dot example"),
    ("en", "See https://video.example/u/salem77 for it.", "https://video.example/u/salem77"),
    ("en", "He posts as @sayf_battar_1 there.", "@sayf_battar_1"),
    ("nl", "rekening BE68 5390 0754 7034 bij de bank", "BE68 5390 0754 7034"),
    ("en", "IMEI 490154203237518 was in it.", "490154203237518"),
    ("en", "The server was 192.0.2.17 then.", "192.0.2.17"),
    ("en", "He marked it: 35.6127, 39.8841 on the map.", "35.6127, 39.8841"),
    ("nl", "de plek is 35°54'11\" N, 36°43'29\" E gevonden", "35°54'11\" N, 36°43'29\" E"),
    ("en", "his passport (P4471902) was taken", "P4471902"),
    ("tr", "plakası 02 KT 4417 olan araba", "02 KT 4417"),
    ("ru", "Загранпаспорт у меня был 71 № 4480153.", "71 № 4480153"),
]
DATES = [
    ("en", "He crossed on 9 Ramadan 1435 at night.", "9 Ramadan 1435"),
    ("en", "i was born the twenty sixth of march nineteen ninety at home", "twenty sixth of march nineteen ninety"),
    ("en", "We left in March 2015 together.", "March 2015"),
    ("en", "At ten past five we passed.", "ten past five"),
    ("en", "She came on 14/06/2014 to us.", "14/06/2014"),
    ("ar", "بتاريخ ٢٣ شباط ٢٠١٧ مساء", "٢٣ شباط ٢٠١٧"),
    ("ar", "من مواليد ١١ تشرين الثاني ١٩٨٨ هناك", "١١ تشرين الثاني ١٩٨٨"),
    ("ar", "في ٥ صفر ١٤٣٥ بايع", "٥ صفر ١٤٣٥"),
    ("fr", "Il est mort le 3 janvier 2014 là-bas.", "3 janvier 2014"),
    ("de", "Er kam am 17. August 2015 zurück.", "17. August 2015"),
    ("tr", "On dört Haziran'da gittik.", "On dört Haziran"),
    ("ru", "Я вылетел 23 ноября 2013 утром.", "23 ноября 2013"),
    ("nl", "op mijn verjaardag, zeven oktober, belde hij", "zeven oktober"),
    ("en", "He left after 97 days there.", "97 days"),
    ("de", "Ich bin dort einundzwanzig Tage gesessen.", "einundzwanzig Tage"),
    ("ru", "Шёл двое суток до границы.", "двое суток"),
]
COUNTS = [
    ("en", "I was nineteen when he came.", "nineteen"),
    ("en", "He has four daughters at home.", "four"),
    ("fr", "j'avais dix-neuf ans et rien", "dix-neuf"),
    ("tr", "yirmi altı yaşında bir çocuk", "yirmi altı"),
    ("ru", "ему было двадцать два года тогда", "двадцать два"),
    ("ar", "عندي خمسة خوات في البيت", "خمسة"),
    ("en", "He paid 1,640 dinars for it.", "1,640 dinars"),
]
NAMES = [
    ("en", "there in syria i was abu sabr for all", "abu sabr"),
    ("fr", "Là-bas c'était Abou Nour pour tous.", "Abou Nour"),
    ("tr", "Orada bana Ebu Deniz dediler.", "Ebu Deniz"),
    ("ru", "В Сирии звали меня Абу Салим все.", "Абу Салим"),
    ("ar", "وكنيته عند التنظيم أبو البراء الإدلبي هناك", "أبو البراء الإدلبي"),
    ("en", "my name is abdelilah and i speak", "abdelilah"),
    ("de", "Ich heiße Mirsad und wohne dort.", "Mirsad"),
    ("nl", "Hij noemde zich anders, ik heet Roos.", "Roos"),
    ("en", "He spoke with Commander Farid about it.", "Farid"),
    ("en", "I live at 14 Incirli Street now.", "14 Incirli Street"),
    ("ar", "يسكن اليوم في شارع الزيتون رقم ٩ هناك", "شارع الزيتون رقم ٩"),
    ("en", "They sent him to Katibat Usud al-Wadi first.", "Katibat Usud al-Wadi"),
    ("en", "He slept behind the al-Safa mosque there.", "al-Safa mosque"),
    ("ru", "уроженец села Нижний Чирах там", "Нижний Чирах"),
]


@pytest.mark.parametrize(("language", "text", "secret"), [*CODES, *DATES, *COUNTS, *NAMES])
def test_what_must_go(language: str, text: str, secret: str) -> None:
    """Every letter and digit of the secret is masked."""
    assert hidden(text, secret, language)


SPACED = ["0 7 4 4 5 5 9 0 1 2", "0-7-4-4-5-5-9", "0.7.4.4.5.5.9", "0\u200b744 555 0123", "07\uff14\uff14 555 0123"]


@pytest.mark.parametrize("number", SPACED)
def test_figures_apart_are_one_number(number: str) -> None:
    """Whatever stands between them."""
    assert hidden(f"call {number} tonight", number, "en")


STAYS = [
    ("en", "They said ISIS and al-Nusra fought in Syria and Iraq in 2015."),
    ("en", "that winter the brothers were praying the same prayer"),
    ("en", "He admired Osama bin Laden and knew Turkey well."),
    ("fr", "ils ont dit que la Syrie et l'Irak, en 2015, c'était Daesh"),
    ("tr", "ama Suriye ve Irak için savaş dediler"),
]


@pytest.mark.parametrize(("language", "text"), STAYS)
def test_what_may_stay(language: str, text: str) -> None:
    """Countries, world-known groups, public figures and lone years are left to the researcher."""
    assert masked(text, language) == []


HARD = [
    "my brother A h m e d came",
    "my brother A.h.m.e.d came",
    "my brother A*h*m*e*d came",
    "my brother A\u0308h\u0308m\u0308e\u0308d\u0308 came",
    "my brother A\u2060h\u2060m\u2060e\u2060d came",
    "my brother \u202edemhA\u202c came",
    "my brother Su\u200bfi\u00adan came",
    "my brother S\u043efi\u0430n came",
    "my brother Sufia\u0301n came",
    "my brother \uff33\uff55\uff46\uff49\uff41\uff4e came",
    "my brother \U0001d412\U0001d42e\U0001d41f\U0001d422\U0001d41a\U0001d427 came",
]


@pytest.mark.parametrize("text", HARD)
def test_disguised_letters_do_not_help(text: str) -> None:
    """Letters apart, invisible, turned round, look-alike, decomposed or full-width are read as what they seem."""
    secret = text.removeprefix("my brother ").removesuffix(" came")

    assert hidden(text, secret, "en")


def test_a_birth_date_is_direct() -> None:
    """A date near a birth or death weighs more than another date."""
    text = "He was born on 3 February 1991 there."

    assert [(s.kind, s.level) for s in analyse(text) if s.kind is Kind.DATETIME] == [(Kind.DATETIME, Level.DIRECT)]


def test_a_name_found_once_is_found_everywhere() -> None:
    """A cue in one sentence is enough for the whole text, whatever the spelling."""
    text = "they called me drissi and so on. later drissi slept. then drisi went"

    assert [m for m in masked(text, "en") if m.startswith("dris")] == ["drissi", "drissi", "drisi"]

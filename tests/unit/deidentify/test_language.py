"""Languages are told paragraph by paragraph."""

# ruff: noqa: RUF001 - other scripts

from __future__ import annotations

import pytest

from app.deidentify.document import Document

PARAGRAPHS = {
    "en": "I was in the house when they came and I did not know what to do.",
    "fr": "Je ne savais pas ce que je devais faire quand ils sont venus dans la maison.",
    "de": "Ich wusste nicht, was ich tun sollte, als sie in das Haus gekommen sind.",
    "nl": "Ik wist niet wat ik moest doen toen ze in het huis kwamen, en ik was bang.",
    "tr": "Eve geldiklerinde ne yapacağımı bilmiyordum, çok korktum ve ağladım.",
    "ru": "Я не знал, что мне делать, когда они пришли в дом.",
    "ar": "لم أكن أعرف ماذا أفعل عندما جاؤوا إلى البيت",
}
FOREIGN = [
    "Waxaan ahay nin dhalinyaro ah oo ka soo jeeda magaalada, waxaan ku biiray kooxda markii aan ahaa toban.",
    "Saya lahir di desa kecil dan kakak saya bergabung dengan mereka lalu dia berkata saya harus ikut ke sana.",
    "من لە گوندێکی بچووک لەدایک بووم و براکەم چووە ناویان و گوتی دەبێت لەگەڵیدا بڕۆم",
]


def test_languages_may_change_with_every_paragraph() -> None:
    """Mixed languages are normal in interviews."""
    document = Document("\n\n".join(PARAGRAPHS.values()))
    seen = dict.fromkeys(word.language for word in document.words)

    assert list(seen) == list(PARAGRAPHS)
    assert not document.unfamiliar


@pytest.mark.parametrize("language", [code for code in PARAGRAPHS if code != "en"])
def test_a_lone_short_paragraph_is_enough(language: str) -> None:
    """Without a word of what language the text is in."""
    assert {word.language for word in Document(PARAGRAPHS[language]).words} == {language}


@pytest.mark.parametrize("text", FOREIGN)
def test_a_language_of_none_of_the_lists_is_noticed(text: str) -> None:
    """Also beside a paragraph in a known one."""
    document = Document(f"{PARAGRAPHS['en']}\n\n{text}")

    assert document.unfamiliar
    assert {word.familiar for word in document.words if word.start < len(PARAGRAPHS["en"])} == {True}

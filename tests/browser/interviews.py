"""A long interview for tests: invented people and places, said over and over, as people do."""

from __future__ import annotations

from random import Random

FIRST = ["Farid", "Khalil", "Yusuf", "Samir", "Nadia", "Huda", "Omar", "Bilal", "Rashid", "Jamal", "Salma", "Tariq"]
LAST = ["al-Dibani", "al-Khatib", "Haddad", "Mansour", "Saleh", "Barakat"]
TOWNS = ("Tal Rihan", "Ain Khuzama", "Kafr Zita", "Deir Hafir", "Maskana", "Jarabulus")
SENTENCES = (
    "My cousin {first} came from {town} and told us what had happened on the road.",
    "We waited for two days, and then {first} {last} drove us to the checkpoint near {town}.",
    "I was {age} years old when the commander Abu {first} asked me to carry his papers.",
    "In March {year} they closed the school and nobody said a word about it for a long time.",
    "Nobody in the house slept that night, because everybody was listening to the street and to the dogs.",
    "He gave me the number 0937 {number} and said that I should ask for {first}.",
    "What I remember is the smell of diesel and bread, and that the men laughed while we were afraid.",
)


def interview(words: int, seed: int = 1) -> str:
    """Paragraphs of about so many words."""
    chance = Random(seed)
    paragraphs: list[str] = []
    count = 0
    while count < words:
        sentences = [_sentence(chance) for _ in range(chance.randint(4, 9))]
        paragraphs.append(" ".join(sentences))
        count += len(paragraphs[-1].split())
    return "\n\n".join(paragraphs)


def _sentence(chance: Random) -> str:
    return chance.choice(SENTENCES).format(
        first=chance.choice(FIRST),
        last=chance.choice(LAST),
        town=chance.choice(TOWNS),
        age=chance.randint(15, 40),
        year=chance.randint(2012, 2018),
        number=chance.randint(100_000, 999_999),
    )

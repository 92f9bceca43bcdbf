"""Recognisers: each reads a prepared document and yields spans in its view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from app.deidentify.document import Document
from app.deidentify.spans import Span


class Recogniser(Protocol):
    """Anything that finds spans: a function of rules, or a model's ``recognise``."""

    def __call__(self, document: Document, /) -> Iterable[Span]:
        """Spans of ``document.text``; they may overlap each other."""
        ...

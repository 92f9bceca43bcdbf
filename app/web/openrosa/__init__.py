"""OpenRosa for ODK Collect, KoboCollect, Enketo and Tella: forms go out, submissions come in."""

from __future__ import annotations

from app.web.openrosa import lists, submission
from app.web.openrosa.routing import OpenRosa

__all__ = ["FORMS"]

FORMS: tuple[OpenRosa, ...] = (lists.forms, submission.forms)

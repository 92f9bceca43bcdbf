"""Replacing custody's key of forms once one of them was destroyed: only then is it gone from older copies too."""

from __future__ import annotations

from app.audit.service import write
from app.bootstrap import Runtime
from app.forms import keys
from app.operations.setup import OPERATOR

__all__ = ["turn"]


def turn(runtime: Runtime) -> int | None:
    """Do what is due; the number of the new key, if there is one. Safe to repeat, and to interrupt at any step."""
    made = None
    with runtime.transaction() as session:
        if keys.due(session):
            made, count = keys.rewrap_all(session, runtime.collaborators)
            write(session, runtime.collaborators, OPERATOR, "form.keys.rewrapped", version=made, count=count)
    with runtime.glance() as session:
        keys.destroy_before(session, runtime.collaborators.custody)
    return made

"""The code that sets up an app: ODK Collect's settings (JSON, zlib, base64) for a QR picture, one for each phone."""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from typing import Any, Final

from app.accounts.phones import BASIC, Phone
from app.web.openrosa.routing import SERVERS

__all__ = ["LONGEST", "server_url", "settings_code"]

# More does not fit a picture that a cheap camera reads.
LONGEST: Final = 4000
# What an interviewer's phone does by itself: forms follow the list, interviews are sent and then deleted.
GENERAL: Final = {
    "form_update_mode": "match_exactly",
    "periodic_form_updates_check": "every_fifteen_minutes",
    "autosend": "wifi_and_cellular",
    "delete_send": True,
    "analytics": False,
}
# Whoever finds the phone does not point it elsewhere, and does not read what was sent or saved.
ADMIN: Final = {"change_server": False, "view_sent": False, "edit_saved": True, "qr_code_scanner": False}


def server_url(origin: str, phone: Phone) -> str:
    """The server of a phone; it holds the token of one that has no password, and is then as secret."""
    return origin + SERVERS[phone.kind].format(study=phone.study, token=phone.token)


def settings_code(origin: str, phone: Phone, project: str) -> str:
    """The text of the picture. The app's own settings get a random password that nobody knows."""
    general: dict[str, Any] = {"server_url": server_url(origin, phone)} | GENERAL
    if phone.kind == BASIC:
        general |= {"username": phone.name, "password": phone.token}
    settings = {
        "general": general,
        "admin": ADMIN | {"admin_pw": secrets.token_urlsafe(12)},
        "project": {"name": project},
    }
    packed = zlib.compress(json.dumps(settings, separators=(",", ":")).encode(), 9)
    return base64.b64encode(packed).decode("ascii")

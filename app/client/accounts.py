"""Oneself and one's sessions; for admins: invitations, people, devices."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from app.client.http import Http, Json, address

__all__ = ["Accounts"]


class Accounts:
    """Signing in and out, the second factor, people and their devices."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def sign_in(self, name: str, password: str, code: str = "", *, passkey: Json | None = None) -> Json:
        """Sign in with a code, or a passkey's answer to a challenge; the token is kept for the calls that follow."""
        answer = self._http.post("/v1/sessions", {"name": name, "password": password, **_factor(code, passkey)})
        self._http.token = answer["token"]
        return answer

    def challenge(self) -> Json:
        """What a passkey answers at sign-in (PublicKeyCredentialRequestOptionsJSON)."""
        return self._http.post("/v1/sessions/challenge")

    def step_up(self, code: str = "", *, passkey: Json | None = None) -> None:
        """Give a fresh second factor, for verbs that ask for one within five minutes."""
        self._http.post("/v1/sessions/current/step-up", _factor(code, passkey))

    def step_up_challenge(self) -> Json:
        """What one of one's own passkeys answers in this session."""
        return self._http.post("/v1/sessions/current/step-up/challenge")

    def passkeys(self) -> list[Json]:
        """One's own passkeys."""
        return list(self._http.get("/v1/passkeys")["passkeys"])

    def passkey_challenge(self) -> Json:
        """What a browser needs to make a passkey in this session (PublicKeyCredentialCreationOptionsJSON)."""
        return self._http.post("/v1/passkeys/challenge")

    def add_passkey(self, label: str, passkey: Json) -> Json:
        """Keep a passkey that was made in this session (RegistrationResponseJSON)."""
        return self._http.post("/v1/passkeys", {"label": label, "passkey": passkey})

    def remove_passkey(self, passkey: UUID | str) -> None:
        """Remove one of one's own passkeys."""
        self._http.delete(address("passkeys", passkey))

    def sign_out(self) -> None:
        """End this session and forget its token."""
        self._http.delete("/v1/sessions/current")
        self._http.token = None

    def sessions(self) -> list[Json]:
        """One's own sessions."""
        return list(self._http.get("/v1/sessions")["sessions"])

    def end_session(self, session: UUID | str) -> None:
        """End one of them."""
        self._http.delete(address("sessions", session))

    def end_all_sessions(self) -> None:
        """End all of them, this one too."""
        self._http.delete("/v1/sessions")

    def change_password(self, old: str, new: str) -> None:
        """Seal one's keys under a new password; every session ends."""
        self._http.put("/v1/password", {"old": old, "new": new})

    def accept(self, token: str, password: str, *, totp_secret: str | None = None, code: str | None = None) -> Json:
        """Accept an invitation: the new account with its TOTP secret, shown once.

        Whoever has shown a secret of their own making sends it with a code of it.
        """
        body = {"token": token, "password": password, "totp_secret": totp_secret, "code": code}
        return self._http.post("/v1/invitations/accept", body)

    def preview(self, token: str) -> Json:
        """What an invitation is for; uses nothing up."""
        return self._http.post("/v1/invitations/preview", {"token": token})

    def invitations(self) -> list[Json]:
        """The invitations that can still be accepted."""
        return list(self._http.get("/v1/invitations")["invitations"])

    def cancel_invitation(self, invitation: UUID | str) -> None:
        """End an invitation that nobody has accepted yet."""
        self._http.delete(address("invitations", invitation))

    def me(self) -> Json:
        """Oneself, with the fingerprint to read aloud."""
        return self._http.get("/v1/users/me")

    def invite(self, name: str, *, admin: bool = False) -> str:
        """Invite somebody; the token, shown once."""
        return str(self._http.post("/v1/invitations", {"name": name, "admin": admin})["token"])

    def users(self) -> list[Json]:
        """Everybody."""
        return list(self._http.get("/v1/users")["users"])

    def activate(self, user: UUID | str, *, active: bool) -> None:
        """Switch somebody off, with all their sessions, or on again."""
        self._http.patch(address("users", user), {"active": active})

    def reset(self, user: UUID | str) -> str:
        """Invite somebody to choose a new password and get new keys; the token, shown once."""
        return str(self._http.post(address("users", user, "reset"))["token"])

    def enrol(self, user: UUID | str, study: UUID | str) -> Json:
        """Enrol a device; its token is shown once."""
        return self._http.post("/v1/devices", {"user": str(user), "study": str(study)})

    def offer_device(self, user: UUID | str, study: UUID | str) -> Json:
        """Offer somebody to enroll a device with a one-time code, shown once."""
        return self._http.post("/v1/devices/offers", {"user": str(user), "study": str(study)})

    def redeem_offer(self, code: str) -> Json:
        """Enroll the device that holds a one-time code; its token is kept for the calls that follow."""
        answer = self._http.post("/v1/devices/redemption", {"code": code})
        self._http.token = answer["token"]
        return answer

    def make_token(self, study: UUID | str, label: str, *, scopes: Iterable[str], expires_at: str) -> Json:
        """Make an API token for oneself, shown once; ``expires_at`` is RFC 3339. Asks for a fresh second factor."""
        body = {"study": str(study), "label": label, "scopes": sorted(scopes), "expires_at": expires_at}
        return self._http.post("/v1/devices/tokens", body)

    def service_health(self) -> Json:
        """How the service is doing, in counts, for admins."""
        return self._http.get("/v1/health/service")

    def devices(self) -> list[Json]:
        """One's own devices; all of them for an admin."""
        return list(self._http.get("/v1/devices")["devices"])

    def revoke(self, device: UUID | str) -> None:
        """Revoke a device."""
        self._http.delete(address("devices", device))


def _factor(code: str, passkey: Json | None) -> Json:
    return {"code": code} if passkey is None else {"passkey": passkey}

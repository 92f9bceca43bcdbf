"""Oneself and one's sessions; for admins: invitations, people, devices."""

from __future__ import annotations

from uuid import UUID

from app.client.http import Http, Json, address

__all__ = ["Accounts"]


class Accounts:
    """Signing in and out, the second factor, people and their devices."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def sign_in(self, name: str, password: str, code: str) -> Json:
        """Sign in; the token is kept for the calls that follow."""
        answer = self._http.post("/v1/sessions", {"name": name, "password": password, "code": code})
        self._http.token = answer["token"]
        return answer

    def step_up(self, code: str) -> None:
        """Give a fresh one-time code, for verbs that ask for one within five minutes."""
        self._http.post("/v1/sessions/current/step-up", {"code": code})

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

    def accept(self, token: str, password: str) -> Json:
        """Accept an invitation: the new account with its TOTP secret, shown once."""
        return self._http.post("/v1/invitations/accept", {"token": token, "password": password})

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

    def devices(self) -> list[Json]:
        """One's own devices; all of them for an admin."""
        return list(self._http.get("/v1/devices")["devices"])

    def revoke(self, device: UUID | str) -> None:
        """Revoke a device."""
        self._http.delete(address("devices", device))

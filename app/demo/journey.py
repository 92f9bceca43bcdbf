"""What the people of the demo do, each through the REST API over TLS, each with their own sign-in."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from app.client import Client, Json, Problem, new_withdrawal
from app.demo.people import ROLES, DemoPerson, SignIns, new_password
from app.errors import Unavailable

__all__ = ["Journey", "Say", "testimony"]

SHIPPED = Path(__file__).resolve().parent.parent / "data"
# Whose Argon2id runs at once; the server lets two.
AT_ONCE = 2
DRAFT_SECONDS = 60.0
LOOK_EVERY = 0.15
NOTHING_WAITS = 404
# Who makes a team's first key, and whom they hand it to.
TEAMS = (
    ("lead", "researchers", ("researcher", "approver")),
    ("redactor", "redaction", ("approver",)),
    ("guardian", "guardians", ()),
    ("auditor", "auditors", ()),
)

Say = Callable[[str], None]


def testimony() -> Json:
    """The invented testimony that the demo submits."""
    tree: Json = json.loads((SHIPPED / "demo" / "1-english.json").read_text(encoding="utf-8"))
    return tree


class Journey:
    """One run of the demo; ``connect`` gives a client that trusts the demo's own certificate."""

    def __init__(self, connect: Callable[[str | None], Client], folder: Path, kept: SignIns, say: Say) -> None:
        self._connect = connect
        self._folder = folder
        self._kept = kept
        self._say = say
        self._clients: dict[str, Client] = {}

    def close(self) -> None:
        """Sign everybody out."""
        for client in self._clients.values():
            client.accounts.sign_out()
            client.close()
        self._clients.clear()

    def found(self, invitation: str) -> None:
        """Make the people, the study and its teams, and enrol the interviewer's device."""
        self._accept([(DemoPerson("admin", "demo.admin", new_password()), invitation)])
        invited = [DemoPerson(role, f"demo.{role}", new_password()) for role in ROLES]
        admin = self._as("admin").accounts
        self._accept([(person, admin.invite(person.name)) for person in invited])
        self._say("People: eight accounts with password, second factor and own keys")
        self._sign_in([role for role in ROLES if role != "interviewer"])
        self._make_study()
        self._kept.device_token = admin.enrol(self._kept["interviewer"].user, self._kept.study)["token"]
        self._kept.complete = True
        self._kept.save(self._folder)
        self._say("Study: all admitted by fingerprint and confirmed; a device enrolled")

    def _accept(self, invited: Iterable[tuple[DemoPerson, str]]) -> None:
        def accept(pair: tuple[DemoPerson, str]) -> DemoPerson:
            person, token = pair
            with self._connect(None) as client:
                account = client.accounts.accept(token, person.password)
            person.user, person.fingerprint = account["user"], account["fingerprint"]
            person.totp_secret, person.totp_uri = account["totp_secret"], account["totp_uri"]
            return person

        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._kept.people += pool.map(accept, invited)
        self._kept.save(self._folder)

    def _as(self, role: str) -> Client:
        """This person's client, signed in once."""
        if role not in self._clients:
            client, person = self._connect(None), self._kept[role]
            client.accounts.sign_in(person.name, person.password, self._kept.code(role))
            self._clients[role] = client
            self._kept.save(self._folder)
        return self._clients[role]

    def _sign_in(self, roles: Iterable[str]) -> None:
        def sign_in(role: str) -> tuple[str, Client]:
            client, person = self._connect(None), self._kept[role]
            client.accounts.sign_in(person.name, person.password, self._kept.code(role))
            return role, client

        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._clients.update(pool.map(sign_in, roles))
        self._kept.save(self._folder)

    def _make_study(self) -> None:
        kept, lead = self._kept, self._kept["lead"]
        policy = json.loads((SHIPPED / "demo-policy.json").read_text(encoding="utf-8"))
        study = self._as("admin").studies.create(
            "Demo study", lead=lead.user, fingerprint=lead.fingerprint, policy=policy, demo=True
        )
        kept.study = str(study)
        for role in ROLES:
            if role != "lead":
                person = kept[role]
                self._as("lead").studies.admit(study, person.user, roles=[role], fingerprint=person.fingerprint)
        for founder, team, others in TEAMS:
            self._as(founder).studies.found(study, team)
            for before, other in pairwise((founder, *others)):
                self._as(before).studies.confirm(study, kept[other].user, fingerprint=kept[other].fingerprint)

    def release(self) -> Json:
        """The release as the researcher reads it; made first if there is none."""
        study, research = self._kept.study_id, self._as("researcher").research
        listed = research.releases(study)
        if not listed:
            record = self._submit()
            self._redact(record)
            self._approve(record)
            listed = research.releases(study)
        return research.release(study, listed[0]["record"])

    def _submit(self) -> str:
        demo, kept = testimony(), self._kept
        if not kept.withdrawal_token:
            made = new_withdrawal()
            kept.withdrawal_token, kept.withdrawal_sha256 = made.token, made.sha256
            kept.save(self._folder)
        body = {
            "study": kept.study,
            "case": None,
            "instrument": demo["instrument"],
            "answers": demo["answers"],
            "withdrawal_sha256": kept.withdrawal_sha256,
        }
        with self._connect(kept.device_token) as device:
            keys = device.intake.receipt_keys()
            submitted = device.intake.submit(UUID(kept.client_uuid), body, keys)
        self._say(f"Intake: case {submitted.receipt.case} is sealed and durable; its receipt verifies")
        return str(submitted.receipt.record)

    def _redact(self, record: str) -> None:
        study, review = self._kept.study_id, self._as("redactor").review
        until = time.monotonic() + DRAFT_SECONDS
        while (stage := _stage(review.queue(study), record)) is None and time.monotonic() < until:
            if _stage(self._as("approver").review.queue(study), record) is not None:
                return  # an earlier run came this far
            time.sleep(LOOK_EVERY)
        if stage != "drafted":
            raise Unavailable("The worker drafted nothing; demo.log says why.")
        self._say("Worker: a draft is sealed, and the worker's own access has ended")
        review.take(study)
        source = review.source(study, record)
        review.finish(study, record, version=source["version"])
        masked = sum(span["accepted"] for text in source["draft"]["texts"].values() for span in text["spans"])
        self._say(f"Redactor: compared source and draft, {masked} passages masked, finished")

    def _approve(self, record: str) -> None:
        study, review = self._kept.study_id, self._as("approver").review
        try:
            review.take(study)
        except Problem as problem:
            if problem.status != NOTHING_WAITS:
                raise
            return
        shown = review.preview(study, record)
        review.release(study, record, digest=shown["digest"], doubts=len(shown["doubts"]))
        self._say("Approver: another person reread the text and released exactly that")


def _stage(queue: Iterable[dict[str, Any]], record: str) -> str | None:
    return next((str(row["status"]) for row in queue if row["record"] == record), None)

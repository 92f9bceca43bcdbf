from __future__ import annotations

import base64
import json
from uuid import UUID

import pytest

from app.access import Actor
from app.accounts import devices, sessions
from app.accounts.sign_in import Credentials
from app.db import Base
from app.errors import SignInRefused
from tests.people import House, Person

ADDRESS = "203.0.113.77"


def dump(house: House) -> bytes:
    """Everything that rests in the main database, bytes as they are and as base64 would hide them not."""
    cells: list[bytes] = []
    with house.transaction() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(table.select()):
                cells += [cell if isinstance(cell, bytes) else json.dumps(cell, default=str).encode() for cell in row]
    return b"\n".join(cells)


def test_dump_holds_no_secret(house: House, admin: Actor, amal: Person, study: UUID) -> None:
    """Neither passwords nor second factors nor tokens nor private keys nor addresses rest in the database."""
    invitation = house.invite(admin, "noor")
    token = house.sign_in(amal).token
    code = house.code(amal)
    actor = house.authenticate(token)
    with house.transaction() as session:
        device = devices.enrol(session, house.collaborators, admin, amal.id, study)
        _, bundle = sessions.open_bundle(session, house.collaborators, token)
    with pytest.raises(SignInRefused):
        house.try_sign_in(Credentials("typed-by-mistake", "hunter-of-the-snark", code, ADDRESS))

    rest = dump(house)

    assert amal.name.encode() in rest, "the dump sees what is there"
    assert actor.unlocked().public in rest, "as bytes too"
    secrets = [amal.password, amal.totp_secret, token, token[3:], invitation, invitation[3:], device.token]
    secrets += ["typed-by-mistake", "hunter-of-the-snark", ADDRESS]
    raw = [base64.b32decode(amal.totp_secret), bundle.totp.reveal(), actor.unlocked().private.reveal()]
    raw += [bundle.private.reveal()[:32], bundle.private.reveal()[-32:]]
    for secret in [*(text.encode() for text in secrets), *raw]:
        assert secret not in rest

"""The server's own keys, both schemas, the first key version, the worker's pair, an intake key.

Each step is safe to repeat.
"""

from __future__ import annotations

from sqlalchemy import exists, select

from app import schema
from app.access import Actor, ActorKind, Team
from app.accounts import queries as accounts
from app.accounts.invitations import invite_first_admin
from app.bootstrap import Runtime, database_errors
from app.custody.base import Custody, KeyKind
from app.errors import CustodyUnavailable
from app.forms import keys as form_keys
from app.operations import intake_keys, queries
from app.studies.models import Epoch
from app.studies.roster import SYSTEM_STUDY
from app.studies.service import renew_worker

__all__ = ["KEYS", "OPERATOR", "first_invitation", "invite_admin", "make_keys", "migrate", "prepare"]

OPERATOR = Actor(ActorKind.OPERATOR)
# The keys of version 1; those of the keystore (kk-N), of intake (intake-N) and of forms (form-N) have their own ways.
KEYS: dict[str, KeyKind] = {
    "pepper-1": KeyKind.MAC,
    "roster-1": KeyKind.SIGN,
    "receipt-1": KeyKind.SIGN,
    "audit-1": KeyKind.SIGN,
    "event-1": KeyKind.MAC,
    "worker-1": KeyKind.WRAP,
}


def make_keys(custody: Custody) -> None:
    """Make the keys that are missing; an interrupted creation of a signing key is completed."""
    for name, kind in KEYS.items():
        if not _is_made(custody, name, kind):
            custody.create(name, kind)


def _is_made(custody: Custody, name: str, kind: KeyKind) -> bool:
    if kind is not KeyKind.SIGN or not custody.has(name):
        return custody.has(name)
    try:
        custody.public(name)
    except CustodyUnavailable:
        return False
    return True


def migrate(runtime: Runtime) -> None:
    """Bring both databases to the newest schema."""
    with database_errors():
        schema.upgrade(runtime.engine, "main")
        schema.upgrade(runtime.keystore_engine, "keystore")


def prepare(runtime: Runtime) -> None:
    """Make what is missing: keys, key version, worker pair, form key, intake key, on databases of the newest schema."""
    make_keys(runtime.collaborators.custody)
    runtime.collaborators.keystore.initialise()
    worker = exists().where(Epoch.study_id == SYSTEM_STUDY, Epoch.team == Team.WORKER.value)
    with runtime.transaction() as session:
        if not session.scalar(select(worker)):
            renew_worker(session, runtime.collaborators, OPERATOR)
        form_keys.make_first(session, runtime.collaborators.custody)
    intake_keys.turn(runtime, OPERATOR)


def renew_worker_key(runtime: Runtime) -> None:
    """Make the worker's next key pair; running workers move what waits to it and end the one before."""
    with runtime.transaction() as session:
        renew_worker(session, runtime.collaborators, OPERATOR)


def first_invitation(runtime: Runtime, name: str, *, anew: bool = False) -> str | None:
    """Invite the first admin unless there is one or an invitation is on its way; ``anew`` ends that one."""
    with runtime.glance() as session:
        invited = queries.admin_invited(session, runtime.clock())
        if accounts.admin_exists(session) or (invited and not anew):
            return None
    return invite_admin(runtime, name)


def invite_admin(runtime: Runtime, name: str) -> str:
    """Invite the first admin; earlier unused invitations end. Conflict if there is one."""
    with runtime.transaction() as session:
        return invite_first_admin(session, runtime.collaborators, OPERATOR, name)

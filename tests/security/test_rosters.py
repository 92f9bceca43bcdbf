"""Rosters forged, rolled back or carried over, and public keys swapped, by whoever can write into the main database."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, func, insert, select, update

from app.access import Role, Team
from app.accounts.models import User
from app.client import Problem
from app.crypto import contexts
from app.crypto.principals import KeyPair
from app.errors import RosterRejected
from app.operations.setup import OPERATOR
from app.studies import roster, service
from app.studies.models import Member, Roster
from app.studies.roster import SYSTEM_STUDY, Membership, SignedRoster
from app.worker import Worker
from tests.security.scenes import Scene


def newest(scene: Scene, study: UUID) -> SignedRoster:
    """The newest roster that verifies, whatever its floor."""
    with scene.system.runtime.transaction() as session:
        return roster.latest(session, scene.system.collaborators, study)


def with_lead(signed: SignedRoster, user: UUID, fingerprint: bytes) -> SignedRoster:
    """The next version, in which somebody makes themselves lead and guardian."""
    return signed.with_member(Membership(user, frozenset({Role.RESEARCHER}), fingerprint))


def insert_roster(scene: Scene, signed: SignedRoster, signature: bytes, body: bytes | None = None) -> None:
    """Put a roster row in, as a database administrator can."""
    with scene.system.runtime.transaction() as session:
        session.execute(
            insert(Roster).values(
                study_id=signed.study,
                version=signed.version,
                key_id="roster-1",
                body=roster.body_of(signed) if body is None else body,
                signature=signature,
                written_at=scene.system.clock.now,
            )
        )


def drop_newest(scene: Scene, study: UUID, count: int = 1) -> None:
    """Delete the newest rosters: the rollback."""
    with scene.system.runtime.transaction() as session:
        top = session.scalar(select(func.max(Roster.version)).where(Roster.study_id == study))
        assert top is not None
        session.execute(delete(Roster).where(Roster.study_id == study, Roster.version > top - count))


def test_a_forged_roster_lets_nobody_in(scene: Scene) -> None:
    """Signed by another key, or by nobody, it is refused for everybody: a stranger stays out, and nothing is sealed."""
    story = scene.story
    stranger = scene.system.person("mallory")
    fingerprint = scene.system.actor(stranger).unlocked().fingerprint
    forged = with_lead(newest(scene, story.place.id), stranger.id, fingerprint)
    message = contexts.roster(
        scene.system.settings.deployment,
        key_id="roster-1",
        study=forged.study,
        version=forged.version,
        body=roster.body_of(forged),
    )
    with story.everybody():
        insert_roster(scene, forged, Ed25519PrivateKey.generate().sign(message))
        for client in (scene.system.signed_in(stranger), story.people["researcher"]):
            with pytest.raises(Problem) as refused:
                client.studies.read(story.place.id)
            assert (refused.value.status, refused.value.code) == (500, "tampered")
        with pytest.raises(Problem) as refused:
            story.submit()
        assert refused.value.status == 500
    assert scene.system.collaborators.keystore.share_ids() == []


def test_a_signature_does_not_cover_another_body(scene: Scene) -> None:
    """A real signature under a body with one more member does not verify."""
    story, signed = scene.story, newest(scene, scene.story.place.id)
    changed = roster.body_of(with_lead(signed, story.place["interviewer"].id, bytes(32)))
    with scene.system.runtime.transaction() as session:
        session.execute(
            update(Roster).where(Roster.version == signed.version, Roster.study_id == signed.study).values(body=changed)
        )
    with scene.system.runtime.transaction() as session, pytest.raises(RosterRejected):
        roster.latest(session, scene.system.collaborators, story.place.id)


def test_a_roster_rolled_back_is_refused_by_the_floor(scene: Scene) -> None:
    """A removed member comes back with the deleted row of an older version: reading and submitting are refused."""
    story, study = scene.story, scene.story.place.id
    with story.everybody():
        story.fresh("lead").studies.remove(study, story.place["researcher"].id)
        drop_newest(scene, study)
        with pytest.raises(Problem) as refused:
            story.people["researcher"].studies.read(study)
        assert (refused.value.status, refused.value.code) == (500, "tampered")
        with pytest.raises(Problem) as refused:
            story.submit()
        assert refused.value.status in {500, 503}
    assert scene.system.collaborators.keystore.share_ids() == []


def test_the_roster_of_another_study_is_refused(scene: Scene) -> None:
    """A valid roster whose row was put under another study is none of that study's."""
    story, other = scene.story, scene.system.study("Another study", prefix="other.")
    foreign = newest(scene, other.id)
    with scene.system.runtime.transaction() as session:
        row = session.scalars(
            select(Roster).where(Roster.study_id == other.id, Roster.version == foreign.version)
        ).one()
        top = session.scalar(select(func.max(Roster.version)).where(Roster.study_id == story.place.id))
        assert top is not None
        body, signature = row.body, row.signature
    carried = replace(foreign, study=story.place.id, version=top + 1)
    insert_roster(scene, carried, signature, body)
    with story.everybody_of(other), pytest.raises(Problem) as refused:
        story.people["researcher"].studies.read(story.place.id)
    assert (refused.value.status, refused.value.code) == (500, "tampered")


def test_an_older_roster_of_the_system_seals_nothing_to_an_old_worker_key(scene: Scene) -> None:
    """After the worker's key was renewed, an intake by the restored older system roster is refused."""
    system = scene.system
    with system.runtime.transaction() as session:
        service.renew_worker(session, system.collaborators, OPERATOR)
    drop_newest(scene, SYSTEM_STUDY)
    with scene.story.everybody(), pytest.raises(Problem) as refused:
        scene.story.submit()
    assert refused.value.status in {500, 503}
    assert system.collaborators.keystore.share_ids() == []


def test_records_wait_under_a_renewed_worker_key_and_the_old_one_ends(scene: Scene) -> None:
    """What waited for the old key is moved; a thief with the old key's rows and custody's key opens nothing more."""
    system, story = scene.system, scene.story
    with story.everybody():
        record = story.submit()
    old = {row["epoch_id"] for row in scene.main.now()["grant"] if row["scope"] == "work"}
    with system.runtime.transaction() as session:
        service.renew_worker(session, system.collaborators, OPERATOR)
    Worker(system.worker).renew()
    scene.look()
    assert old.isdisjoint(row["id"] for row in scene.main.now()["epoch"])
    story.redact()
    with story.everybody():
        story.finish()
        assert story.release() == record


def test_a_public_key_swapped_in_the_accounts_gets_no_box(scene: Scene) -> None:
    """A new epoch is wrapped to the fingerprints on the roster: the swapped key gets nothing, the others do."""
    story, mallory = scene.story, KeyPair.generate()
    swapped = story.place["guardian2"].id
    third = scene.system.person("guardian.three")
    lead, fingerprint = scene.system.acting("lead"), scene.system.actor(third).unlocked().fingerprint
    scene.system.admit(story.place.id, lead, third, frozenset({Role.GUARDIAN}), fingerprint)
    scene.system.confirm(story.place.id, scene.system.acting("guardian"), third, fingerprint)
    with scene.system.runtime.transaction() as session:
        session.execute(
            update(User).where(User.id == swapped).values(public=mallory.public, fingerprint=mallory.fingerprint)
        )
    with story.everybody():
        story.fresh("lead").studies.remove(story.place.id, third.id)
    signed = newest(scene, story.place.id)
    with scene.system.runtime.transaction() as session:
        epoch = signed.key_of(Team.GUARDIANS).epoch
        boxes = set(session.scalars(select(Member.user_id).where(Member.epoch_id == epoch)))
    assert boxes == {story.place["guardian"].id}


def test_a_swapped_public_key_gets_no_disclosure(scene: Scene) -> None:
    """The asker's key in the accounts no longer fits the ask: the approval is refused, nothing is wrapped to it."""
    story, mallory = scene.story, KeyPair.generate()
    with story.everybody():
        record = story.submit()
        ask = story.ask(record)
        with scene.system.runtime.transaction() as session:
            asker = User.id == story.place["guardian"].id
            session.execute(update(User).where(asker).values(public=mallory.public, fingerprint=mallory.fingerprint))
        auditor = story.fresh("auditor").disclosures
        digest = auditor.read_ask(story.place.id, ask)["digest"]
        with pytest.raises(Problem) as refused:
            auditor.approve(story.place.id, ask, digest=digest)
    assert refused.value.status == 409
    assert scene.main.now()["disclosure"] == []


def test_a_swapped_public_key_is_admitted_by_no_fingerprint(scene: Scene) -> None:
    """A lead names the fingerprint read aloud; a row whose key was swapped has another one."""
    stranger = scene.system.person("mallory")
    spoken = scene.system.actor(stranger).unlocked().fingerprint
    pair = KeyPair.generate()
    with scene.system.runtime.transaction() as session:
        session.execute(update(User).where(User.id == stranger.id).values(public=pair.public))
    lead = scene.system.signed_in("lead")
    with lead, pytest.raises(Problem) as refused:
        lead.studies.admit(scene.story.place.id, stranger.id, roles=["researcher"], fingerprint=spoken.hex())
    assert refused.value.code == "digest-differs"

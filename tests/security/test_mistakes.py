"""Mistakes that others made in systems like this, one test each, for those not tested where the part is tested.

Grouped by the headings of the list they come from; each docstring tells the mistake first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import sessions
from app.bootstrap import build
from app.client import Problem
from app.crypto import contexts
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.crypto.signing import verify
from app.db import SealedBytes
from app.errors import BadSignature, CustodyUnavailable, Tampered, Unauthenticated
from app.keystore.restore import load_backup
from app.keystore.rotation import backup_path
from app.keystore.service import Floor, Keystore
from app.research.library import ReadRelease
from tests.people import PASSWORD
from tests.security.scenes import Scene, staged


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One released record, one drafted, one hidden by nobody; everybody signed in."""
    with staged(tmp_path_factory.mktemp("mistakes"), "sqlite") as staged_scene:
        story = staged_scene.story
        with story.everybody():
            for _ in range(2):
                story.submit()
            story.redact()
            story.finish()
            released = story.release()
            story.records.sort(key=lambda record: record != released)
            yield staged_scene


def raw(scene: Scene, who: str, method: str, path: str, **request: Any) -> httpx.Response:
    """One request past our own client."""
    http = scene.story.people[who].http
    return http._client.request(method, path, headers={"authorization": f"Bearer {http.token}"}, **request)


class TestDefaultsOfTheStack:
    """What frameworks do by default."""

    @pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/v1/docs", "/static/swagger"])
    def test_no_page_describes_the_service_to_strangers(self, scene: Scene, path: str) -> None:
        """Interactive documentation left on in production: no such address answers anything but the usual 404."""
        assert scene.story.people["lead"].http._client.get(path).status_code == 404

    def test_the_http_client_logs_no_address(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        """The library writes every address at INFO, and tokens with it: nothing of a call is logged."""
        with caplog.at_level(logging.DEBUG, logger="root"):
            scene.story.people["researcher"].research.release(scene.story.place.id, scene.story.records[0])
        said = [record.getMessage() for record in caplog.records]
        assert not [line for line in said if str(scene.story.records[0]) in line or "/v1/" in line]

    def test_database_errors_hide_their_parameters(self, scene: Scene) -> None:
        """An error of the database layer shows the row: the text of ours holds no parameter."""
        with (
            scene.system.runtime.engine.connect() as connection,
            pytest.raises(SQLAlchemyError) as failed,
        ):
            connection.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": scene.story.canary.word()})
        assert scene.story.canary.stem not in f"{failed.value} {failed.value!r}"

    def test_only_sealed_bytes_enter_an_encrypted_column(self) -> None:
        """A plaintext written into the column for ciphertext: text, bytes and derived types are refused by type."""
        column = SealedBytes()
        for value in ("text", b"bytes", bytearray(b"x"), type("Other", (Sealed,), {})(b"x")):
            with pytest.raises(TypeError):
                column.process_bind_param(value, None)  # type: ignore[arg-type]


class TestWhoMay:
    """Authorisation that was forgotten somewhere."""

    def test_no_list_of_people_shows_a_second_factor(self, scene: Scene) -> None:
        """The second-factor secret of any user by id: no answer about people or studies holds one."""
        secrets = [person.totp_secret for person in scene.story.place.people.values()]
        with scene.system.signed_in("admin") as admin:
            answers = [str(admin.accounts.users()), str(admin.accounts.me())]
        answers.append(str(scene.story.people["lead"].studies.read(scene.story.place.id)))
        assert not [secret for secret in secrets for answer in answers if secret in answer]

    def test_lists_and_counts_leak_no_unreleased_record(self, scene: Scene) -> None:
        """Relations and counts that tell of unpublished ids: a researcher's lists hold the released record only."""
        researcher, study = scene.story.people["researcher"], scene.story.place.id
        released, drafted = scene.story.records
        listed = researcher.research.releases(study)
        assert [UUID(row["record"]) for row in listed] == [released]
        assert str(drafted) not in str([listed, researcher.studies.read(study), researcher.studies.listed()])

    def test_a_listing_shows_no_text_at_all(self, scene: Scene) -> None:
        """The masked text shown unmasked in a listing: lists hold ids and states only."""
        people, study = scene.story.people, scene.story.place.id
        lists = [
            people["redactor"].review.queue(study),
            people["approver"].research.releases(study),
            people["guardian"].cases.protection_list(study),
            people["auditor"].disclosures.asks(study),
            people["lead"].studies.events(study, limit=500),
        ]
        assert scene.story.canary.found(repr(lists).encode()) == []

    @pytest.mark.parametrize(
        "member", ["id", "record", "status", "submitter", "priority", "frozen", "sealed", "role", "is_admin"]
    )
    def test_no_member_of_a_body_is_assigned_in_passing(self, scene: Scene, member: str) -> None:
        """Mass assignment of id, role or state: a body with any member that is not asked for is refused whole."""
        body = scene.system.body(scene.story.place, answers=scene.story.canary.answers()) | {member: True}
        answer = raw(scene, "interviewer", "PUT", f"/v1/records/{uuid4()}", json=body)
        assert answer.status_code == 422
        assert scene.story.canary.found(answer.content) == []

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/studies/{study}/releases/../queue",
            "/v1/studies/{study}/releases/%2e%2e/queue",
            "/v1/studies/{study}/releases/..%2fqueue",
            "/v1//studies/{study}/queue",
            "/v1/studies/{study}/queue/",
            "/v1/studies/{study}/./queue",
            "/V1/studies/{study}/queue",
        ],
    )
    def test_no_spelling_of_a_path_passes_the_policy(self, scene: Scene, path: str) -> None:
        """Dots, doubled slashes and case in a path reach what the policy forbids: never served."""
        answer = raw(scene, "researcher", "GET", path.format(study=scene.story.place.id))
        assert answer.status_code in {400, 403, 404}

    def test_a_new_way_to_read_has_the_filter_of_the_old_one(self, scene: Scene) -> None:
        """A second way to read that forgot the first one's filter: every way to a release starts at one query."""
        actor = scene.system.acting("researcher", scene.story.place)
        reading = ReadRelease(scene.system.collaborators, actor, scene.story.records[1])
        with scene.system.runtime.transaction() as session, pytest.raises(Exception, match="nothing here"):
            reading.look(session)
        for call in (scene.story.people["researcher"].research.release, scene.story.people["auditor"].research.sample):
            with pytest.raises(Problem) as refused:
                call(scene.story.place.id, scene.story.records[1])
            assert refused.value.status == 404


class TestLogin:
    """Sessions and codes."""

    @pytest.mark.parametrize("path", ["/v1/sessions/current", "/v1/sessions/current/logout", "/logout"])
    def test_no_get_signs_out(self, scene: Scene, path: str) -> None:
        """Logout by GET, which any picture on a page can send: the session is still there afterwards."""
        client = scene.system.client(scene.system.sign_in(scene.story.place["interviewer"]))
        answer = client.http._client.get(path, headers={"authorization": f"Bearer {client.http.token}"})
        assert answer.status_code in {404, 405, 200}
        assert client.accounts.me()

    def test_no_cookie_carries_a_session(self, scene: Scene) -> None:
        """A session in a cookie is sent by other sites' pages: no answer sets one, and one sent is not looked at."""
        client = scene.story.people["researcher"]
        token = str(client.http.token)
        answer = client.http._client.get("/v1/users/me", headers={"cookie": f"session={token}; authorization={token}"})
        assert answer.status_code in {401, 404}
        assert "set-cookie" not in answer.headers


class TestCrypto:
    """Encryption that is there and does not help."""

    def test_nothing_is_stored_when_sealing_fails(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        """Encryption that fails open to plaintext: a failing seal stores no row and answers 500."""
        before = scene.main.now()

        def failing(*_arguments: object) -> Sealed:
            raise RuntimeError

        monkeypatch.setattr("app.cases.sealing.seal", failing)
        body = scene.system.body(scene.story.place, answers=scene.story.canary.answers())
        assert raw(scene, "interviewer", "PUT", f"/v1/records/{uuid4()}", json=body).status_code == 500
        after = scene.main.now()
        assert [len(before[name]) for name in ("record", "pack", "grant")] == [
            len(after[name]) for name in ("record", "pack", "grant")
        ]

    @pytest.mark.parametrize("answer", [{"sealed": "VE0BAQ=="}, {"value": "x", "encrypted": True}, "TM\x01\x01"])
    def test_a_clients_word_that_it_is_encrypted_is_not_taken(self, scene: Scene, answer: Any) -> None:
        """A client says "already encrypted" and plaintext is stored as it came: there is no such member."""
        body = scene.system.body(scene.story.place, answers=scene.story.canary.answers(legal_name=answer))
        assert raw(scene, "interviewer", "PUT", f"/v1/records/{uuid4()}", json=body).status_code in {400, 422}

    def test_a_signature_of_one_kind_is_none_of_another(self, scene: Scene) -> None:
        """A signature without a type tag: what was signed as one thing verifies as no other, even under one key."""
        custody, deployment = scene.system.collaborators.custody, scene.system.settings.deployment
        study = scene.story.place.id
        roster = contexts.roster(deployment, key_id="roster-1", study=study, version=1, body=b"{}")
        signed = custody.sign("roster-1", roster)
        messages = [
            contexts.roster(deployment, key_id="roster-1", study=study, version=2, body=b"{}"),
            contexts.roster(deployment, key_id="receipt-1", study=study, version=1, body=b"{}"),
            contexts.roster(uuid4(), key_id="roster-1", study=study, version=1, body=b"{}"),
            contexts.share(deployment, share=study, record=study, version=1),
            roster[1:],
            b"{}",
        ]
        verify(custody.public("roster-1"), roster, signed)
        for message in messages:
            with pytest.raises(BadSignature):
                verify(custody.public("roster-1"), message, signed)

    def test_everything_is_bound_to_this_deployment(self, scene: Scene) -> None:
        """Keys not bound to the server's identity: the same databases and custody under another id open nothing."""
        settings = scene.system.settings.model_copy(update={"deployment": uuid4()})
        other = build(settings, "operator", clock=scene.system.now, gate=scene.system.gate)
        try:
            token = scene.system.sign_in(scene.story.place["researcher"])
            with other.transaction() as session, pytest.raises(Unauthenticated):
                sessions.authenticate(session, other.collaborators, token)
            ids = [row["id"] for row in scene.keystore.now()["share"]]
            floor = Floor(scene.story.place.id, scene.system.collaborators.keystore.floor(scene.story.place.id))
            with pytest.raises(Tampered):
                other.collaborators.keystore.get(ids[:1], floor=floor)
        finally:
            other.close()

    def test_a_read_whose_event_cannot_be_written_opens_nothing(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An audit entry that failed was only warned about: here no share is fetched and the answer is 503."""
        fetched: list[object] = []
        real = Keystore.get

        def counted(self: Keystore, ids: Sequence[UUID], *, floor: Floor, moving: bool = False) -> dict[UUID, Secret]:
            fetched.append(ids)
            return real(self, ids, floor=floor, moving=moving)

        monkeypatch.setattr(Keystore, "get", counted)
        engine = scene.system.runtime.engine
        with engine.begin() as connection:
            trigger = "CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'full'); END"
            connection.execute(text(trigger))
        try:
            path = f"/v1/studies/{scene.story.place.id}/releases/{scene.story.records[0]}"
            assert raw(scene, "researcher", "GET", path).status_code == 503
            assert fetched == []
        finally:
            with engine.begin() as connection:
                connection.execute(text("DROP TRIGGER full"))
        assert raw(scene, "researcher", "GET", path).status_code == 200
        assert fetched


class TestLeaks:
    """What tells more than it should."""

    def test_sizes_do_not_tell_names(self, scene: Scene) -> None:
        """File sizes that tell names: packs of records whose names differ in length have the same size."""
        canary, story = scene.story.canary, scene.story
        sizes = []
        for name in ("Li", "Maximilian-Alexander Konstantinopoulos-Featherstonehaugh"):
            answers = canary.answers(legal_name={"value": name}, other_names={"status": "declined"})
            record = story.submit(answers)
            rows = [row for row in scene.main.now()["pack"] if row["record_id"] == record]
            sizes.append({row["compartment"]: len(row["sealed"]) for row in rows})
        assert sizes[0]["identity"] == sizes[1]["identity"]

    def test_absent_and_given_answers_look_alike(self, scene: Scene) -> None:
        """Rows that tell which questions were answered: an absent short answer has the size of a given one."""
        story, sizes = scene.story, []
        for value in ({"value": "Somebody"}, {"status": "declined"}):
            record = story.submit(story.canary.answers(legal_name=value))
            rows = [row for row in scene.main.now()["pack"] if row["record_id"] == record]
            sizes.append(sorted(len(row["sealed"]) for row in rows if row["compartment"] == "identity"))
        assert sizes[0] == sizes[1]

    def test_a_release_holds_no_offsets(self, scene: Scene) -> None:
        """Offsets that tell name lengths: a release holds texts and values, no span and no position."""
        values = scene.story.read(scene.story.records[0])["values"]
        assert all(value.keys() <= {"value", "status"} for value in values.values())
        assert not any(word in repr(values) for word in ("'start'", "'end'", "'spans'", "'score'"))

    def test_every_mention_of_a_name_is_masked(self, scene: Scene) -> None:
        """Only the first redaction was applied: a name that stands five times is nowhere in the draft."""
        story, name = scene.story, "Yusuf Ahmadzai"
        told = f"I am {name}. {name} they called, {name.upper()}! Then {name}, always {name}."
        answers = story.canary.answers(
            legal_name={"value": name}, exit_account={"value": told}, joining_account={"value": told}
        )
        record = story.submit(answers)
        story.redact()
        review, study = story.people["redactor"].review, story.place.id
        while UUID(review.take(study)["record"]) != record:
            taken = review.take(study)["record"]
            review.finish(study, taken, version=review.source(study, taken)["version"])
        texts = review.source(study, record)["draft"]["texts"]
        clean = " ".join(text["clean"] for text in texts.values()).lower()
        assert "ahmadzai" not in clean
        assert "yusuf" not in clean

    def test_a_record_id_replayed_by_another_person_is_another_record(self, scene: Scene) -> None:
        """An idempotency key of one user replayed by another: the other gets another record."""
        body = scene.system.body(scene.story.place, answers=scene.story.canary.answers())
        client_uuid, keys = uuid4(), scene.system.receipt_keys()
        mine = scene.story.people["interviewer"].intake.submit(client_uuid, body, keys)
        with pytest.raises(Problem) as refused:
            scene.story.people["guardian"].intake.receipt(client_uuid, keys)
        assert refused.value.status == 404
        theirs = scene.story.people["guardian"].intake.submit(client_uuid, body, keys)
        assert theirs.receipt.record != mine.receipt.record

    def test_a_problem_is_never_cached(self, scene: Scene) -> None:
        """Testimony in HTTP caches and histories: every answer, refusals too, forbids storing it."""
        study, record = scene.story.place.id, scene.story.records[0]
        for path in (f"/v1/studies/{study}/releases/{record}", f"/v1/studies/{study}/releases/{uuid4()}"):
            answer = raw(scene, "researcher", "GET", path)
            assert "no-store" in answer.headers["cache-control"]

    def test_an_erased_case_is_not_alive_in_a_backup(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """A deleted case alive in a backup: after the next rotation the backup from before cannot be loaded."""
        with staged(tmp_path_factory.mktemp("backup"), "sqlite") as scene:
            story = scene.story
            with story.everybody():
                record = story.submit()
                scene.rotate()
                old = backup_path(scene.folder / "backups", 2)
                assert str(record) in old.read_text()
                code = scene.main.now()["case"][0]["code"]
                for who in ("guardian", "lead"):
                    story.fresh(who).cases.erase(story.place.id, code, preference="erase_all")
            scene.rotate()
            keystore = scene.system.collaborators.keystore
            with pytest.raises(CustodyUnavailable):
                load_backup(keystore, old)
            passwords = {scene.story.place[who].id: PASSWORD for who in ("guardian", "auditor", "redactor")}
            assert scene.attacker(scene.keystore.all(), passwords=passwords).loot() == {}

"""A thief of everything: both databases, old rows put back, and every key of custody. Nobody's password or token.

It tries every box with every key that can be had from those, and every sealed field with whatever came out. What a test
hands it besides (a password, a share from before a rotation) shows that it would find what there is to find.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from app.cases.grants import grant_context
from app.cases.sealing import Place
from app.crypto import contexts, envelope, hpke, packs
from app.crypto.encoding import enc
from app.crypto.grants import open_box
from app.crypto.passwords import Argon2Params, Bundle, stretch, unlock_key
from app.crypto.principals import KeyPair
from app.crypto.secrets import Secret, join
from app.crypto.shares import open_share
from app.custody.file import FileCustody
from app.errors import TestimonyError
from app.studies.service import WORKER_CONTEXT

Row = Mapping[str, Any]
GROUPS = ("web", "worker", "audit", "intake", "kk")
KEY_BYTES = 32


class Opened(NamedTuple):
    """A field that the thief read."""

    record: UUID
    compartment: str
    version: int
    name: str


@dataclass
class Attacker:
    """See the module. ``main`` and ``keystore`` are rows by table, old ones among them."""

    deployment: UUID
    custody: Path
    main: Mapping[str, Sequence[Row]]
    keystore: Mapping[str, Sequence[Row]]
    # What only a test can hand over: passwords by user, names of fields that a disclosure may have named.
    passwords: Mapping[UUID, str] = field(default_factory=dict)
    named: Sequence[Sequence[str]] = ()

    def __post_init__(self) -> None:
        self._custody = FileCustody(self.custody, GROUPS)
        self._keys = _custody_keys(self.custody)
        self.versions = dict(self._open_versions())
        self.shares = list({share for row in self.keystore["share"] for share in self._open_shares(row)})
        self.pairs = {pair.fingerprint: pair for pair in self._own_pairs()}
        while self._take_boxes():
            pass
        self.places = {
            row["id"]: Place(self.deployment, row["study_id"], row["case_id"], row["id"]) for row in self.main["record"]
        }
        self.secrets = self._open_grants()

    def opened(self) -> dict[Opened, bytes]:
        """Every field of every record that opens, with its plaintext."""
        found: dict[Opened, bytes] = {}
        for row in self.main["pack"]:
            place = self.places.get(row["record_id"])
            if place is None:
                continue
            compartment, version, blobs = row["compartment"], row["version"], packs.unpack(row["sealed"])
            for key in self._candidates(row["record_id"]):
                fields = _fields(place, key, compartment, version, blobs)
                found |= {Opened(place.record, compartment, version, name): text for name, text in fields.items()}
        return found

    def loot(self) -> dict[str, set[UUID]]:
        """What opened, as records by compartment."""
        result: dict[str, set[UUID]] = {}
        for each in self.opened():
            result.setdefault(each.compartment, set()).add(each.record)
        return result

    def unlocked_sessions(self) -> int:
        """How many bundles, in session rows and in accounts, open with any key that lies about."""
        rows = [row["sealed"] for row in self.main["session"]] + [row["bundle"] for row in self.main["user"]]
        infos = [*self._session_contexts(), *(self._user_context(row) for row in self.main["user"])]
        tries = itertools.product(self._loose(), rows, infos)
        return sum(_try(envelope.unseal, key, info, blob) is not None for key, blob, info in tries)

    def read_asks(self) -> list[bytes]:
        """The sealed reasons of asks that open."""
        found: list[bytes] = []
        for row in self.main["ask"]:
            record, blobs = self.places[row["record_id"]], packs.unpack(row["sealed"])
            place = Place(self.deployment, record.study, record.record, row["id"])
            for key in self._candidates(row["record_id"]):
                found += _fields(place, key, "ask", 0, blobs).values()
        return found

    def _open_versions(self) -> Iterator[tuple[int, Secret]]:
        for row, name in itertools.product(self.keystore["kk"], self._keys):
            context = enc("testimony/1/kk", self.deployment, row["n"])
            key = _try(self._custody.unwrap, name, row["wrapped"], context)
            if key is not None:
                yield row["n"], key

    def _open_shares(self, row: Row) -> Iterator[tuple[UUID, Secret]]:
        for n, key in self.versions.items():
            sealed = {"share": row["id"], "record": row["record"], "version": n, "blob": row["value"]}
            value = _try(open_share, key, deployment=self.deployment, **sealed)
            if value is not None:
                yield row["id"], value

    def _own_pairs(self) -> Iterator[KeyPair]:
        for row, name in itertools.product(self.main["epoch"], self._keys):
            wrapped = row["wrapped_private"]
            if wrapped is None:
                continue
            private = _try(self._custody.unwrap, name, wrapped, WORKER_CONTEXT + row["fingerprint"])
            if private is not None:
                yield KeyPair.from_private(private)
        for row in self.main["user"]:
            if row["id"] in self.passwords:
                pair = _try(self._by_password, row, self.passwords[row["id"]])
                if pair is not None:
                    yield pair

    def _by_password(self, row: Row, password: str) -> KeyPair:
        params = Argon2Params(row["argon_m"], row["argon_t"], row["argon_p"])
        argon = stretch(password, row["salt"], params)
        message = contexts.pepper(self.deployment, user=row["id"], key_id=row["key_id"], argon=argon.reveal())
        key = unlock_key(argon, self._custody.mac(row["pepper_id"], message), row["salt"])
        return KeyPair.from_private(Bundle.decode(envelope.unseal(key, self._user_context(row), row["bundle"])).private)

    def _user_context(self, row: Row) -> bytes:
        params = Argon2Params(row["argon_m"], row["argon_t"], row["argon_p"])
        return contexts.user(
            self.deployment,
            user=row["id"],
            key_id=row["key_id"],
            pepper_id=row["pepper_id"],
            params=params,
            salt=row["salt"],
        )

    def _session_contexts(self) -> Iterator[bytes]:
        for row in self.main["session"]:
            expires = int(row["expires_at"].timestamp())
            hashed, user, key = row["token_hash"], row["user_id"], row["key_id"]
            yield contexts.session(self.deployment, token_hash=hashed, user=user, key_id=key, expires=expires)

    def _take_boxes(self) -> bool:
        """Open member boxes with the pairs at hand; whether that gave a new pair."""
        before = len(self.pairs)
        epochs = {row["id"]: row for row in self.main["epoch"]}
        for row, pair in itertools.product(self.main["member"], list(self.pairs.values())):
            epoch = epochs.get(row["epoch_id"])
            if epoch is None or epoch["fingerprint"] in self.pairs:
                continue
            info = contexts.member(
                self.deployment,
                study=epoch["study_id"],
                team=epoch["team"],
                epoch=epoch["id"],
                team_fingerprint=epoch["fingerprint"],
                user=row["user_id"],
                fingerprint=pair.fingerprint,
            )
            private = _try(hpke.unwrap, pair, row["box"], info)
            if private is not None:
                self.pairs[epoch["fingerprint"]] = KeyPair.from_private(private)
        return len(self.pairs) > before

    def _open_grants(self) -> dict[UUID, list[Secret]]:
        """Secrets by record: of grants, asks and disclosures, each box tried with each share and each pair."""
        found: dict[UUID, list[Secret]] = {}
        for record, share, context, box in self._boxes():
            values = [value for id_, value in self.shares if id_ == share]
            for value, pair in itertools.product(values, self.pairs.values()):
                secret = _try(open_box, value, context(pair), pair, box)
                if secret is not None and secret not in found.setdefault(record, []):
                    found[record].append(secret)
        return found

    def _boxes(self) -> Iterator[tuple[UUID, UUID, Callable[[KeyPair], bytes], bytes]]:
        epochs = {row["id"]: row["fingerprint"] for row in self.main["epoch"]}
        for row in self.main["grant"]:
            place, print_ = self.places.get(row["record_id"]), epochs.get(row["epoch_id"])
            if place is not None and print_ is not None:
                context = grant_context(place, row["id"], row["scope"], row["epoch_id"], print_)
                yield place.record, row["id"], _always(context), row["box"]
        asks = {row["id"]: row for row in self.main["ask"]}
        for row in asks.values():
            place = self.places.get(row["record_id"])
            if place is not None:
                yield place.record, row["asker_share_id"], _asker(place, row), row["asker_box"]
        for row in self.main["disclosure"]:
            place = self.places.get(row["record_id"])
            for names in self.named if place is not None else ():
                assert place is not None
                yield place.record, row["id"], _disclosed(place, row, names), row["box"]

    def _candidates(self, record: UUID) -> Iterator[Secret]:
        own = [part for secret in self.secrets.get(record, []) for part in _parts(secret)]
        yield from own
        yield from (join(one, two) for one, two in itertools.combinations(own, 2) if len(one) == len(two))
        yield from self._loose()

    def _loose(self) -> Iterator[Secret]:
        """Every 32 bytes that lie about: custody's keys, key versions, shares."""
        yield from (key for key in self._keys.values() if len(key) == KEY_BYTES)
        yield from self.versions.values()
        yield from (value for _, value in self.shares)


def _fields(place: Place, key: Secret, compartment: str, version: int, blobs: Mapping[str, bytes]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, blob in blobs.items():
        context = contexts.field(
            place.deployment,
            study=place.study,
            case=place.case,
            record=place.record,
            compartment=compartment,
            name=name,
            version=version,
        )
        text = _try(envelope.unseal, key, context, blob)
        if text is None:
            break  # one key seals a whole pack
        found[name] = text
    return found


def _asker(place: Place, row: Row) -> Callable[[KeyPair], bytes]:
    scope = f"ask.{row['id'].hex}"
    return _always(grant_context(place, row["asker_share_id"], scope, row["asker_id"], row["asker_fingerprint"]))


def _disclosed(place: Place, row: Row, names: Iterable[str]) -> Callable[[KeyPair], bytes]:
    def context(pair: KeyPair) -> bytes:
        return contexts.disclosure(
            place.deployment,
            study=place.study,
            record=place.record,
            disclosure=row["id"],
            scope=row["scope"],
            asker=row["asker_id"],
            fingerprint=pair.fingerprint,
            fields=names,
            expires=int(row["expires_at"].timestamp()),
        )

    return context


def _always(context: bytes) -> Callable[[KeyPair], bytes]:
    return lambda _pair: context


def _parts(secret: Secret) -> Iterator[Secret]:
    raw = secret.reveal()
    yield from (Secret(raw[at : at + KEY_BYTES]) for at in range(0, len(raw), KEY_BYTES))


def _custody_keys(folder: Path) -> dict[str, Secret]:
    found: dict[str, Secret] = {}
    for path in folder.glob("*.keys"):
        found |= {name: Secret(base64.b64decode(item["key"])) for name, item in json.loads(path.read_bytes()).items()}
    return found


def _try(attempt: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return attempt(*arguments, **named)
    except TestimonyError:
        return None

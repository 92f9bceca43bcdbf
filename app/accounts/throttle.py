"""Throttling of guesses, by account and by source, so that nobody can lock another out.

Each attempt is charged before it is worked on and given back when it succeeds, so a thousand at the same moment are
counted too. What is counted:
    account and source  five free failures, then a pause that doubles up to 15 minutes; remembered for a day
    source              fifty failures in 15 minutes close this source
    account             a hundred failures in an hour leave each source one free failure; a source that has not failed
                        itself is still let through, so the account's owner is
    anybody's verbs     fifty from one source in 15 minutes, right or wrong: nothing is learned from being stopped
A bucket's key is an HMAC under a key derived from the pepper: no address and no name rests here.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.accounts.gate import PEPPER
from app.accounts.models import Throttle
from app.collaborators import Collaborators
from app.crypto.encoding import enc, sha256
from app.errors import Throttled

__all__ = ["Charge", "Throttling", "source_of", "sweep"]

FREE_FAILURES = 5
FREE_FAILURES_UNDER_ATTACK = 1
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=15)
PAIR_MEMORY = timedelta(hours=24)
SOURCE_LIMIT = 50
SOURCE_WINDOW = timedelta(minutes=15)
ACCOUNT_LIMIT = 100
ACCOUNT_WINDOW = timedelta(hours=1)

# A subscriber of IPv6 has at least this many addresses to choose from.
IPV6_SUBSCRIBER_BITS = 64


@dataclass(frozen=True, slots=True)
class Charge:
    """What one attempt was charged to; ``pair`` pauses, the others are only counted."""

    pair: bytes
    source: bytes | None = None
    account: bytes | None = None

    def buckets(self) -> list[bytes]:
        """All buckets, in the one order in which they are locked."""
        return sorted(bucket for bucket in (self.pair, self.source, self.account) if bucket is not None)


class Throttling:
    """Charges attempts; one per process."""

    def __init__(self, collaborators: Collaborators, *, pepper: str = PEPPER) -> None:
        self._collaborators = collaborators
        self._pepper = pepper

    def charge(self, session: Session, *, account: str, source: str) -> Charge:
        """Charge a sign-in to the account as typed (folded by the caller) and to the source it comes from.

        Raises:
            Throttled: this source has to wait; nothing is charged.
        """
        who, where = _digest(account), _digest(source_of(source))
        pair = self._bucket("pair", who + where)
        return self._charge(session, Charge(pair, self._bucket("source", where), self._bucket("account", who)))

    def charge_token(self, session: Session, *, purpose: str, token: str) -> Charge:
        """Charge a guess made inside a session to that session alone: a stolen token delays no other session.

        Raises:
            Throttled: this session has to wait; nothing is charged.
        """
        return self._charge(session, Charge(self._bucket(purpose, _digest(token))))

    def count(self, session: Session, *, purpose: str, source: str) -> None:
        """Count something that anybody may do without signing in, for the source alone.

        Raises:
            Throttled: this source has done it too often; nothing is counted.
        """
        now = self._collaborators.now()
        row = _locked_row(session, self._bucket(purpose, _digest(source_of(source))), now)
        if row.failures >= SOURCE_LIMIT:
            _check_wait(now, row.window_ends_at)
        row.failures += 1
        if row.failures == 1:
            row.window_ends_at = now + SOURCE_WINDOW
        session.flush()

    def clear(self, session: Session, charge: Charge) -> None:
        """The guess was right: forget this account's failures from this source, and this charge elsewhere."""
        for bucket in charge.buckets():
            if bucket == charge.pair:
                session.execute(delete(Throttle).where(Throttle.bucket == bucket))
            else:
                _give_back(session, bucket)

    def refund(self, session: Session, charge: Charge) -> None:
        """Nothing was guessed: take the charge back, and the pause it brought."""
        for bucket in charge.buckets():
            _give_back(session, bucket)
        session.execute(update(Throttle).where(Throttle.bucket == charge.pair).values(blocked_until=None))

    def _charge(self, session: Session, charge: Charge) -> Charge:
        now = self._collaborators.now()
        rows = {bucket: _locked_row(session, bucket, now) for bucket in charge.buckets()}
        pair = rows[charge.pair]
        _check_wait(now, pair.blocked_until)
        if charge.source is not None and rows[charge.source].failures >= SOURCE_LIMIT:
            _check_wait(now, rows[charge.source].window_ends_at)
        attacked = charge.account is not None and rows[charge.account].failures >= ACCOUNT_LIMIT
        for row in rows.values():
            row.failures += 1
        _open_window(charge, rows, now)
        pause = _pause(pair.failures, FREE_FAILURES_UNDER_ATTACK if attacked else FREE_FAILURES)
        pair.blocked_until = now + pause if pause else None
        session.flush()
        return charge

    def _bucket(self, kind: str, what: bytes) -> bytes:
        return hmac.digest(self._key, enc("testimony/1/throttle-bucket", kind, what), "sha256")

    @cached_property
    def _key(self) -> bytes:
        label = enc("testimony/1/throttle", self._collaborators.deployment)
        return self._collaborators.custody.mac(self._pepper, label)


def source_of(address: str) -> str:
    """What counts as one source: an IPv4 address, an IPv6 network of one subscriber, or the text itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip.packed, IPV6_SUBSCRIBER_BITS), strict=False).network_address)


def sweep(session: Session, collaborators: Collaborators) -> None:
    """Delete the buckets whose time is over."""
    over = select(Throttle.bucket).where(Throttle.window_ends_at <= collaborators.now())
    # A bucket that is being charged at this moment is left for the next sweep.
    session.execute(delete(Throttle).where(Throttle.bucket.in_(over.with_for_update(skip_locked=True))))


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass"))


def _pause(failures: int, free: int) -> timedelta:
    if failures < free:
        return timedelta(0)
    # 2**10 pauses of two seconds are longer than the longest; a higher power would only overflow.
    doubled: int = 2 ** min(failures - free, 10)
    return min(LONGEST_PAUSE, FIRST_PAUSE * doubled)


def _check_wait(now: datetime, until: datetime | None) -> None:
    if until is not None and until > now:
        raise Throttled(int((until - now).total_seconds()) + 1)


def _open_window(charge: Charge, rows: dict[bytes, Throttle], now: datetime) -> None:
    rows[charge.pair].window_ends_at = now + PAIR_MEMORY
    for bucket, window in ((charge.source, SOURCE_WINDOW), (charge.account, ACCOUNT_WINDOW)):
        if bucket is not None and rows[bucket].failures == 1:
            rows[bucket].window_ends_at = now + window


def _locked_row(session: Session, bucket: bytes, now: datetime) -> Throttle:
    """The bucket's row, locked until the transaction ends, made if absent, emptied if its window is over."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    fresh = dialect.insert(Throttle).values(bucket=bucket, failures=0, window_ends_at=now)
    # An update that changes nothing locks the row, so that nobody deletes it before it is read.
    session.execute(fresh.on_conflict_do_update(index_elements=["bucket"], set_={"failures": Throttle.failures}))
    wanted = select(Throttle).where(Throttle.bucket == bucket)
    row = session.execute(wanted, execution_options={"populate_existing": True}).scalar_one()
    if row.window_ends_at <= now:
        row.failures, row.blocked_until = 0, None
    return row


def _give_back(session: Session, bucket: bytes) -> None:
    counted = update(Throttle).where(Throttle.bucket == bucket, Throttle.failures > 0)
    session.execute(counted.values(failures=Throttle.failures - 1))

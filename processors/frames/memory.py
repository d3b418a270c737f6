"""The frames worker's store in memory: the twin of `processors.frames.store` for tests, with the same contract."""

from collections.abc import Iterable, Mapping

from processors.frames.store import HOUR_US, Camera, FramesWork
from processors.worker.work import Booking, Claim, Outcome, Place
from schemas.errors import Permanent
from schemas.finding import Finding
from schemas.frame import FrameReference
from schemas.rejection import Rejection


class MemoryFrames:
    """Keeps what was written; a partition's books are in `claims`."""

    def __init__(self, cameras: Mapping[str, Camera]) -> None:
        self._cameras = dict(cameras)
        self.claims: dict[Place, Claim] = {}
        self.rows: dict[tuple[str, int, int], tuple[FrameReference, dict[str, float], list[str]]] = {}
        self.findings: dict[tuple[str, int], Finding] = {}
        self.rejections: list[tuple[Place, int, Rejection, bytes | None]] = []
        self.ledger: list[Booking] = []

    def claim(self, starts: dict[Place, int], topic_ids: dict[str, str]) -> dict[Place, Claim]:
        for place, start in starts.items():
            self.claims.setdefault(place, Claim(place, topic_ids[place.topic], start, start, None))
        return {place: self.claims[place] for place in starts}

    def cameras(self, names: Iterable[str]) -> dict[str, Camera]:
        return {name: self._cameras[name] for name in names if name in self._cameras}

    def write(self, work: FramesWork) -> Outcome:
        """All or nothing, as the database does it. Raises Permanent when positions do not follow."""
        moving = [a for a in work.advances if a.next > a.first]
        if moving and all(self.claims[a.place].next >= a.next for a in moving):
            return Outcome()  # an unknown commit was one
        for a in work.advances:
            if self.claims[a.place].next != a.first:
                raise Permanent(f"{a.place}: begins at {a.first}, expected {self.claims[a.place].next}")
        bookings = self._store(work)
        new = {(r.finding.id, r.finding.version): r.finding for r in work.findings}
        outcome = Outcome(
            sum(b.stored for b in bookings),
            sum(b.duplicate for b in bookings),
            0,
            len(new.keys() - self.findings.keys()),
        )
        self.findings = new | self.findings
        self.ledger += bookings
        self._advance(work)
        return outcome

    def _store(self, work: FramesWork) -> list[Booking]:
        bookings = []
        for row in work.frames:
            identity = (row.frame.camera, row.frame.at_us, row.frame.seq)
            is_new = identity not in self.rows
            if is_new:
                self.rows[identity] = (row.frame, dict(row.scores), list(row.faults))
            hour_us = row.frame.received_us - row.frame.received_us % HOUR_US
            bookings.append(
                Booking(row.place.topic, row.frame.camera, hour_us, 1, int(is_new), int(not is_new))
            )
        for refused in work.rejections:
            self.rejections.append((refused.place, refused.position, refused.rejection, refused.raw))
            hour_us = refused.rejection.received_us - refused.rejection.received_us % HOUR_US
            bookings.append(
                Booking(refused.place.topic, refused.rejection.device, hour_us, 1, dead_lettered=1)
            )
        return bookings

    def _advance(self, work: FramesWork) -> None:
        for a in work.advances:
            claim = self.claims[a.place]._replace(next=a.next)
            if a.checkpoint:
                claim = claim._replace(
                    checkpoint_position=a.checkpoint.position, checkpoint=a.checkpoint.state
                )
            self.claims[a.place] = claim

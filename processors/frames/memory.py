"""The frames worker's store in memory: the twin of `processors.frames.store` for tests, with the same contract."""

from collections.abc import Iterable, Mapping

from processors.frames.store import HOUR_US, ROLE, Camera, FramesWork, identity_of, sort_out
from processors.worker.memory import MemoryBooks, MemoryOffsets, write_findings
from processors.worker.work import Booking, Outcome, Place, RejectionRow
from schemas.frame import FrameReference
from schemas.rejection import Disposition, Rejection


class MemoryFrames(MemoryOffsets):
    """Keeps what was written."""

    def __init__(self, cameras: Mapping[str, Camera], owner: str = "one") -> None:
        super().__init__(MemoryBooks(), owner, ROLE)
        self.known = dict(cameras)
        self.rows: dict[tuple[str, int, int], tuple[FrameReference, dict[str, float], list[str]]] = {}
        self.rejections: list[tuple[Place, int, Rejection, bytes | None]] = []
        self.ledger: list[Booking] = []

    def cameras(self, names: Iterable[str]) -> dict[str, Camera]:
        return {name: self.known[name] for name in names if name in self.known}

    def write(self, work: FramesWork) -> Outcome:
        """All or nothing, as the database does it. Raises Permanent when positions do not follow."""
        with self.batch(work.advances) as books:
            if books is None:
                return Outcome()  # an unknown commit was one
            bookings, conflicts = self._store(work)
            self.ledger += bookings
            new = write_findings(books, ROLE, work.findings)
        stored, duplicate = sum(b.stored for b in bookings), sum(b.duplicate for b in bookings)
        return Outcome(stored, duplicate, len(conflicts), new, tuple(row.rejection for row in conflicts))

    def _store(self, work: FramesWork) -> tuple[list[Booking], list[RejectionRow]]:
        new = set()
        for row in work.frames:
            identity = identity_of(row.frame)
            if identity not in self.rows:
                self.rows[identity] = (row.frame, dict(row.scores), list(row.faults))
                new.add(identity)
        pictures = {identity: frame.sha256 for identity, (frame, _, _) in self.rows.items()}
        bookings, conflicts = sort_out(work.frames, new, pictures)
        for refused in [*work.rejections, *conflicts]:
            self.rejections.append((refused.place, refused.position, refused.rejection, refused.raw))
            hour_us = refused.rejection.received_us - refused.rejection.received_us % HOUR_US
            kept = refused.rejection.disposition is Disposition.QUARANTINED
            bookings.append(
                Booking(
                    refused.place.topic, refused.rejection.device, hour_us, 1, quarantined=int(kept),
                    dead_lettered=int(not kept),
                )
            )  # fmt: skip
        return bookings, conflicts

"""The frames worker's store in memory: the twin of `processors.frames.store` for tests, with the same contract."""

from collections.abc import Iterable, Mapping

from processors.frames.store import HOUR_US, ROLE, Camera, FramesWork
from processors.worker.memory import MemoryBooks, MemoryOffsets, write_findings
from processors.worker.work import Booking, Outcome, Place
from schemas.frame import FrameReference
from schemas.rejection import Rejection


class MemoryFrames(MemoryOffsets):
    """Keeps what was written."""

    def __init__(self, cameras: Mapping[str, Camera], owner: str = "one") -> None:
        super().__init__(MemoryBooks(), owner, ROLE)
        self._cameras = dict(cameras)
        self.rows: dict[tuple[str, int, int], tuple[FrameReference, dict[str, float], list[str]]] = {}
        self.rejections: list[tuple[Place, int, Rejection, bytes | None]] = []
        self.ledger: list[Booking] = []

    def cameras(self, names: Iterable[str]) -> dict[str, Camera]:
        return {name: self._cameras[name] for name in names if name in self._cameras}

    def write(self, work: FramesWork) -> Outcome:
        """All or nothing, as the database does it. Raises Permanent when positions do not follow."""
        with self.batch(work.advances) as books:
            if books is None:
                return Outcome()  # an unknown commit was one
            bookings = self._store(work)
            self.ledger += bookings
            new = write_findings(books, ROLE, work.findings)
        return Outcome(sum(b.stored for b in bookings), sum(b.duplicate for b in bookings), 0, new)

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

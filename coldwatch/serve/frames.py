"""Wires the frames worker: its own Faust app and process, so that no image can delay a reading."""

from processors.frames.handler import FRAMES_AT_ONCE, FramesWorker
from processors.frames.images import DirectoryImages
from processors.frames.store import FramesStore
from processors.frames.vision.decode import Decoder
from processors.worker.database import Database
from schemas.settings import Settings


def run(settings: Settings) -> int:
    """Returns the exit code. Several workers share the partitions."""
    from coldwatch.serve import worker

    # The watchdog counts whole batches: a small one ends in time even when every image in it is hostile.
    small = settings.judge.model_copy(update={"batch_packs": FRAMES_AT_ONCE})
    images = DirectoryImages(settings.evidence_directory())

    with Decoder() as decoder:

        def handler(database: Database, owner: str) -> FramesWorker:
            return FramesWorker(
                FramesStore(database, owner), images, decoder, settings.judge.checkpoint_interval_s
            )

        return worker.run(
            settings.model_copy(update={"judge": small}), "frames", settings.frames.health_port, handler
        )

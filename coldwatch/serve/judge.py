"""Wires the judge: its store and its handler; the rest is what every worker has."""

from coldwatch.serve import worker
from processors.judge.handler import Judge
from processors.judge.store import JudgeStore
from processors.worker.database import Database
from schemas.settings import Settings


def run(settings: Settings) -> int:
    """Runs until SIGTERM; returns the exit code. Several judges share the partitions."""

    def handler(database: Database, owner: str) -> Judge:
        return Judge(JudgeStore(database, owner), settings.kafka.prefix, settings.judge.checkpoint_interval_s)

    return worker.run(settings, "judge", settings.judge.health_port, handler)

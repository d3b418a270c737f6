"""Wires the judge: its connections, its worker, its health; runs it until SIGTERM."""

from processors.judge import Judge
from processors.store import JudgeStore
from schemas.settings import Settings


def run(settings: Settings) -> int:
    """Returns the exit code. Several judges share the partitions."""
    from coldwatch.serve import worker

    def handler(database: "worker.Database", owner: str) -> Judge:
        return Judge(JudgeStore(database, owner), settings.kafka.prefix, settings.judge.checkpoint_interval_s)

    return worker.run(settings, "judge", settings.judge.health_port, handler)

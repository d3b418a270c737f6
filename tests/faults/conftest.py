"""A stack without load for the drills that bring their own: the front door and the judge, one probe enrolled."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from coldwatch.operate import ledger
from coldwatch.wiring.connections import connect_database
from ingest.onboarding import Enrolment
from ingest.registry import Enrolled, PostgresRegistry
from schemas.settings import Settings
from stack.stack import Stack


@dataclass
class Target:
    """`enrol` gives a probe's token; its topic is `cw/v1/target/ID/telemetry`."""

    stack: Stack
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> tuple[str, int]:
        return self.stack.settings.gateway.host, self.stack.settings.gateway.port

    @property
    def reader_url(self) -> str:
        return self.stack.settings.database.reader_url.get_secret_value()

    def books(self) -> ledger.Ledger:
        return ledger.read(self.stack.settings)

    def enrol(self, device: str, interval_s: float = 60.0) -> str:
        database = self.stack.settings.database
        connection = connect_database(database.pipeline_url, database, "target")
        try:
            wish = Enrolment(
                id=device,
                kind="probe",
                enterprise="target",
                site="s",
                profile="demo",
                interval_us=round(interval_s * 1e6),
            )
            answer = PostgresRegistry(connection).enrol(wish)
        finally:
            connection.close()
        assert isinstance(answer, Enrolled), answer
        return answer.token


@pytest.fixture(scope="package")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    stack = Stack(Settings(home=tmp_path_factory.mktemp("target")), names=("gateway", "judge"))
    stack.start()
    try:
        yield Target(stack)
    finally:
        stack.stop()

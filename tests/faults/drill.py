"""One drill: a whole stack of its own under load, with senders that keep their own log."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import psycopg2
from kafka.errors import KafkaError

from coldwatch.operate import ledger
from coldwatch.wiring.connections import connect_database
from ingest.onboarding import Enrolment
from ingest.registry import Enrolled, PostgresRegistry
from schemas.settings import Settings
from stack.services import NAMES
from stack.stack import Stack
from tests.waiting import until

ENTERPRISE = "drill"
RECOVERY_S = 60.0
"""G9: normal flow again within this time, by itself."""


class Drill:
    """A stack in `home`, its senders and what they logged. Nothing starts before `start`."""

    def __init__(
        self,
        home: Path,
        seed: int = 1,
        gateways: int = 4,
        devices: int = 50,
        interval_s: float = 1.0,
        names: tuple[str, ...] = NAMES,
    ) -> None:
        self.home = home
        self.seed = seed
        self.log = home / "sent.csv"
        self._gateways = gateways
        self._devices = devices
        self._interval_s = interval_s
        self.stack = Stack(Settings(home=home), names=names)
        self._sender: subprocess.Popen[bytes] | None = None
        self._books: ledger.Ledger | None = None

    @property
    def books(self) -> ledger.Ledger:
        """The ledger at the end of `finish`."""
        assert self._books is not None
        return self._books

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    @property
    def reader_url(self) -> str:
        return self.settings.database.reader_url.get_secret_value()

    def start(self) -> None:
        self.stack.start()
        plan = self.home / "plan.json"
        plan.write_text(json.dumps(self._plan()))
        plan.chmod(0o600)
        self._sender = subprocess.Popen([sys.executable, "-m", "tests.faults.sender", str(plan)])

    def _plan(self) -> dict[str, object]:
        image = self.home / "frame.jpg"
        noise = np.random.default_rng(self.seed).integers(0, 255, (180, 320, 3), dtype=np.uint8)
        cv2.imwrite(str(image), noise)
        return {
            "host": self.settings.gateway.host,
            "port": self.settings.gateway.port,
            "enterprise": ENTERPRISE,
            "seed": self.seed,
            "interval_s": self._interval_s,
            "log": str(self.log),
            "image": str(image),
            "gateways": self._enrol(),
        }

    def _enrol(self) -> list[dict[str, object]]:
        wishes = [self._wish(f"gw{g}", "gateway") for g in range(self._gateways)]
        for g in range(self._gateways):
            behind = f"gw{g}"
            wishes += [self._wish(f"gw{g}-d{d}", "probe", behind) for d in range(self._devices)]
        wishes += [self._wish("cam", "camera", "gw0"), self._wish("lab", "instrument", "gw0")]
        connection = connect_database(self.settings.database.pipeline_url, self.settings.database, "drill")
        try:
            answers = PostgresRegistry(connection).enrol_many(wishes)
        finally:
            connection.close()
        tokens = {a.device.id: a.token for a in answers if isinstance(a, Enrolled)}
        assert len(tokens) == len(wishes), [a for a in answers if not isinstance(a, Enrolled)]
        return [
            {
                "id": f"gw{g}",
                "token": tokens[f"gw{g}"],
                "devices": [(g * self._devices + d, f"gw{g}-d{d}") for d in range(self._devices)],
                "cameras": ["cam"] if g == 0 else [],
                "instruments": ["lab"] if g == 0 else [],
                "bad": g == 0,
            }
            for g in range(self._gateways)
        ]

    def _wish(self, name: str, kind: str, behind: str = "") -> Enrolment:
        return Enrolment(
            id=name,
            kind=kind,
            enterprise=ENTERPRISE,
            site="hall",
            behind=behind,
            interval_us=int(max(self._interval_s, 2.0) * 1_000_000),
            profile="demo" if kind == "probe" else "",
        )

    # ------------------------------------------------------------------ what can be asked while it runs

    def logged(self) -> int:
        """Lines in the senders' log; it grows while messages are made and acknowledged."""
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0

    def acked(self) -> int:
        return self.log.read_bytes().count(b",1\n") if self.log.exists() else 0

    def ledger(self) -> ledger.Ledger | None:
        """The books; None while database or Kafka cannot be asked."""
        try:
            return ledger.read(self.settings)
        except (psycopg2.Error, KafkaError):
            return None

    def stored(self) -> int:
        """Readings in the database; -1 while it cannot be asked."""
        try:
            connection = psycopg2.connect(self.reader_url, connect_timeout=3)
        except psycopg2.Error:
            return -1
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("select count(*) from reading")
                return int((cursor.fetchone() or (0,))[0])
        except psycopg2.Error:
            return -1
        finally:
            connection.close()

    def until_acked(self, more: int, limit_s: float = RECOVERY_S) -> None:
        """Returns when that many more messages were acknowledged."""
        goal = self.acked() + more
        until(lambda: self.acked() >= goal, limit_s, 0.2)

    def until_flowing(self) -> None:
        """Returns when messages are acknowledged and stored again, with no more than a moment's lag."""
        self.until_acked(self._gateways * self._devices)
        until(lambda: self.stored() >= 0, RECOVERY_S, 0.2)
        stored = self.stored()
        until(lambda: self.stored() > stored, RECOVERY_S, 0.2)

    # ------------------------------------------------------------------ the end

    def finish(self) -> None:
        """Stops the senders once all is acknowledged and waits until nothing is in flight."""
        assert self._sender is not None
        self._sender.send_signal(signal.SIGTERM)
        assert self._sender.wait(RECOVERY_S) == 0
        until(self._drained, RECOVERY_S, 0.5)

    def _drained(self) -> bool:
        self._books = self.ledger()
        return self._books is not None and self._books.in_flight == 0

    def stop(self) -> None:
        if self._sender is not None and self._sender.poll() is None:
            self._sender.kill()
            self._sender.wait()
        self.stack.stop()

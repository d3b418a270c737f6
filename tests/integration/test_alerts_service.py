"""From a finding on a real Kafka to an incident in a real database, an event on the stream and on topic `alerts`."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import httpx
import psycopg2
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.channels import CHANNELS
from alerts.journal import Position
from alerts.journal_postgres import PostgresJournal
from coldwatch.operate import topics
from coldwatch.serve.alerts import Service
from coldwatch.wiring.transactions import Single
from schemas.errors import WrongTopic
from schemas.finding import Change, Finding, encode_finding
from schemas.incident import decode_event
from schemas.person import Role
from schemas.settings import DatabaseSettings, KafkaSettings, Settings
from schemas.topics import ALERTS, FINDINGS, partition_of
from tests.consoles import RunningConsole
from tests.findings import finding
from tests.waiting import until

LIMIT_S = 30


@dataclass
class Stack:
    """One database, one set of topics; the service is started by the test."""

    settings: Settings
    producer: KafkaProducer
    database: object
    failures: list[BaseException]
    stop: threading.Event

    def start(self) -> threading.Thread:
        self.stop.clear()
        service = Service(self.settings, self.stop)
        thread = threading.Thread(target=partial(self._run, service), daemon=True)
        thread.start()
        return thread

    def _run(self, service: Service) -> None:
        try:
            service.run()
        except BaseException as error:
            self.failures.append(error)

    def send(self, *findings: Finding, raw: bytes | None = None) -> None:
        topic = self.settings.kafka.prefix + FINDINGS.name
        if raw is not None:
            self.producer.send(topic, value=raw, partition=0)
        for one in (replace(each, received_us=time.time_ns() // 1000) for each in findings):
            partition = partition_of(one.subject, FINDINGS.partitions)
            self.producer.send(
                topic, value=encode_finding(one), key=one.subject.encode(), partition=partition
            )
        self.producer.flush(10)

    def query(self, statement: str, *values: object) -> list[tuple]:
        connection = psycopg2.connect(self.database.pipeline_url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall()
        finally:
            connection.close()

    def waits_for(self, statement: str, expected: list[tuple]) -> None:
        until(lambda: self.failures or self.query(statement) == expected, LIMIT_S)
        assert not self.failures
        assert self.query(statement) == expected


@pytest.fixture
def stack(fresh_database, kafka_bootstrap: str, request) -> Iterator[Stack]:
    prefix = f"alerts-{abs(hash(request.node.nodeid)) % 10**8}-{id(request) % 10**6}-"
    topics.ensure(KafkaSettings(bootstrap=kafka_bootstrap, prefix=prefix))
    settings = Settings.model_construct(
        kafka=KafkaSettings(bootstrap=kafka_bootstrap, prefix=prefix),
        database=DatabaseSettings(pipeline_url=SecretStr(fresh_database.pipeline_url)),
    )
    producer = KafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")
    made = Stack(settings, producer, fresh_database, [], threading.Event())
    yield made
    made.stop.set()
    producer.close()
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith("channel-")], LIMIT_S)


def test_findings_become_incidents_and_events_on_the_alerts_topic(stack: Stack) -> None:
    stack.start()
    stack.send(finding(), finding(2, Change.CLOSED), finding(device="d2"))
    stack.waits_for("select device, state from incident order by 1", [("d1", "closed"), ("d2", "open")])
    stack.waits_for("select count(*) from outbox", [(0,)])
    events = [decode_event(value) for value in published(stack, 3)]
    assert sorted((e.device, e.transition) for e in events) == [
        ("d1", "closed"),
        ("d1", "opened"),
        ("d2", "opened"),
    ]


def published(stack: Stack, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        bootstrap_servers=stack.settings.kafka.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    consumer.assign([TopicPartition(stack.settings.kafka.prefix + ALERTS.name, 0)])
    values: list[bytes] = []

    def read() -> bool:
        for records in consumer.poll(timeout_ms=200).values():
            values.extend(record.value for record in records)
        return len(values) >= count

    until(read, LIMIT_S)
    consumer.close()
    return values


def test_a_restarted_service_goes_on_where_it_stood(stack: Stack) -> None:
    thread = stack.start()
    stack.send(finding())
    stack.waits_for("select count(*) from incident_event", [(1,)])
    stack.stop.set()
    thread.join(LIMIT_S)
    stack.send(finding(2, Change.CLOSED), finding())
    stack.start()
    stack.waits_for("select transition from incident_event order by id", [("opened",), ("closed",)])


def test_a_record_that_is_no_finding_is_kept_with_its_bytes_and_stops_nothing(stack: Stack) -> None:
    stack.start()
    stack.send(raw=b"\x00 not a finding")
    stack.send(finding())
    stack.waits_for("select count(*) from incident", [(1,)])
    stack.waits_for(
        "select code, disposition, convert_from(substring(raw from 2), 'utf8') from rejection",
        [("bad_record", "dead_lettered", " not a finding")],
    )


def test_positions_of_another_topic_end_the_service_with_the_remedy(stack: Stack) -> None:
    single = Single(partial(psycopg2.connect, stack.database.pipeline_url))
    PostgresJournal(single.begin, CHANNELS).begin_positions({0: Position("an-older-topic", 5)})
    single.close()
    stack.start()
    until(lambda: stack.failures, LIMIT_S)
    (failure,) = stack.failures
    assert isinstance(failure, WrongTopic)
    assert "delete from finding_offset" in str(failure)


def test_a_database_that_cuts_its_connections_costs_nothing(stack: Stack) -> None:
    stack.start()
    stack.send(finding())
    stack.waits_for("select count(*) from incident", [(1,)])
    owner = psycopg2.connect(stack.database.owner_url)
    with owner, owner.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'coldwatch-alerts%' and datname = current_database()"
        )
    owner.close()
    stack.send(finding(2, Change.CLOSED), finding(device="d2"))
    stack.waits_for("select count(*) from incident_event", [(3,)])
    stack.waits_for("select count(*) from outbox", [(0,)])


class Stream:
    """Reads a live stream in a thread until it is cut."""

    def __init__(
        self, console: RunningConsole, cookies: httpx.Cookies, last_event: int | None = None
    ) -> None:
        headers = {} if last_event is None else {"Last-Event-ID": str(last_event)}
        self._client = httpx.Client(base_url=console.url, cookies=cookies, headers=headers, timeout=20)
        self.events: list[tuple[int, dict]] = []
        self.ticks = 0
        self._cut = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        id = 0
        with self._client.stream("GET", "/api/events") as response:
            for line in response.iter_lines():
                if self._cut.is_set():
                    return
                if line.startswith("id: "):
                    id = int(line[4:])
                elif line.startswith("event: tick"):
                    self.ticks += 1
                    id = 0
                elif line.startswith("data: ") and id:
                    self.events.append((id, json.loads(line[6:])))

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def cut(self) -> None:
        self._cut.set()
        self._thread.join(LIMIT_S)
        self._client.close()


@pytest.fixture
def console(stack: Stack) -> Iterator[RunningConsole]:
    running = RunningConsole(stack.database.web_url)
    running.start()
    running.add_person("li", Role.OPERATOR)
    yield running
    running.stop()


def transitions(stream: Stream) -> list[tuple[str, str]]:
    return [(event["device"], event["transition"]) for _id, event in stream.events]


def sees(stream: Stream, expected: list[tuple[str, str]]) -> Callable[[], bool]:
    return lambda: len(transitions(stream)) >= len(expected)


def test_a_finding_is_seen_on_the_stream_and_a_cut_stream_resumes_without_a_gap(
    stack: Stack, console: RunningConsole
) -> None:
    stack.start()
    with console.client("li") as client:
        first = Stream(console, client.cookies)
        until(lambda: first.ticks, LIMIT_S)
        stack.send(finding())
        until(sees(first, [("d1", "opened")]), LIMIT_S)
        first.cut()
        stack.send(finding(2, Change.AMENDED, peak=11.0), finding(device="d2"))
        stack.waits_for("select count(*) from incident_event", [(3,)])
        second = Stream(console, client.cookies, last_event=first.events[-1][0])
        until(lambda: second.ticks, LIMIT_S)
        stack.send(finding(3, Change.CLOSED))
        until(lambda: len(second.events) >= 3, LIMIT_S)
        second.cut()
    assert transitions(first) == [("d1", "opened")]
    assert sorted(transitions(second)) == [("d1", "amended"), ("d1", "closed"), ("d2", "opened")]
    ids = [id for id, _event in first.events + second.events]
    assert ids == sorted(set(ids))
    assert second.events[-1][1]["state"] == "closed"


def test_what_a_person_does_reaches_the_other_seats_and_the_alerts_topic(
    stack: Stack, console: RunningConsole
) -> None:
    stack.start()
    one = finding()
    stack.send(one)
    stack.waits_for("select count(*) from incident", [(1,)])
    with console.client("li") as client:
        other_seat = Stream(console, client.cookies)
        until(lambda: other_seat.ticks, LIMIT_S)
        answer = client.post(f"/api/incidents/{one.id}/acknowledge", json={"note": "已电话通知"})
        assert (answer.status_code, answer.json()["state"], answer.json()["acknowledged_by"]) == (
            200,
            "acknowledged",
            "li",
        )
        until(lambda: other_seat.events, LIMIT_S)
        other_seat.cut()
        again = client.post(f"/api/incidents/{one.id}/acknowledge", json={"note": ""})
        assert (again.status_code, again.json()["code"]) == (409, "already_acknowledged")
    assert transitions(other_seat) == [("d1", "acknowledged")]
    events = [decode_event(value) for value in published(stack, 2)]
    assert [(e.transition, e.actor, e.note) for e in events][-1] == ("acknowledged", "li", "已电话通知")


def test_signing_out_ends_the_streams_of_that_session(stack: Stack, console: RunningConsole) -> None:
    with console.client("li") as client:
        stream = Stream(console, client.cookies)
        until(lambda: stream.ticks, LIMIT_S)
        assert client.delete("/api/session").status_code == 204
        until(lambda: stream.ended, LIMIT_S)
        stream.cut()
    until(lambda: console.app.state.live.listeners == 0, LIMIT_S)


def test_while_the_database_is_away_the_console_says_so_and_comes_back(
    stack: Stack, console: RunningConsole
) -> None:
    with console.client("li") as client:
        stream = Stream(console, client.cookies)
        until(lambda: stream.ticks, LIMIT_S)
        reach(stack, allowed=False)
        until(lambda: client.get("/readyz").status_code == 503, LIMIT_S)
        away = client.get("/api/incidents")
        assert (away.status_code, away.json()["code"]) == (503, "unavailable")
        assert away.headers["retry-after"]
        reach(stack, allowed=True)
        until(lambda: client.get("/readyz").status_code == 200, LIMIT_S)
        assert client.get("/api/incidents").status_code == 200
        ticks = stream.ticks
        until(lambda: stream.ticks > ticks, LIMIT_S)
        stream.cut()


def reach(stack: Stack, allowed: bool) -> None:
    """Opens or shuts the database to the console, and cuts what it has open."""
    owner = psycopg2.connect(stack.database.owner_url)
    owner.autocommit = True
    with owner.cursor() as cursor:
        cursor.execute("select current_database()")
        (name,) = cursor.fetchone()
        cursor.execute(
            f"{'grant' if allowed else 'revoke'} connect on database {name} {'to' if allowed else 'from'} public"
        )
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'coldwatch_web' and datname = current_database()"
        )
    owner.close()

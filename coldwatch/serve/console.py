"""Service `console`: the web, with uvicorn in this process; health and metrics on a port of their own."""

import signal
import time
from datetime import timedelta
from functools import partial
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coldwatch.operate.backlog import BacklogWatch
from coldwatch.wiring.connections import connect_database
from coldwatch.wiring.health import HealthServer
from coldwatch.wiring.news import News
from coldwatch.wiring.transactions import Pool
from console.app import Deps, build
from console.evidence import EvidenceReader
from schemas.errors import Permanent
from schemas.settings import Settings

REQUESTS = Counter("coldwatch_http_requests", "requests answered", ["method", "status"])
SECONDS = Histogram("coldwatch_http_seconds", "time to an answer, streams apart")
LISTENERS = Gauge("coldwatch_live_listeners", "open live streams")
INGEST_AGE = Gauge("coldwatch_ingest_age_seconds", "age of the stream's newest time; -1: none yet")
POOL_SIZE = 8
STOP_WITHIN_S = 5


def run(settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT."""
    if not settings.database.web_url.get_secret_value():
        raise Permanent(
            "COLDWATCH_DATABASE__WEB_URL is not set: the console enters the database as role coldwatch_web"
        )
    connect = partial(connect_database, settings.database.web_url, settings.database)
    pool = Pool(partial(connect, "console"), POOL_SIZE)
    backlog = BacklogWatch(settings, pool.begin)
    app = build(
        Deps(
            begin=pool.begin,
            evidence=EvidenceReader(settings.evidence_directory()).get,
            backlog=backlog.read,
            prefix=settings.kafka.prefix,
            session_lifetime=timedelta(hours=settings.console.session_hours),
            secure_cookie=settings.console.secure_cookie,
            news=News(partial(connect, "console-news")).wait,
        )
    )
    live = app.state.live
    LISTENERS.set_function(lambda: live.listeners)
    INGEST_AGE.set_function(lambda: age if (age := live.ingest()["ingest_age_s"]) is not None else -1)
    health = HealthServer((settings.health_host, settings.console.health_port), ready=lambda: live.trouble)
    structlog.get_logger().info("health", port=health.start())
    backlog.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(
            number, lambda *_: None
        )  # uvicorn takes them, and raises them again when it has stopped
    try:
        Server(app, settings).run()
    finally:
        backlog.stop()
        health.stop()
        pool.close()
    return 0


class Server(uvicorn.Server):
    """uvicorn that ends the live streams first when asked to stop: it would wait for them otherwise."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        config = uvicorn.Config(
            Metered(app),
            host=settings.console.host,
            port=settings.console.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            limit_concurrency=2000,
        )
        super().__init__(config)
        self._live = app.state.live

    async def startup(self, sockets: list | None = None) -> None:  # type: ignore[type-arg]
        await super().startup(sockets)
        for server in self.servers:
            for socket in server.sockets:
                structlog.get_logger().info("listening", port=socket.getsockname()[1])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._live.close_soon()
        super().handle_exit(sig, frame)


class Metered:
    """ASGI: counts answers, and times those that are no stream."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(scope["method"], message["status"]).inc()
                if scope["path"] != "/api/events":
                    SECONDS.observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)

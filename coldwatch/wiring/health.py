"""/healthz, /readyz and /metrics of every service, in a thread of their own so that a busy loop still answers."""

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Check = Callable[[], str]
"""A check returns "" when all is well, else one sentence that says what is missing."""


class HealthServer:
    """Answers 200 or 503 with the sentence. `healthy` false for long means: restart me; `ready` false: not yet."""

    def __init__(
        self,
        address: tuple[str, int],
        ready: Check,
        healthy: Check = lambda: "",
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._address = address
        self._checks = {"/readyz": ready, "/healthz": healthy}
        self._registry = registry
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> int:
        """Listens on its address; returns the port (a free one when it was 0). Raises OSError."""
        checks, registry = self._checks, self._registry

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
                elif self.path in checks:
                    sentence = checks[self.path]()
                    self._answer(
                        503 if sentence else 200, (sentence or "ok").encode(), "text/plain; charset=utf-8"
                    )
                else:
                    self._answer(404, b"only /healthz, /readyz, /metrics", "text/plain")

            def _answer(self, status: int, body: bytes, content_type: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass  # the supervisor asks once a second; that is no news

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET

        self._server = Server(self._address, Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

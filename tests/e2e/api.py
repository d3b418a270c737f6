"""The console's public API as a program of somebody else's would use it."""

from types import TracebackType
from typing import Any, Self

import httpx


class Api:
    """A signed-in client; a context manager."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"X-Coldwatch": "1"}, timeout=10.0, trust_env=False)
        self._client.post("api/session", json={"name": name, "password": password}).raise_for_status()

    def get(self, path: str, **query: str | int) -> Any:
        answer = self._client.get(f"api/{path}", params=query)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, **body: str) -> Any:
        answer = self._client.post(f"api/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def incidents(self, state: str = "all") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get("incidents", state=state, limit=200)["items"]
        return items

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

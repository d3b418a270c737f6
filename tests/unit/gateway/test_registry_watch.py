"""The registry's cache is kept fresh beside the loop; questions are shared, failures are told as "not known"."""

import asyncio
from typing import Any

from ingest.registry import Changes, RegistryCache
from ingest.registry_watch import RegistryWatch
from schemas.registry import Device


class FakeConnection:
    autocommit = False

    def __enter__(self) -> "FakeConnection":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def close(self) -> None:
        pass


class Database:
    """Counts the questions; `away` makes them fail."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[int] = []
        self.opened = 0
        self.devices: tuple[Device, ...] = ()

    def connect(self) -> Any:
        self.opened += 1
        return FakeConnection()

    def fetch(self, connection: object, since: int) -> Changes:
        self.asked.append(since)
        if self.away:
            raise OSError("away")
        return Changes(len(self.asked), self.devices)


def device(name: str) -> Device:
    return Device(id=name, kind="probe", enterprise="e", site="s", interval_us=1, profile="p")


def watching(database: Database) -> tuple[RegistryWatch, RegistryCache, list[set[str]]]:
    cache, heard = RegistryCache(), list[set[str]]()
    return (
        RegistryWatch(cache, database.connect, 1.0, heard.append, database.fetch, min_pause_s=0.0),
        cache,
        heard,
    )


async def test_changes_reach_the_cache_and_who_listens() -> None:
    database = Database()
    database.devices = (device("a"),)
    watch, cache, heard = watching(database)
    assert not watch.fresh
    assert await watch.refresh()
    assert (cache.find("a"), heard, watch.loaded.is_set(), watch.fresh) == (device("a"), [{"a"}], True, True)
    assert await watch.refresh()
    assert (database.asked, heard) == ([0, 1], [{"a"}])
    watch.close()


async def test_who_waits_together_asks_once() -> None:
    database = Database()
    watch, _, _ = watching(database)
    assert await asyncio.gather(*(watch.refresh() for _ in range(50))) == [True] * 50
    assert len(database.asked) == 1
    watch.close()


async def test_a_look_up_asks_anew_behind_a_question_under_way() -> None:
    database = Database()
    watch, _, _ = watching(database)
    under_way = asyncio.create_task(watch.refresh())
    await asyncio.sleep(0)
    assert await asyncio.gather(*(watch.look_up() for _ in range(20))) == [True] * 20
    await under_way
    assert len(database.asked) == 2
    watch.close()


async def test_a_database_away_is_not_known_and_tried_with_a_new_connection() -> None:
    database = Database()
    database.away = True
    watch, _, _ = watching(database)
    assert not await watch.refresh()
    assert not watch.fresh
    assert not watch.loaded.is_set()
    database.away = False
    assert await watch.refresh()
    assert database.opened == 2
    watch.close()

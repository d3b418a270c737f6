"""A batch is what came while the one before it was written; the first one after a quiet moment waits for company."""

import asyncio

from processors.worker.gathering import Gathering


async def test_what_came_while_the_writer_was_busy_is_taken_at_once() -> None:
    gathering: Gathering[int] = Gathering(limit=10, within_s=3600)
    for number in range(3):
        await gathering.put(number)
    assert await gathering.take() == [0, 1, 2]


async def test_the_first_after_a_quiet_moment_waits_for_the_others() -> None:
    gathering: Gathering[int] = Gathering(limit=10, within_s=0.0)
    taking = asyncio.create_task(gathering.take())
    await asyncio.sleep(0)
    await gathering.put(1)
    await gathering.put(2)
    assert await taking == [1, 2]


async def test_a_full_batch_holds_its_reader_back_until_it_is_taken() -> None:
    gathering: Gathering[int] = Gathering(limit=2, within_s=3600)
    await gathering.put(1)
    second = asyncio.create_task(gathering.put(2))
    await asyncio.sleep(0)
    assert not second.done()
    assert await gathering.take() == [1, 2]
    await second

"""Refusals are counted, slowed when repeated, folded per minute, and bounded; the record waits for the database."""

from typing import Any

from ingest.refusals import MAX_ADDRESSES, MAX_FOLDED, OTHERS, WINDOW_S, Refusals, RefusalWriter


def test_refusals_of_one_minute_are_one_row() -> None:
    refusals = Refusals(slow_after=5, slow_s=2)
    refusals.note("10.0.0.1", "d1", "bad_token", 60)
    refusals.note("10.0.0.1", "d1", "bad_token", 119.9)
    refusals.note("10.0.0.1", "d1", "bad_token", 120)
    assert refusals.take() == {
        (60, "10.0.0.1", "d1", "bad_token"): 2,
        (120, "10.0.0.1", "d1", "bad_token"): 1,
    }
    assert refusals.take() == {}


def test_an_address_is_slowed_after_so_many_and_forgiven_after_a_while() -> None:
    refusals = Refusals(slow_after=2, slow_s=2)
    assert [refusals.note("a", "d", "bad_token", 100 + n) for n in range(4)] == [0, 0, 2, 2]
    assert refusals.note("b", "d", "bad_token", 104) == 0
    assert refusals.note("a", "d", "bad_token", 100 + WINDOW_S + 1) == 0


def test_neither_addresses_nor_names_can_fill_the_memory() -> None:
    refusals = Refusals(slow_after=2, slow_s=2)
    for number in range(MAX_ADDRESSES + MAX_FOLDED):
        refusals.note(f"address {number}", f"name {number}" * 100, "bad_token", 0)
    assert len(refusals._recent) <= MAX_ADDRESSES
    folded = refusals.take()
    assert len(folded) == MAX_FOLDED + 1
    assert sum(folded.values()) == MAX_ADDRESSES + MAX_FOLDED
    assert folded[(0, OTHERS, OTHERS, "bad_token")] == MAX_ADDRESSES
    assert max(len(name) for _, _, name, _ in folded) == 64


def test_what_could_not_be_written_is_added_to_what_came_since() -> None:
    refusals = Refusals(slow_after=2, slow_s=2)
    refusals.note("a", "d", "bad_token", 0, count=3)
    taken = refusals.take()
    refusals.note("a", "d", "bad_token", 0)
    refusals.put_back(taken)
    assert refusals.take() == {(0, "a", "d", "bad_token"): 4}


async def test_a_database_that_is_away_loses_no_refusal() -> None:
    refusals = Refusals(slow_after=2, slow_s=2)
    refusals.note("a", "d", "bad_token", 0)

    def connect() -> Any:
        raise OSError("away")

    writer = RefusalWriter(refusals, connect)
    assert not await writer.write()
    writer.close()
    assert refusals.take() == {(0, "a", "d", "bad_token"): 1}

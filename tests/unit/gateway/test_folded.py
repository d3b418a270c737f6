"""Refusals of one device: the first few of a minute one by one, the rest as one; nothing is lost of the sum."""

from ingest.folded import FEW, MOST, WINDOW_S, Folding
from ingest.packer import Ticket
from schemas.rejection import Rejection

TOPIC = "cw/v1/e/d1/telemetry"


def refused(code: str = "bad_json", device: str = "d1", topic: str = TOPIC) -> Rejection:
    return Rejection(code=code, device=device, topic=topic)


def take(
    folding: Folding, number: int, rejection: Rejection, now_s: float = 0.0, ticket: Ticket | None = None
) -> int:
    """How many of so many were folded."""
    ticket = ticket or Ticket()
    return sum(folding.take(rejection, b"%d" % n, ticket, now_s) for n in range(number))


def test_the_first_few_are_kept_by_themselves_and_the_rest_is_one_with_its_count() -> None:
    folding = Folding()
    assert take(folding, FEW + 500, refused()) == 500
    (fold,) = folding.leave()
    assert (fold.count, fold.raw, fold.rejection.code) == (500, b"%d" % FEW, "bad_json")
    assert folding.leave() == []


def test_a_ticket_waits_once_for_what_is_folded() -> None:
    folding, first, second = Folding(), Ticket(), Ticket()
    take(folding, FEW, refused())
    take(folding, 5, refused(), ticket=first)
    take(folding, 5, refused(), ticket=second)
    (fold,) = folding.leave()
    assert fold.tickets == [first, second]
    assert (first.pending, second.pending) == (2, 2)


def test_devices_and_codes_are_folded_by_themselves() -> None:
    folding = Folding()
    for rejection in (refused(), refused(code="bad_shape"), refused(device="d2")):
        assert take(folding, FEW + 1, rejection) == 1
    assert len(folding.leave()) == 3


def test_each_minute_has_its_first_few() -> None:
    folding = Folding()
    take(folding, FEW + 1, refused())
    assert take(folding, FEW, refused(), now_s=WINDOW_S + 1) == 0


def test_values_and_results_are_never_folded() -> None:
    folding = Folding()
    assert take(folding, 100, refused(code="clock")) == 0
    assert take(folding, 100, refused(topic="cw/v1/e/d1/result")) == 0


def test_what_is_remembered_is_bounded() -> None:
    folding = Folding()
    for number in range(MOST + 5):
        take(folding, 1, refused(device=f"d{number}"))
    assert len(folding._seen) == MOST

"""Ports are chosen free, remembered, and never those that outgoing connections use."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import Permanent
from stack.ports import HIGHEST, LOWEST, Ports, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_is_remembered_across_starts(tmp_path: Path) -> None:
    first = Ports(tmp_path / "ports.json").choose("kafka")
    assert LOWEST <= first < HIGHEST
    assert Ports(tmp_path / "ports.json").choose("kafka") == first


def test_names_get_different_ports(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    chosen = [ports.choose(f"service-{number}") for number in range(20)]
    assert len(set(chosen)) == 20
    assert all(map(is_free, chosen))


def test_a_remembered_port_that_somebody_took_is_replaced(tmp_path: Path, taken: int) -> None:
    path = tmp_path / "ports.json"
    path.write_text(f'{{"kafka": {taken}}}')
    chosen = Ports(path).choose("kafka")
    assert chosen != taken
    assert Ports(path).choose("kafka") == chosen


def test_a_fixed_port_is_taken_as_it_is(tmp_path: Path) -> None:
    free = Ports(tmp_path / "other.json").choose("x")
    assert Ports(tmp_path / "ports.json").choose("kafka", fixed=free) == free


def test_a_fixed_port_in_use_is_refused_with_its_number(tmp_path: Path, taken: int) -> None:
    with pytest.raises(Permanent, match=f"port {taken} for kafka is taken"):
        Ports(tmp_path / "ports.json").choose("kafka", fixed=taken)

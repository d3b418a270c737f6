"""What judging costs, without Kafka and database: `python -m bench.judge [--points N] [--seconds S]`.

Prints microseconds of CPU per reading for decoding and judging (row packing included) and, per checkpoint, what the
state of all points costs to encode, compress and read back. One reading per point and second, 1 % out of range.
"""

import argparse
import json
import time
import zlib

from processors.judge.checkpoint import decode_state, encode_state
from processors.judge.engine import judge
from processors.judge.judged import Judged
from processors.judge.registry_view import RegistryView
from processors.judge.state import PartitionState
from schemas.profile import Profile
from schemas.reading import clock_line, decode_lines, reading_line
from schemas.registry import Device, Point

START_US = 1_790_000_000_000_000
PROFILES = [
    Profile(name="bench", version=1, metric="temperature", low=0.0, high=8.0, low_inclusive=False),
    Profile(name="bench", version=1, metric="*"),
]


def book_of(points: int) -> RegistryView:
    """One temperature point per device."""
    return RegistryView(
        [
            Device(
                id=f"d{n}", kind="probe", enterprise="e", site="s", interval_us=1_000_000, profile="bench",
                points=(
                    Point(id=n, device=f"d{n}", metric="temperature", unit="Cel", possible_low=-80, possible_high=80),
                ),
            )
            for n in range(1, points + 1)
        ],
        PROFILES,
    )  # fmt: skip


def pack_of(points: int, second: int) -> bytes:
    at_us = START_US + second * 1_000_000
    lines = [
        reading_line(n, at_us, 0, 12.5 if n % 100 == 0 else 4.1, 1, at_us + 4_000)
        for n in range(1, points + 1)
    ]
    return b"".join([*lines, clock_line(at_us + 5_000, "bench")])


def measure(points: int, seconds: int) -> dict[str, float]:
    """Figures in microseconds per reading and milliseconds per checkpoint."""
    book, state = book_of(points), PartitionState()
    for second in range(2):  # the long way: nothing is known yet, then the hour has turned
        judge(state, decode_lines(pack_of(points, second)), book, Judged())
    decoding = judging = 0.0
    for second in range(2, seconds + 2):
        pack = pack_of(points, second)
        began = time.process_time()
        lines = decode_lines(pack)
        decoded = time.process_time()
        judge(state, lines, book, Judged())
        decoding += decoded - began
        judging += time.process_time() - decoded
    began = time.process_time()
    text = encode_state(state)
    encoded = time.process_time()
    packed = zlib.compress(text, 1)
    compressed = time.process_time()
    decode_state(zlib.decompress(packed), book)
    restored = time.process_time()
    readings = points * seconds
    return {
        "points": points,
        "decode_us": round(decoding / readings * 1e6, 3),
        "judge_us": round(judging / readings * 1e6, 3),
        "encode_ms": round((encoded - began) * 1e3, 1),
        "compress_ms": round((compressed - encoded) * 1e3, 1),
        "restore_ms": round((restored - compressed) * 1e3, 1),
        "state_bytes": len(text),
        "stored_bytes": len(packed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    for points in arguments.points:
        print(json.dumps(measure(points, arguments.seconds)))


if __name__ == "__main__":
    main()

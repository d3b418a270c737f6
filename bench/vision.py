"""How well and how quickly cameras are judged: `python -m bench.vision [--sequences N] [--hard] [--json]`.

Draws sequences from seeds, every one of them with one trouble or with a harmless change, runs them through decoder,
checks and engine, and prints a confusion table by rule (a sequence counts once) and milliseconds a frame.
"""

import argparse
import json
import time
from collections import Counter
from typing import Final

import numpy as np

from bench.kitchen import BLACK, COVERS, FREEZES, Segment, Sequence, draw_sequence
from processors.frames.engine import CameraState, step
from processors.frames.vision import CHECKS, look
from processors.frames.vision.decode import Decoder, Undecodable
from schemas.finding import Change, Finding
from schemas.frame import FrameReference

HARMLESS: Final = ("nothing", "night", "infrared", "lamp", "near", "crowd", "still", "dim_noise")
SIZES: Final = ((640, 360), (640, 480), (1280, 720), (1920, 1080))
RULE_OF: Final = {
    BLACK: "camera_black",
    **dict.fromkeys(COVERS, "camera_covered"),
    **dict.fromkeys(FREEZES, "camera_frozen"),
}
Run = tuple[str, int, int | None]


def judge(
    sequence: Sequence, decoder: Decoder, spent: Counter[str] | None = None
) -> tuple[list[Run], list[dict[str, float]]]:
    """Episodes as (rule, first bad frame, first good frame) and the scores of every frame."""
    state, findings, scores = CameraState(), list[Finding](), list[dict[str, float]]()
    spent = Counter() if spent is None else spent
    for number, jpeg in enumerate(draw_sequence(sequence)):
        begun = time.perf_counter()
        grey = decoder.decode(jpeg)
        decoded = time.perf_counter()
        if isinstance(grey, Undecodable):
            raise ValueError(f"frame {number} of a drawn sequence: {grey.reason}")
        scored, scene = look(grey, state.scene)
        state, found = step(state, CHECKS.values(), scored, reference(sequence, number), scene)
        spent.update(decode_us=round((decoded - begun) * 1e6), frames=1)
        spent.update(judge_us=round((time.perf_counter() - decoded) * 1e6))
        findings += found
        scores.append(scored)
    return _episodes(sequence, findings), scores


def reference(sequence: Sequence, number: int) -> FrameReference:
    """The reference of frame `number` of a drawn sequence."""
    at_us = number * sequence.interval_ms * 1000
    return FrameReference(
        camera="camera",
        at_us=at_us,
        seq=number,
        received_us=at_us,
        sha256=f"{number:064d}",
        size_bytes=1,
        width=sequence.width,
        height=sequence.height,
    )


def _episodes(sequence: Sequence, findings: list[Finding]) -> list[Run]:
    found: dict[str, Run] = {}
    for finding in findings:
        end = None if finding.end_us is None else finding.end_us // (sequence.interval_ms * 1000)
        found[finding.id] = (finding.rule, finding.start_us // (sequence.interval_ms * 1000), end)
        assert finding.change is not Change.AMENDED
    return sorted(found.values(), key=lambda run: (run[1], run[0]))


def generate(number: int, hard: bool = False) -> tuple[str, Sequence]:
    """The name of what happens, and the sequence, of one seed. hard: at and beyond the edge of what can be told."""
    chance = np.random.default_rng(number)
    names = (*HARMLESS, BLACK, *COVERS, *FREEZES)
    name = names[number % len(names)]
    width, height = SIZES[int(chance.choice(len(SIZES), p=[0.6, 0.2, 0.15, 0.05]))]
    before, after = int(chance.integers(6, 14)), int(chance.integers(5, 9))
    middle = _segment(name, int(chance.integers(4, 9)), chance, hard)
    return name, Sequence(
        segments=[Segment(before), middle, Segment(after)],
        seed=1000 + number,
        width=width,
        height=height,
        noise=(0.4 if hard else 0.8) if name == "still" else float(chance.uniform(1.0, 8.0 if hard else 5.0)),
        quality=int(chance.integers(15, 50) if hard else chance.integers(40, 95)),
        people=0 if name == "still" else int(chance.integers(0, 4)),
        texture=float(chance.uniform(0.0, 4.0) if hard else chance.uniform(1.0, 8.0)),
    )


def _segment(name: str, frames: int, chance: np.random.Generator, hard: bool) -> Segment:
    def between(low: float, high: float) -> float:
        return float(chance.uniform(low, high))

    match name:
        case "night":
            return Segment(frames, light=between(0.1, 0.2) if hard else between(0.25, 0.5))
        case "infrared":
            return Segment(frames, infrared=True, noise=between(6, 12) if hard else between(2, 6))
        case "lamp":
            return Segment(frames, light=between(1.6, 2.5) if hard else between(1.2, 1.5))
        case "near":
            return Segment(frames, near=between(0.5, 0.7) if hard else between(0.2, 0.45))
        case "dim_noise":
            return Segment(frames, light=between(0.3, 0.5), noise=between(10, 18) if hard else between(5, 9))
        case "nothing" | "crowd" | "still":
            return Segment(frames)
        case "defocus":
            return Segment(frames, name, blur=between(2, 4) if hard else between(4, 10))
        case _:
            return Segment(frames, name, light=between(0.4, 0.6) if hard else between(0.8, 1.1))


def measure_all(sequences: int, hard: bool = False) -> dict[str, object]:
    """Confusion by rule, failures by name and speed over seeds 0..sequences-1."""
    table: dict[str, Counter[str]] = {rule: Counter() for rule in sorted(set(RULE_OF.values()))}
    wrong: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    with Decoder() as decoder:
        for number in range(sequences):
            name, sequence = generate(number, hard)
            seen = {rule for rule, _, _ in judge(sequence, decoder, spent)[0]}
            wanted = {RULE_OF[name]} if name in RULE_OF else set()
            for rule, counts in table.items():
                counts[
                    ("true_" if (rule in seen) == (rule in wanted) else "false_") + _sign(rule in seen)
                ] += 1
            if seen != wanted:
                wrong[f"{name} -> {'+'.join(sorted(seen)) or 'nothing'}"] += 1
    rules = {rule: {**counts, **_rates(counts)} for rule, counts in table.items()}
    frames = max(1, spent["frames"])
    return {
        "sequences": sequences,
        "frames": spent["frames"],
        "rules": rules,
        "wrong": dict(wrong),
        "decode_ms": round(spent["decode_us"] / frames / 1000, 3),
        "judge_ms": round(spent["judge_us"] / frames / 1000, 3),
    }


def _sign(seen: bool) -> str:
    return "positive" if seen else "negative"


def _rates(counts: Counter[str]) -> dict[str, float]:
    hits = counts["true_positive"]
    return {
        "precision": round(hits / max(1, hits + counts["false_positive"]), 4),
        "recall": round(hits / max(1, hits + counts["false_negative"]), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=340)
    parser.add_argument("--hard", action="store_true", help="at and beyond the edge of what can be told")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure_all(arguments.sequences, arguments.hard)
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{result['sequences']} sequences, {result['frames']} frames")
    for rule, row in result["rules"].items():  # type: ignore[attr-defined]
        print(f"  {rule:16}", *(f"{key}={value}" for key, value in row.items()))
    print("  wrong:", result["wrong"])
    print(f"  {result['decode_ms']} ms decoding, {result['judge_ms']} ms measuring and judging a frame")


if __name__ == "__main__":
    main()

"""The curve's table and picture: `python -m bench.results` after a new `bench.curve --json > bench/curve-after.jsonl`.

Puts both runs (curve-before.jsonl, curve-after.jsonl) beside the goals into RESULTS.md and draws curve.svg.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.curve import GOAL_US

HERE: Final = Path(__file__).resolve().parent
BEGIN, END = "<!-- bench.results: table -->", "<!-- bench.results: end -->"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 70, 50, 30, 20
COLOURS: Final = {"before": "#b45309", "after": "#0f766e", "goal": "#64748b"}
DASHES: Final = {"goal": "6 4"}

Run = list[dict[str, Any]]


def main() -> int:
    before, after = (read(HERE / f"curve-{name}.jsonl") for name in ("before", "after"))
    results = HERE / "RESULTS.md"
    results.write_text(replaced(results.read_text(encoding="utf-8"), table(before, after)), encoding="utf-8")
    (HERE / "curve.svg").write_text(picture(before, after), encoding="utf-8")
    return 0


def read(path: Path) -> Run:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def replaced(text: str, new: str) -> str:
    """The text with what stands between the marks exchanged. Raises ValueError when they are not there."""
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n{new}\n{END}{tail}"


def table(before: Run, after: Run) -> str:
    """Markdown: each rate of both runs beside its goal, and the idle figures."""
    rows = [
        "| readings/s | us CPU per reading: before | after | goal | row p50 / p95 ms before | after "
        "| PUBACK p95 ms before | after | missing, doubled |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    old = {found["rate"]: found for found in before if "rate" in found}
    for found in (found for found in after if "rate" in found):
        rate, was = found["rate"], old[found["rate"]]
        full = f"as fast as it goes ({was['readings_per_s']:,.0f}; {found['readings_per_s']:,.0f})"
        cells = [f"{rate:,}" if rate else full]
        cells += [f"{run['cpu_us_sum']:,.0f}" for run in (was, found)]
        cells += [str(GOAL_US.get(rate, "not dearer"))]
        cells += [f"{run['row_ms_p50']:.0f} / {run['row_ms_p95']:.0f}" for run in (was, found)]
        cells += [f"{run['puback_ms_p95']:.0f}" for run in (was, found)]
        cells += [f"{found['missing']}, {found['doubled']}"]
        rows.append(f"| {' | '.join(cells)} |")
    idle = [f"{run[-1]['idle_cores']:.3f} (floor {run[-1]['floor_cores']:.3f})" for run in (before, after)]
    rows.append(f"| nothing, in cores | {idle[0]} | {idle[1]} | floor + 0.05 | | | | | |")
    return "\n".join(rows)


def picture(before: Run, after: Run) -> str:
    """An SVG: us of CPU per reading by readings/s, both axes logarithmic."""
    lines: dict[str, list[tuple[float, float]]] = {
        "before": _points(before),
        "after": _points(after),
        "goal": [(float(rate), float(us)) for rate, us in GOAL_US.items()],
    }
    every = [point for points in lines.values() for point in points]
    xs, ys = _decades(x for x, _ in every), _decades(y for _, y in every)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *(_grid(xs, ys)),
        *(_line(name, points, xs, ys, number) for number, (name, points) in enumerate(lines.items())),
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">readings per second</text>',
        f'<text x="{LEFT}" y="18">microseconds of CPU per reading, whole system</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _points(run: Run) -> list[tuple[float, float]]:
    return sorted((found["readings_per_s"], found["cpu_us_sum"]) for found in run if "rate" in found)


def _decades(values: Any) -> tuple[float, float]:
    """Powers of ten around the values, as logarithms."""
    logs = [math.log10(value) for value in values]
    return math.floor(min(logs)), math.ceil(max(logs))


def _place(
    point: tuple[float, float], xs: tuple[float, float], ys: tuple[float, float]
) -> tuple[float, float]:
    x = (math.log10(point[0]) - xs[0]) / (xs[1] - xs[0])
    y = (math.log10(point[1]) - ys[0]) / (ys[1] - ys[0])
    return round(LEFT + x * (WIDTH - LEFT - RIGHT), 1), round(
        HEIGHT - BOTTOM - y * (HEIGHT - BOTTOM - TOP), 1
    )


def _grid(xs: tuple[float, float], ys: tuple[float, float]) -> Sequence[str]:
    parts = []
    for power in range(int(xs[0]), int(xs[1]) + 1):
        x, y = _place((10**power, 10 ** ys[0]), xs, ys)
        parts.append(f'<path d="M{x} {TOP}V{y}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(int(ys[0]), int(ys[1]) + 1):
        x, y = _place((10 ** xs[0], 10**power), xs, ys)
        parts.append(f'<path d="M{x} {y}H{WIDTH - RIGHT}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{x - 8}" y="{y + 4}" text-anchor="end">{10**power:,}</text>')
    return parts


def _line(
    name: str,
    points: list[tuple[float, float]],
    xs: tuple[float, float],
    ys: tuple[float, float],
    number: int,
) -> str:
    places = [_place(point, xs, ys) for point in points]
    path = "M" + "L".join(f"{x} {y}" for x, y in places)
    dash = f' stroke-dasharray="{DASHES[name]}"' if name in DASHES else ""
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{COLOURS[name]}"/>' for x, y in places)
    label = f'<text x="{WIDTH - 100}" y="{TOP + 20 + 20 * number}" fill="{COLOURS[name]}">{name}</text>'
    return f'<path d="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"{dash}/>{dots}{label}'


if __name__ == "__main__":
    raise SystemExit(main())

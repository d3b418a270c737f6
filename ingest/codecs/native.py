"""Native JSON telemetry: {"at": ..., "seq": n, "boot": id, "values": {"temperature": 4.1}}, or an array of them.

Two readers. `read` is the typed one for the hot path, about 0.2 us; it raises on anything odd. `decode` is total and
exact about what is wrong. Whatever `read` accepts, `decode` reads the same.
"""

import math
from typing import Any, Final

import msgspec

from ingest.codecs import _json
from ingest.codecs._codec import Codec, Refusal, quoted, shown, time_us
from ingest.codecs._shapes import Message, Sample
from schemas.device_topics import TELEMETRY
from schemas.reading import MAX_SEQ

read: Final = msgspec.json.Decoder(Message | list[Message]).decode


def decode(payload: bytes, received_us: int) -> list[Sample] | Refusal:
    """The samples in the order of the payload; one that is wrong refuses all of them."""
    # Lenient because `read` looks at no string that it skips; a metric's name must be a known one anyhow.
    found = _json.parse(payload, lenient=True)
    if isinstance(found, Refusal):
        return found
    if not isinstance(found, list):
        sample = _sample(found, "$")
        return sample if isinstance(sample, Refusal) else [sample]
    if not found:
        return Refusal("no_values", "$")
    samples = []
    for index, one in enumerate(found):
        sample = _sample(one, f"$[{index}]")
        if isinstance(sample, Refusal):
            return sample
        samples.append(sample)
    return samples


def _sample(found: Any, path: str) -> Sample | Refusal:
    if not isinstance(found, dict):
        return Refusal("bad_shape", path, f'{quoted(found)} ≠ {{"at": …, "values": {{…}}}}')
    at_us = time_us(found.get("at"), f"{path}.at")
    if isinstance(at_us, Refusal):
        return at_us
    seq = found.get("seq", 0)
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq <= MAX_SEQ:
        return Refusal("bad_seq", f"{path}.seq")
    values = _values(found.get("values"), f"{path}.values")
    return values if isinstance(values, Refusal) else Sample(at_us, seq, values, path)


def _values(found: Any, path: str) -> dict[str, float | bool] | Refusal:
    if not isinstance(found, dict):
        return Refusal("bad_shape", path, f'{quoted(found)} ≠ {{"temperature": 4.1}}')
    if not found:
        return Refusal("no_values", path)
    values: dict[str, float | bool] = {}
    for metric, value in found.items():
        number = _number(value)
        if number is None:
            return Refusal("not_a_number", f"{path}.{shown(metric)}", quoted(value))
        values[metric] = number
    return values


def _number(value: Any) -> float | bool | None:
    if isinstance(value, bool):
        return value
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


NATIVE: Final = Codec(name="native", channel=TELEMETRY, decode=decode, read=read)

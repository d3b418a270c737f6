"""One pure file per payload convention; CODECS is their table."""

from typing import Final

from ingest.codecs._codec import Codec, Refusal
from ingest.codecs.jpeg import JPEG
from ingest.codecs.native import NATIVE
from ingest.codecs.result import RESULT

__all__ = ["CODECS", "Codec", "Refusal"]

CODECS: Final[dict[str, Codec]] = {codec.name: codec for codec in (NATIVE, RESULT, JPEG)}

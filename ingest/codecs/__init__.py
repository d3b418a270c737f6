"""One pure file per payload convention; CODECS is their table."""

from collections.abc import Iterable
from typing import Final

from ingest.codecs._codec import Codec, Identity, Refusal
from ingest.codecs.jpeg import JPEG
from ingest.codecs.native import NATIVE
from ingest.codecs.result import RESULT

__all__ = ["CODECS", "Codec", "Identity", "Refusal", "choose", "claimed"]

CODECS: Final[dict[str, Codec]] = {codec.name: codec for codec in (NATIVE, RESULT, JPEG)}


def claimed(codecs: Iterable[Codec]) -> frozenset[str]:
    """The content types that some codec claims; no other one makes a difference."""
    return frozenset().union(*(codec.content_types for codec in codecs))


def choose(
    codecs: Iterable[Codec], channel: str, rest: tuple[str, ...], content_type: str
) -> tuple[Codec, Identity] | None:
    """The codec of a topic and content type, and what the topic says of the message; None when no codec knows it.

    The one that claims the content type is taken, else the first of the channel that claims none.
    """
    found = [
        (codec, identity)
        for codec in codecs
        if codec.channel == channel and (identity := codec.identity(rest)) is not None
    ]
    claimed = [one for one in found if content_type in one[0].content_types]
    return next(iter(claimed or [one for one in found if not one[0].content_types]), None)

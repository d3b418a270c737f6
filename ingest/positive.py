"""Whether a refused message told of a positive test, as far as its bytes can still be read. Pure.

Such a message is lost to the statistics and not to the people: it must be looked at, whatever is wrong with it.
"""

import re
from typing import Final

from schemas.result import sounds_positive

READ_BYTES: Final = 64 * 1024
ENCODINGS: Final = ("utf-8", "gb18030", "utf-16")
VERDICT: Final = re.compile(
    r"""["'“”]?verdict["'“”]?\s*[:：=]\s*["'“”]?\s*([^"'“”,，}\r\n]{1,60})""", re.IGNORECASE
)
ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")


def tells_positive(payload: bytes) -> bool:
    """True when a verdict is found in it, in any of the encodings, that is positive or sounds so."""
    head = payload[:READ_BYTES]
    for encoding in ENCODINGS:
        text = ESCAPE.sub(lambda found: chr(int(found[1], 16)), head.decode(encoding, "ignore"))
        if any(sounds_positive(found[1]) for found in VERDICT.finditer(text)):
            return True
    return False

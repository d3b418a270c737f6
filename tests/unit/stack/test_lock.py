"""The lock pins what pyproject.toml asks for, each with hashes, and names no place to fetch it from."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stack.setup.lock import LOCK, requirements

TEXT = LOCK.read_text(encoding="utf-8")
PINNED = {
    canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", TEXT, re.MULTILINE)
}


def test_every_requirement_is_pinned_within_its_range() -> None:
    wanted = [Requirement(one) for one in requirements()]
    assert not [
        str(one) for one in wanted if not one.specifier.contains(PINNED.get(canonicalize_name(one.name), "0"))
    ]


def test_every_pin_has_hashes_and_there_is_nothing_else() -> None:
    blocks = TEXT.replace("\\\n", " ").splitlines()
    lines = [line for line in blocks if line.strip() and not line.startswith("#")]
    assert len(lines) == len(PINNED)
    assert all(
        re.fullmatch(r"[\w.-]+==\S+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", line) for line in lines
    )


def test_no_index_and_no_address_is_named() -> None:
    assert not re.search(r"https?:|index-url|find-links|trusted-host|@ ", TEXT)

"""docs/devices.md says what devices may send; it is held to the tables."""

from pathlib import Path

from ingest.codecs import CODECS
from ingest.kinds import KINDS
from schemas.device_topics import UP as CHANNELS
from schemas.result import VERDICT_WORDS

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "devices.md").read_text(encoding="utf-8")


def test_every_metric_channel_and_codec_is_documented() -> None:
    names = {metric.name for kind in KINDS.values() for metric in kind.metrics} | set(CODECS) | set(KINDS)
    assert not [name for name in names | set(CHANNELS) if f"`{name}`" not in TEXT]


def test_every_unit_and_default_profile_is_documented() -> None:
    for kind in KINDS.values():
        assert f"`{kind.profile}`" in TEXT
        for metric in kind.metrics:
            assert metric.unit in TEXT


def test_every_verdict_word_is_documented_in_both_languages() -> None:
    halves = TEXT.split("# In English")
    missing = [(word, half[:10]) for word in VERDICT_WORDS for half in halves if word not in half]
    assert not missing

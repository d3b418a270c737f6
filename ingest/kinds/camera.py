"""A kitchen or store camera: sends single JPEG frames."""

from typing import Final

from ingest.kinds._kind import Kind

CAMERA: Final = Kind(
    name="camera",
    zh="摄像头",
    en="camera",
    channels=("frame",),
    profile="camera",
    interval_us=60_000_000,
)

"""From bytes to a grey image, whatever the bytes are: bounds first, then a process that may die in our place.

A frame comes from a device that we do not control. Its size is read from its header before anything is decoded;
the decoding itself happens in a child (`_child`) under limits of memory, processor time and wall time. A child
that dies or hangs is replaced; the image it died of is `Undecodable`.
"""

import contextlib
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
import numpy as np

from processors.frames.vision._child import ANSWER, REQUEST
from processors.frames.vision.image import Grey
from schemas.errors import Temporary
from schemas.frame import MAX_FRAME_BYTES, MAX_FRAME_PIXELS
from schemas.jpeg import size_of_jpeg

MAX_SCANS: Final = 24
"""A progressive JPEG has about ten scans; thousands of them make a small file slow to decode."""
_CHILD: Final = Path(__file__).with_name("_child.py")
_PNG: Final = b"\x89PNG\r\n\x1a\n"


class Undecodable(msgspec.Struct, frozen=True):
    """Why the bytes are no image."""

    reason: str


def size_of(data: bytes) -> tuple[int, int] | Undecodable:
    """(width, height) in pixels as the JPEG's or PNG's header says; pure, decodes nothing."""
    if data[:2] == b"\xff\xd8":
        return size_of_jpeg(data) or Undecodable("JPEG: no size in its header")
    if data[:8] == _PNG and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack_from("!II", data, 16)
        return width, height
    return Undecodable("neither JPEG nor PNG")


def refuse(data: bytes) -> Undecodable | None:
    """What can be said without decoding: too many bytes, pixels or scans, cut off. None when it may be tried."""
    if not 0 < len(data) <= MAX_FRAME_BYTES:
        return Undecodable(f"{len(data)} bytes, allowed are 1 to {MAX_FRAME_BYTES}")
    size = size_of(data)
    if isinstance(size, Undecodable):
        return size
    width, height = size
    if min(width, height) < 16 or width * height > MAX_FRAME_PIXELS:
        return Undecodable(f"{width} x {height} pixels, allowed are 16 x 16 to {MAX_FRAME_PIXELS} pixels")
    if data[:2] == b"\xff\xd8":
        if data.count(b"\xff\xda") > MAX_SCANS:
            return Undecodable(f"JPEG: more than {MAX_SCANS} scans")
        if data.rfind(b"\xff\xd9") < 0:
            return Undecodable("JPEG: cut off, its end marker is missing")
    return None


class Decoder:
    """Decodes one image at a time in a child; a context manager. `timeout_s` bounds the wall time of one image.

    The child is started when first needed and again after it died. Raises Temporary when it cannot be started.
    """

    def __init__(self, timeout_s: float = 3.0, start_timeout_s: float = 30.0) -> None:
        self._timeout_s = timeout_s
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._peer: socket.socket | None = None
        self.deaths = 0

    def decode(self, data: bytes) -> Grey | Undecodable:
        """The grey image at a quarter of its width and height, uint8, or why there is none."""
        refused = refuse(data)
        if refused is not None:
            return refused
        peer = self._peer or self._start()
        try:
            peer.settimeout(self._timeout_s)
            peer.sendall(REQUEST.pack(len(data)))
            peer.sendall(data)
            return _receive(peer)
        except (OSError, EOFError):
            self.deaths += 1
            self.close()
            return Undecodable("the decoder ran out of time or memory")

    @property
    def child(self) -> int:
        """Process id of the running child, 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_CHILD), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "MALLOC_PERTURB_": "170", "OPENBLAS_NUM_THREADS": "1"},
            )
        self._peer = ours
        try:
            ours.settimeout(self._start_timeout_s)
            _receive(ours)
        except (OSError, EOFError) as error:
            self.close()
            raise Temporary(
                "the image decoder could not be started; see that opencv-python-headless imports"
            ) from error
        return ours

    def close(self) -> None:
        """Ends the child; the decoder can be used again."""
        if self._peer is not None:
            self._peer.close()
            self._peer = None
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _receive(peer: socket.socket) -> Grey | Undecodable:
    status, width, height, length = ANSWER.unpack(_exactly(peer, ANSWER.size))
    body = _exactly(peer, length)
    if status:
        return Undecodable(body.decode(errors="replace"))
    return np.frombuffer(body, np.uint8).reshape(height, width)


def _exactly(peer: socket.socket, size: int) -> bytes:
    body = bytearray(size)
    view = memoryview(body)
    while view:
        got = peer.recv_into(view)
        if not got:
            raise EOFError
        view = view[got:]
    return bytes(body)

"""The process that decodes foreign images, so that none can hurt the worker: bounded in memory, time and pixels.

Run as a script with one argument, the number of a connected socket. Request: u32 length, image. Answer: u8 status
(0: grey image), u16 width, u16 height, u32 length, then that many bytes: grey pixels, or the reason as text.
It imports nothing of ours and holds nothing from one image to the next.
"""

import os
import resource
import signal
import socket
import struct
import sys

os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = "20000000"  # read once, when cv2 is imported

import cv2
import numpy as np

REQUEST = struct.Struct("!I")
ANSWER = struct.Struct("!BHHI")
HEADROOM_BYTES = 512 * 1024 * 1024
CPU_SECONDS_PER_IMAGE = 1
HARMLESS = b"extraneous bytes"
"""libjpeg's remark on padding that many cameras write between segments; the picture is whole."""


def main(number: int) -> None:
    _limit()
    complaints = os.memfd_create("complaints")
    os.dup2(complaints, 2)
    with socket.socket(fileno=number) as peer:
        peer.sendall(ANSWER.pack(0, 0, 0, 0))  # ready
        while header := _read(peer, REQUEST.size):
            data = _read(peer, REQUEST.unpack(header)[0])
            if data is None:
                return
            _answer(peer, _decode(data, complaints))


def _limit() -> None:
    with open("/proc/self/statm") as statm:
        mapped = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + HEADROOM_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024,) * 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, whose end closes our socket
    cv2.setNumThreads(1)


def _decode(data: bytes, complaints: int) -> "np.ndarray | str":
    """The image in grey at a quarter of its size, or why not. What libjpeg had to guess is not an image."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS_PER_IMAGE
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    os.ftruncate(complaints, 0)
    os.lseek(complaints, 0, os.SEEK_SET)
    try:
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_4)
    except (cv2.error, MemoryError) as error:
        return f"decoder: {str(error).strip()[-200:]}"
    said = [
        line
        for line in os.pread(complaints, 4096, 0).splitlines()
        if b"orrupt" in line or b"remature" in line
    ]
    if grey is None:
        return "decoder: not a whole image"
    broken = [line for line in said if HARMLESS not in line]
    return broken[0].decode(errors="replace")[:200] if broken else grey


def _answer(peer: socket.socket, result: "np.ndarray | str") -> None:
    if isinstance(result, str):
        text = result.encode()
        peer.sendall(ANSWER.pack(1, 0, 0, len(text)) + text)
    else:
        pixels = result.tobytes()
        peer.sendall(ANSWER.pack(0, result.shape[1], result.shape[0], len(pixels)) + pixels)


def _read(peer: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = peer.recv(min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""A certificate authority and a server's certificate for 127.0.0.1, made by openssl for two days."""

import subprocess
from pathlib import Path

from stack.secured import Certificates

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


def make(directory: Path) -> Certificates:
    directory.mkdir(parents=True, exist_ok=True)
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    made = Certificates(ca, directory / "server.pem", directory / "server.key")
    _openssl(*NEW_KEY, "-subj", "/CN=coldwatch test CA", "-keyout", ca_key, "-out", ca)
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    signed = ("-CA", ca, "-CAkey", ca_key, "-subj", "/CN=127.0.0.1", "-addext", names)
    _openssl(*NEW_KEY, *signed, "-keyout", made.key, "-out", made.certificate)
    return made


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", "req", "-x509", *map(str, arguments)], check=True, capture_output=True)

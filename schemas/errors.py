"""The two families of failure: they alone decide whether something is tried again.

`Temporary` is retried in place (the database is away, the broker is frozen); `Permanent` never is (bad
configuration, a fenced worker, a wiped topic). Bad *input* is neither: pure code returns a `Rejection`.
"""


class ColdwatchError(Exception):
    """What every error of coldwatch derives from; the message says what to change."""


class Permanent(ColdwatchError):
    """Retrying cannot help: the process ends and says why."""


class Temporary(ColdwatchError):
    """Retrying may help, after `delay_s` seconds."""

    def __init__(self, message: str, delay_s: float = 1.0) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class Fenced(Permanent):
    """Another worker owns the partition now; nothing may be written."""


class WrongTopic(Permanent):
    """The topic is not the one that the database's offsets belong to (wiped or replaced)."""

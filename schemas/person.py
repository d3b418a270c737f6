"""Who looks at the console, and what each role may do."""

from enum import StrEnum
from typing import Final

import msgspec


class Role(StrEnum):
    OPERATOR = "operator"
    ENTERPRISE = "enterprise"
    REGULATOR = "regulator"
    ADMIN = "admin"


EVERYONE: Final = "*"
"""The tenant setting that shows all enterprises."""

MAY_ACKNOWLEDGE: Final = frozenset({Role.OPERATOR, Role.ADMIN, Role.ENTERPRISE})
MAY_CLOSE: Final = frozenset({Role.OPERATOR, Role.ADMIN})
"""An enterprise answers for its incidents; that a positive test is settled is for the authority to say."""


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in person. `enterprise` is set for role `enterprise` alone."""

    name: str
    role: Role
    enterprise: str | None = None

    @property
    def tenant(self) -> str:
        """The value of `coldwatch.enterprise` under which this person's queries run."""
        if self.role is not Role.ENTERPRISE:
            return EVERYONE
        if not self.enterprise or self.enterprise == EVERYONE:
            raise ValueError(f"{self.name} has role enterprise and no enterprise")
        return self.enterprise

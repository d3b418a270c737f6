"""Who looks at the console, and what each role may do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from schemas import scope
from schemas.scope import Scope


class Role(StrEnum):
    OPERATOR = "operator"
    ENTERPRISE = "enterprise"
    REGULATOR = "regulator"
    ADMIN = "admin"


class Act(StrEnum):
    """What a person does with an incident."""

    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"


MAY: Final[Mapping[Act, frozenset[Role]]] = {
    Act.ACKNOWLEDGE: frozenset({Role.OPERATOR, Role.ADMIN, Role.ENTERPRISE}),
    Act.CLOSE: frozenset({Role.OPERATOR, Role.ADMIN}),
}
"""Which roles may do what; whose incidents, their scope says. An enterprise answers for its own; that a positive test
is settled is for the authority to say."""


def may(role: Role, act: Act) -> bool:
    return role in MAY[act]


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in person. `enterprise` is set for role `enterprise` alone, `county` for the staff of one."""

    name: str
    role: Role
    enterprise: str | None = None
    county: str | None = None

    @property
    def scope(self) -> Scope:
        """Whose rows this person's queries show."""
        if self.role is Role.ENTERPRISE:
            return scope.of_enterprise(self.enterprise) if self.enterprise else scope.NONE
        return scope.of_county(self.county) if self.county else scope.ALL

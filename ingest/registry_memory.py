"""The registry in memory: the twin of the PostgreSQL one, kept to it by the same contract tests."""

from collections.abc import Mapping

from msgspec.structs import replace

from ingest import device_changes, onboarding, places
from ingest.device_changes import Change, facts_of
from ingest.kinds import KINDS, Kind
from ingest.onboarding import Enrolment, Known
from ingest.places import COLUMNS, Description, Problem
from ingest.registry import Enrolled, new_token
from ingest.registry_cache import Changes, token_sha256
from ingest.registry_rows import Listed
from schemas.registry import LIVE, Device, Facts, Point

Place = tuple[str, ...]


class MemoryRegistry:
    """`profiles`: the metrics that each profile has limits for."""

    def __init__(self, profiles: dict[str, frozenset[str]], kinds: Mapping[str, Kind] = KINDS) -> None:
        self._kinds = kinds
        self._profiles = profiles
        self._devices: dict[str, Device] = {}
        self._facts: dict[str, list[Facts]] = {}
        self._counties: dict[str, str] = {}
        self._places: dict[Place, dict[str, str]] = {}
        self._changes: dict[str, int] = {}
        self._number = 0
        self._points = 0

    def enrol(self, enrolment: Enrolment) -> Enrolled | Problem:
        return self.enrol_many([enrolment])[0]

    def enrol_many(self, enrolments: list[Enrolment]) -> list[Enrolled | Problem]:
        decisions = onboarding.decide_all(enrolments, self._known())
        if any(isinstance(decision, Enrolment) for decision in decisions):
            self._number += 1
        return [self._add(one) if isinstance(one, Enrolment) else one for one in decisions]

    def retire(self, device_id: str, now_us: int) -> Device | Problem:
        device, children = self._devices.get(device_id), self._children(device_id)
        if problem := onboarding.decide_retirement(device_id, device, children):
            return problem
        self._number += 1
        return self._put(replace(self._devices[device_id], retired_us=now_us))

    def change(self, change: Change, now_us: int) -> Device | Problem:
        device, children = self._devices.get(change.device), self._children(change.device)
        wanted = device_changes.decide_change(change, device, self._known(), children)
        if isinstance(wanted, Problem):
            return wanted
        self._number += 1
        facts = self._facts[wanted.id]
        facts.append(facts_of(wanted, device_changes.holds_from(facts, now_us), self._kinds))
        if wanted.asset:
            self._places.setdefault((wanted.enterprise, wanted.site, wanted.asset), {"name": wanted.asset})
        return self._put(replace(wanted, points=wanted.points + self._new_points(wanted)))

    def facts(self, device_id: str) -> tuple[Facts, ...]:
        return tuple(self._facts.get(device_id, ()))

    def describe(self, wish: Description) -> Problem | None:
        place = tuple(part for part in (wish.enterprise, wish.site, wish.asset) if part)
        if problem := places.decide_description(wish, place in self._places):
            return problem
        self._places[place] |= wish.values
        return None

    def rotate(self, device_id: str) -> Enrolled | Problem:
        if problem := onboarding.decide_rotation(device_id, self._devices.get(device_id)):
            return problem
        self._number += 1
        token = new_token()
        device = replace(self._devices[device_id], token_sha256=token_sha256(token))
        return Enrolled(self._put(device), token)

    def list_devices(self, enterprise: str = "") -> list[Listed]:
        devices = [self._devices[id_] for id_ in sorted(self._devices)]
        return [self._listed(one) for one in devices if enterprise in ("", one.enterprise)]

    def fetch_changes(self, since: int) -> Changes:
        changed = sorted(id_ for id_, number in self._changes.items() if number > since)
        return Changes(self._number, tuple(self._devices[id_] for id_ in changed))

    def _known(self) -> Known:
        return Known(dict(self._devices), dict(self._counties), self._profiles, self._kinds)

    def _children(self, device_id: str) -> list[str]:
        devices = self._devices.values()
        return sorted(one.id for one in devices if one.behind == device_id and one.retired_us is None)

    def _add(self, enrolment: Enrolment) -> Enrolled:
        token = "" if enrolment.behind else new_token()
        self._counties.setdefault(enrolment.enterprise, enrolment.county)
        self._add_places(enrolment)
        device = onboarding.as_device(enrolment)
        self._facts[device.id] = [facts_of(device, kinds=self._kinds)]
        hashed = token_sha256(token) if token else b""
        device = replace(device, token_sha256=hashed, points=self._new_points(device))
        return Enrolled(self._put(device), token)

    def _add_places(self, e: Enrolment) -> None:
        names = {"enterprise": (e.enterprise,), "site": (e.enterprise, e.site)}
        names |= {"asset": (e.enterprise, e.site, e.asset)} if e.asset else {}
        for level, place in names.items():
            said = {field: getattr(e, column) for column, (of, field) in COLUMNS.items() if of == level}
            said["name"] = said["name"] or place[-1]
            if level == "site":
                said["state"] = said["state"] or LIVE
            self._places.setdefault(place, said)

    def _listed(self, device: Device) -> Listed:
        names = {
            "enterprise": (device.enterprise,),
            "site": (device.enterprise, device.site),
            "asset": (device.enterprise, device.site, device.asset),
        }
        said = {
            column: self._places.get(names[level], {}).get(field, "")
            for column, (level, field) in COLUMNS.items()
        }
        return Listed(device, self._counties[device.enterprise], said)

    def _new_points(self, device: Device) -> tuple[Point, ...]:
        """Of the kind's metrics those that it has no point of."""
        had = {point.metric for point in device.points}
        made = []
        for metric in self._kinds[device.kind].metrics:
            if metric.name not in had:
                self._points += 1
                made.append(
                    Point(
                        id=self._points, device=device.id, metric=metric.name, unit=metric.unit,
                        possible_low=metric.possible_low, possible_high=metric.possible_high,
                    )
                )  # fmt: skip
        return tuple(made)

    def _put(self, device: Device) -> Device:
        self._devices[device.id] = device
        self._changes[device.id] = self._number
        return device

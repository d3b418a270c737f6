"""The registry in memory: the twin of the PostgreSQL one, kept to it by the same contract tests."""

from msgspec.structs import replace

from ingest import onboarding
from ingest.onboarding import Enrolment, Known, Problem
from ingest.registry import Enrolled, Listed, new_token, points_of
from ingest.registry_cache import Changes, token_sha256
from schemas.registry import Device, Point


class MemoryRegistry:
    """`profiles`: the metrics that each profile has limits for."""

    def __init__(self, profiles: dict[str, frozenset[str]]) -> None:
        self._profiles = profiles
        self._listed: dict[str, Listed] = {}
        self._counties: dict[str, str] = {}
        self._changes: dict[str, int] = {}
        self._number = 0
        self._points = 0

    def enrol(self, enrolment: Enrolment) -> Enrolled | Problem:
        return self.enrol_many([enrolment])[0]

    def enrol_many(self, enrolments: list[Enrolment]) -> list[Enrolled | Problem]:
        devices = {id_: listed.device for id_, listed in self._listed.items()}
        known = Known(devices, dict(self._counties), self._profiles)
        decisions = onboarding.decide_all(enrolments, known)
        if any(isinstance(decision, Enrolment) for decision in decisions):
            self._number += 1
        return [self._add(one) if isinstance(one, Enrolment) else one for one in decisions]

    def retire(self, device_id: str, now_us: int) -> Device | Problem:
        found = self._listed.values()
        children = sorted(
            one.device.id for one in found if one.device.behind == device_id and one.device.retired_us is None
        )
        problem = onboarding.decide_retirement(device_id, self._device(device_id), children)
        if problem:
            return problem
        self._number += 1
        return self._put(replace(self._listed[device_id].device, retired_us=now_us))

    def rotate(self, device_id: str) -> Enrolled | Problem:
        if problem := onboarding.decide_rotation(device_id, self._device(device_id)):
            return problem
        self._number += 1
        token = new_token()
        device = replace(self._listed[device_id].device, token_sha256=token_sha256(token))
        return Enrolled(self._put(device), token)

    def list_devices(self, enterprise: str = "") -> list[Listed]:
        listed = [self._listed[id_] for id_ in sorted(self._listed)]
        return [one for one in listed if enterprise in ("", one.device.enterprise)]

    def fetch_changes(self, since: int) -> Changes:
        changed = sorted(id_ for id_, number in self._changes.items() if number > since)
        return Changes(self._number, tuple(self._listed[id_].device for id_ in changed))

    def _device(self, device_id: str) -> Device | None:
        listed = self._listed.get(device_id)
        return listed.device if listed is not None else None

    def _add(self, enrolment: Enrolment) -> Enrolled:
        token = "" if enrolment.behind else new_token()
        county = self._counties.setdefault(enrolment.enterprise, enrolment.county)
        device = replace(
            onboarding.as_device(enrolment),
            token_sha256=token_sha256(token) if token else b"",
            points=tuple(self._point(enrolment.id, *point) for point in points_of(enrolment.kind)),
        )
        self._listed[device.id] = Listed(device, enrolment.asset, county)
        return Enrolled(self._put(device), token)

    def _point(self, device: str, metric: str, unit: str, low: float, high: float) -> Point:
        self._points += 1
        return Point(
            id=self._points, device=device, metric=metric, unit=unit, possible_low=low, possible_high=high
        )

    def _put(self, device: Device) -> Device:
        self._listed[device.id] = replace(self._listed[device.id], device=device)
        self._changes[device.id] = self._number
        return device

"""The journal in memory: the twin of PostgresJournal for tests of what stands on a journal."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from alerts.fold import Episode, episode_of, fold
from alerts.journal import Batch, Due, Position, Postponed, Unreadable, Unstorable, numbered
from alerts.lifecycle import Command, Event, Incident, apply_command
from schemas.errors import Fenced
from schemas.finding import Finding
from schemas.incident import IncidentEvent, IncidentState
from schemas.refusal import Refusal


class MemoryJournal:
    """Keeps everything in lists and dicts; one caller at a time. `refuses`: findings that it says it cannot store."""

    def __init__(
        self, channels: Iterable[str], refuses: Callable[[Finding], bool] = lambda finding: False
    ) -> None:
        self.refuses = refuses
        self._channels = tuple(channels)
        self._positions: dict[int, Position] = {}
        self._incidents: dict[str, tuple[Incident, Finding]] = {}
        self._outbox: dict[tuple[int, str], tuple[int, int]] = {}
        self.events: list[IncidentEvent] = []
        self.unreadable: list[Unreadable] = []

    def positions(self) -> dict[int, Position]:
        return dict(self._positions)

    def begin_positions(self, positions: Mapping[int, Position]) -> None:
        self._positions |= positions

    def apply(self, batch: Batch, now_us: int) -> list[IncidentEvent]:
        for partition, (position, _next) in batch.advances.items():
            stands = self._positions.get(partition)
            if stands is None or (stands.topic_id, stands.next) != (batch.topic_id, position):
                raise Fenced(f"findings partition {partition} does not stand at {position} any more")
        if bad := [finding.id for finding in batch.findings if self.refuses(finding)]:
            raise Unstorable(f"{bad} cannot be stored")
        for partition, (_position, next) in batch.advances.items():
            self._positions[partition] = replace(self._positions[partition], next=next)
        self.unreadable.extend(batch.unreadable)
        standing = {id: incident for id, (incident, _finding) in self._incidents.items()}
        folded = fold(batch.findings, standing, self._open_episodes(), now_us)
        self._incidents |= folded.changed
        return self._append(folded.events, batch.quiet)

    def handle(self, incident: str, command: Command, now_us: int) -> IncidentEvent | Refusal:
        standing = self._incidents.get(incident)
        outcome = apply_command(standing[0] if standing else None, command, now_us)
        if isinstance(outcome, Refusal) or standing is None:
            assert isinstance(outcome, Refusal)
            return outcome
        after, events = outcome
        self._incidents[incident] = (after, standing[1])
        return self._append(events)[0]

    def find(self, incident: str) -> Incident | None:
        standing = self._incidents.get(incident)
        return standing[0] if standing else None

    def due(self, channel: str, now_us: int, limit: int) -> list[Due]:
        waiting = [
            Due(self.events[event - 1], attempts)
            for (event, to), (attempts, not_before_us) in sorted(self._outbox.items())
            if to == channel and not_before_us <= now_us
        ]
        return waiting[:limit]

    def delivered(self, channel: str, events: Sequence[int]) -> None:
        for event in events:
            self._outbox.pop((event, channel), None)

    def postpone(self, channel: str, postponed: Sequence[Postponed]) -> None:
        for item in postponed:
            attempts, _not_before_us = self._outbox[item.event, channel]
            self._outbox[item.event, channel] = (attempts + 1, item.not_before_us)

    def waiting(self) -> dict[str, int]:
        return {channel: sum(to == channel for _event, to in self._outbox) for channel in self._channels}

    def _open_episodes(self) -> dict[Episode, str]:
        return {
            episode_of(finding): id
            for id, (incident, finding) in self._incidents.items()
            if incident.state is not IncidentState.CLOSED
        }

    def _append(
        self, events: Sequence[Event], quiet: frozenset[tuple[str, int]] = frozenset()
    ) -> list[IncidentEvent]:
        appended = [numbered(len(self.events) + 1 + i, event) for i, event in enumerate(events)]
        self.events.extend(appended)
        told = [event for event in appended if (event.incident, event.finding_version) not in quiet]
        self._outbox |= {(event.id, channel): (0, 0) for event in told for channel in self._channels}
        return appended

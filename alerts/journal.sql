-- Statements of alerts/journal_postgres.py, the one owner of incident, incident_event, outbox and finding_offset.

-- name: lock_writers
-- Held to the end of the transaction: event ids are taken and become visible in one order, so that a reader who
-- has seen event n has seen every smaller one.
select pg_advisory_xact_lock(7310596437);

-- name: incidents_of
select finding::text, rule, device, finding_version, state, severity, persistent, opened_at, acknowledged_at, acknowledged_by,
       closed_at, closed_by
from incident where finding = any(%(ids)s::uuid[]) for update;

-- name: open_episodes
-- Which open incidents hold the episodes of a batch.
select i.subject, i.rule, i.start_at, i.finding::text
from incident i
join unnest(%(subjects)s::text[], %(rules)s::text[], %(starts)s::timestamptz[]) as wanted(subject, rule, start_at)
    on i.subject = wanted.subject and i.rule = wanted.rule and i.start_at = wanted.start_at
where i.state <> 'closed';

-- name: write_incidents
insert into incident (finding, state, finding_version, severity, device, enterprise, metric, point_id, subject, rule, start_at,
                      end_at, peak, limit_value, unit, profile, profile_version, late, persistent, detail, opened_at,
                      acknowledged_at, acknowledged_by, closed_at, closed_by, last_event)
select new.finding::uuid, new.state, new.finding_version::int, new.severity::smallint, new.device,
       (select d.enterprise from v_device d where d.device = new.device), new.metric, new.point_id::int, new.subject, new.rule,
       new.start_at::timestamptz, new.end_at::timestamptz, new.peak::float8, new.limit_value::float8, new.unit, new.profile,
       new.profile_version::int, new.late::boolean, new.persistent::boolean, new.detail::jsonb, new.opened_at::timestamptz,
       new.acknowledged_at::timestamptz, new.acknowledged_by, new.closed_at::timestamptz,
       new.closed_by, 0
from (values %s) as new(finding, state, finding_version, severity, device, metric, point_id, subject, rule, start_at, end_at,
                        peak, limit_value, unit, profile, profile_version, late, persistent, detail, opened_at, acknowledged_at,
                        acknowledged_by, closed_at, closed_by)
on conflict (finding) do update set
    state = excluded.state, finding_version = excluded.finding_version, severity = excluded.severity,
    metric = excluded.metric, point_id = excluded.point_id, start_at = excluded.start_at, end_at = excluded.end_at,
    peak = excluded.peak, limit_value = excluded.limit_value, unit = excluded.unit, profile = excluded.profile,
    profile_version = excluded.profile_version, late = excluded.late, persistent = excluded.persistent,
    detail = excluded.detail, closed_at = excluded.closed_at, closed_by = excluded.closed_by;

-- name: append_events
insert into incident_event (incident, transition, state, at, actor, note, finding_version, severity)
select new.incident::uuid, new.transition, new.state, new.at::timestamptz, new.actor, new.note, new.finding_version::int,
       new.severity::smallint
from (values %s) as new(ordinal, incident, transition, state, at, actor, note, finding_version, severity)
order by new.ordinal::int
returning id;

-- name: name_last_events
update incident set last_event = new.id::bigint
from (values %s) as new(finding, id) where incident.finding = new.finding::uuid;

-- name: write_handled
-- What a person's word changes; role web may update no more than this.
update incident set state = %(state)s, acknowledged_at = %(acknowledged_at)s, acknowledged_by = %(acknowledged_by)s,
    closed_at = %(closed_at)s, closed_by = %(closed_by)s, last_event = %(last_event)s
where finding = %(id)s::uuid;

-- name: fill_outbox
insert into outbox (event, channel) values %s;

-- name: positions
select partition, topic_id, next_position, quiet_until from finding_offset;

-- name: begin_position
insert into finding_offset (partition, topic_id, next_position, quiet_until)
values (%(partition)s, %(topic_id)s, %(position)s, %(quiet_until)s);

-- name: advance_position
update finding_offset set next_position = %(next)s
where partition = %(partition)s and topic_id = %(topic_id)s and next_position = %(position)s;

-- name: keep_unreadable
insert into rejection (topic_kafka, partition, position, disposition, code, path, detail, device, publisher, topic, received_at,
                       count, raw)
values (%(topic)s, %(partition)s, %(position)s, 'dead_lettered', 'bad_record', '$', %(detail)s, '', '', %(topic)s,
        %(received_at)s, 1, %(raw)s)
on conflict (topic_kafka, partition, position, ordinal) do nothing;

-- name: due
select o.event, e.incident::text, e.transition, e.state, e.at, e.actor, e.note, e.finding_version, e.severity, i.device, i.rule,
       o.attempts
from outbox o join incident_event e on e.id = o.event join incident i on i.finding = e.incident
where o.channel = %(channel)s and o.not_before <= %(now)s
order by o.event limit %(limit)s;

-- name: waiting
select channel, count(*), max(attempts) from outbox group by channel;

-- name: delivered
delete from outbox where channel = %(channel)s and event = any(%(events)s);

-- name: postpone
update outbox set attempts = attempts + 1, not_before = new.not_before::timestamptz, last_error = new.error
from (values %s) as new(event, channel, not_before, error)
where outbox.event = new.event::bigint and outbox.channel = new.channel;

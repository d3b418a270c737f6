-- What the judge reads of the registry and writes of the history.

-- name: registry_number
select number from registry_change

-- name: registry
select d.id, d.kind, d.enterprise, d.site, d.interval_us, d.profile, coalesce(d.behind, ''), d.retired_at, d.change,
       coalesce(array_agg(p.id order by p.id) filter (where p.id is not null), '{}'),
       coalesce(array_agg(p.metric order by p.id) filter (where p.id is not null), '{}'),
       coalesce(array_agg(p.unit order by p.id) filter (where p.id is not null), '{}'),
       coalesce(d.asset, '')
from device d left join point p on p.device = d.id
where d.change > %(since)s
group by d.id

-- name: facts
-- Of the devices that were ever changed: the others have always been as they are.
select f.device, f.effective_from, f.kind, f.interval_us, f.profile, coalesce(f.behind, ''), coalesce(f.asset, ''), f.metrics
from device d join device_fact f on f.device = d.id
where d.change > %(since)s and exists (select from device_fact g where g.device = d.id and g.effective_from > 'epoch')
order by f.device, f.effective_from

-- name: profiles
select name, version, metric, effective_from, low, high, low_inclusive, high_inclusive, tolerance_low, tolerance_high,
       reject_low, reject_high, dwell_us, hysteresis, hysteresis_samples, grace, silence_intervals, clock_ahead_us,
       refused_quiet_us, source, clause, evidence, enabled, ends_at, slack_us
from profile

-- name: copy_readings
copy reading (point_id, at, seq, value, quality, received_at) from stdin with (format binary)

-- name: make_incoming
create temp table if not exists incoming (
    ordinal int, point_id int, at timestamptz, seq bigint, value float8, quality smallint, received_at timestamptz
) on commit delete rows

-- name: copy_incoming
copy incoming (ordinal, point_id, at, seq, value, quality, received_at) from stdin with (format binary)

-- name: merge_incoming
insert into reading (point_id, at, seq, value, quality, received_at)
select point_id, at, seq, value, quality, received_at from incoming order by ordinal
on conflict do nothing
returning point_id, at, seq

-- name: values_of_incoming
select i.ordinal, r.value
from incoming i join reading r on r.point_id = i.point_id and r.at = i.at and r.seq = i.seq
where r.at between %(first)s and %(last)s

-- name: show
insert into point_state as s (point_id, state, since, reason) values %s
on conflict (point_id) do update set state = excluded.state, since = excluded.since, reason = excluded.reason

-- name: note_rejudge
insert into rejudge as r (point_id, earliest_at) values %s
on conflict (point_id) do update set earliest_at = least(r.earliest_at, excluded.earliest_at)

-- name: insert_rejections
insert into rejection (topic_kafka, partition, position, ordinal, disposition, code, path, detail, device, publisher,
                       enterprise, topic, received_at, count, raw, stored)
values %s
on conflict (topic_kafka, partition, position, ordinal) do nothing

-- name: insert_result
insert into result (device, enterprise, number, at, received_at, sample, item, method, value, value_text, unit, verdict, verdict_raw,
                    operator, lot, sampled_at, content_sha256, raw, supersedes)
select %(device)s, %(enterprise)s, %(number)s, %(at)s, %(received_at)s, %(sample)s, %(item)s, %(method)s, %(value)s,
       %(value_text)s, %(unit)s, %(verdict)s, %(verdict_raw)s, %(operator)s, %(lot)s, %(sampled_at)s, %(content_sha256)s, %(raw)s,
       (select min(id) from result where device = %(device)s and number = %(number)s and at = %(at)s)
on conflict (device, number, at, content_sha256) do nothing
returning id

-- name: newest_finding
select version, severity from finding where id = %s order by version desc limit 1

-- name: note_totals
insert into gateway_total (run, partition, total) values %s
on conflict (run, partition) do update set total = greatest(gateway_total.total, excluded.total)

-- name: note_holes
insert into ledger_hole (run, partition, position, expected, found) values %s on conflict do nothing

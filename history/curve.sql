-- Statements of history/curve.py: one point over a span of time, with what gives it meaning.

-- name: point_of_incident
-- The point an incident speaks of; for one of the whole device, its most telling point.
select p.point_id, p.device, p.metric, p.unit, d.interval_us, d.created_at, i.start_at, i.end_at
from v_incident i join v_device d on d.device = i.device join v_point p on p.device = i.device
where i.finding = %(id)s::uuid and (i.metric = '' or p.metric = i.metric)
order by p.metric <> 'temperature', p.metric <> 'open', p.metric limit 1

-- name: incident_exists
select device from v_incident where finding = %(id)s::uuid

-- name: point_of_device
select p.point_id, p.device, p.metric, p.unit, d.interval_us, d.created_at
from v_point p join v_device d on d.device = p.device
where p.device = %(device)s and (%(metric)s::text is null or p.metric = %(metric)s)
order by p.metric <> 'temperature', p.metric <> 'open', p.metric limit 1

-- name: limits
-- What was in force within the span, and when: the device's profile of then, and that profile's row of then.
with held as (
    select profile, effective_from as begins, lead(effective_from, 1, 'infinity') over (order by effective_from) as ends
    from v_device_fact where device = %(device)s
), named as (
    select profile, begins, ends from held
    union all
    select profile, '-infinity', 'infinity' from v_device where device = %(device)s and not exists (select from held)
), versions as (
    select name, low, high, tolerance_low, tolerance_high, reject_low, reject_high, effective_from as begins,
           least(coalesce(ends_at, 'infinity'),
                 lead(effective_from, 1, 'infinity') over (partition by name order by effective_from, version)) as ends
    from v_profile where metric = %(metric)s and enabled
), both_held as (
    select greatest(n.begins, v.begins, %(from)s) as begins, least(n.ends, v.ends, %(to)s) as ends, v.low, v.high,
           v.tolerance_low, v.tolerance_high, v.reject_low, v.reject_high
    from named n join versions v on v.name = n.profile
)
select begins, ends, low, high, tolerance_low, tolerance_high, reject_low, reject_high
from both_held where begins < ends order by begins

-- name: count
-- Up to a bound: it only decides whether every point is drawn.
select count(*) from (select from v_reading where point_id = %(point)s and at >= %(from)s and at <= %(to)s limit %(bound)s) bounded

-- name: raw
select at, value, quality, received_at from v_reading
where point_id = %(point)s and at >= %(from)s and at <= %(to)s order by at, seq

-- name: extremes
-- The least and the greatest value of each slice of time: a spike is never averaged away. Of flagged samples by
-- themselves: what is no measurement hides no extreme that is one.
with sliced as (
    select at, seq, value, quality, received_at, quality & 15 > 2 as flagged,
           width_bucket(extract(epoch from at), extract(epoch from %(from)s), extract(epoch from %(to)s), %(slices)s) as slice
    from v_reading where point_id = %(point)s and at >= %(from)s and at <= %(to)s
), ranked as (
    select at, seq, value, quality, received_at, row_number() over (partition by slice, flagged order by value, at, seq) as from_below,
           row_number() over (partition by slice, flagged order by value desc, at, seq) as from_above
    from sliced
)
select at, value, quality, received_at from ranked where from_below = 1 or from_above = 1 order by at, seq

-- name: usual
-- The usual distance of neighbours, whatever the device is registered with.
select percentile_disc(0.5) within group (order by at - before) from (
    select at, lag(at) over (order by at) as before
    from v_reading where point_id = %(point)s and at >= %(from)s and at <= %(to)s
) neighbours where at > before

-- name: gaps
-- Spans between neighbours that lie further apart than the bound.
select before, at from (
    select at, lag(at) over (order by at) as before
    from v_reading where point_id = %(point)s and at >= %(from)s and at <= %(to)s
) neighbours
where at - before > %(bound)s order by at

-- name: edges
select min(at), max(at) from v_reading where point_id = %(point)s and at >= %(from)s and at <= %(to)s

-- name: breaches
select start_at, end_at, severity from v_incident
where device = %(device)s and metric = %(metric)s and rule = any(%(bands)s)
  and start_at <= %(to)s and (end_at is null or end_at >= %(from)s)
order by start_at

-- name: suppressed
-- Only the present is known: the state of a point is written when it changes.
select since, reason from v_point_state where point_id = %(point)s and state = 'suppressed' and since <= %(to)s

-- Statements of history/devices.py: the board of devices. Row security shows each asker its own.

-- name: devices
select d.device, d.kind, d.enterprise, d.enterprise_name, d.site, d.site_name, coalesce(a.name, d.asset) as asset, d.behind,
       d.interval_us / 1e6::float8 as interval_s, d.profile, d.retired_at, d.enterprise_kind, d.licence, d.telephone,
       d.business_hours, d.site_state, d.asset_kind, d.product_class
from v_device d left join v_asset a on a.enterprise = d.enterprise and a.site = d.site and a.asset = d.asset
where %(device)s::text is null or d.device = %(device)s
order by d.enterprise_name, d.site_name, d.device

-- name: points
-- The last value of each point by one look into the index of its newest chunk.
select l.point_id, l.device, l.metric, l.unit, l.value, l.at, l.received_at
from v_latest l
where %(device)s::text is null or l.device = %(device)s
order by l.device, l.metric

-- name: states
select point_id, state, since from v_point_state where %(device)s::text is null or device = %(device)s

-- name: open_incidents
select device, count(*) as open_incidents, min(severity) as worst, bool_or(rule = any(%(unheard)s)) as silent from v_incident
where state <> 'closed' and (%(device)s::text is null or device = %(device)s) group by device

-- name: refused
select device, count(*) as refused_24h, max(received_at) as refused_at from v_rejection
where received_at > %(since)s and (%(device)s::text is null or device = %(device)s) group by device

-- name: heard_otherwise
-- When a device without points (a camera, an instrument) was last heard.
select d.device, greatest(f.received_at, r.received_at) as heard_at
from v_device d
left join lateral (select received_at from v_frame where camera = d.device order by at desc limit 1) f on d.kind = 'camera'
left join lateral (select max(received_at) as received_at from v_result where device = d.device) r on d.kind = 'instrument'
where d.kind in ('camera', 'instrument') and (%(device)s::text is null or d.device = %(device)s)

-- name: rejections
select id, code, disposition, path, detail, received_at, topic, publisher, raw, stored from v_rejection
where device = %(device)s order by received_at desc, id desc limit %(limit)s

-- name: ledger
select coalesce(sum(accepted), 0)::bigint as accepted, coalesce(sum(stored), 0)::bigint as stored,
       coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(quarantined), 0)::bigint as quarantined,
       coalesce(sum(dead_lettered), 0)::bigint as dead_lettered
from v_ledger where device = %(device)s

-- The registry: county, enterprise, site, asset, device, point. Written by `coldwatch device` and the simulated city,
-- read by the gateway.

-- name: take_number
-- Takes the one lock of all writers, so that who has seen a number has seen every smaller one.
update registry_change set number = number + 1 returning number

-- name: number
select number from registry_change

-- name: changes
-- A row per point; one without a point for a device that has none.
select d.id, d.kind, d.enterprise, d.site, d.interval_us, d.profile, d.token_sha256, coalesce(d.behind, ''),
       d.retired_at, coalesce(d.asset, ''), e.county,
       p.id, p.metric, p.unit, p.possible_low, p.possible_high
from device d
join enterprise e on e.id = d.enterprise
left join point p on p.device = d.id
where d.change > %(since)s
order by d.id, p.id

-- name: listed
select d.id, d.kind, d.enterprise, d.site, d.interval_us, d.profile, d.token_sha256, coalesce(d.behind, ''),
       d.retired_at, coalesce(d.asset, ''), e.county,
       p.id, p.metric, p.unit, p.possible_low, p.possible_high
from device d
join enterprise e on e.id = d.enterprise
left join point p on p.device = d.id
where %(enterprise)s in ('', d.enterprise)
order by d.id, p.id

-- name: by_ids
select d.id, d.kind, d.enterprise, d.site, d.interval_us, d.profile, d.token_sha256, coalesce(d.behind, ''),
       d.retired_at, coalesce(d.asset, ''), e.county,
       p.id, p.metric, p.unit, p.possible_low, p.possible_high
from device d
join enterprise e on e.id = d.enterprise
left join point p on p.device = d.id
where d.id = any(%(ids)s)
order by d.id, p.id

-- name: counties
select id, county from enterprise where id = any(%(enterprises)s)

-- name: profiles
select name, array_agg(distinct metric) from profile where enabled group by name

-- name: children
select id from device where behind = %(id)s and retired_at is null order by id

-- name: add_counties
insert into county (id, name) values %s on conflict do nothing

-- name: add_enterprises
insert into enterprise (id, name, county) values %s on conflict do nothing

-- name: add_sites
insert into site (enterprise, id, name) values %s on conflict do nothing

-- name: add_assets
insert into asset (enterprise, site, id, name) values %s on conflict do nothing

-- name: add_devices
insert into device (id, kind, enterprise, site, asset, behind, interval_us, profile, token_sha256, change) values %s

-- name: add_points
insert into point (device, enterprise, metric, unit, possible_low, possible_high) values %s
returning id, device, metric, unit, possible_low, possible_high

-- name: retire
update device set retired_at = %(now)s, change = %(change)s where id = %(id)s

-- name: set_token
update device set token_sha256 = %(token_sha256)s, change = %(change)s where id = %(id)s

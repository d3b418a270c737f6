-- The registry: county, enterprise, site, asset, device, its dated facts, point. Written by `coldwatch device` and the simulated city,
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
       p.id, p.metric, p.unit, p.possible_low, p.possible_high,
       e.name, e.kind, e.licence, s.name, s.telephone, s.business_hours, s.state,
       coalesce(a.name, ''), coalesce(a.kind, ''), coalesce(a.product_class, '')
from device d
join enterprise e on e.id = d.enterprise
join site s on s.enterprise = d.enterprise and s.id = d.site
left join asset a on a.enterprise = d.enterprise and a.site = d.site and a.id = d.asset
left join point p on p.device = d.id
where d.change > %(since)s
order by d.id, p.id

-- name: listed
select d.id, d.kind, d.enterprise, d.site, d.interval_us, d.profile, d.token_sha256, coalesce(d.behind, ''),
       d.retired_at, coalesce(d.asset, ''), e.county,
       p.id, p.metric, p.unit, p.possible_low, p.possible_high,
       e.name, e.kind, e.licence, s.name, s.telephone, s.business_hours, s.state,
       coalesce(a.name, ''), coalesce(a.kind, ''), coalesce(a.product_class, '')
from device d
join enterprise e on e.id = d.enterprise
join site s on s.enterprise = d.enterprise and s.id = d.site
left join asset a on a.enterprise = d.enterprise and a.site = d.site and a.id = d.asset
left join point p on p.device = d.id
where %(enterprise)s in ('', d.enterprise)
order by d.id, p.id

-- name: by_ids
select d.id, d.kind, d.enterprise, d.site, d.interval_us, d.profile, d.token_sha256, coalesce(d.behind, ''),
       d.retired_at, coalesce(d.asset, ''), e.county,
       p.id, p.metric, p.unit, p.possible_low, p.possible_high,
       e.name, e.kind, e.licence, s.name, s.telephone, s.business_hours, s.state,
       coalesce(a.name, ''), coalesce(a.kind, ''), coalesce(a.product_class, '')
from device d
join enterprise e on e.id = d.enterprise
join site s on s.enterprise = d.enterprise and s.id = d.site
left join asset a on a.enterprise = d.enterprise and a.site = d.site and a.id = d.asset
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
insert into enterprise (id, name, county, kind, licence) values %s on conflict do nothing

-- name: add_sites
insert into site (enterprise, id, name, telephone, business_hours, state) values %s on conflict do nothing

-- name: add_assets
insert into asset (enterprise, site, id, name, kind, product_class) values %s on conflict do nothing

-- name: add_devices
insert into device (id, kind, enterprise, site, asset, behind, interval_us, profile, token_sha256, change) values %s

-- name: add_points
insert into point (device, enterprise, metric, unit, possible_low, possible_high) values %s
on conflict (device, metric) do nothing

-- name: add_facts
insert into device_fact (device, effective_from, kind, interval_us, profile, behind, asset, metrics) values %s

-- name: facts
select effective_from, kind, interval_us, profile, coalesce(behind, ''), coalesce(asset, ''), metrics
from device_fact where device = %(id)s order by effective_from

-- name: change
update device set kind = %(kind)s, interval_us = %(interval_us)s, profile = %(profile)s, behind = %(behind)s,
                  asset = %(asset)s, change = %(change)s
where id = %(id)s

-- name: retire
update device set retired_at = %(now)s, change = %(change)s where id = %(id)s

-- name: set_token
update device set token_sha256 = %(token_sha256)s, change = %(change)s where id = %(id)s

-- name: lock_enterprise
select from enterprise where id = %(enterprise)s for update

-- name: lock_site
select from site where enterprise = %(enterprise)s and id = %(site)s for update

-- name: lock_asset
select from asset where enterprise = %(enterprise)s and site = %(site)s and id = %(asset)s for update

-- name: set_enterprise_name
update enterprise set name = %(value)s where id = %(enterprise)s

-- name: set_enterprise_kind
update enterprise set kind = %(value)s where id = %(enterprise)s

-- name: set_enterprise_licence
update enterprise set licence = %(value)s where id = %(enterprise)s

-- name: set_site_name
update site set name = %(value)s where enterprise = %(enterprise)s and id = %(site)s

-- name: set_site_telephone
update site set telephone = %(value)s where enterprise = %(enterprise)s and id = %(site)s

-- name: set_site_business_hours
update site set business_hours = %(value)s where enterprise = %(enterprise)s and id = %(site)s

-- name: set_site_state
update site set state = %(value)s where enterprise = %(enterprise)s and id = %(site)s

-- name: set_asset_name
update asset set name = %(value)s where enterprise = %(enterprise)s and site = %(site)s and id = %(asset)s

-- name: set_asset_kind
update asset set kind = %(value)s where enterprise = %(enterprise)s and site = %(site)s and id = %(asset)s

-- name: set_asset_product_class
update asset set product_class = %(value)s where enterprise = %(enterprise)s and site = %(site)s and id = %(asset)s

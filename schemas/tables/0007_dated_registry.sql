-- What all rooms need of the registry: what an enterprise, a site and an asset are; and what has held of a device, with
-- the time from which it holds. `device` says how a device is now; `device_fact` what it was judged by, and when.

alter table enterprise
    add column licence text not null default '',
    add column kind    text not null default '' check (kind in ('', 'producer', 'distributor', 'caterer', 'school_canteen',
                                                                 'market', 'cold_store', 'transport'));
alter table site
    add column telephone      text not null default '',
    add column business_hours text not null default '',   -- see schemas/business_hours.py; '': not known
    add column state          text not null default 'live' check (state in ('commissioning', 'live'));
alter table asset
    add column kind          text not null default '',
    add column product_class text not null default '';

-- A row holds for what is received from effective_from on, until the device's next row. The first one holds since
-- 1970: nothing was received of a device before it was enrolled. Rows are added, never changed: the past stays.
create table device_fact (
    device         text not null references device,
    effective_from timestamptz not null,
    kind           text not null,
    interval_us    bigint not null check (interval_us > 0),
    profile        text not null,
    behind         text,
    asset          text,
    metrics        text[] not null,
    recorded_at    timestamptz not null default clock_timestamp(),
    primary key (device, effective_from)
);
insert into device_fact (device, effective_from, kind, interval_us, profile, behind, asset, metrics)
select d.id, 'epoch', d.kind, d.interval_us, d.profile, d.behind, d.asset,
       coalesce((select array_agg(p.metric order by p.id) from point p where p.device = d.id), '{}')
from device d;

-- A profile's row may end on a day without another one that follows it.
alter table profile add column ends_at timestamptz check (ends_at > effective_from);
-- Who caches the registry sees from its number that there is something to read: limits count as well.
create function registry_number_moves() returns trigger language plpgsql as
$$ begin update registry_change set number = number + 1; return null; end $$;
create trigger profile_changed after insert or update or delete on profile
    for each statement execute function registry_number_moves();

alter table device_fact enable row level security;
alter table device_fact force row level security;
create policy owner_all on device_fact to coldwatch_owner using (true) with check (true);
create policy reader_sees_all on device_fact for select to coldwatch_reader using (true);
create policy web_sees_own on device_fact for select to coldwatch_web
    using (exists (select from device d where d.id = device_fact.device));
grant select, insert on device_fact to coldwatch_pipeline;
grant select on device_fact to coldwatch_web, coldwatch_reader;
grant update on enterprise, site, asset to coldwatch_pipeline;

create or replace view v_device with (security_invoker = true) as
    select d.id as device, d.kind, d.enterprise, e.name as enterprise_name, e.county, d.site, s.name as site_name,
           d.asset, d.behind, d.interval_us, d.profile, d.created_at, d.retired_at,
           e.kind as enterprise_kind, e.licence, s.telephone, s.business_hours, s.state as site_state,
           a.kind as asset_kind, a.product_class
    from device d join enterprise e on e.id = d.enterprise join site s on s.enterprise = d.enterprise and s.id = d.site
    left join asset a on a.enterprise = d.enterprise and a.site = d.site and a.id = d.asset;
create or replace view v_asset with (security_invoker = true) as
    select enterprise, site, id as asset, name, kind, product_class from asset;
create view v_device_fact with (security_invoker = true) as
    select device, effective_from, kind, interval_us, profile, behind, asset, metrics, recorded_at from device_fact;
create or replace view v_profile with (security_invoker = true) as select * from profile;
grant select on v_device_fact to coldwatch_pipeline, coldwatch_web, coldwatch_reader;

-- An instrument's figure that is no plain number, with its sign: >100, <0.02.
alter table result add column value_text text not null default '';
create or replace view v_result with (security_invoker = true) as
    select r.id, r.device, r.enterprise, d.site, r.number, r.at, r.received_at, r.sample, r.item, r.method, r.value, r.unit,
           r.verdict, r.verdict_raw, r.operator, r.lot, r.sampled_at, r.content_sha256, r.supersedes, r.value_text
    from result r left join device d on d.id = r.device;

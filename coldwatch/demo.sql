-- What the demo counts, as the reader's role: episodes found, incidents, frames, results, values judged, and what still
-- has to become an incident (findings not sent, or sent and not yet applied in their newest version).
select
    (select count(distinct id) from finding),
    (select count(*) from incident),
    (select count(*) from incident where state <> 'closed'),
    (select count(*) from frame),
    (select count(*) from result),
    (select coalesce(sum(accepted), 0)::bigint from ledger),
    (select count(*) from finding_unsent)
        + (select count(*)
           from (select id, max(version) as version from finding group by id) newest
           left join incident i on i.finding = newest.id
           where i.finding_version is null or i.finding_version < newest.version)

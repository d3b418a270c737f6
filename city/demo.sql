-- What the demo counts and shows, as the reader's role.

-- name: counts
-- Episodes found, incidents, frames, results, values judged, and what still has to become an incident: findings not
-- sent, or sent and not yet applied in their newest version.
select
    (select count(distinct id) from finding) as findings,
    (select count(*) from incident) as incidents,
    (select count(*) from incident where state <> 'closed') as incidents_open,
    (select count(*) from frame) as frames,
    (select count(*) from result) as results,
    (select coalesce(sum(accepted), 0)::bigint from ledger) as judged,
    (select count(*) from finding_unsent)
        + (select count(*)
           from (select id, max(version) as version from finding group by id) newest
           left join incident i on i.finding = newest.id
           where i.finding_version is null or i.finding_version < newest.version) as unapplied

-- name: incidents_since
select rule, subject, opened_at from incident where opened_at >= %(since)s order by opened_at

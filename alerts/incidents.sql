-- Statements of alerts/incidents.py: incidents as people read them. Row security shows each asker its own.

-- name: of_view
-- The columns of an incident as the API names them.
i.finding::text as id, i.rule, i.severity, i.state, i.subject, i.device, d.kind, i.metric, i.unit, i.enterprise, d.enterprise_name,
coalesce(c.name, d.county) as county, d.site, d.site_name, coalesce(a.name, d.asset) as asset, d.telephone, d.business_hours, i.start_at, i.end_at, i.opened_at,
i.acknowledged_at, i.acknowledged_by, i.closed_at, i.peak, i.limit_value as "limit", l.value as current, i.late, i.persistent, i.profile,
i.profile_version, i.detail, i.last_event

-- name: joined
from v_incident i
left join v_device d on d.device = i.device
left join v_county c on c.county = d.county
left join v_asset a on a.enterprise = d.enterprise and a.site = d.site and a.asset = d.asset
left join v_latest l on l.point_id = i.point_id and i.point_id > 0

-- name: some
-- Pages are chosen by the statements below, which name incidents alone: joined are then only those that are shown.
select {of_view} {joined} where i.finding = any(%(ids)s::uuid[])

-- name: open
select i.finding::text from v_incident i
where i.state <> 'closed'
  and (%(severity)s::int is null or i.severity > %(severity)s
       or (i.severity = %(severity)s and (i.opened_at, i.finding) < (%(opened_at)s, %(id)s::uuid)))
order by i.severity, i.opened_at desc, i.finding desc limit %(limit)s

-- name: newest
-- Of one state, or of all of them.
select i.finding::text from v_incident i
where (%(state)s::text is null or i.state = %(state)s)
  and (%(id)s::text is null or (i.opened_at, i.finding) < (%(opened_at)s, %(id)s::uuid))
order by i.opened_at desc, i.finding desc limit %(limit)s

-- name: of_device
select finding::text from v_incident where device = %(device)s order by start_at desc limit %(limit)s

-- name: events_after
select v.id, v.incident::text, v.transition, i.enterprise, e.county
from v_incident_event v join v_incident i on i.finding = v.incident left join v_enterprise e on e.enterprise = i.enterprise
where v.id > %(after)s and v.id <= %(upto)s order by v.id limit %(limit)s

-- name: last_event
select coalesce(max(id), 0) from v_incident_event

-- name: timeline
select id, transition, state, at, actor, note, severity from v_incident_event where incident = %(id)s::uuid order by id

-- name: profile_row
select low, high, low_inclusive, high_inclusive, tolerance_low, tolerance_high, reject_low, reject_high, source, clause, evidence,
       effective_from, version
from v_profile where name = %(profile)s and version = %(version)s and metric = %(metric)s

-- name: result
-- The test that a finding speaks of: its number is what follows the device in the subject. Of changed resends, the bad one.
select r.id, r.device, r.number, r.at, r.sample, r.item, r.method, r.value, r.value_text, r.unit, r.verdict, r.verdict_raw, r.operator, r.lot,
       r.supersedes
from v_result r where r.device = %(device)s and r.number = %(number)s
order by abs(extract(epoch from r.at - %(start_at)s)), r.verdict in ('positive', 'suspicious') desc, r.id desc limit 1

-- name: frame
-- The picture that a finding names; else the first faulty one since its start.
select f.sha256, f.at, f.camera, f.faults, f.scores
from v_frame f where f.camera = %(device)s
  and (f.sha256 = %(sha256)s or (f.at >= %(start_at)s and f.faults <> '{{}}'))
order by f.sha256 = %(sha256)s desc, f.at limit 1

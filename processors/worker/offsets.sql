-- The pipeline's own books: who owns a partition, what is next, the checkpoint. Kept by role: several
-- roles may read one topic.

-- name: claim
insert into partition_offset (role, topic, partition, topic_id, next_position, checkpoint_position, owner, claimed_at)
values %s
on conflict (role, topic, partition) do update set owner = excluded.owner, claimed_at = excluded.claimed_at
returning topic, partition, topic_id, next_position, checkpoint_position, checkpoint, pending_values

-- name: lock
select topic, partition, owner, next_position, checkpoint_position
from partition_offset
where role = %s and (topic, partition) in %s
order by topic, partition
for update

-- name: advance
update partition_offset p
set next_position = v.next, pending_values = p.pending_values + v.pending, stream_at = coalesce(v.stream_at, p.stream_at),
    judged_at = clock_timestamp()
from (values %s) v (role, topic, partition, next, pending, stream_at)
where p.role = v.role and p.topic = v.topic and p.partition = v.partition

-- name: checkpoint
update partition_offset
set checkpoint_position = %(position)s, checkpoint = %(state)s, checkpointed_at = clock_timestamp(), pending_values = 0
where role = %(role)s and topic = %(topic)s and partition = %(partition)s

-- name: make_booking
create temp table if not exists booking (
    topic text, device text, hour timestamptz, accepted bigint, stored bigint, duplicate bigint, quarantined bigint,
    dead_lettered bigint
) on commit delete rows

-- name: copy_booking
copy booking from stdin

-- name: book
insert into ledger as l (topic, device, hour, accepted, stored, duplicate, quarantined, dead_lettered)
select topic, device, hour, accepted, stored, duplicate, quarantined, dead_lettered from booking
on conflict (device, hour, topic) do update set
    accepted = l.accepted + excluded.accepted,
    stored = l.stored + excluded.stored,
    duplicate = l.duplicate + excluded.duplicate,
    quarantined = l.quarantined + excluded.quarantined,
    dead_lettered = l.dead_lettered + excluded.dead_lettered

-- name: insert_findings
insert into finding (id, version, change, subject, device, enterprise, metric, point_id, rule, severity, start_at, end_at,
                     peak, limit_value, unit, profile, profile_version, late, persistent, measured_at, received_at, detail)
values %s
on conflict (id, version) do nothing
returning id, version

-- name: mark_unsent
insert into finding_unsent (id, version, role, topic, partition) values %s on conflict do nothing

-- name: unsent
select f.id::text, f.version, f.change, f.subject, f.device, f.metric, f.point_id, f.rule, f.severity, f.start_at, f.end_at,
       f.peak, f.limit_value, f.unit, f.profile, f.profile_version, f.late, f.persistent, f.measured_at, f.received_at,
       f.detail
from finding_unsent u join finding f using (id, version)
where u.role = %s and (u.topic, u.partition) in %s
order by f.recorded_at, f.version
limit 1000

-- name: sent
delete from finding_unsent u using (values %s) v (id, version) where u.id = v.id::uuid and u.version = v.version

-- Statements of history/records.py: test results, camera frames, and how far the stream has come.

-- name: results
select r.id, r.device, r.number, r.at, r.received_at, r.sample, r.item, r.method, r.value, r.value_text, r.unit, r.verdict, r.verdict_raw,
       r.operator, r.lot, r.supersedes, r.enterprise, d.enterprise_name, d.site_name
from v_result r left join v_device d on d.device = r.device
where (%(device)s::text is null or r.device = %(device)s)
order by r.at desc, r.id desc limit %(limit)s

-- name: frames
select f.camera, f.at, f.seq, f.received_at, f.sha256, f.width, f.height, f.faults, f.scores, f.enterprise, d.enterprise_name,
       d.site_name
from v_frame f left join v_device d on d.device = f.camera
where (%(camera)s::text is null or f.camera = %(camera)s)
order by f.at desc, f.camera, f.seq desc limit %(limit)s

-- name: image
select media_type from v_frame where sha256 = %(sha256)s limit 1

-- name: stream
-- The partition that is furthest behind speaks for all: one that stands still is a fault of its own.
select min(coalesce(stream_at, 'epoch')) from v_stream where role = 'judge' and topic = %(topic)s

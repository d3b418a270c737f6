-- What the frames worker reads of the registry and writes of the history.

-- name: cameras
select id, enterprise, interval_us, retired_at from device where id = any(%s)

-- name: insert_frames
insert into frame (camera, enterprise, at, seq, received_at, sha256, size_bytes, width, height, media_type, scores, faults)
values %s
on conflict (camera, at, seq) do nothing
returning camera, at, seq

-- name: pictures
select camera, at, seq, sha256 from frame where (camera, at, seq) in %s

-- name: insert_rejections
insert into rejection (topic_kafka, partition, position, ordinal, disposition, code, path, detail, device, publisher,
                       enterprise, topic, received_at, count, raw, stored)
values %s
on conflict (topic_kafka, partition, position, ordinal) do nothing

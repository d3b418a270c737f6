-- What the console reads of other stages' tables, as views (see docs/views.md), and the indexes its questions need.

create view v_result with (security_invoker = true) as
    select r.id, r.device, r.enterprise, d.site, r.number, r.at, r.received_at, r.sample, r.item, r.method, r.value, r.unit,
           r.verdict, r.verdict_raw, r.operator, r.lot, r.sampled_at, r.content_sha256, r.supersedes
    from result r left join device d on d.id = r.device;
create view v_frame with (security_invoker = true) as
    select f.camera, f.enterprise, d.site, f.at, f.seq, f.received_at, f.sha256, f.size_bytes, f.width, f.height,
           f.media_type, f.scores, f.faults
    from frame f left join device d on d.id = f.camera;
create view v_rejection with (security_invoker = true) as
    select id, disposition, code, path, detail, device, publisher, enterprise, topic, received_at, count, raw, stored
    from rejection;
create view v_point_state with (security_invoker = true) as
    select s.point_id, p.device, p.enterprise, p.metric, s.state, s.since, s.reason
    from point_state s join point p on p.id = s.point_id;
create view v_incident_event with (security_invoker = true) as
    select id, incident, transition, state, at, actor, note, finding_version, severity from incident_event;
create view v_profile with (security_invoker = true) as select * from profile;
create view v_stream with (security_invoker = true) as
    select topic, partition, stream_at, judged_at from partition_offset;
create view v_latest with (security_invoker = true) as
    select p.id as point_id, p.device, p.enterprise, p.metric, p.unit, l.at, l.seq, l.value, l.quality, l.received_at
    from point p
    left join lateral (select r.at, r.seq, r.value, r.quality, r.received_at from reading r
                       where r.point_id = p.id order by r.at desc, r.seq desc limit 1) l on true;
create view v_county with (security_invoker = true) as select id as county, name from county;
create view v_asset with (security_invoker = true) as select enterprise, site, id as asset, name from asset;
grant select on v_latest, v_county, v_asset, v_result, v_frame, v_rejection, v_point_state, v_incident_event, v_profile, v_stream
    to coldwatch_pipeline, coldwatch_web, coldwatch_reader;

create index frame_sha256 on frame (sha256);
create index incident_newest on incident (opened_at desc, finding);
create index rejection_received on rejection (received_at desc);
create index audit_action on audit (action, at desc);
create index web_session_expiry on web_session (expires_at);

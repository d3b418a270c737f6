-- `reading.quality` is QARTOD's flag in its low four bits. Bit 16 beside it: the gateway that took the reading had a wrong
-- clock, and received_at is Kafka's time of its record. The published views show the two apart; their columns stay.

create or replace view v_reading with (security_invoker = true) as
    select p.enterprise, d.site, p.device, p.metric, r.at, r.seq, r.value, p.unit,
           (r.quality & 15::smallint) as quality, r.received_at, r.point_id,
           (r.quality & 16::smallint) <> 0 as received_by_record
    from reading r join point p on p.id = r.point_id join device d on d.id = p.device;
create or replace view v_latest with (security_invoker = true) as
    select p.id as point_id, p.device, p.enterprise, p.metric, p.unit, l.at, l.seq, l.value,
           (l.quality & 15::smallint) as quality, l.received_at,
           (l.quality & 16::smallint) <> 0 as received_by_record
    from point p
    left join lateral (select r.at, r.seq, r.value, r.quality, r.received_at from reading r
                       where r.point_id = p.id order by r.at desc, r.seq desc limit 1) l on true;

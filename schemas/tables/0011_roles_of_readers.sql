-- Several readers of one topic: what a reader has claimed, committed and not yet sent is kept by its role, so that
-- another one (rollup, learned detector) claims for itself and fences nobody. What exists belongs to judge and frames worker.
alter table partition_offset add column role text;
update partition_offset set role = case when topic like '%frames' then 'frames' else 'judge' end;
alter table partition_offset alter column role set not null;
alter table partition_offset drop constraint partition_offset_pkey;
alter table partition_offset add primary key (role, topic, partition);

alter table finding_unsent add column role text;
update finding_unsent set role = case when topic like '%frames' then 'frames' else 'judge' end;
alter table finding_unsent alter column role set not null;

create or replace view v_stream with (security_invoker = true) as
    select topic, partition, stream_at, judged_at, role from partition_offset;
-- How far the role that keeps a topic's ledger has come; other readers of the topic say nothing about what is in flight.
create view v_booked with (security_invoker = true) as
    select topic, partition, next_position, pending_values from partition_offset where role in ('judge', 'frames');
grant select on v_booked to coldwatch_pipeline, coldwatch_reader;

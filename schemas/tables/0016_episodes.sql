-- One open incident per episode, held at the end of a transaction: two episodes may change places within one.
drop index incident_open_episode;
alter table incident add constraint incident_open_episode
    exclude using btree (subject with =, rule with =, start_at with =) where (state <> 'closed')
    deferrable initially deferred;

-- What lay in the topic before this database knew of it is history: folded into incidents, told to no channel.
alter table finding_offset add column quiet_until bigint not null default 0;

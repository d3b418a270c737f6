-- What a checkpoint has still to add may be more than what was taken off meanwhile: nobody reads of -1 stored.
create or replace view v_ledger with (security_invoker = true) as
    select topic, device, hour, accepted, greatest(stored, 0) as stored, duplicate, quarantined, dead_lettered from ledger;

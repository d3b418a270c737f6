-- Who writes incident events tells those who wait for them (LISTEN incident_event): the console's live stream and the
-- channels of alerts need not ask several times a second whether something has come.
create function tell_incident_event() returns trigger language plpgsql as $$
begin
    perform pg_notify('incident_event', '');
    return null;
end
$$;
create trigger incident_event_news after insert on incident_event for each statement execute function tell_incident_event();

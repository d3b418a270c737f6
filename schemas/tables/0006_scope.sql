-- Whose rows a transaction of role web sees: `coldwatch.scope` is 'all', 'county:<id>', 'enterprise:<id>' or 'none', set
-- per transaction. schemas/scope.py says the same in Python; a property test holds the two together. What is absent or
-- malformed equals none of a row's marks and shows nothing.

create function coldwatch_sees(enterprise text, county text) returns boolean language sql stable as
$$ select coalesce(current_setting('coldwatch.scope', true) in (
       'all', 'enterprise:' || nullif(enterprise, ''), case when enterprise <> '' then 'county:' || nullif(county, '') end), false) $$;

-- Runs as the asker: whoever may not see the enterprise learns no county.
create function coldwatch_county_of(owner text) returns text language sql stable as
$$ select e.county from enterprise e where e.id = owner $$;

-- For the tables whose rows name their enterprise alone. The county is looked up only where one is asked for.
create or replace function coldwatch_sees(owner text) returns boolean language sql stable as
$$ select coldwatch_sees(owner, case when current_setting('coldwatch.scope', true) like 'county:%'
                                     then coldwatch_county_of(owner) end) $$;

alter policy web_sees_own on enterprise using (coldwatch_sees(id, county));

create view v_enterprise with (security_invoker = true) as
    select id as enterprise, name, county from enterprise;
grant select on v_enterprise to coldwatch_pipeline, coldwatch_web, coldwatch_reader;

-- An operator or a regulator of a county sees that county.
alter table person add column county text references county,
    add check (county is null or role in ('operator', 'regulator'));

-- Every change of what somebody may see moves this number, whoever makes it, so that an open stream is ended at once:
-- a person's role, enterprise, county or leave to sign in, and a session's end. The row is locked until the change is
-- committed, so that a reader who has seen number n has seen every change up to it.
create table person_change (only_row boolean primary key default true check (only_row), number bigint not null);
insert into person_change values (true, 0);
grant select on person_change to coldwatch_web;
create function person_number_moves() returns trigger language plpgsql security definer set search_path = public as
$$ begin update person_change set number = number + 1; return null; end $$;
create trigger person_changed after update of role, enterprise, county, disabled_at or delete on person
    for each row execute function person_number_moves();
create trigger session_ended after delete on web_session
    for each row execute function person_number_moves();

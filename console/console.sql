-- Statements of the console: people, sessions, audit. Role web; none of these tables is under row security.

-- name: person
select password, role, enterprise, county from person where name = %(name)s and disabled_at is null

-- name: add_person
insert into person (name, password, role, enterprise, county)
values (%(name)s, %(password)s, %(role)s, %(enterprise)s, %(county)s)
on conflict (name) do nothing

-- name: any_admin
select exists (select from person where role = 'admin')

-- name: lock_people
-- Two front doors starting at once make one first administrator.
select pg_advisory_xact_lock(7310596438)

-- name: set_password
update person set password = %(password)s where name = %(name)s

-- name: begin_session
insert into web_session (id_sha256, person, expires_at) values (%(id)s, %(name)s, %(expires_at)s)

-- name: find_session
select p.name, p.role, p.enterprise, p.county, s.expires_at
from web_session s join person p on p.name = s.person
where s.id_sha256 = %(id)s and s.expires_at > %(now)s and p.disabled_at is null

-- name: end_session
delete from web_session where id_sha256 = %(id)s

-- name: forget_expired
delete from web_session where expires_at <= %(now)s

-- name: refusals_of_name
-- Refused sign-ins of a name from one address since the last good one, within the window.
select count(*), max(at) from audit
where action = 'sign_in_refused' and object = %(name)s and detail ->> 'address' = %(address)s
  and at > greatest(%(since)s, coalesce((select max(at) from audit where action = 'signed_in' and object = %(name)s
                                         and detail ->> 'address' = %(address)s and at > %(since)s), %(since)s))

-- name: refusals_of_address
select count(*), max(at) from audit
where action = 'sign_in_refused' and detail ->> 'address' = %(address)s and at > %(since)s

-- name: write_audit
insert into audit (at, actor, action, object, detail)
values (coalesce(%(at)s, clock_timestamp()), %(actor)s, %(action)s, %(object)s, %(detail)s)

-- name: add
-- Refused sign-ins and broken streams, folded per minute.
insert into refusal (minute, address, username, code, count)
select to_timestamp(minute), address, username, code, count
from unnest(%(minutes)s::bigint[], %(addresses)s::text[], %(usernames)s::text[], %(codes)s::text[],
            %(counts)s::bigint[]) as folded (minute, address, username, code, count)
on conflict (minute, address, username, code) do update set count = refusal.count + excluded.count;

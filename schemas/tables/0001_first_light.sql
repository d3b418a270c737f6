-- The registry, the judged history, the pipeline's own books, incidents, people.
-- Run by the owner role; the roles coldwatch_pipeline, coldwatch_web and coldwatch_reader exist by then.
-- Append-only directory: a change is a new file, never an edit of this one once it has been released.

create extension if not exists timescaledb;
create schema if not exists coldwatch_chunks;          -- private: no USAGE for web or reader, since a chunk bypasses row security
revoke all on schema coldwatch_chunks from public;
grant usage on schema coldwatch_chunks to coldwatch_pipeline;
revoke create on schema public from public;
grant usage on schema public to coldwatch_pipeline, coldwatch_web, coldwatch_reader;

-- ------------------------------------------------------------------ registry (owner stage: ingest)
create table county (
    id    text primary key,
    name  text not null
);
create table enterprise (
    id     text primary key,
    name   text not null,
    county text not null references county
);
create table site (
    enterprise text not null references enterprise,
    id         text not null,
    name       text not null,
    primary key (enterprise, id)
);
create table asset (
    enterprise text not null,
    site       text not null,
    id         text not null,
    name       text not null,
    primary key (enterprise, site, id),
    foreign key (enterprise, site) references site
);
create table device (
    id           text primary key,
    kind         text not null,
    enterprise   text not null,
    site         text not null,
    asset        text,
    behind       text references device,
    interval_us  bigint not null check (interval_us > 0),
    profile      text not null,
    token_sha256 bytea,                                -- null: behind a gateway, signs in nowhere
    created_at   timestamptz not null default now(),
    retired_at   timestamptz,
    change       bigint not null,
    foreign key (enterprise, site) references site
);
create index device_change on device (change);
create index device_behind on device (behind) where behind is not null;
create table point (
    id            int generated always as identity primary key,
    device        text not null references device,
    enterprise    text not null,
    metric        text not null,
    unit          text not null,
    possible_low  float8 not null,
    possible_high float8 not null,
    unique (device, metric)
);
-- Each transaction that changes a device takes the next number under the table's one lock holder, so that a
-- reader who has seen number n has seen every smaller one.
create table registry_change (only_row boolean primary key default true check (only_row), number bigint not null);
insert into registry_change values (true, 0);

create table profile (
    name              text not null,
    version           int not null,
    metric            text not null,
    effective_from    timestamptz not null,
    low               float8, high float8,
    low_inclusive     boolean not null default true,
    high_inclusive    boolean not null default true,
    tolerance_low     float8, tolerance_high float8,
    reject_low        float8, reject_high float8,
    dwell_us          bigint not null default 600000000,
    hysteresis        float8 not null default 0.5,
    hysteresis_samples int not null default 2,
    grace             jsonb not null default '[]',
    silence_intervals float8 not null default 2,
    clock_ahead_us    bigint not null default 60000000,
    refused_quiet_us  bigint not null default 300000000,
    source            text not null,
    clause            text not null,
    evidence          text not null check (evidence in ('V', 'S', 'M', 'D')),
    note              text not null default '',
    enabled           boolean not null default true,
    primary key (name, version, metric),
    check (evidence <> 'M' or not enabled)
);

-- ------------------------------------------------------------------ judged history (owner stage: processors)
create table reading (
    point_id    int not null,
    at          timestamptz not null,
    seq         bigint not null default 0,
    value       float8 not null,
    quality     smallint not null,
    received_at timestamptz not null
);
select create_hypertable('reading', 'at', chunk_time_interval => interval '1 day',
                         associated_schema_name => 'coldwatch_chunks', create_default_indexes => false);
create unique index reading_identity on reading (point_id, at, seq);

create table point_state (                             -- written on change only
    point_id int primary key,
    state    text not null check (state in ('in_range', 'breach', 'unknown', 'suppressed')),
    since    timestamptz not null,
    reason   text not null default ''
);
create table rejudge (                                 -- late readings, for the late worker
    point_id    int primary key,
    earliest_at timestamptz not null,
    noted_at    timestamptz not null default now()
);
create table result (
    id             bigint generated always as identity primary key,
    device         text not null,
    enterprise     text not null,
    number         text not null,
    at             timestamptz not null,
    received_at    timestamptz not null,
    sample         text not null,
    item           text not null,
    method         text not null,
    value          float8,
    unit           text not null,
    verdict        text not null check (verdict in ('negative', 'positive', 'suspicious', 'invalid')),
    verdict_raw    text not null,
    operator       text not null,
    lot            text not null,
    sampled_at     timestamptz,
    content_sha256 text not null,
    raw            text not null,
    supersedes     bigint references result,           -- a changed resend names the first
    unique (device, number, at, content_sha256)
);
create index result_at on result (at desc);
create table frame (
    camera      text not null,
    enterprise  text not null,
    at          timestamptz not null,
    seq         bigint not null,
    received_at timestamptz not null,
    sha256      text not null,
    size_bytes  int not null,
    width       int not null,
    height      int not null,
    media_type  text not null,
    scores      jsonb not null,
    faults      text[] not null,
    unique (camera, at, seq)
);
create index frame_at on frame (camera, at desc);
create table rejection (
    id          bigint generated always as identity primary key,
    topic_kafka text not null,                         -- with partition, position, ordinal: where it came from, so that a re-read adds no row
    partition   int not null,
    position    bigint not null,
    ordinal     int not null default 0,
    disposition text not null check (disposition in ('quarantined', 'dead_lettered')),
    code        text not null,
    path        text not null,
    detail      text not null,
    device      text not null,
    publisher   text not null,
    enterprise  text,
    topic       text not null,
    received_at timestamptz not null,
    count       int not null,
    raw         bytea,                                 -- null: in the evidence store under `stored`
    stored      text,
    unique (topic_kafka, partition, position, ordinal)
);
create index rejection_device on rejection (device, received_at desc);
create table finding (                                 -- one row a version
    id              uuid not null,
    version         int not null,
    change          text not null check (change in ('opened', 'amended', 'closed')),
    subject         text not null,
    device          text not null,
    enterprise      text,
    metric          text not null,
    point_id        int not null,
    rule            text not null,
    severity        smallint not null,
    start_at        timestamptz not null,
    end_at          timestamptz,
    peak            float8,
    limit_value     float8,
    unit            text not null,
    profile         text not null,
    profile_version int not null,
    late            boolean not null,
    persistent      boolean not null,
    measured_at     timestamptz not null,
    received_at     timestamptz not null,
    detail          jsonb not null,
    recorded_at     timestamptz not null default clock_timestamp(),
    primary key (id, version)
);
create index finding_device on finding (device, start_at desc);
create table finding_unsent (                          -- drained to the topic by the partition's owner
    id        uuid not null,
    version   int not null,
    topic     text not null,
    partition int not null,
    primary key (id, version)
);

-- ------------------------------------------------------------------ the pipeline's own books (owner stage: processors)
create table partition_offset (
    topic             text not null,
    partition         int not null,
    topic_id          text not null,                   -- Kafka's; another one means that Kafka was wiped
    next_position     bigint not null,
    checkpoint_position bigint not null,
    checkpoint        bytea,                           -- rule state at checkpoint_position; null: none yet
    checkpointed_at   timestamptz,
    pending_values    bigint not null default 0,       -- values stored since the checkpoint; the ledger gets them with the next one
    owner             text not null,
    claimed_at        timestamptz not null default now(),
    stream_at         timestamptz,                     -- stream time as last judged
    judged_at         timestamptz,
    primary key (topic, partition)
);
create table gateway_total (                           -- what the packs' headers said, to see holes
    run       text not null,
    partition int not null,
    total     bigint not null,
    first_at  timestamptz not null default now(),
    primary key (run, partition)
);
create table ledger (
    topic         text not null,
    device        text not null,
    hour          timestamptz not null,
    accepted      bigint not null default 0,
    stored        bigint not null default 0,
    duplicate     bigint not null default 0,
    quarantined   bigint not null default 0,
    dead_lettered bigint not null default 0,
    primary key (device, hour, topic)
);
create table ledger_hole (                             -- a pack's running total did not follow: values are missing
    run       text not null,
    partition int not null,
    position  bigint not null,
    expected  bigint not null,
    found     bigint not null,
    seen_at   timestamptz not null default now(),
    primary key (run, partition, position)
);

-- ------------------------------------------------------------------ incidents (owner stage: alerts)
create table finding_offset (
    partition     int primary key,
    topic_id      text not null,
    next_position bigint not null
);
create table incident (                                -- where the events of one finding have led
    finding         uuid primary key,                  -- one incident per episode, by the database
    state           text not null check (state in ('open', 'acknowledged', 'closed')),
    finding_version int not null,
    severity        smallint not null,
    device          text not null,
    enterprise      text,
    metric          text not null,
    point_id        int not null,
    subject         text not null,
    rule            text not null,
    start_at        timestamptz not null,
    end_at          timestamptz,
    peak            float8,
    limit_value     float8,
    unit            text not null,
    profile         text not null,
    profile_version int not null,
    late            boolean not null,
    persistent      boolean not null,
    detail          jsonb not null,
    opened_at       timestamptz not null,
    acknowledged_at timestamptz,
    acknowledged_by text,
    closed_at       timestamptz,
    last_event      bigint not null
);
create unique index incident_open_episode on incident (subject, rule, start_at) where state <> 'closed';
create index incident_open on incident (severity, opened_at desc) where state <> 'closed';
create index incident_device on incident (device, start_at desc);
create table incident_event (
    id              bigint generated always as identity primary key,
    incident        uuid not null references incident,
    transition      text not null check (transition in ('opened', 'amended', 'acknowledged', 'closed')),
    state           text not null,
    at              timestamptz not null default clock_timestamp(),
    actor           text not null,
    note            text not null default '',
    finding_version int not null,
    severity        smallint not null
);
create index incident_event_incident on incident_event (incident, id);
create table outbox (                                  -- one row per event and channel until delivered
    event    bigint not null references incident_event,
    channel  text not null,
    attempts int not null default 0,
    not_before timestamptz not null default now(),
    last_error text not null default '',
    primary key (event, channel)
);

-- ------------------------------------------------------------------ people (owner: console)
create table person (
    name          text primary key,
    password      text not null,                       -- argon2id
    role          text not null check (role in ('operator', 'enterprise', 'regulator', 'admin')),
    enterprise    text references enterprise,
    created_at    timestamptz not null default now(),
    disabled_at   timestamptz,
    check ((role = 'enterprise') = (enterprise is not null))
);
create table web_session (
    id_sha256  bytea primary key,
    person     text not null references person,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create table audit (
    id     bigint generated always as identity primary key,
    at     timestamptz not null default clock_timestamp(),
    actor  text not null,
    action text not null,
    object text not null default '',
    detail jsonb not null default '{}'
);
create table refusal (                                 -- refused sign-ins at the front door, folded per minute
    minute   timestamptz not null,
    address  text not null,
    username text not null,
    code     text not null,
    count    bigint not null,
    primary key (minute, address, username, code)
);

-- ------------------------------------------------------------------ tenancy
-- `coldwatch.enterprise` is set per transaction by the console: an enterprise's id, or '*' for the authority's staff.
create function coldwatch_sees(owner text) returns boolean language sql stable as
$$ select current_setting('coldwatch.enterprise', true) in ('*', owner) $$;

do $$
declare t text;
begin
    foreach t in array array['enterprise', 'site', 'asset', 'device', 'point', 'result', 'frame', 'rejection',
                             'finding', 'incident'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy reader_sees_all on %I for select to coldwatch_reader using (true)', t);
    end loop;
    foreach t in array array['site', 'asset', 'device', 'point', 'result', 'frame', 'rejection', 'finding',
                             'incident'] loop
        execute format('create policy web_sees_own on %I for select to coldwatch_web using (coldwatch_sees(enterprise))', t);
        execute format('create policy owner_all on %I to coldwatch_owner using (true) with check (true)', t);
    end loop;
end $$;
create policy web_sees_own on enterprise for select to coldwatch_web using (coldwatch_sees(id));
create policy owner_all on enterprise to coldwatch_owner using (true) with check (true);
create policy web_handles_own on incident for update to coldwatch_web
    using (coldwatch_sees(enterprise)) with check (coldwatch_sees(enterprise));

alter table reading enable row level security;
alter table reading force row level security;
create policy owner_all on reading to coldwatch_owner using (true) with check (true);
create policy reader_sees_all on reading for select to coldwatch_reader using (true);
create policy web_sees_own on reading for select to coldwatch_web
    using (point_id in (select id from point));
alter table incident_event enable row level security;
alter table incident_event force row level security;
create policy owner_all on incident_event to coldwatch_owner using (true) with check (true);
create policy reader_sees_all on incident_event for select to coldwatch_reader using (true);
create policy web_sees_own on incident_event for select to coldwatch_web
    using (incident in (select finding from incident));
create policy web_appends on incident_event for insert to coldwatch_web
    with check (incident in (select finding from incident));
alter table point_state enable row level security;
alter table point_state force row level security;
create policy owner_all on point_state to coldwatch_owner using (true) with check (true);
create policy reader_sees_all on point_state for select to coldwatch_reader using (true);
create policy web_sees_own on point_state for select to coldwatch_web using (point_id in (select id from point));
alter table ledger enable row level security;
alter table ledger force row level security;
create policy owner_all on ledger to coldwatch_owner using (true) with check (true);
create policy reader_sees_all on ledger for select to coldwatch_reader using (true);
create policy web_sees_own on ledger for select to coldwatch_web using (device in (select id from device));

-- ------------------------------------------------------------------ rights
grant select, insert on all tables in schema public to coldwatch_pipeline;
grant update on device, registry_change, point_state, rejudge, partition_offset, gateway_total, ledger, incident,
    finding_offset, outbox, refusal to coldwatch_pipeline;
grant delete on finding_unsent, outbox, rejudge to coldwatch_pipeline;
revoke all on person, web_session from coldwatch_pipeline;
grant usage on all sequences in schema public to coldwatch_pipeline;
alter default privileges in schema coldwatch_chunks grant select, insert on tables to coldwatch_pipeline;

grant select on county, enterprise, site, asset, device, point, profile, reading, point_state, result, frame,
    rejection, finding, incident, incident_event, ledger, ledger_hole, partition_offset, refusal, audit to coldwatch_web;
revoke select on device from coldwatch_web;            -- all but the token's hash
grant select (id, kind, enterprise, site, asset, behind, interval_us, profile, created_at, retired_at, change)
    on device to coldwatch_web, coldwatch_reader;
grant update (state, acknowledged_at, acknowledged_by, closed_at, last_event) on incident to coldwatch_web;
grant insert on incident_event, outbox, audit to coldwatch_web;
grant select, insert, update, delete on person, web_session to coldwatch_web;
grant usage on all sequences in schema public to coldwatch_web;

grant select on county, enterprise, site, asset, point, profile, reading, point_state, rejudge, result, frame,
    rejection, finding, finding_unsent, incident, incident_event, outbox, ledger, ledger_hole, gateway_total,
    partition_offset, finding_offset, refusal, audit to coldwatch_reader;

-- ------------------------------------------------------------------ published views (an API: see docs/views.md)
create view v_reading with (security_invoker = true) as
    select p.enterprise, d.site, p.device, p.metric, r.at, r.seq, r.value, p.unit, r.quality, r.received_at,
           r.point_id
    from reading r join point p on p.id = r.point_id join device d on d.id = p.device;
create view v_device with (security_invoker = true) as
    select d.id as device, d.kind, d.enterprise, e.name as enterprise_name, e.county, d.site, s.name as site_name,
           d.asset, d.behind, d.interval_us, d.profile, d.created_at, d.retired_at
    from device d join enterprise e on e.id = d.enterprise join site s on s.enterprise = d.enterprise and s.id = d.site;
create view v_point with (security_invoker = true) as
    select p.id as point_id, p.device, p.enterprise, p.metric, p.unit, p.possible_low, p.possible_high from point p;
create view v_finding with (security_invoker = true) as
    select distinct on (id) id, version, change, subject, device, enterprise, metric, point_id, rule, severity, start_at,
           end_at, peak, limit_value, unit, profile, profile_version, late, persistent, measured_at, received_at, detail
    from finding order by id, version desc;
create view v_incident with (security_invoker = true) as select * from incident;
create view v_ledger with (security_invoker = true) as
    select topic, device, hour, accepted, stored, duplicate, quarantined, dead_lettered from ledger;
grant select on v_reading, v_device, v_point, v_finding, v_incident, v_ledger
    to coldwatch_pipeline, coldwatch_web, coldwatch_reader;

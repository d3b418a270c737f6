-- Views name their columns: one with a star stands still at what its table had when it was made.
create or replace view v_incident with (security_invoker = true) as
    select finding, state, finding_version, severity, device, enterprise, metric, point_id, subject, rule, start_at, end_at, peak,
           limit_value, unit, profile, profile_version, late, persistent, detail, opened_at, acknowledged_at, acknowledged_by,
           closed_at, last_event, closed_by
    from incident;
create or replace view v_profile with (security_invoker = true) as
    select name, version, metric, effective_from, low, high, low_inclusive, high_inclusive, tolerance_low, tolerance_high,
           reject_low, reject_high, dwell_us, hysteresis, hysteresis_samples, grace, silence_intervals, clock_ahead_us,
           refused_quiet_us, source, clause, evidence, note, enabled, ends_at, slack_us
    from profile;

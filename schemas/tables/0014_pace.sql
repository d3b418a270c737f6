-- A gap between two samples counts towards the dwell up to the profile's slack; null: the larger of three intervals and
-- ten minutes (site default, D).
alter table profile add column slack_us bigint check (slack_us > 0);

-- Out of limits while the dwell runs: no breach yet, and not in range either.
alter table point_state drop constraint point_state_state_check;
alter table point_state add constraint point_state_state_check
    check (state in ('in_range', 'pending', 'breach', 'unknown', 'suppressed'));

-- Every kind is told silent now. An instrument reports when somebody tests, so its window is counted in days.
insert into profile (name, version, metric, effective_from, low, high, low_inclusive, high_inclusive, tolerance_low,
                     tolerance_high, reject_low, reject_high, dwell_us, hysteresis, hysteresis_samples,
                     silence_intervals, clock_ahead_us, refused_quiet_us, source, clause, evidence, note) values
('instrument', 2, '*', '2020-03-01+08', null, null, true, true, null, null, null, null, 0, 0, 1, 72, 60000000, 300000000,
 'coldwatch', 'site default', 'D', 'three days without a result at the usual interval of an hour: a long weekend passes');

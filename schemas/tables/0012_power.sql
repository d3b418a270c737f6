-- Limits of mains monitors: `mains` is 1 with power and 0 without; off for longer than the dwell is an excursion.

insert into profile (name, version, metric, effective_from, low, high, low_inclusive, high_inclusive, tolerance_low,
                     tolerance_high, reject_low, reject_high, dwell_us, hysteresis, hysteresis_samples,
                     silence_intervals, clock_ahead_us, refused_quiet_us, source, clause, evidence, note) values
('power', 1, 'mains', '2020-03-01+08', 0.5, null, true, true, null, null, null, null, 60000000, 0, 1, 2, 60000000, 300000000,
 'coldwatch', 'site default', 'D', 'on is 1, off is 0; a minute lets a changeover to the generator pass'),
('power', 1, '*', '2020-03-01+08', null, null, true, true, null, null, null, null, 60000000, 0, 1, 2, 60000000, 300000000,
 'coldwatch', 'site default', 'D', ''),
('demo', 1, 'mains', '2020-03-01+08', 0.5, null, true, true, null, null, null, null, 10000000, 0, 1, 2, 60000000, 10000000,
 'coldwatch', 'demonstration, not a legal limit', 'D', 'no power for more than 10 s');

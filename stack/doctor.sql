-- examine: version and edition of TimescaleDB, and the server's clock in seconds since 1970.
select coalesce((select extversion from pg_extension where extname = 'timescaledb'), ''),
       coalesce(current_setting('timescaledb.license', true), ''),
       extract(epoch from clock_timestamp())::float8

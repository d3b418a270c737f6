-- The console shows what waits on Kafka: it reads how far the workers have come.
grant select on v_booked to coldwatch_web;

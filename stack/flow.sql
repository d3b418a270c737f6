-- positions: how far the workers have committed, per topic and partition.
select topic, partition, next_position from v_booked

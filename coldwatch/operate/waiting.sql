-- Statements of coldwatch/operate/waiting.py.

-- name: positions
select topic, partition, next_position from v_booked

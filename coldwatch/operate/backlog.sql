-- Statements of coldwatch/operate/backlog.py.

-- name: positions
select topic, partition, next_position from v_booked

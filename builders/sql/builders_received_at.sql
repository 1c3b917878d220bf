-- When the office received a heartbeat. Volatile, so that the statement that stores it can ask.
CREATE OR REPLACE FUNCTION builders_received_at(id uuid) RETURNS timestamptz
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT received_at FROM heartbeats WHERE heartbeat_id = id;
END;

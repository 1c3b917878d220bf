-- A new id in the order of time (version 7 of RFC 9562), for rows that come in numbers: they go to
-- the end of their index. Volatile, so that each row of a statement gets its own. PostgreSQL itself
-- has uuidv7() from version 18 on.
CREATE OR REPLACE FUNCTION programs_time_ordered_id() RETURNS uuid LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(
            int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid;
END;

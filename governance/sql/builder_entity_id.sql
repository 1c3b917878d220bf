-- A builder's key is text, the trail's is a UUID. The model's `entity_id` says the same.
CREATE OR REPLACE FUNCTION builder_entity_id(builder_id text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT md5('builder:' || builder_id)::uuid;
END;

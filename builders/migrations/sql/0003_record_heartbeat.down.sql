DROP TRIGGER builders_builder_tokens_two_valid ON builder_tokens;
DROP FUNCTION builders_builder_tokens_two_valid();
DROP FUNCTION builders_record_heartbeat(
    bytea, text, uuid, text, text, integer, uuid, timestamptz
);
DROP FUNCTION builders_authenticate(bytea);

DROP TRIGGER builders_heartbeats_apply ON heartbeats;
DROP FUNCTION builders_heartbeats_apply();
DROP TRIGGER builders_heartbeats_not_ahead ON heartbeats;
DROP FUNCTION builders_heartbeats_not_ahead();

-- The five builders go with their table: heartbeats may still name them here.
DROP TRIGGER builders_updated_at ON builders;
CREATE INDEX builders_builder_id_32033d7a_like ON builders (builder_id text_pattern_ops);

ALTER TABLE heartbeats DROP CONSTRAINT heartbeats_task_id_fkey;
ALTER TABLE heartbeats DROP CONSTRAINT heartbeats_builder_id_fkey;
ALTER TABLE builders DROP CONSTRAINT builders_current_task_id_fkey;

-- The waves that a wave in progress depends on and that were taken back after it began: completed
-- once, and no longer. Not those for which it was started or accepted since. Whether it goes on is a
-- decision of the foreman.
CREATE OR REPLACE FUNCTION governance_taken_back_dependencies(id uuid)
RETURNS TABLE (dependency_id uuid, name text, state text, taken_back_at timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT earlier.wave_id, earlier.name, earlier.state, taken.timestamp
    FROM waves AS wave
    CROSS JOIN LATERAL unnest(
        ARRAY(SELECT jsonb_array_elements_text(wave.dependencies))
    ) AS dependency (id)
    CROSS JOIN LATERAL (
        SELECT wave_id, waves.name, waves.state, sequence_number FROM waves
        WHERE waves.wave_id = dependency.id::uuid LIMIT 1
    ) AS earlier
    CROSS JOIN LATERAL (
        SELECT timestamp, sequence FROM evidence_trail
        WHERE entity_type = 'wave' AND entity_id = earlier.wave_id
            AND witnessed AND context ->> 'from' = 'completed'
        ORDER BY sequence DESC LIMIT 1
    ) AS taken
    WHERE wave.wave_id = governance_taken_back_dependencies.id
        AND wave.state = 'in-progress' AND earlier.state <> 'completed'
        AND taken.timestamp > coalesce(wave.dependencies_accepted_at, '-infinity')
        AND NOT EXISTS (
            SELECT FROM evidence_trail AS began
            WHERE entity_type = 'wave' AND entity_id = wave.wave_id
                AND witnessed AND context ->> 'from' IN ('planned', 'failed')
                AND context ->> 'to' = 'in-progress' AND began.sequence > taken.sequence
        )
    ORDER BY earlier.sequence_number;
END;

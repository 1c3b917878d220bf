-- Conditions of every step forward of a task: its wave and its program are in progress.
CREATE OR REPLACE FUNCTION governance_parents_in_progress(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT parent.rule, parent.state = 'in-progress', parent.detail
    FROM tasks JOIN waves USING (wave_id) JOIN programs USING (program_id)
    CROSS JOIN LATERAL (VALUES
        ('wave_in_progress', waves.state,
            format('The wave is %s.', programs_state_name(waves.state))),
        ('program_in_progress', programs.state,
            format('The program is %s.', programs_state_name(programs.state)))
    ) AS parent (rule, state, detail)
    WHERE task_id = id;
END;

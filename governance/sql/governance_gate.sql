-- Return the conditions of a change of state; no row where it has no gate. `builder` is whom a task
-- would be assigned to.
--
-- Each gate is a function with one row per condition. The trigger that refuses and the page that
-- explains call the same function, so a reason is never stored and never stale.
CREATE OR REPLACE FUNCTION governance_gate(
    kind text, id uuid, source text, target text, builder text
)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT AS $$
BEGIN
    IF source = 'blocked' AND target IN ('assigned', 'in-progress') THEN
        RETURN QUERY SELECT * FROM governance_gate_unblock(kind, id, target);
    ELSIF (kind, target) = ('program', 'in-progress') THEN
        RETURN QUERY SELECT * FROM governance_gate_approve_program(id);
    ELSIF (kind, target) = ('program', 'completed') THEN
        RETURN QUERY SELECT * FROM governance_gate_complete_program(id);
    ELSIF (kind, target) = ('program', 'archived') THEN
        RETURN QUERY SELECT * FROM governance_gate_archive_program(id);
    ELSIF (kind, target) = ('wave', 'in-progress') THEN
        RETURN QUERY SELECT * FROM governance_gate_start_wave(id);
    ELSIF (kind, target) = ('wave', 'completed') THEN
        RETURN QUERY SELECT * FROM governance_gate_complete_wave(id);
    ELSIF (kind, target) = ('task', 'assigned') THEN
        RETURN QUERY SELECT * FROM governance_gate_assign_task(id, builder);
    ELSIF (kind, target) = ('task', 'in-progress') THEN
        RETURN QUERY SELECT * FROM governance_gate_start_task(id);
    ELSIF (kind, target) = ('task', 'completed') THEN
        RETURN QUERY SELECT * FROM governance_gate_complete_task(id);
    END IF;
END $$;

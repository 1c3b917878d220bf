-- Complete the waves of a program whose parts are all completed, and then the program.
--
-- This and the other consequences (governance_follow_...) are each in the transaction of its
-- cause. They run after the evidence of the cause (triggers of one event run in the order of their
-- names), and never for recorded history.
CREATE OR REPLACE FUNCTION governance_complete_what_is_done(program uuid) RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE waves SET state = 'completed'
    WHERE program_id = program AND state = 'in-progress'
        AND (SELECT bool_and(met IS TRUE) FROM governance_gate_complete_wave(wave_id));
    UPDATE programs SET state = 'completed'
    WHERE program_id = program AND state = 'in-progress'
        AND (SELECT bool_and(met IS TRUE) FROM governance_gate_complete_program(program_id));
END $$;

-- Refuse a move whose gate has unmet conditions, with their reasons. A condition that is unknown is unmet.
CREATE OR REPLACE FUNCTION governance_refuse(
    kind text, id uuid, source text, target text, builder text
)
RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    unmet jsonb;
    reasons text;
BEGIN
    SELECT jsonb_agg(to_jsonb(gate)), string_agg(gate.detail, ' ') INTO unmet, reasons
    FROM governance_gate(kind, id, source, target, builder) AS gate WHERE gate.met IS NOT TRUE;
    IF FOUND AND unmet IS NOT NULL THEN
        RAISE EXCEPTION 'The % cannot become %. %', kind, programs_state_name(target), reasons
            USING ERRCODE = 'check_violation', CONSTRAINT = format('governance_%ss_gate', kind),
                TABLE = kind || 's', COLUMN = 'state', DETAIL = unmet::text;
    END IF;
END $$;

-- Record when the office was away since its last sweep, as a watcher sees it that has swept before.
CREATE OR REPLACE FUNCTION governance_note_absence() RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM governance_note_absences(interval '2 minutes');
END $$;

DROP TRIGGER governance_violations_lock ON governance_violations;
DROP FUNCTION governance_violations_lock();

-- How long a builder with a task may be unheard: its own threshold, or `setting`; longer where its
-- last heartbeat announced a long step, of an hour at most.
CREATE OR REPLACE FUNCTION builders_threshold(builder builders, setting interval)
RETURNS interval LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT greatest(
        coalesce(make_interval(secs => builder.silence_threshold_seconds), setting),
        CASE WHEN builder.announced_seconds IS NOT NULL
            THEN make_interval(secs => least(builder.announced_seconds, 3600))
        END
    );
END;

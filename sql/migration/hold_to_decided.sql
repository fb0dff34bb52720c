-- summary: fails where more or something else is at risk than what was decided on
-- kind: change
-- server: 15-18
DO $$
DECLARE
    now text[] = string_to_array(current_setting('lbops.at_risk'), '; ');
    decided text[] = string_to_array(current_setting('lbops.decided'), '; ');
BEGIN
    IF now <> decided THEN
        RAISE EXCEPTION 'what would be lost is not what was decided on; it was: %; it is now: %',
            coalesce((SELECT left(string_agg(p, '; '), 190) FROM unnest(decided) p WHERE p <> ALL (now)), 'without that'),
            coalesce((SELECT left(string_agg(p, '; '), 190) FROM unnest(now) p WHERE p <> ALL (decided)), 'without that')
            USING ERRCODE = 'LB003', HINT = 'run it again: a person is asked anew, with what is there now';
    END IF;
END
$$

-- summary: fails where the rows of the table are not those that a repair was planned on
-- kind: change
-- server: 15-18
DO $$
BEGIN
    IF current_setting('lbops.repair_now') <> current_setting('lbops.repair_planned') THEN
        RAISE EXCEPTION 'rows of the table have changed since the repair was planned: there are % now, and there were %',
            current_setting('lbops.repair_now'), current_setting('lbops.repair_planned')
            USING ERRCODE = 'LB004', HINT = 'run repair_synced_rows again: it plans with what is there now';
    END IF;
END
$$

SELECT app.lower('x');
SELECT "abs acos"(1);
INSERT INTO t SELECT app.clean(a) FROM s;
CALL app.purge(1);
DO $$ BEGIN PERFORM 1; END $$;
LOAD 'auto_explain'

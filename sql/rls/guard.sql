-- summary: policies hold for everybody but superusers and who bypasses them, the owner too
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
ALTER TABLE :schema.:table ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY

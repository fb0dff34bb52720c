-- summary: makes a unique index again without blocking those who write to its table
-- kind: change
-- server: 15-18
-- param rest definition like i ON t USING btree (x)
CREATE UNIQUE INDEX CONCURRENTLY :rest

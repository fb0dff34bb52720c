-- summary: makes the planner of this session overlook an index that is there, or see it again
-- kind: read
-- server: 15-18
-- note: the function is hypopg_hide_index or hypopg_unhide_index; false: nothing was changed by it.
-- param schema identifier like pg_catalog
-- param function identifier like pg_table_is_visible
-- param index_id integer as oid
-- column is_done boolean
SELECT coalesce(:schema.:function(:index_id), false) AS is_done

-- summary: the foreign keys, one for each partition tree, with the operators that look rows up
-- kind: read
-- server: 15-18
-- note: since 18 a key need not be enforced: nobody looks rows up for it then.
-- note: manner: two keys over the same columns with the same one do the same.
-- column key_id integer
-- column name text
-- column table_id integer
-- column parent_id integer
-- column parent_schema text
-- column parent_name text
-- column keys text
-- column parent_keys text
-- column operators text
-- column on_delete text
-- column on_update text
-- column manner text
-- column is_valid boolean
-- column parent_changes integer
SELECT k.oid::int8 AS key_id,
       k.conname::text AS name,
       k.conrelid::int8 AS table_id,
       k.confrelid::int8 AS parent_id,
       n.nspname::text AS parent_schema,
       p.relname::text AS parent_name,
       array_to_string(k.conkey, ' ') AS keys,
       array_to_string(k.confkey, ' ') AS parent_keys,
       array_to_string(k.conpfeqop, ' ') AS operators,
       k.confdeltype::text AS on_delete,
       k.confupdtype::text AS on_update,
       concat_ws(' ', k.confmatchtype, k.confdeltype, k.confupdtype, k.confdelsetcols, k.condeferrable, k.condeferred) AS manner,
       k.convalidated AS is_valid,
       CASE WHEN p.relkind = 'p'
            THEN (SELECT coalesce(sum(pg_stat_get_tuples_deleted(l.relid)), 0) FROM pg_partition_tree(p.oid) l WHERE l.isleaf)
            ELSE pg_stat_get_tuples_deleted(p.oid)
        END::int8 AS parent_changes
  FROM pg_constraint k
  JOIN pg_class t ON t.oid = k.conrelid
  JOIN pg_class p ON p.oid = k.confrelid
  JOIN pg_namespace n ON n.oid = p.relnamespace
 WHERE k.contype = 'f'
   AND k.conparentid = 0
   AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
   AND t.relpersistence <> 't'
 ORDER BY k.conrelid, k.conname

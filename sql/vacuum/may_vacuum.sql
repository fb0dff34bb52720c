-- summary: whether this role may vacuum and analyze a relation, as the server asks it
-- kind: fragment
-- server: 15-18
-- note: the owner of the database may do it to all that is not shared. From 17 on the right is MAINTAIN: an owner has it
-- note: until it is revoked, and pg_maintain has it everywhere.
-- param relation identifier
-- example: SELECT :fragment FROM pg_class c
-- variant: 15-16
(pg_has_role(:relation.relowner, 'USAGE')
 OR NOT :relation.relisshared
    AND pg_has_role((SELECT b.datdba FROM pg_database b WHERE b.datname = current_database()), 'USAGE'))
-- variant: 17-18
(has_table_privilege(:relation.oid, 'MAINTAIN')
 OR NOT :relation.relisshared
    AND pg_has_role((SELECT b.datdba FROM pg_database b WHERE b.datname = current_database()), 'USAGE'))

-- summary: every type of parameter and column */ "quoted" \ in one statement
-- kind: read
-- server: 15-18
-- note: what goes in comes out, so a test sees both ways.
-- param a_text text null
-- param an_integer integer null
-- param an_oid integer as oid
-- param a_number number
-- param a_flag boolean null
-- param a_time timestamp null
-- param a_json json null
-- param a_numeric numeric
-- param some_texts text[]
-- param some_integers integer[] as int4 null
-- param some_numbers number[]
-- param some_flags boolean[]
-- param some_times timestamp[]
-- param some_json json[]
-- param some_numerics numeric[]
-- param an_identifier identifier
-- param some_identifiers identifier[] like "a", "an_identifier"
-- param a_type sqltype
-- param a_filter sql null like AND true
-- column a_text text null
-- column an_integer integer null
-- column an_oid integer
-- column a_number number
-- column a_flag boolean null
-- column a_time timestamp null
-- column a_json json null
-- column a_numeric numeric
-- column some_texts text[]
-- column some_integers integer[] null
-- column some_numbers number[]
-- column some_flags boolean[]
-- column some_times timestamp[]
-- column some_json json[]
-- column some_numerics numeric[]
-- column again text null
-- column typed text null
-- column kept text
SELECT :a_text AS a_text, -- a comment about :nothing
       :an_integer AS an_integer, /* nor :here /* or :there */ */
       :an_oid AS an_oid,
       :a_number AS a_number,
       :a_flag AS a_flag,
       :a_time AS a_time,
       :a_json AS a_json,
       :a_numeric AS a_numeric,
       :some_texts AS some_texts,
       :some_integers AS some_integers,
       :some_numbers AS some_numbers,
       :some_flags AS some_flags,
       :some_times AS some_times,
       :some_json AS some_json,
       :some_numerics AS some_numerics,
       :a_text AS again,
       NULL:::a_type::text AS typed,
       ':quoted' || $q$ :dollar $$ $q$ || E'\':escaped' || "value" AS kept
  FROM (SELECT 1 AS a, 2 AS :an_identifier, ''::text AS "value", ARRAY[1, 2, 3] AS list) AS ":table"
 WHERE (:some_identifiers) IS NOT NULL
   AND list[1 : 2] IS NOT NULL
   :a_filter;
-- the end

-- summary: what a policy's expression is for each tenant, written as the server writes those that are there
-- kind: read
-- server: 15-18
-- param key text
-- param tenants text[]
-- column tenant text
-- column quoted text
-- column bare text
SELECT t.name AS tenant,
       regexp_replace(regexp_replace(quote_ident(:key) || ' = ' || quote_literal(t.name),
                                     '::("[^"]+"\.)?(character varying|"[^"]+"|[a-z_][a-z0-9_.]*)(\([0-9]+\))?', '', 'g'),
                      '[()]', '', 'g') AS quoted,
       quote_ident(:key) || ' = ' || t.name AS bare
  FROM unnest(:tenants) WITH ORDINALITY AS t (name, position)
 ORDER BY t.position

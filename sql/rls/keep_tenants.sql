-- summary: which role is which tenant, while it is tried
-- kind: change
-- server: 15-18
-- param roles text[]
-- param tenants text[]
-- param type definition like text
CREATE TEMPORARY TABLE lbops_tenants ON COMMIT DROP AS
SELECT t.role, CAST(t.tenant AS :type) AS tenant
  FROM unnest(ARRAY[:roles]::text[], ARRAY[:tenants]::text[]) AS t (role, tenant)

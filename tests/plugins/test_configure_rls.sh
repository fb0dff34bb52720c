#!/usr/bin/env bash
# configure_rls on the mock transport; its fixtures are etc/fixtures/mock/sql/rls/*.json and control/data_api.json.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

BRANCH=ci-pr-1
runs configure_rls --tenants '["acme", "bolt"]'
holds '.result.roles_created == 2 and .result.rls_policies_created == 2 and .result.indexes_created == 1 and .result.tried == 1'
holds '[.changes[].effect] | any(. == "destructive") | not'
holds '.result.skipped | any(.object == "public.orders" and (.reason | contains("bolt, have more than 1000 rows")))'
holds '.result.skipped | any(.object == "public.orders" and (.reason | contains("its owner app_owner is not ours to act as")))'
holds '[.changes[].statement] | index("SET LOCAL ROLE pg_read_all_data") > index("SET LOCAL ROLE tenant_bolt")'
holds '.changes | any(.statement == "ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")'
holds '.changes | any(.statement | contains("tenant_id = '"'acme'"') WITH CHECK (tenant_id = '"'acme'"')"))'
holds '.changes | any(.statement == "GRANT tenant_acme, tenant_bolt TO authenticator")'
holds '[.result.findings[].kind] | contains(["role_evades_policies", "surplus_role", "owner_sees_nothing", "other_policy"])'
holds '[.result.findings[].kind] | contains(["view_evades_policies", "any_origin"])'
holds '.result.findings | any(.kind == "rows_without_tenant" and .object == "public.orders" and .evidence.rows == 12)'
holds '[.changes[].statement] | index("GRANT SELECT, INSERT, UPDATE, DELETE ON public.orders TO tenant_acme, tenant_bolt") > index("ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")'

runs configure_rls --tenants '["acme", "bolt"]' --isolation schema --access read
holds '.changes | any(.statement == "CREATE SCHEMA IF NOT EXISTS bolt")'
holds '.changes | any(.statement == "GRANT SELECT ON ALL TABLES IN SCHEMA acme TO tenant_acme")'
holds '.result.findings | any(.kind == "open_schema" and .object == "acme")'

runs configure_rls
holds '.changes == [] and (.result.skipped | length) == 1'
BRANCH=staging
runs_with 3 configure_rls --tenants '["acme", "bolt"]'
holds '[.changes[] | select(.executed) | .effect] | unique == ["additive"]'
holds '.result.skipped | any(.object == "Data API")'
runs_with 1 configure_rls --tenants '["acme", "acme"]'
runs_with 2 configure_rls --isolation table
finish

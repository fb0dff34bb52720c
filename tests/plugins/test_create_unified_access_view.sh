#!/usr/bin/env bash
# create_unified_access_view on the mock transport: what it would make. That rows come out of it is seen on real servers.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs create_unified_access_view --table orders
holds '.changes == [] and (.result.skipped[0].reason | contains("nothing of this database"))'

BRANCH=ci-pr-1
runs create_unified_access_view --plan
holds '.result.views == [.result.views[] | select(.table == "public.orders" and .status == "planned")]'
holds '.result.views[0] | .view_name == "ops_catalog.lakebase_archive.vw_shop_ci-pr-1_public_orders_unified" and
    .hot_source == "shop.public.orders" and .columns == 4'
holds '.changes[0].statement | contains("UNION ALL") and contains("\"shop\".\"public\".\"orders\"") and
    contains("\"shop\".\"lbops_archive\".\"steps\"")'
holds '.result.skipped | map(.object) == ["public.items"]'

runs create_unified_access_view --plan --table public.items --view_name v \
    --archive_delta_table ops_catalog.lakebase_archive.items_old
holds '.result.views[0].cold_source == "ops_catalog.lakebase_archive.items_old"'

runs_with 1 create_unified_access_view --plan --view_name v
holds '.error.code == "invalid"'
finish

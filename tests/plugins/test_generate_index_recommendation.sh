#!/usr/bin/env bash
# generate_index_recommendation on the mock transport.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs generate_index_recommendation
holds '.changes == [] and .result.stored == (.result.recommendations | length) and .records == .result.stored + 3'
holds '[.result.followed[] | [.recommendation_id, .was, .status]] == [["idx-0000000000000001", "executed", "kept"],
    ["idx-0000000000000002", "pending_review", "obsolete"], ["idx-0000000000000003", "executed", "kept"],
    ["idx-0000000000000004", "executed", "executed"]]'
holds '.result.followed[0].reason == "none of 1 statements on its table takes clearly longer since it is gone"'
holds '.result.followed[3] | .undo == "proposed" and (.reason | contains("4712 takes 12 ms on average, over 500 calls, where it took 0.2, and reads 2000 blocks where it read 4"))'
holds 'any(.result.findings[]; .kind == "missed_index" and .object == "public.customers_email"
    and .fix == "CREATE INDEX CONCURRENTLY customers_email ON public.customers USING btree (email)")'
holds '.result.followed[2].reason == "its statement takes 2 ms on average, over 1000 calls, where it took 80; the index was scanned 12 times"'
recorded index_recommendations '.status == "kept" and (.evidence // "{}" | fromjson | .measured.mean_ms_after == 2 and .costliest_statement == "4711")'
holds '.result.recommendations | all(.status == "pending_review")'
recorded index_recommendations '.recommendation_type == "create_fk_index" and .index_name == "orders_customer_id_idx" and .status == "pending_review" and .database_name == "shop"'
recorded index_recommendations '.recommendation_type == "drop_duplicate" and (.ddl_statement | startswith("DROP INDEX CONCURRENTLY"))'
ids=$(jq -c '[.result.recommendations[].recommendation_id]' "$RUN")

runs generate_index_recommendation
holds "[.result.recommendations[].recommendation_id] == $ids"

runs generate_index_recommendation --analysis_results '{"findings": [{"object": "public.orders", "kind": "missing_fk_index"}, {"object": "public.gone", "kind": "unused_index"}]}'
holds '[.result.recommendations[].type] == ["create_fk_index"]'
runs generate_index_recommendation --min_confidence 1
holds '.result.stored < 8 and any(.result.skipped[]; .reason | contains("min_confidence"))'

runs generate_index_recommendation --apply --plan
holds '(.changes | length) == .result.stored + 1 and all(.changes[]; .executed | not)'
runs_with 1 generate_index_recommendation --analysis_results '{"rows": 3}'
holds '.error.code == "invalid"'
runs_with 2 generate_index_recommendation --analysis_results 'none'
finish

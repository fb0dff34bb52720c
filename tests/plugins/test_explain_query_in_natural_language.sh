#!/usr/bin/env bash
# explain_query_in_natural_language on the mock transport: the rules speak, as there is no model.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs explain_query_in_natural_language --query "SELECT name FROM customers WHERE lower(name) = 'x'"
holds '.result.explanation[0].text == "it reads all 50000 rows of public.customers to keep about 250 of them"'
holds 'any(.result.explanation[]; .text | contains("what lower makes of a column of public.customers"))'
holds 'all(.result.explanation[]; .is_checked) and .result.model.left == false'
holds '[.result.steps[].node] == ["Seq Scan"] and .result.is_executed == false'
holds '(.result.evidence | map(.id)) as $ids | all(.result.explanation[].evidence[]; IN($ids[]))'

runs explain_query_in_natural_language --query_id=-4685865729548709579
holds '.result.calls == 1200 and .result.mean_ms == 6500'
runs_with 1 explain_query_in_natural_language --query_id 42
runs_with 1 explain_query_in_natural_language --query "DROP TABLE customers"
runs_with 1 explain_query_in_natural_language --query "SELECT count(*) FROM gone WHERE id = \$1"
finish

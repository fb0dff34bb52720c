#!/usr/bin/env bash
# detect_missing_indexes on the mock transport: HypoPG shows that one statement would gain.
# shellcheck source=tests/plugins/harness.sh
. "${BASH_SOURCE[0]%/*}/harness.sh"

runs detect_missing_indexes
holds '[.result.findings[] | [.object, .kind, .fix]] == [["public.customers", "missing_index",
    "CREATE INDEX CONCURRENTLY customers_name_idx ON public.customers (name)"]]'
holds '.result.findings[0] | .evidence.is_proven and .evidence.cost_now == 927 and .evidence.cost_with_it == 8.06'
holds '.result.findings[0].confidence.label == "high" and .result.findings[0].impact.bytes_added > 0'
holds '.result.examined == {"statements": 2, "tables": 2}'
holds 'any(.result.skipped[]; .object == "1 statement" and (.reason | contains("it compares in ways that no index is proposed for")))'
holds 'any(.result.skipped[]; .object == "public.orders" and (.reason | contains("read in full 9000 times, 810356 rows each") and
    contains("no index follows from the statements that were looked at, and which others read it is not known")))'

runs detect_missing_indexes --write_us 1000000
holds '.result.findings == [] and any(.result.skipped[]; .reason | contains("would pay more than"))'
runs detect_missing_indexes --min_bytes 1000000000
holds '.result.findings == [] and any(.result.skipped[]; .object == "2 statements" and (.reason | contains("smaller than min_rows or min_bytes")))'
runs detect_missing_indexes --max_proofs 0
holds '.result.findings == [] and any(.result.skipped[]; .reason | contains("max_proofs"))'

# What the server has dropped to make room may have asked for it too, or would suffer by it.
runs detect_missing_indexes
sure=$(jq '.result.findings[0].confidence.value' "$RUN")
holds '.result.findings[0].evidence | .evictions == 0 and (.statements_counted_since | startswith("2025-12-21"))'
cp -r "$SOURCE/etc/fixtures/mock" "$WORK/fixtures"
jq '.[0].rows[0][1] = "4"' "$SOURCE/etc/fixtures/mock/sql/index/statements_since.json" >"$WORK/fixtures/sql/index/statements_since.json"
sed -i "s|^fixtures = .*|fixtures = '$WORK/fixtures'|" "$MANIFEST"
runs detect_missing_indexes
holds '.result.findings[0] | any(.confidence.terms[]; . == {"name": "statements_were_evicted", "points": -0.1}) and .evidence.evictions == 4'
holds ".result.findings[0].confidence.value < $sure and (.result.findings[0].reason | contains(\"statements were dropped 4 times to make room\"))"
holds 'any(.result.skipped[]; .object == "statements" and (.reason | contains("has made room 4 times by dropping those that ran least")))'
runs_with 2 detect_missing_indexes --min_share 2
finish

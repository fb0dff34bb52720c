/* index_analysis.h: all rules over one read of the catalogue, and the limits that they have together. */
#ifndef INDEX_ANALYSIS_H
#define INDEX_ANALYSIS_H

#include "index_rules.h"
#include "index_trial.h"

typedef struct index_limits {
    double days, rare_scans, threshold, min_mean_ms, min_share, min_writes, write_us;
    int64_t min_minutes, min_reads, min_written, min_unused_bytes, min_bloat_bytes, wasted_bytes, min_rows,
        min_table_bytes, min_scans, min_calls, max_statements, max_proofs, min_brin_bytes, max_rebuilds, max_indexes;
    const char *prove;
} index_limits;

/* The parameters of a tool whose struct holds an index_limits as its first member. */
#define INDEX_LIMIT_PARAMS                                                                                             \
    LB_PARAM(index_limits, days, LB_F64, "7", "days without a scan that must have been counted", .min = "0"),          \
        LB_PARAM(index_limits, min_minutes, LB_I64, "15", "minutes of counting under which no count says anything",    \
                 .min = "0"),                                                                                          \
        LB_PARAM(index_limits, min_reads, LB_I64, "1000",                                                              \
                 "scans of the table without which an unused index proves nothing", .min = "0"),                       \
        LB_PARAM(index_limits, min_written, LB_I64, "1000",                                                            \
                 "rows written to the table below which it was not busy, and less is sure", .min = "0"),               \
        LB_PARAM(index_limits, rare_scans, LB_F64, "1",                                                                \
                 "scans a day below which an index of a much written table is rarely used", .min = "0"),               \
        LB_PARAM(index_limits, min_unused_bytes, LB_I64, "1048576", "leave smaller unused indexes out", .min = "0"),   \
        LB_PARAM(index_limits, threshold, LB_F64, "2.0", "times the size of a new index that are bloat", .min = "1"),  \
        LB_PARAM(index_limits, min_bloat_bytes, LB_I64, "10485760", "leave smaller bloated indexes out", .min = "0"),  \
        LB_PARAM(index_limits, wasted_bytes, LB_I64, "1073741824",                                                     \
                 "reclaimable bytes that are bloat from 1.5 times on", .min = "1"),                                    \
        LB_PARAM(index_limits, min_rows, LB_I64, "10000", "rows of a table from which a missing index matters",        \
                 .min = "0"),                                                                                          \
        LB_PARAM(index_limits, min_table_bytes, LB_I64, "8388608", "and its size", .min = "0"),                        \
        LB_PARAM(index_limits, min_scans, LB_I64, "100", "scans of a whole table that count", .min = "1"),             \
        LB_PARAM(index_limits, min_calls, LB_I64, "50", "leave statements out that ran less often", .min = "1"),       \
        LB_PARAM(index_limits, min_mean_ms, LB_F64, "5", "mean time from which a statement counts", .min = "0"),       \
        LB_PARAM(index_limits, min_share, LB_F64, "0.05", "or its share of all the time", .min = "0", .max = "1"),     \
        LB_PARAM(index_limits, max_statements, LB_I64, "200", "statements that are read, the costliest first",         \
                 .min = "1", .max = "10000"),                                                                          \
        LB_PARAM(index_limits, max_proofs, LB_I64, "50", "candidates that the planner is asked about", .min = "0",     \
                 .max = "500"),                                                                                        \
        LB_PARAM(index_limits, max_indexes, LB_I64, "10",                                                              \
                 "indexes beyond which a table that is much written has too many", .min = "1"),                        \
        LB_PARAM(index_limits, min_writes, LB_F64, "1000", "rows an hour from which a table is much written",          \
                 .min = "0"),                                                                                          \
        INDEX_MISSING_PARAMS(index_limits), INDEX_REBUILDS_PARAM(index_limits), INDEX_PROVE_PARAM(index_limits)

/* Reads and runs every rule; what one lets go, no other speaks of. */
LB_MUST_CHECK int index_analyze(index_work *work, const index_limits *limits, lb_error *err);

#endif

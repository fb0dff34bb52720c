#include "statements_texts.h"

#include <sql/statements/fetch_texts.h>
#include <sql/statements/known_texts.h>

/* Which of the wanted ones history has: the key is the statement in its database, whoever executes it. */
static int ask_known(lb_ctx *ctx, const statements_past *past, const statements_texts *texts, const int64_t *ids,
                     int server_version, statements_ledger **ret_known, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const statements_known_texts_args wanted = {.project = target->project,
                                                .branch = target->branch,
                                                .server_version = server_version,
                                                .queries = {ids, texts->count}};
    statements_known_texts_row row;
    lb_rows *rows = NULL;
    int r = texts->count && !past->is_first ? statements_known_texts(ctx, &wanted, &rows, err) : 0;
    if (r < 0)
        return lb_wrap(err, "texts that are known");
    *ret_known = statements_ledger_new(ctx, rows ? (size_t)lb_row_count(ctx, rows) : 0, LB_TIME_NONE, 0);
    if (!*ret_known)
        return lb_out_of_memory(err);
    while (rows && statements_known_texts_next(ctx, rows, &row)) {
        const statements_totals known = {.key = {.queryid = row.queryid, .dbid = row.dbid}};
        if (!statements_ledger_add(*ret_known, &known))
            return lb_fail(err, LB_ERR_INTERNAL, NULL, "the history has more texts than rows");
    }
    return 0;
}

int statements_texts_begin(lb_ctx *ctx, statements_texts *texts, size_t most, lb_error *err)
{
    *texts = (statements_texts){.wanted = lb_alloc(ctx, (most + 1) * sizeof *texts->wanted)};
    return texts->wanted ? 0 : lb_out_of_memory(err);
}

void statements_want_text(statements_texts *texts, const statements_key *key)
{
    texts->wanted[texts->count++] = (statements_key){.queryid = key->queryid, .dbid = key->dbid};
}

static int store_text(lb_ctx *ctx, const statements_source *s, const statements_fetch_texts_row *row,
                      int server_version, lb_error *err)
{
    return lb_record(ctx, "query_texts",
                     LB_ARGS(lb_i64("queryid", row->queryid), lb_i64("userid", row->userid), lb_i64("dbid", row->dbid),
                             lb_text("database_name", row->database_name), lb_i64("server_version", server_version),
                             lb_text("query", row->query), lb_i64("query_bytes", row->query_bytes),
                             lb_bool("truncated", (int64_t)strlen(row->query) < row->query_bytes),
                             lb_text("fingerprint", row->fingerprint), lb_text("statement_kind", row->statement_kind),
                             lb_time("first_seen_at", s->info.read_at)),
                     err);
}

/* open: the statements whose texts are missing; the server gives those of the same statement elsewhere, too. */
static int fetch(lb_ctx *ctx, const statements_source *s, statements_texts *texts, const lb_i64s *ids,
                 const statements_ledger *open, int server_version, int64_t most_chars, lb_error *err)
{
    const statements_fetch_texts_args wanted = {
        .schema = s->extension.schema, .queries = *ids, .most_chars = most_chars};
    statements_fetch_texts_row row;
    lb_rows *rows = NULL;
    int r = statements_fetch_texts(ctx, &wanted, &rows, err);
    while (r >= 0 && statements_fetch_texts_next(ctx, rows, &row)) {
        const statements_key key = {.queryid = row.queryid, .dbid = row.dbid};
        if (!statements_ledger_find(open, &key))
            continue;
        r = store_text(ctx, s, &row, server_version, err);
        texts->stored++;
    }
    return r;
}

int statements_store_texts(lb_ctx *ctx, const statements_source *s, const statements_past *past,
                           statements_texts *texts, int server_version, int64_t most_chars, lb_error *err)
{
    int64_t *ids = lb_alloc(ctx, (texts->count + 1) * sizeof *ids);
    statements_ledger *known = NULL, *open = statements_ledger_new(ctx, texts->count, LB_TIME_NONE, 0);
    lb_i64s missing = {.items = ids};
    if (!ids || !open)
        return lb_out_of_memory(err);
    if (past->why_not)
        return lb_skipped(ctx, "query texts", "without history nobody knows which of them are stored already", err);
    for (size_t i = 0; i < texts->count; i++)
        ids[i] = texts->wanted[i].queryid;
    int r = ask_known(ctx, past, texts, ids, server_version, &known, err);
    for (size_t i = 0; r >= 0 && i < texts->count; i++) {
        const statements_totals one = {.key = texts->wanted[i]};
        if (statements_ledger_find(known, &one.key) || statements_ledger_find(open, &one.key))
            continue;
        ids[missing.count++] = one.key.queryid;
        if (!statements_ledger_add(open, &one))
            return lb_fail(err, LB_ERR_INTERNAL, NULL, "more texts are missing than are wanted");
    }
    return r < 0 || !missing.count ? r : fetch(ctx, s, texts, &missing, open, server_version, most_chars, err);
}

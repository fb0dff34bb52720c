/* What the migration's own transactions say of each of their statements: the locks that it took and for how long they
 * were held, to the end of the transaction; what it read whole and what it wrote anew. */
#include "parsed.h"
#include "rehearsal.h"

typedef parsed node;

static node *find_held(node *measured, int64_t id, const char *mode)
{
    node *held = parsed_member(measured, "held");
    for (size_t i = 0; i < parsed_length(held); i++)
        if (parsed_number(parsed_item(held, i), "id") == id &&
            (!mode || strcmp(parsed_text(parsed_item(held, i), "mode"), mode) == 0))
            return parsed_item(held, i);
    return NULL;
}

/* 0: the relation was not there before the migration, or has no file. */
static int64_t file_before(const rehearsal *s, int64_t id)
{
    size_t low = 0, high = s->files_before.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->files_before.items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->files_before.count && s->files_before.items[low].id == id ? s->files_before.items[low].file : 0;
}

/* The last that a transaction before this one knew of it is nearer than what was there before the migration. */
static int64_t file_left(const rehearsal *s, size_t transaction, int64_t id)
{
    node *transactions = parsed_member(s->migrated, "transactions");
    for (size_t i = transaction; i-- > 0;) {
        node *list = parsed_member(parsed_item(transactions, i), "measured");
        node *held = parsed_length(list) ? find_held(parsed_item(list, parsed_length(list) - 1), id, NULL) : NULL;
        if (held)
            return parsed_number(held, "file");
    }
    return file_before(s, id);
}

static void judge_held(const rehearsal *s, size_t transaction, node *before, node *now, rehearsal_held *ret_held)
{
    int64_t id = parsed_number(now, "id"), file = parsed_number(now, "file");
    node *earlier = find_held(before, id, NULL);
    int64_t was = earlier ? parsed_number(earlier, "file") : file_left(s, transaction, id);
    *ret_held =
        (rehearsal_held){.relation = parsed_text(now, "relation"),
                         .mode = parsed_text(now, "mode"),
                         .is_index = strcmp(parsed_text(now, "kind"), "i") == 0,
                         .is_partitioned = strcmp(parsed_text(now, "kind"), "p") == 0,
                         .is_taken = !find_held(before, id, parsed_text(now, "mode")),
                         .is_read = parsed_number(now, "scans") > (earlier ? parsed_number(earlier, "scans") : 0),
                         .is_rewritten = was && file && was != file};
}

static int take(rehearsal *s, size_t which, size_t at, rehearsal_statement *ret, lb_error *err)
{
    node *transaction = parsed_item(parsed_member(s->migrated, "transactions"), which);
    node *list = parsed_member(transaction, "measured"), *before = parsed_item(list, at - 1),
         *now = parsed_item(list, at);
    node *end = parsed_item(list, parsed_length(list) - 1), *held = parsed_member(now, "held");
    *ret = (rehearsal_statement){.file = parsed_text(transaction, "file"),
                                 .first = at == 1 ? parsed_number(transaction, "first")
                                                  : parsed_number(before, "statement") + 1,
                                 .number = parsed_number(now, "statement"),
                                 .took_us = parsed_number(now, "at") - parsed_number(before, "at"),
                                 .held_us = parsed_number(end, "at") - parsed_number(before, "at"),
                                 .log_bytes = parsed_number(now, "log") - parsed_number(before, "log")};
    ret->catalog_rows = parsed_number(now, "catalog_rows") - parsed_number(before, "catalog_rows");
    ret->held = lb_alloc(s->ctx, (parsed_length(held) + 1) * sizeof *ret->held);
    if (!ret->held)
        return lb_out_of_memory(err);
    for (; ret->held_count < parsed_length(held); ret->held_count++)
        judge_held(s, which, before, parsed_item(held, ret->held_count), &ret->held[ret->held_count]);
    return 0;
}

int rehearsal_take_statements(rehearsal *s, lb_error *err)
{
    node *transactions = parsed_member(s->migrated, "transactions");
    size_t count = 0;
    int r = 0;
    for (size_t i = 0; i < parsed_length(transactions); i++)
        count += parsed_length(parsed_member(parsed_item(transactions, i), "measured"));
    s->statements = lb_alloc(s->ctx, (count + 1) * sizeof *s->statements);
    if (!s->statements)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < parsed_length(transactions); i++)
        for (size_t k = 1; r >= 0 && k < parsed_length(parsed_member(parsed_item(transactions, i), "measured")); k++)
            r = take(s, i, k, &s->statements[s->statement_count++], err);
    return r;
}

const rehearsal_statement *rehearsal_find_statement(const rehearsal *s, const char *file, int64_t number)
{
    for (size_t i = 0; i < s->statement_count; i++)
        if (s->statements[i].number == number && strcmp(s->statements[i].file, file) == 0)
            return &s->statements[i];
    return NULL;
}

/* ---- telling ---- */

static lb_value names_of(rehearsal *s, const rehearsal_statement *one, const char *name,
                         bool (*is_one)(const rehearsal_held *held))
{
    lb_value *items = lb_alloc(s->ctx, (one->held_count + 1) * sizeof *items);
    size_t count = 0;
    for (size_t i = 0; items && i < one->held_count; i++) {
        bool is_told = false;
        for (size_t k = 0; k < i; k++) /* several locks on it */
            is_told = is_told || strcmp(one->held[k].relation, one->held[i].relation) == 0;
        if (!is_told && is_one(&one->held[i]))
            items[count++] = lb_text(NULL, one->held[i].relation);
    }
    return lb_list(name, LB_TEXT, items, count);
}

static bool is_read(const rehearsal_held *held)
{
    return held->is_read && !held->is_index;
}

static bool is_rewritten(const rehearsal_held *held)
{
    return held->is_rewritten;
}

int rehearsal_tell_statements(rehearsal *s, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < s->statement_count; i++) {
        const rehearsal_statement *one = &s->statements[i];
        lb_value *locks = lb_alloc(s->ctx, (one->held_count + 1) * sizeof *locks);
        size_t count = 0;
        for (size_t k = 0; locks && k < one->held_count; k++) {
            const lb_value *lock =
                LB_ARGS(lb_text("relation", one->held[k].relation), lb_text("mode", one->held[k].mode),
                        lb_f64("held_ms", (double)one->held_us / 1000));
            lb_value *kept = one->held[k].is_taken ? lb_alloc(s->ctx, 4 * sizeof *kept) : NULL;
            if (kept)
                locks[count++] = lb_object(NULL, memcpy(kept, lock, 4 * sizeof *kept));
        }
        r = locks
                ? lb_append(s->ctx, "statements",
                            LB_ARGS(lb_text("file", one->file), lb_i64("statement", one->number),
                                    lb_f64("took_ms", (double)one->took_us / 1000), lb_i64("log_bytes", one->log_bytes),
                                    lb_list("locks", LB_OBJECT, locks, count), names_of(s, one, "read", is_read),
                                    names_of(s, one, "rewritten", is_rewritten), rehearsal_notices_of(s, one)),
                            err)
                : lb_out_of_memory(err);
    }
    return r;
}

void rehearsal_put_statements(FILE *out, const rehearsal *s)
{
    size_t put = 0;
    for (size_t i = 0; i < s->statement_count && put < 20; i++) {
        const rehearsal_statement *one = &s->statements[i];
        for (size_t k = 0; k < one->held_count; k++) {
            const rehearsal_held *held = &one->held[k];
            if (!held->is_taken || held->is_index || rehearsal_lock_level(held->mode) < 3)
                continue;
            if (!put++)
                (void)fputs("### Statements\n\n| statement | took, ms | lock | on | held, ms | does |\n"
                            "|---|---|---|---|---|---|\n",
                            out);
            (void)fputs("| ", out);
            rehearsal_put_code(out, one->file, 200);
            (void)fprintf(out, " %lld | %.1f | %s | ", (long long)one->number, (double)one->took_us / 1000, held->mode);
            rehearsal_put_code(out, held->relation, 200);
            (void)fprintf(out, " | %.1f | %s |\n", (double)one->held_us / 1000,
                          held->is_rewritten ? "rewrites it"
                          : held->is_read    ? "reads all of it"
                                             : "");
        }
    }
    (void)fputs(put ? "\n" : "", out);
}

/* Why: what the server itself said of a statement that was tried. */
#include "parsed.h"
#include "rehearsal.h"

#define WHY_MOST 3 /* sentences */

/* NULL: nobody listened there. */
static parsed *list_of(parsed *transaction)
{
    parsed *found = parsed_member(transaction, "notices");
    return json_object_is_type(found, json_type_array) ? found : NULL;
}

int rehearsal_take_notices(rehearsal *s, lb_error *err)
{
    parsed *transactions = parsed_member(s->migrated, "transactions");
    size_t count = 0, length = parsed_length(transactions);
    s->notices_known = length > 0;
    for (size_t i = 0; i < length; i++) {
        parsed *list = list_of(parsed_item(transactions, i));
        count += parsed_length(list);
        s->notices_known = s->notices_known && list;
    }
    s->notices = lb_alloc(s->ctx, (count + 1) * sizeof *s->notices);
    if (!s->notices)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < length; i++) {
        parsed *transaction = parsed_item(transactions, i), *list = list_of(transaction);
        for (size_t k = 0; k < parsed_length(list); k++) {
            parsed *one = parsed_item(list, k);
            s->notices[s->notice_count++] = (rehearsal_notice){.file = parsed_text(transaction, "file"),
                                                               .statement = parsed_number(one, "statement"),
                                                               .kind = parsed_text(one, "kind"),
                                                               .object = parsed_text(one, "object"),
                                                               .says = parsed_text(one, "says")};
        }
    }
    return 0;
}

static bool is_of(const rehearsal_notice *n, const char *file, int64_t first, int64_t last)
{
    return n->statement >= first && n->statement <= last && strcmp(n->file, file) == 0;
}

bool rehearsal_noticed(const rehearsal *s, const char *file, int64_t statement, const char *kind)
{
    for (size_t i = 0; i < s->notice_count; i++)
        if (is_of(&s->notices[i], file, statement, statement) && strcmp(s->notices[i].kind, kind) == 0)
            return true;
    return false;
}

const char *rehearsal_why(const rehearsal *s, const char *file, int64_t statement)
{
    const char *why = NULL;
    size_t count = 0;
    for (size_t i = 0; i < s->notice_count && count < WHY_MOST; i++) {
        if (!is_of(&s->notices[i], file, statement, statement))
            continue;
        const char *longer = lb_printf(s->ctx, "%s%s%s", why ? why : "", why ? "; " : "", s->notices[i].says);
        why = longer ? longer : why; /* without memory, what there is */
        count++;
    }
    return why;
}

/* ---- telling ---- */

lb_value rehearsal_notices_of(const rehearsal *s, const rehearsal_statement *one)
{
    lb_value *items = s->notices_known ? lb_alloc(s->ctx, (s->notice_count + 1) * sizeof *items) : NULL;
    size_t count = 0;
    for (size_t i = 0; items && i < s->notice_count; i++) {
        const rehearsal_notice *n = &s->notices[i];
        if (!is_of(n, one->file, one->first, one->number))
            continue;
        const lb_value *members =
            LB_ARGS(lb_text("kind", n->kind), lb_text("object", n->object), lb_text("says", n->says));
        lb_value *kept = lb_alloc(s->ctx, 4 * sizeof *kept);
        if (kept)
            items[count++] = lb_object(NULL, memcpy(kept, members, 4 * sizeof *kept));
    }
    return items ? lb_list("notices", LB_OBJECT, items, count) : lb_null("notices");
}

/* All of them, also of what no transaction holds and of what failed. */
int rehearsal_tell_notices(rehearsal *s, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < s->notice_count; i++) {
        const rehearsal_notice *n = &s->notices[i];
        r = lb_append(s->ctx, "heard",
                      LB_ARGS(lb_text("file", n->file), lb_i64("statement", n->statement), lb_text("kind", n->kind),
                              lb_text("object", n->object), lb_text("says", n->says)),
                      err);
    }
    return r;
}

void rehearsal_put_notices(FILE *out, const rehearsal *s)
{
    for (size_t i = 0; i < s->notice_count && i < 20; i++) {
        const rehearsal_notice *n = &s->notices[i];
        (void)fprintf(out, "%s- %s %lld, %s: ", i ? "" : "The server on why:\n\n", n->file, (long long)n->statement,
                      n->kind);
        rehearsal_put_code(out, n->says, 300);
        (void)fputc('\n', out);
    }
    (void)fputs(s->notice_count ? "\n" : "", out);
}

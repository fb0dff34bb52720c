/* The server's own words for what it does. They are not translated since 14 (errmsg_internal), so they can be read. */
#include "migration_notices.h"

#include "json.h"

#include <stdlib.h>

#define NOTICES_BYTES ((size_t)4 * 1024 * 1024)
#define LAST_WORDS    3

static const struct {
    const char *routine, *begins, *kind;
} forms[] = {
    {"ATRewriteTable", "rewriting table \"", "rewrite"},
    {"ATRewriteTable", "verifying table \"", "scan"},
    {"validateForeignKeyConstraint", "validating foreign key constraint \"", "validation"},
    {"index_build", "building index \"", "index build"},
    {"NotNullImpliedByRelConstraints", "existing constraints on column \"", "proven"},
    {"QueuePartitionConstraintValidation", "partition constraint for table \"", "proven"},
    {"QueuePartitionConstraintValidation", "updated partition constraint for default partition \"", "proven"},
    {"check_default_partition_contents", "updated partition constraint for default partition \"", "proven"},
};

/* A table's overflow is indexed with it. */
static bool is_overflow(const char *name)
{
    return strncmp(name, "pg_toast_", strlen("pg_toast_")) == 0;
}

bool migration_read_notice(const char *severity, const char *routine, const char *text, migration_notice *ret_notice)
{
    if (!severity || !routine || !text || strcmp(severity, "DEBUG") != 0)
        return false;
    for (size_t i = 0; i < LB_COUNT(forms); i++) {
        size_t length = strlen(forms[i].begins);
        if (strcmp(routine, forms[i].routine) != 0 || strncmp(text, forms[i].begins, length) != 0)
            continue;
        const char *name = text + length;
        size_t named = strcspn(name, "\""); /* a name with a quote in it is cut there */
        ret_notice->kind = forms[i].kind;
        (void)snprintf(ret_notice->object, sizeof ret_notice->object, "%.*s", (int)named, name); /* cut */
        return !is_overflow(name);
    }
    return false;
}

static void put_notice(buf *b, struct json_object *from)
{
    migration_notice notice;
    const char *text = json_get_text(from, "text");
    int64_t statement = json_get_i64(from, "statement", 0);
    if (!statement || /* the ledger's, or a measure's */
        !migration_read_notice(json_get_text(from, "severity"), json_get_text(from, "routine"), text, &notice))
        return;
    json_comma(b);
    buf_putc(b, '{');
    json_member_i64(b, "statement", statement);
    json_member_string(b, "kind", notice.kind);
    json_member_string(b, "object", notice.object);
    json_member_string(b, "says", text);
    buf_putc(b, '}');
}

int migration_tell_notices(lb_ctx *ctx, const lb_group *group, const char **ret_json, lb_error *err)
{
    const char *heard = NULL;
    *ret_json = NULL;
    int r = lb_group_heard(ctx, group, &heard, err);
    if (r < 0 || !heard)
        return r;
    JSON_AUTO *document = json_parse(heard, strlen(heard), err);
    if (!document)
        return err->code;
    struct json_object *list = json_get_list(document, "notices");
    if (json_get_i64(document, "dropped", 0))
        return 0; /* what was dropped may be what counts */
    BUF_AUTO b = BUF_INIT(NOTICES_BYTES);
    buf_putc(&b, '[');
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        put_notice(&b, json_object_array_get_idx(list, i));
    buf_putc(&b, ']');
    *ret_json = b.overflow ? NULL : lb_printf(ctx, "%s", buf_text(&b));
    return *ret_json ? 0 : lb_out_of_memory(err);
}

const char *migration_last_words(lb_ctx *ctx, const char *json)
{
    lb_error ignored; /* it is our own text */
    JSON_AUTO *list = json ? json_parse(json, strlen(json), &ignored) : NULL;
    size_t count = list ? json_object_array_length(list) : 0;
    const char *words = NULL;
    for (size_t i = count > LAST_WORDS ? count - LAST_WORDS : 0; i < count; i++) {
        const char *longer = lb_printf(ctx, "%s%s%s", words ? words : "", words ? "; " : "",
                                       json_get_text(json_object_array_get_idx(list, i), "says"));
        words = longer ? longer : words; /* without memory, what there is */
    }
    return words;
}

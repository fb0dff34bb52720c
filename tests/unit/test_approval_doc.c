/* The approval document: written and read again it is the same, whatever a store does to its text; edited it is
 * refused. */
#include "suite.h"

#include "approval_doc.h"
#include "json.h"

static arena memory; /* of the whole program: nothing here is much */

/* ---- one of everything ---- */

static const lb_value *all_args(void)
{
    static const lb_value items[] = {
        {.type = LB_TEXT, .v.text = "a"}, {.type = LB_NULL}, {.type = LB_TEXT, .v.text = "b"}};
    static const lb_value members[] = {{.name = "n", .type = LB_I64, .v.i64 = -7}, {.type = LB_END}};
    static const lb_value args[] = {
        {.name = "text", .type = LB_TEXT, .v.text = "q\"uote\n\xc3\xa4"},
        {.name = "ident", .type = LB_IDENT, .v.text = "Odd Name"},
        {.name = "big", .type = LB_I64, .v.i64 = INT64_MIN},
        {.name = "f64", .type = LB_F64, .v.f64 = 0.1},
        {.name = "flag", .type = LB_BOOL, .v.flag = true},
        {.name = "time", .type = LB_TIME, .v.i64 = 1769900000000001},
        {.name = "json", .type = LB_JSON, .v.text = "{\"b\":1,\"a\":1.0}"},
        {.name = "numeric", .type = LB_NUMERIC, .v.text = "1.10"},
        {.name = "none", .type = LB_NULL},
        {.name = "list", .type = LB_LIST_OF(LB_TEXT), .count = 3, .v.items = items},
        {.name = "object", .type = LB_OBJECT, .v.items = members},
        {.type = LB_END},
    };
    return args;
}

static const char *const params[] = {"1", NULL, "{a,NULL}"};
static const char *const param_types[] = {"int8", "text", "text[]"};
static const char *const argv[] = {"pg_dump", "--file", "x.dump", NULL};

static const lb_value *row(void)
{
    static const lb_value values[] = {{.name = "event_type", .type = LB_TEXT, .v.text = "gone"},
                                      {.name = "expires_at", .type = LB_TIME, .v.i64 = 7},
                                      {.type = LB_END}};
    return values;
}

static approval sample(approval_change changes[4])
{
    changes[0] = (approval_change){.kind = CHANGE_SQL,
                                   .effect = EFFECT_DESTRUCTIVE,
                                   .statement = "DELETE FROM public.orders WHERE id = 1",
                                   .sql = {.name = "x/delete",
                                           .text = "DELETE FROM public.orders WHERE id = $1 AND b = $2 AND c = $3",
                                           .params = params,
                                           .param_types = param_types,
                                           .param_count = 3,
                                           .rests = true,
                                           .args = all_args()}};
    changes[1] = (approval_change){.kind = CHANGE_API,
                                   .effect = EFFECT_DISRUPTIVE,
                                   .statement = "PATCH projects/p/branches/b",
                                   .request = {"PATCH", "projects/p/branches/b", "update_mask=spec", "{\"spec\":{}}"}};
    changes[2] = (approval_change){
        .kind = CHANGE_FILE, .effect = EFFECT_ADDITIVE, .statement = "write /x", .path = "/x", .content = "line\n"};
    changes[3] =
        (approval_change){.kind = CHANGE_EXEC, .effect = EFFECT_ADDITIVE, .statement = "pg_dump", .argv = argv};
    approval a = {.tool = "t",
                  .agent = "an agent",
                  .run_id = "R",
                  .target = {"shop", "main", LB_BRANCH_PRODUCTION},
                  .title = "title",
                  .reason = "reason",
                  .evidence = "{\"rows\":17}",
                  .decision_why = "because",
                  .atomic = true,
                  .risk = LB_RISK_MEDIUM,
                  .effect = EFFECT_DESTRUCTIVE,
                  .actor_kind = GATE_SCHEDULE,
                  .actor = "cron",
                  .changes = changes,
                  .change_count = 4};
    approval_note *notes = arena_alloc(&memory, 2 * sizeof *notes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(notes);
    notes[0] = (approval_note){.name = "branch_lifecycle", .values = row()};
    notes[1] = (approval_note){.is_event = true, .name = "branch.deleted", .values = &row()[2]}; /* none */
    a.notes = notes;
    a.note_count = 2;
    fingerprint_object *object = fingerprint_add(&a.fingerprint, &memory, "relation", "public.orders");
    CU_ASSERT_FATAL(object && fingerprint_add_part(object, &memory, "oid", "1") == 0);
    CU_ASSERT_FATAL(fingerprint_add_part(object, &memory, "columns", "id bigint") == 0);
    CU_ASSERT_FATAL(fingerprint_add(&a.fingerprint, &memory, "file", "/x") != NULL);
    fingerprint_seal(&a.fingerprint);
    return a;
}

static char *written(approval *a)
{
    lb_error err = {0};
    BUF_AUTO text = BUF_INIT(APPROVAL_BYTES + 1);
    int r = approval_write(a, &text, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL_FATAL(r, 0);
    CU_ASSERT_EQUAL(json_check(buf_text(&text), text.length, &err), 0);
    return arena_strdup(&memory, buf_text(&text));
}

static int read_text(const char *text, approval *ret, lb_error *err)
{
    *err = (lb_error){0};
    return approval_read(text, strlen(text), &memory, ret, err);
}

/* ---- writing and reading ---- */

static void expect_same(const approval *a, const approval *b)
{
    ASSERT_TEXT(b->tool, a->tool);
    ASSERT_TEXT(b->agent, a->agent);
    ASSERT_TEXT(b->title, a->title);
    ASSERT_TEXT(b->evidence, a->evidence);
    ASSERT_TEXT(b->target.branch, a->target.branch);
    CU_ASSERT_PTR_NULL(b->undo);
    CU_ASSERT(b->atomic && !b->bounded && b->risk == LB_RISK_MEDIUM && b->effect == EFFECT_DESTRUCTIVE);
    CU_ASSERT(b->target.branch_class == LB_BRANCH_PRODUCTION && b->actor_kind == GATE_SCHEDULE);
    ASSERT_TEXT(b->hash, a->hash);
    ASSERT_TEXT(b->subject, a->subject);
    CU_ASSERT_EQUAL_FATAL(b->change_count, 4);
    const approval_change *sql = &b->changes[0];
    ASSERT_TEXT(sql->sql.text, a->changes[0].sql.text);
    CU_ASSERT(sql->sql.param_count == 3 && !sql->sql.params[1] && sql->sql.rests);
    ASSERT_TEXT(sql->sql.params[2], "{a,NULL}");
    ASSERT_TEXT(sql->sql.param_types[2], "text[]");
    ASSERT_TEXT(sql->sql.args[0].v.text, "q\"uote\n\xc3\xa4");
    CU_ASSERT(sql->sql.args[1].type == LB_IDENT && sql->sql.args[2].v.i64 == INT64_MIN);
    CU_ASSERT(sql->sql.args[3].v.f64 == 0.1 && sql->sql.args[4].v.flag);
    CU_ASSERT(sql->sql.args[9].count == 3 && sql->sql.args[9].v.items[1].type == LB_NULL);
    CU_ASSERT(sql->sql.args[10].v.items[0].v.i64 == -7 && sql->sql.args[11].type == LB_END);
    ASSERT_TEXT(b->changes[1].request.query, "update_mask=spec");
    ASSERT_TEXT(b->changes[2].content, "line\n");
    ASSERT_TEXT(b->changes[3].argv[2], "x.dump");
    CU_ASSERT_PTR_NULL(b->changes[3].argv[3]);
    CU_ASSERT_EQUAL_FATAL(b->note_count, 2);
    CU_ASSERT(!b->notes[0].is_event && b->notes[1].is_event && b->notes[1].values[0].type == LB_END);
    ASSERT_TEXT(b->notes[0].name, "branch_lifecycle");
    ASSERT_TEXT(b->notes[0].values[0].v.text, "gone");
    CU_ASSERT(b->notes[0].values[1].type == LB_TIME && b->notes[0].values[1].v.i64 == 7);
}

static void is_the_same_after_reading(void)
{
    lb_error err;
    approval_change changes[4];
    approval a = sample(changes), b;
    char *text = written(&a);
    CU_ASSERT_EQUAL_FATAL(read_text(text, &b, &err), 0);
    expect_same(&a, &b);
    ASSERT_TEXT(written(&b), text);
    CU_ASSERT_EQUAL(b.fingerprint.count, 2);
    ASSERT_TEXT(b.fingerprint.objects[0].hash, FINGERPRINT_ABSENT);
}

/* Members in another order and other white space, as a store with its own idea of JSON gives them back. */
static void put_reversed(buf *b, struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        const char *names[64];
        size_t count = 0;
        json_object_object_foreach(value, name, member)
        {
            (void)member; /* looked up below */
            names[count++] = name;
        }
        buf_puts(b, "{ ");
        for (size_t i = count; i > 0; i--) {
            struct json_object *inside = NULL;
            (void)json_object_object_get_ex(value, names[i - 1], &inside);
            json_string(b, names[i - 1]);
            buf_puts(b, " : ");
            put_reversed(b, inside);
            buf_puts(b, i > 1 ? ",\n" : "");
        }
        buf_puts(b, "}");
    } else if (json_object_is_type(value, json_type_array)) {
        buf_puts(b, "[");
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            buf_puts(b, i ? " , " : "");
            put_reversed(b, json_object_array_get_idx(value, i));
        }
        buf_puts(b, "]");
    } else {
        buf_puts(b, json_object_to_json_string(value));
    }
}

static void a_store_may_order_it_anew(void)
{
    lb_error err;
    approval_change changes[4];
    approval a = sample(changes), b;
    char *text = written(&a);
    BUF_AUTO other = BUF_INIT(APPROVAL_BYTES);
    JSON_AUTO *document = json_parse(text, strlen(text), &err);
    put_reversed(&other, document);
    CU_ASSERT(strcmp(buf_text(&other), text) != 0);
    CU_ASSERT_EQUAL_FATAL(read_text(buf_text(&other), &b, &err), 0);
    expect_same(&a, &b);
}

/* Each value that is executed, changed by one byte. */
static void an_edit_is_seen(void)
{
    static const char *const edits[][2] = {
        {"WHERE id = $1 AND", "WHERE ip = $1 AND"},
        {"\"int8\"", "\"int4\""},
        {"{a,NULL}", "{b,NULL}"},
        {"\"x/delete\"", "\"x/delate\""},
        {"Odd Name", "Old Name"},
        {"-9223372036854775808", "-9223372036854775807"},
        {"\"PATCH\"", "\"PATCK\""},
        {"\"projects/p/branches/b\",\"query\"", "\"projects/p/branches/c\",\"query\""},
        {"update_mask=spec", "update_mask=sped"},
        {"\"/x\",\"content\"", "\"/y\",\"content\""},
        {"line\\n", "lime\\n"},
        {"--file", "--fill"},
        {"\"atomic\":true", "\"atomic\":false"},
        {"\"bounded\":false", "\"bounded\":true"},
        {"\"branch\":\"main\"", "\"branch\":\"mais\""},
        {"id bigint", "id bigins"},
        {"\"gone\"", "\"made\""},
        {"branch.deleted", "branch.created"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        lb_error err;
        approval_change changes[4];
        approval a = sample(changes), b;
        char *text = written(&a), *place = strstr(text, edits[i][0]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(place);
        char *edited =
            arena_printf(&memory, "%.*s%s%s", (int)(place - text), text, edits[i][1], place + strlen(edits[i][0]));
        if (read_text(edited, &b, &err) != LB_ERR_CONFLICT)
            printf("\n    %s passed\n", edits[i][1]);
        CU_ASSERT_EQUAL(err.code, LB_ERR_CONFLICT);
    }
}

static void nonsense_is_refused(void)
{
    lb_error err;
    approval_change changes[4];
    approval a = sample(changes), b;
    char *text = written(&a);
    static const char *const bad[] = {"", "null", "[]", "{}", "7", "{\"tool\":\"t\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(read_text(bad[i], &b, &err), LB_ERR_INVALID);
    for (size_t cut = 1; cut < strlen(text); cut += 7) {
        char *part = arena_strndup(&memory, text, cut);
        CU_ASSERT_EQUAL(read_text(part, &b, &err), LB_ERR_INVALID);
    }
    /* each member gone, in turn */
    JSON_AUTO *document = json_parse(text, strlen(text), &err);
    json_object_object_foreach(document, name, member)
    {
        (void)member; /* it is the name that counts */
        JSON_AUTO *without = json_parse(text, strlen(text), &err);
        json_object_object_del(without, name);
        int r = read_text(json_object_to_json_string(without), &b, &err);
        bool may_miss = !strcmp(name, "undo") || !strcmp(name, "subject") || !strcmp(name, "agent");
        bool is_seen = !strcmp(name, "notes"); /* by the hash alone: documents of before had none */
        CU_ASSERT(may_miss ? r == 0 : r == (is_seen ? LB_ERR_CONFLICT : LB_ERR_INVALID));
    }
}

static void what_is_too_large_cannot_wait(void)
{
    lb_error err = {0};
    approval_change changes[4];
    approval a = sample(changes);
    char *content = arena_alloc(&memory, APPROVAL_BYTES + 1);
    memset(content, 'x', APPROVAL_BYTES);
    changes[2].content = content;
    BUF_AUTO text = BUF_INIT((size_t)64 << 20);
    CU_ASSERT_EQUAL(approval_write(&a, &text, &err), LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "too large to wait");
}

static void what_is_nested_too_deeply_cannot_wait(void)
{
    lb_error err = {0};
    approval_change changes[4];
    approval a = sample(changes);
    BUF_AUTO text = BUF_INIT(APPROVAL_BYTES), evidence = BUF_INIT(4096);
    for (int i = 0; i < 64; i++)
        buf_puts(&evidence, "{\"a\":");
    buf_puts(&evidence, "1");
    for (int i = 0; i < 64; i++)
        buf_puts(&evidence, "}");
    a.evidence = buf_text(&evidence);
    CU_ASSERT_EQUAL(approval_write(&a, &text, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "nested too deeply");
}

static void what_is_no_text_cannot_wait(void)
{
    lb_error err = {0};
    approval_change changes[4];
    approval a = sample(changes);
    changes[2].content = "\xff\xfe";
    BUF_AUTO text = BUF_INIT(APPROVAL_BYTES);
    CU_ASSERT_EQUAL(approval_write(&a, &text, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "not UTF-8");
}

static const lb_value merged[] = {{.name = "1", .type = LB_TEXT, .v.text = "[{\"k\":\"1\"}]"},
                                  {.name = "2", .type = LB_I64, .v.i64 = 7},
                                  {.type = LB_END}};

static const char *hash_of_lake(const char *name, const char *expects, const lb_value *args)
{
    static char hash[SHA256_TEXT];
    approval_change changes[4];
    approval a = sample(changes);
    changes[3] = (approval_change){.kind = CHANGE_LAKE,
                                   .effect = EFFECT_DESTRUCTIVE,
                                   .statement = "MERGE",
                                   .sql = {.name = "x/merge", .text = "MERGE INTO t", .args = args},
                                   .lake = {"main", "public", name, expects}};
    approval_hash(&a, hash);
    return arena_strdup(&memory, hash);
}

static void the_lakehouse_is_bound_as_well(void)
{
    static const lb_value other[] = {{.name = "1", .type = LB_TEXT, .v.text = "[]"}, {.type = LB_END}};
    lb_error err = {0};
    approval_change changes[4];
    approval a = sample(changes), b;
    changes[3] = (approval_change){.kind = CHANGE_LAKE,
                                   .effect = EFFECT_DESTRUCTIVE,
                                   .statement = "MERGE",
                                   .sql = {.name = "x/merge", .text = "MERGE INTO t", .args = merged},
                                   .lake = {"main", "public", "orders", "2 rows"}};
    BUF_AUTO text = BUF_INIT(APPROVAL_BYTES);
    CU_ASSERT_EQUAL_FATAL(approval_write(&a, &text, &err), 0);
    CU_ASSERT_EQUAL_FATAL(approval_read(buf_text(&text), text.length, &memory, &b, &err), 0);
    CU_ASSERT_EQUAL(b.changes[3].kind, CHANGE_LAKE);
    CU_ASSERT_STRING_EQUAL(b.changes[3].lake.name, "orders");
    CU_ASSERT_STRING_EQUAL(b.changes[3].lake.expects, "2 rows");
    CU_ASSERT_STRING_EQUAL(b.changes[3].sql.args[0].v.text, merged[0].v.text);
    const char *hash = hash_of_lake("orders", NULL, merged);
    CU_ASSERT_STRING_NOT_EQUAL(hash, hash_of_lake("others", NULL, merged));
    CU_ASSERT_STRING_NOT_EQUAL(hash, hash_of_lake("orders", "", merged));
    CU_ASSERT_STRING_NOT_EQUAL(hash, hash_of_lake("orders", NULL, other));
}

SUITE(approval_doc, TEST(the_lakehouse_is_bound_as_well), TEST(is_the_same_after_reading),
      TEST(a_store_may_order_it_anew), TEST(an_edit_is_seen), TEST(nonsense_is_refused),
      TEST(what_is_too_large_cannot_wait), TEST(what_is_no_text_cannot_wait),
      TEST(what_is_nested_too_deeply_cannot_wait))

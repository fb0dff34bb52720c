/* What a server says while it executes a group: told as it was said, and never more than there is room for. */
#include "unit/suite.h"

#include "compose.h"
#include "door.h"
#include "json.h"

typedef struct stage {
    arena memory;
    run_state run;
    lb_group group;
    lb_statement statement;
    lb_sql sql;
    change plain, scripted;
    struct json_object *heard;
} stage;

static const lb_value script_args[] = {{.name = "script", .type = LB_TEXT, .v.text = "V1__a.sql"},
                                       {.name = "statement", .type = LB_I64, .v.i64 = 7},
                                       {.type = LB_END}};

static void set_up(stage *s)
{
    static const lb_statement catalogued = {.name = "example/comment_on_table"};
    static const lb_sql plain = {.statement = &catalogued};
    *s = (stage){.statement.name = "script/v1_a"};
    arena_init(&s->memory, 0);
    s->run.memory = &s->memory;
    s->sql.statement = &s->statement;
    s->group = (lb_group){.run = &s->run, .title = "a group", .first = &s->plain};
    s->plain = (change){.group = &s->group, .kind = CHANGE_SQL, .sql = &plain, .next = &s->scripted};
    s->scripted = (change){.group = &s->group, .kind = CHANGE_SQL, .sql = &s->sql, .args = script_args};
}

static void clean_up(stage *s)
{
    (void)json_object_put(s->heard); /* says only whether it was the last reference */
    arena_done(&s->memory);
}

static struct json_object *hear(stage *s)
{
    lb_error err;
    const char *json = NULL;
    CU_ASSERT_EQUAL_FATAL(door_group_heard(&s->group, &json, &err), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    s->heard = json_parse(json, strlen(json), &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->heard);
    return json_get_list(s->heard, "notices");
}

static void say(change *c, const char *severity, const char *routine, const char *text)
{
    door_hear(
        c, &(lb_notice){
               .size = sizeof(lb_notice), .severity = severity, .sqlstate = "00000", .routine = routine, .text = text});
}

static void what_is_said_is_told_by_change_and_statement(void)
{
    stage s;
    lb_error err;
    set_up(&s);
    CU_ASSERT_EQUAL_FATAL(door_group_listen(&s.group, &err), 0);
    CU_ASSERT_EQUAL_FATAL(door_group_listen(&s.group, &err), 0);
    door_note_ears(&s.group);
    say(&s.plain, "WARNING", NULL, "mind the \"gap\"\n");
    say(&s.scripted, "DEBUG", "ATRewriteTable", "rewriting table \"\xc3\xb6rders\"");
    struct json_object *list = hear(&s), *first = json_object_array_get_idx(list, 0),
                       *second = json_object_array_get_idx(list, 1);
    CU_ASSERT_EQUAL_FATAL(json_object_array_length(list), 2);
    ASSERT_TEXT(json_get_text(first, "text"), "mind the \"gap\"\n");
    ASSERT_TEXT(json_get_text(first, "severity"), "WARNING");
    CU_ASSERT_PTR_NULL(json_get_text(first, "routine"));
    CU_ASSERT_EQUAL(json_get_i64(first, "change", 0), 1);
    CU_ASSERT_EQUAL(json_get_i64(first, "statement", -1), -1);
    ASSERT_TEXT(json_get_text(second, "text"), "rewriting table \"\xc3\xb6rders\"");
    ASSERT_TEXT(json_get_text(second, "routine"), "ATRewriteTable");
    CU_ASSERT_EQUAL(json_get_i64(second, "change", 0), 2);
    CU_ASSERT_EQUAL(json_get_i64(second, "statement", -1), 7);
    CU_ASSERT_EQUAL(json_get_i64(s.heard, "dropped", -1), 0);
    clean_up(&s);
}

static void nobody_knows_unless_somebody_listened_and_was_told(void)
{
    stage s;
    lb_error err;
    const char *json = "";
    set_up(&s);
    CU_ASSERT_EQUAL(door_group_heard(&s.group, &json, &err), 0);
    CU_ASSERT_PTR_NULL(json);
    CU_ASSERT_EQUAL_FATAL(door_group_listen(&s.group, &err), 0);
    CU_ASSERT_EQUAL(door_group_heard(&s.group, &json, &err), 0);
    CU_ASSERT_PTR_NULL(json);
    door_note_ears(&s.group);
    CU_ASSERT_EQUAL(json_object_array_length(hear(&s)), 0);
    clean_up(&s);
    set_up(&s);
    s.group.decided = true;
    CU_ASSERT_EQUAL(door_group_listen(&s.group, &err), LB_ERR_INVALID);
    clean_up(&s);
}

static void what_a_change_took_is_told(void)
{
    stage s;
    lb_error err;
    const char *json = "";
    set_up(&s);
    s.group.count = 2;
    CU_ASSERT_EQUAL(door_group_measured(&s.group, &json, &err), 0);
    CU_ASSERT_PTR_NULL(json);
    CU_ASSERT_EQUAL_FATAL(door_group_measure(&s.group, &err), 0);
    s.scripted.outcome = CHANGE_FAILED;
    s.scripted.began = 1700000000000000;
    s.scripted.duration_us = 1500;
    s.scripted.rows = s.scripted.log_bytes = -1;
    (void)snprintf(s.scripted.error.sqlstate, sizeof s.scripted.error.sqlstate, "22012");
    say(&s.scripted, "DEBUG", NULL, "not counted");
    say(&s.scripted, "WARNING", NULL, "counted");
    CU_ASSERT_EQUAL_FATAL(door_group_measured(&s.group, &json, &err), 0);
    ASSERT_TEXT(json,
                "{\"changes\":[{\"change\":2,\"statement\":7,\"outcome\":\"failed\",\"began_at\":1700000000000000,"
                "\"took_us\":1500,\"rows\":null,\"log_bytes\":null,\"notices\":1,\"sqlstate\":\"22012\"}]}");
    s.group.decided = true;
    CU_ASSERT_EQUAL(door_group_measure(&s.group, &err), LB_ERR_INVALID);
    clean_up(&s);
}

static void a_server_that_never_stops_fills_no_memory(void)
{
    enum { said = 100000, most = 1000 };
    static char endless[300000];
    stage s;
    lb_error err;
    set_up(&s);
    memset(endless, 1, sizeof endless - 1); /* the dearest of bytes */
    CU_ASSERT_EQUAL_FATAL(door_group_listen(&s.group, &err), 0);
    door_note_ears(&s.group);
    for (int i = 0; i < said; i++)
        say(i % 2 ? &s.plain : &s.scripted, endless, endless, endless);
    struct json_object *list = hear(&s);
    CU_ASSERT_EQUAL_FATAL(json_object_array_length(list), most);
    CU_ASSERT_EQUAL(json_get_i64(s.heard, "dropped", 0), said - most);
    CU_ASSERT(strlen(json_get_text(json_object_array_get_idx(list, most - 1), "text")) <= 400);
    clean_up(&s);
}

static void a_group_yields_to_a_read_that_says_yes_or_no(void)
{
    static const lb_column columns[] = {{.name = "is_over", .type = LB_BOOL}, {.name = "active", .type = LB_I64}};
    const lb_statement read = {.name = "a/read", .kind = LB_STATEMENT_READ, .columns = columns, .column_count = 2};
    lb_statement other = read;
    stage s;
    lb_error err;
    set_up(&s);
    CU_ASSERT_EQUAL(door_group_yield(&s.group, LB_YIELD(.statement = &read, .every_us = 1000, .looks = 0), &err),
                    LB_ERR_INVALID);
    other.kind = LB_STATEMENT_CHANGE;
    CU_ASSERT_EQUAL(door_group_yield(&s.group, LB_YIELD(.statement = &other, .every_us = 1000, .looks = 1), &err),
                    LB_ERR_INVALID);
    other = read;
    other.columns = columns + 1;
    CU_ASSERT_EQUAL(door_group_yield(&s.group, LB_YIELD(.statement = &other, .every_us = 1000, .looks = 1), &err),
                    LB_ERR_INVALID);
    CU_ASSERT_EQUAL(door_group_yield(&s.group, LB_YIELD(.statement = &read, .every_us = 1000, .looks = 1), &err), 0);
    CU_ASSERT_FALSE(door_group_yielded(&s.group));
    s.group.decided = true;
    CU_ASSERT_EQUAL(door_group_yield(&s.group, LB_YIELD(.statement = &read, .every_us = 1000, .looks = 1), &err),
                    LB_ERR_INVALID);
    clean_up(&s);
}

static void a_cut_text_ends_with_a_whole_character(void)
{
    stage s;
    lb_error err;
    char text[500];
    set_up(&s);
    memset(text, 'a', sizeof text);
    memcpy(text + 398, "\xe2\x82\xac and more", 12);
    text[499] = '\0';
    CU_ASSERT_EQUAL_FATAL(door_group_listen(&s.group, &err), 0);
    door_note_ears(&s.group);
    say(&s.plain, "NOTICE", NULL, text);
    const char *kept = json_get_text(json_object_array_get_idx(hear(&s), 0), "text");
    CU_ASSERT_EQUAL(strlen(kept), 398);
    CU_ASSERT_EQUAL(kept[397], 'a');
    clean_up(&s);
}

SUITE(door_listen, TEST(what_is_said_is_told_by_change_and_statement),
      TEST(nobody_knows_unless_somebody_listened_and_was_told), TEST(a_server_that_never_stops_fills_no_memory),
      TEST(a_cut_text_ends_with_a_whole_character), TEST(what_a_change_took_is_told),
      TEST(a_group_yields_to_a_read_that_says_yes_or_no))

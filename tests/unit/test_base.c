#include "suite.h"

#include "arena.h"
#include "json.h"
#include "nearest.h"

/* ---- base ---- */

static void names_every_error(void)
{
    for (int code = LB_ERR_INTERNAL; code <= 0; code++) {
        CU_ASSERT_STRING_NOT_EQUAL(error_name(code), "unknown");
        for (int other = code + 1; other <= 0; other++)
            CU_ASSERT_STRING_NOT_EQUAL(error_name(code), error_name(other));
    }
    ASSERT_TEXT(error_name(LB_ERR_NOT_FOUND), "not_found");
    ASSERT_TEXT(error_name(-999), "unknown");
    CU_ASSERT_EQUAL(error_exit_code(0), 0);
    CU_ASSERT_EQUAL(error_exit_code(LB_ERR_TOOL), 1);
    CU_ASSERT_EQUAL(error_exit_code(LB_ERR_INVALID), 2);
    CU_ASSERT_EQUAL(error_exit_code(LB_ERR_APPROVAL), 3);
    CU_ASSERT_EQUAL(error_exit_code(LB_ERR_UNREACHABLE), 4);
    CU_ASSERT_EQUAL(error_exit_code(LB_ERR_INTERNAL), 5);
    CU_ASSERT_EQUAL(error_exit_code(-999), 5);
}

static void allocates_for_the_supervisor(void)
{
    LB_AUTO_FREE char *zeroed = base_alloc(0), *copy = base_strdup("text"), *printed = base_printf("%d-%s", 7, "x");
    CU_ASSERT_EQUAL(zeroed[0], 0);
    ASSERT_TEXT(copy, "text");
    ASSERT_TEXT(printed, "7-x");
    CU_ASSERT_PTR_NULL(base_strdup(NULL));
    int *items = NULL;
    size_t count = 0, capacity = 0;
    for (int i = 0; i < 1000; i++) {
        BASE_PUSH(items, count, capacity);
        items[count++] = i;
    }
    CU_ASSERT_EQUAL(items[999], 999);
    items = base_grow(items, 0); /* nothing left is no failure */
    CU_ASSERT_PTR_NOT_NULL(items);
    free(items);
}

static void wraps_and_cuts_errors(void)
{
    lb_error err = {0};
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    CU_ASSERT_EQUAL(lb_fail(&err, LB_ERR_IO, NULL, "cannot read %s", "a"), LB_ERR_IO);
    CU_ASSERT_EQUAL(lb_wrap(&err, "outer"), LB_ERR_IO);
    ASSERT_TEXT(err.message, "outer: cannot read a");
    ASSERT_TEXT(err.hint, "");
    CU_ASSERT_EQUAL(lb_fail(&err, LB_ERR_SQL, long_text, "%s", long_text), LB_ERR_SQL);
    CU_ASSERT_EQUAL(strlen(err.message), sizeof err.message - 1);
    CU_ASSERT_EQUAL(strlen(err.hint), sizeof err.hint - 1);
    CU_ASSERT_EQUAL(lb_wrap(&err, long_text), LB_ERR_SQL);
    CU_ASSERT(strlen(err.message) < sizeof err.message);
}

/* ---- arena ---- */

static bool is_zeroed(const unsigned char *memory, size_t bytes)
{
    for (size_t i = 0; memory && i < bytes; i++)
        if (memory[i])
            return false;
    return memory != NULL;
}

static void arena_gives_zeroed_aligned_memory(void)
{
    arena a;
    arena_init(&a, 0);
    for (size_t bytes = 0; bytes < 300000; bytes = bytes * 3 + 1) {
        unsigned char *memory = arena_alloc(&a, bytes);
        CU_ASSERT_EQUAL((uintptr_t)memory % _Alignof(max_align_t), 0);
        CU_ASSERT(is_zeroed(memory, bytes));
        if (memory)
            memset(memory, 0xAA, bytes);
    }
    arena_reset(&a);
    CU_ASSERT_EQUAL(a.used, 0);
    CU_ASSERT(is_zeroed(arena_alloc(&a, 60000), 60000));
    arena_reset(&a);
    char *dirty = arena_alloc(&a, 100);
    if (dirty)
        memset(dirty, 0xAA, 100);
    arena_reset(&a);
    CU_ASSERT(is_zeroed(arena_alloc(&a, 100), 100)); /* the kept block is clean for the next run */
    arena_done(&a);
    CU_ASSERT_PTR_NULL(a.blocks);
}

/* Far into the large blocks: none of it overlaps, and all of it is zeroed. */
static void arena_gives_much(void)
{
    enum { COUNT = 6000, BYTES = 1000 };
    static unsigned char *given[COUNT];
    arena a;
    arena_init(&a, 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            given[i] = arena_alloc(&a, BYTES);
            CU_ASSERT_FATAL(given[i] && is_zeroed(given[i], BYTES));
            memset(given[i], i % 255 + 1, BYTES);
        }
        for (int i = 0; i < COUNT; i++)
            CU_ASSERT_FATAL(given[i][0] == i % 255 + 1 && given[i][BYTES - 1] == i % 255 + 1);
        arena_reset(&a);
    }
    CU_ASSERT(is_zeroed(arena_alloc(&a, (size_t)3 << 20), (size_t)3 << 20)); /* larger than any block */
    arena_done(&a);
}

static void arena_holds_its_limit(void)
{
    arena a;
    arena_init(&a, 1024);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 1000));
    CU_ASSERT_PTR_NULL(arena_alloc(&a, 100));
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 16));
    CU_ASSERT_PTR_NULL(arena_alloc(&a, 1));
    CU_ASSERT_PTR_NULL(arena_strdup(&a, "no room"));
    CU_ASSERT_PTR_NULL(arena_printf(&a, "%d", 1));
    CU_ASSERT_PTR_NULL(arena_values(&a, LB_ARGS(lb_i64("a", 1))));
    CU_ASSERT_EQUAL(arena_defer(&a, free, NULL), LB_ERR_NO_MEMORY);
    arena_reset(&a);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 1000));
    arena_done(&a);
    CU_ASSERT_EQUAL(a.limit, 1024);
}

static void arena_refuses_absurd_sizes(void)
{
    arena a;
    arena_init(&a, 0);
    for (size_t less = 0; less < 200; less++)
        CU_ASSERT_PTR_NULL(arena_alloc(&a, SIZE_MAX - less));
    arena_done(&a);
}

static char order[16];

static void note(void *arg)
{
    strncat(order, arg, sizeof order - strlen(order) - 1);
}

static void arena_cleans_up_in_reverse(void)
{
    arena a;
    arena_init(&a, 0);
    order[0] = '\0';
    char one[] = "1", two[] = "2", three[] = "3";
    CU_ASSERT_EQUAL(arena_defer(&a, note, one), 0);
    CU_ASSERT_EQUAL(arena_defer(&a, note, two), 0);
    arena_reset(&a);
    ASSERT_TEXT(order, "21");
    CU_ASSERT_EQUAL(arena_defer(&a, note, three), 0);
    arena_done(&a);
    ASSERT_TEXT(order, "213");
    arena_done(&a);
    ASSERT_TEXT(order, "213");
}

static void arena_copies_values_deeply(void)
{
    char name[] = "name", text[] = "text", inner[] = "inner", element[] = "element";
    const lb_value items[] = {lb_text(NULL, element), lb_null(NULL)};
    const lb_value no_text = {.name = "none", .type = LB_TEXT}; /* written by hand, without a text */
    arena a;
    arena_init(&a, 0);
    const lb_value *copy = arena_values(
        &a, LB_ARGS(lb_text(name, text), lb_object("o", LB_ARGS(lb_json(inner, "[1]"), lb_bool("b", true))),
                    lb_list("l", LB_TEXT, items, 2), lb_list("e", LB_I64, NULL, 0), lb_i64("i", INT64_MIN), no_text));
    memset(name, 'z', 4);
    memset(text, 'z', 4);
    memset(inner, 'z', 5);
    memset(element, 'z', 7);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    lb_error err = {0};
    BUF_AUTO text_of_copy = BUF_INIT(4096);
    CU_ASSERT_EQUAL(json_named(&text_of_copy, copy, &err), 0);
    ASSERT_TEXT(buf_text(&text_of_copy),
                "{\"name\":\"text\",\"o\":{\"inner\":[1],\"b\":true},\"l\":[\"element\",null],\"e\":[],"
                "\"i\":-9223372036854775808,\"none\":null}");
    arena_done(&a);
}

/* The Nth allocation fails, for each N: no crash, no leak, and NULL. */
static void arena_copy_survives_any_limit(void)
{
    const lb_value items[] = {lb_text(NULL, "element"), lb_null(NULL)};
    const lb_value *values = LB_ARGS(lb_text("name", "text"), lb_object("o", LB_ARGS(lb_json("inner", "[1]"))),
                                     lb_list("l", LB_TEXT, items, 2));
    bool whole = false;
    for (size_t limit = 16; limit < 2000 && !whole; limit += 16) {
        arena a;
        arena_init(&a, limit);
        whole = arena_values(&a, values) != NULL;
        CU_ASSERT(a.used <= limit);
        arena_done(&a);
    }
    CU_ASSERT(whole);
}

/* ---- buf ---- */

static void buf_grows_to_its_limit(void)
{
    BUF_AUTO b = BUF_INIT(1000);
    ASSERT_TEXT(buf_text(&b), "");
    for (int i = 0; i < 1000; i++)
        buf_putc(&b, 'x');
    CU_ASSERT(b.length == 1000 && !b.overflow);
    buf_putc(&b, 'y');
    CU_ASSERT(b.length == 1000 && b.overflow);
    buf_put(&b, "", 0);
    buf_printf(&b, "%d", 1);
    CU_ASSERT(b.length == 1000 && b.data[1000] == '\0');
    buf_cut(&b, 5);
    ASSERT_TEXT(buf_text(&b), "xxxxx");
    buf_printf(&b, "%s-%d", "a", 1);
    ASSERT_TEXT(buf_text(&b), "xxxxxa-1");
    buf_drop_front(&b, 5);
    ASSERT_TEXT(buf_text(&b), "a-1");
    buf_drop_front(&b, 0);
    buf_cut(&b, 99);
    ASSERT_TEXT(buf_text(&b), "a-1");
    buf_clear(&b);
    ASSERT_TEXT(buf_text(&b), "");
}

static void buf_refuses_absurd_sizes(void)
{
    BUF_AUTO b = BUF_INIT(SIZE_MAX);
    buf_puts(&b, "x");
    for (size_t less = 0; less < 10; less++) {
        CU_ASSERT_PTR_NULL(buf_reserve(&b, SIZE_MAX - less));
        CU_ASSERT(b.overflow);
        buf_cut(&b, b.length);
    }
    CU_ASSERT_PTR_NULL(buf_reserve(&b, SIZE_MAX / 2 + 100));
    buf_clear(&b);
    buf_puts(&b, "y");
    ASSERT_TEXT(buf_text(&b), "y");
}

static void buf_reserves_room(void)
{
    BUF_AUTO b = BUF_INIT(100);
    char *room = buf_reserve(&b, 50);
    CU_ASSERT_PTR_NOT_NULL(room);
    if (room)
        room[0] = 'a', room[1] = 'b', room[2] = 'c';
    buf_commit(&b, 3);
    ASSERT_TEXT(buf_text(&b), "abc");
    CU_ASSERT_PTR_NULL(buf_reserve(&b, 98));
    CU_ASSERT(b.overflow);
}

/* ---- nearest ---- */

static const char *nearest(const char *word)
{
    static const char *const names[] = {"vacuum_full", "vacuum_analyze", NULL, "min_bytes", "tools", "tool", "to"};
    return nearest_name(word, names, LB_COUNT(names));
}

static void finds_the_nearest_name(void)
{
    ASSERT_TEXT(nearest("vacum_full"), "vacuum_full");
    ASSERT_TEXT(nearest("vacuum_fulls"), "vacuum_full");
    ASSERT_TEXT(nearest("vcauum_analyze"), "vacuum_analyze");
    ASSERT_TEXT(nearest("vacuum_an"), "vacuum_analyze");
    ASSERT_TEXT(nearest("min-bytes"), "min_bytes");
    ASSERT_TEXT(nearest("ot"), "to");
    ASSERT_TEXT(nearest("tools"), "tools");
    ASSERT_TEXT(nearest("tool"), "tool");
    CU_ASSERT_PTR_NULL(nearest("reindex"));
    CU_ASSERT_PTR_NULL(nearest(""));
    char long_word[300];
    memset(long_word, 'v', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    CU_ASSERT_PTR_NULL(nearest(long_word));
    CU_ASSERT_PTR_NULL(nearest_name("x", NULL, 0));
}

SUITE(base, TEST(names_every_error), TEST(allocates_for_the_supervisor), TEST(wraps_and_cuts_errors),
      TEST(arena_gives_zeroed_aligned_memory), TEST(arena_gives_much), TEST(arena_holds_its_limit),
      TEST(arena_refuses_absurd_sizes), TEST(arena_cleans_up_in_reverse), TEST(arena_copies_values_deeply),
      TEST(arena_copy_survives_any_limit), TEST(buf_grows_to_its_limit), TEST(buf_refuses_absurd_sizes),
      TEST(buf_reserves_room), TEST(finds_the_nearest_name))

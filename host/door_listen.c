/* What the server says while it executes a group: kept for the tool, as much of it as a hostile server may fill memory
 * with. */
#include "door.h"

#include "effect_tree.h"
#include "json.h"

#define HEARD_MOST  1000 /* of a group */
#define TEXT_BYTES  400
#define NAME_BYTES  64
#define HEARD_BYTES ((size_t)HEARD_MOST * (6 * (TEXT_BYTES + 2 * NAME_BYTES) + 200)) /* each byte escaped as \u0001 */

typedef struct heard_notice {
    struct heard_notice *next;
    const change *of;
    const char *severity, *sqlstate, *routine, *text;
} heard_notice;

typedef struct door_heard {
    heard_notice *first, **last;
    int64_t count, dropped;
    bool is_told; /* a session executed some of it whose transport tells */
} door_heard;

int door_group_listen(lb_group *group, lb_error *err)
{
    if (group->decided)
        return lb_fail(err, LB_ERR_INVALID, "listen before lb_apply", "the group \"%s\" is decided already",
                       group->title);
    if (group->heard)
        return 0;
    door_heard *heard = arena_alloc(group->run->memory, sizeof *heard);
    if (!heard)
        return lb_out_of_memory(err);
    heard->last = &heard->first;
    group->heard = heard;
    return 0;
}

void door_note_ears(lb_group *group)
{
    group->heard->is_told = true;
}

/* ---- hearing ---- */

/* NULL: out of memory. */
static const char *keep(arena *memory, const char *text, size_t most)
{
    size_t length = strnlen(text ? text : "", most);
    char *kept = arena_strndup(memory, text ? text : "", length);
    if (kept && length == most)
        tree_trim(kept);
    return kept;
}

/* Without memory it is one more that was dropped. */
static bool add(change *c, const lb_notice *notice)
{
    arena *memory = c->group->run->memory;
    door_heard *heard = c->group->heard;
    heard_notice *kept = heard->count < HEARD_MOST ? arena_alloc(memory, sizeof *kept) : NULL;
    if (!kept)
        return false;
    *kept = (heard_notice){.of = c,
                           .severity = keep(memory, notice->severity, NAME_BYTES),
                           .sqlstate = keep(memory, notice->sqlstate, NAME_BYTES),
                           .routine = keep(memory, notice->routine, NAME_BYTES),
                           .text = keep(memory, notice->text, TEXT_BYTES)};
    if (!kept->severity || !kept->sqlstate || !kept->routine || !kept->text)
        return false;
    *heard->last = kept;
    heard->last = &kept->next;
    heard->count++;
    return true;
}

void door_hear(void *change_of_group, const lb_notice *notice)
{
    change *c = change_of_group;
    c->noticed += strncmp(notice->severity ? notice->severity : "", "DEBUG", strlen("DEBUG")) != 0;
    if (c->group->heard)
        c->group->heard->dropped += !add(c, notice);
}

/* ---- telling ---- */

/* From 1. */
static int64_t number_of(const lb_group *group, const change *of)
{
    int64_t number = 1;
    for (const change *c = group->first; c && c != of; c = c->next)
        number++;
    return number;
}

static void put_statement(buf *b, const change *c)
{
    int64_t number = door_script_number(c);
    if (number >= 0)
        json_member_i64(b, "statement", number);
    else
        json_member_raw(b, "statement", NULL);
}

static void put_notice(buf *b, const lb_group *group, const heard_notice *n)
{
    json_comma(b);
    buf_putc(b, '{');
    json_member_i64(b, "change", number_of(group, n->of));
    put_statement(b, n->of);
    json_member_string(b, "severity", n->severity);
    json_member_string(b, "sqlstate", n->sqlstate);
    json_member_string(b, "routine", *n->routine ? n->routine : NULL);
    json_member_string(b, "text", n->text);
    buf_putc(b, '}');
}

int door_group_heard(const lb_group *group, const char **ret_json, lb_error *err)
{
    const door_heard *heard = group->heard;
    *ret_json = NULL;
    if (!heard || !heard->is_told)
        return 0;
    BUF_AUTO b = BUF_INIT(HEARD_BYTES);
    buf_puts(&b, "{\"notices\":[");
    for (const heard_notice *n = heard->first; n; n = n->next)
        put_notice(&b, group, n);
    buf_putc(&b, ']');
    json_member_i64(&b, "dropped", heard->dropped);
    buf_putc(&b, '}');
    *ret_json = b.overflow ? NULL : arena_strdup(group->run->memory, buf_text(&b));
    return *ret_json ? 0 : lb_out_of_memory(err);
}

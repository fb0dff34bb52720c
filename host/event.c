#include "event.h"

#include "clock.h"
#include "json.h"
#include "spec.h"

#include <ctype.h>

static const char tail[] = ",\"hash\":\"";

static int check_texts(const event *e, lb_error *err)
{
    const char *const texts[] = {e->run_id, e->tool, e->agent, e->project, e->branch, e->key};
    static const char *const names[] = {"run_id", "tool", "agent", "project", "branch", "key"};
    for (size_t i = 0; i < LB_COUNT(texts); i++) {
        if (!texts[i])
            continue;
        size_t length = strnlen(texts[i], EVENT_TEXT_MAX + 1);
        if (length > EVENT_TEXT_MAX)
            return lb_fail(err, LB_ERR_INVALID, "shorten it", "the %s of an event %s is longer than %d bytes", names[i],
                           e->kind, EVENT_TEXT_MAX);
        if (!json_is_utf8(texts[i], length))
            return lb_fail(err, LB_ERR_INVALID, NULL, "the %s of an event %s is not UTF-8", names[i], e->kind);
    }
    return 0;
}

int event_check(const event *e, lb_error *err)
{
    if (!e->kind || !spec_is_event(e->kind))
        return lb_fail(err, LB_ERR_INVALID, "words of a-z, 0-9 and _ with dots between them, such as branch.created",
                       "\"%.63s\" cannot name an event", e->kind ? e->kind : "");
    int r = check_texts(e, err);
    if (r < 0 || !e->payload)
        return r;
    size_t length = strnlen(e->payload, EVENT_PAYLOAD + 1);
    if (length > EVENT_PAYLOAD)
        return lb_fail(err, LB_ERR_INVALID, "put large things into a history table",
                       "the payload of an event %s is larger than %zu bytes", e->kind, EVENT_PAYLOAD);
    if (*e->payload != '{')
        return lb_fail(err, LB_ERR_INVALID, NULL, "the payload of an event %s is no JSON object", e->kind);
    r = json_check_own(e->payload, length, err);
    return r < 0 ? lb_wrap(err, e->kind) : 0;
}

/* ---- writing ---- */

#define PUT(into, literal) buf_put((into), literal, sizeof(literal) - 1)

static void put_number(buf *into, uint64_t number)
{
    json_i64(into, (int64_t)number); /* nobody counts events to 2^63 */
}

/* Line feeds between the members of a foreign document would end the line; inside its strings there are none. */
static void put_payload(buf *into, const char *payload)
{
    size_t before = into->length;
    buf_puts(into, payload ? payload : "{}");
    for (char *p = into->overflow ? NULL : into->data + before; p && (p = strpbrk(p, "\n\r"));)
        *p = ' ';
}

void event_put(buf *into, const event *e)
{
    PUT(into, "{\"seq\":");
    put_number(into, e->seq);
    PUT(into, ",\"at\":");
    json_time(into, e->at);
    PUT(into, ",\"kind\":");
    json_string(into, e->kind);
    PUT(into, ",\"run_id\":");
    json_string(into, e->run_id);
    PUT(into, ",\"tool\":");
    json_string(into, e->tool);
    PUT(into, ",\"agent\":");
    json_string(into, e->agent);
    PUT(into, ",\"project\":");
    json_string(into, e->project);
    PUT(into, ",\"branch\":");
    json_string(into, e->branch);
    PUT(into, ",\"depth\":");
    put_number(into, e->depth);
    PUT(into, ",\"cause\":");
    if (e->cause)
        put_number(into, e->cause);
    else
        PUT(into, "null");
    PUT(into, ",\"key\":");
    json_string(into, e->key);
    PUT(into, ",\"payload\":");
    put_payload(into, e->payload);
    buf_put(into, tail, sizeof tail - 1);
    char *room = buf_reserve(into, EVENT_HASH);
    if (!room)
        return; /* the buffer says it */
    memset(room, '0', EVENT_HASH);
    buf_commit(into, EVENT_HASH);
    PUT(into, "\"}\n");
}

static void hash_line(const char *line, size_t length, const char *previous, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[SHA256_BYTES];
    sha256 s;
    sha256_init(&s);
    sha256_add(&s, previous, EVENT_HASH);
    sha256_add(&s, line, length - EVENT_TAIL);
    sha256_add(&s, "}", 1);
    sha256_end(&s, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        *hex++ = digits[digest[i] >> 4];
        *hex++ = digits[digest[i] & 15];
    }
}

void event_seal(char *line, size_t length, char previous[SHA256_TEXT])
{
    char *hex = line + length - EVENT_HASH - 2;
    hash_line(line, length, previous, hex);
    memcpy(previous, hex, EVENT_HASH);
    previous[EVENT_HASH] = '\0';
}

const char *event_line_hash(const char *line, size_t length)
{
    if (length < EVENT_TAIL + 1 || memcmp(line + length - EVENT_TAIL, tail, sizeof tail - 1) != 0 ||
        memcmp(line + length - 2, "\"}", 2) != 0)
        return NULL;
    const char *hex = line + length - EVENT_HASH - 2;
    unsigned bad = 0; /* without a branch for each digit, which nobody can predict */
    for (size_t i = 0; i < EVENT_HASH; i++)
        bad |= (unsigned)(((unsigned)hex[i] - '0' > 9) & ((unsigned)hex[i] - 'a' > 5));
    return bad ? NULL : hex;
}

bool event_hash(const char *line, size_t length, const char *previous, char ret_hash[SHA256_TEXT])
{
    if (!event_line_hash(line, length))
        return false;
    hash_line(line, length, previous, ret_hash);
    ret_hash[EVENT_HASH] = '\0';
    return true;
}

/* ---- reading ---- */

typedef struct scan {
    const char *p, *end;
    buf *texts;
    bool bad;
} scan;

static void expect(scan *s, const char *literal, size_t length)
{
    if (s->bad || (size_t)(s->end - s->p) < length || memcmp(s->p, literal, length) != 0)
        s->bad = true;
    else
        s->p += length;
}
#define EXPECT(s, literal) expect((s), literal, sizeof(literal) - 1)

static bool take_null(scan *s)
{
    if (s->bad || s->end - s->p < 4 || memcmp(s->p, "null", 4) != 0)
        return false;
    s->p += 4;
    return true;
}

static uint64_t take_number(scan *s)
{
    uint64_t number = 0;
    const char *start = s->p;
    while (!s->bad && s->p < s->end && *s->p >= '0' && *s->p <= '9' && s->p - start < 19)
        number = number * 10 + (uint64_t)(*s->p++ - '0');
    s->bad = s->bad || s->p == start;
    return number;
}

/* What follows a backslash: the byte it stands for; 0: nothing that json_string writes. */
static char take_escape(scan *s)
{
    static const char from[] = "\"\\bfnrt", to[] = "\"\\\b\f\n\r\t";
    const char *known = s->p < s->end && *s->p ? strchr(from, *s->p) : NULL;
    if (known) {
        s->p++;
        return to[known - from];
    }
    if (s->end - s->p < 5 || memcmp(s->p, "u00", 3) != 0 || !isxdigit((unsigned char)s->p[3]) ||
        !isxdigit((unsigned char)s->p[4]))
        return 0;
    char hex[3] = {s->p[3], s->p[4], '\0'};
    s->p += 5;
    return (char)strtoul(hex, NULL, 16);
}

/* A string, or null where it may be one. There is room: a text is never longer than what stands for it. */
static const char *take_text(scan *s)
{
    if (take_null(s))
        return NULL;
    EXPECT(s, "\"");
    char *text = s->texts->data + s->texts->length, *into = text;
    while (!s->bad && s->p < s->end && *s->p != '"') {
        char c = *s->p++;
        if (c == '\\')
            c = take_escape(s);
        s->bad = c == '\0';
        *into++ = c;
    }
    EXPECT(s, "\"");
    *into++ = '\0';
    s->texts->length += (size_t)(into - text);
    return text;
}

static int64_t take_time(scan *s)
{
    int64_t at = 0;
    const char *text = take_text(s);
    s->bad = s->bad || !text || !clock_parse(text, &at);
    return at;
}

static const char *take_payload(scan *s)
{
    char *text = s->texts->data + s->texts->length;
    size_t length = s->bad ? 0 : (size_t)(s->end - s->p);
    if (length < 2 || *s->p != '{' || s->end[-1] != '}') {
        s->bad = true;
        return NULL;
    }
    memcpy(text, s->p, length);
    text[length] = '\0';
    s->texts->length += length + 1;
    return text;
}

int event_parse(const char *line, size_t length, buf *scratch, event *ret_event, lb_error *err)
{
    event e = {.line = line, .line_length = length};
    buf_clear(scratch);
    if (!event_line_hash(line, length))
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "a line without its hash");
    if (!buf_reserve(scratch, length))
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "a line of %zu bytes", length);
    scan s = {.p = line, .end = line + length - EVENT_TAIL, .texts = scratch};
    EXPECT(&s, "{\"seq\":");
    e.seq = take_number(&s);
    EXPECT(&s, ",\"at\":");
    e.at = take_time(&s);
    EXPECT(&s, ",\"kind\":");
    e.kind = take_text(&s);
    EXPECT(&s, ",\"run_id\":");
    e.run_id = take_text(&s);
    EXPECT(&s, ",\"tool\":");
    e.tool = take_text(&s);
    EXPECT(&s, ",\"agent\":");
    e.agent = take_text(&s);
    EXPECT(&s, ",\"project\":");
    e.project = take_text(&s);
    EXPECT(&s, ",\"branch\":");
    e.branch = take_text(&s);
    EXPECT(&s, ",\"depth\":");
    e.depth = (uint32_t)take_number(&s);
    EXPECT(&s, ",\"cause\":");
    e.cause = take_null(&s) ? 0 : take_number(&s);
    EXPECT(&s, ",\"key\":");
    e.key = take_text(&s);
    EXPECT(&s, ",\"payload\":");
    e.payload = take_payload(&s);
    if (s.bad || !e.seq || !e.kind)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "a line that is no event");
    *ret_event = e;
    return 0;
}

bool event_peek(const char *line, size_t length, uint64_t *ret_seq, const char **ret_kind, size_t *ret_kind_length)
{
    scan s = {.p = line, .end = line + length};
    EXPECT(&s, "{\"seq\":");
    uint64_t seq = take_number(&s);
    EXPECT(&s, ",\"at\":\"");
    const char *quote = s.bad ? NULL : memchr(s.p, '"', (size_t)(s.end - s.p));
    s.p = quote ? quote : s.end;
    EXPECT(&s, "\",\"kind\":\"");
    quote = s.bad ? NULL : memchr(s.p, '"', (size_t)(s.end - s.p));
    if (!quote || !seq)
        return false;
    *ret_seq = seq;
    *ret_kind = s.p;
    *ret_kind_length = (size_t)(quote - s.p);
    return true;
}

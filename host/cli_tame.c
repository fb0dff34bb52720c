/* Names come from watched databases, where anybody may have put an escape sequence or a line of its own into one: what
 * people read shows such characters and does not carry them out. */
#include "cli.h"

#include "json.h"

/* Where texts have lines, each further one of which is printed below the first. */
static bool has_lines(const char *member)
{
    static const char *const names[] = {"fix", "statement", "before", "now", "undo"};
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (strcmp(names[i], member) == 0)
            return true;
    return false;
}

/* Bytes of a character that steers a terminal or turns the direction of a text, or 0. */
static size_t steering(const unsigned char *p)
{
    if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
        return 1;
    if (p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F)
        return 2;
    if (p[0] != 0xE2)
        return 0;
    bool marks = p[1] == 0x80 && (p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE));
    bool isolates = p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9;
    return marks || isolates ? 3 : 0;
}

static bool is_tame(const char *text)
{
    for (const char *p = text; *p; p++)
        if (steering((const unsigned char *)p))
            return false;
    return true;
}

static void put_character(buf *into, const unsigned char *p, size_t length)
{
    if (*p == '\n')
        buf_puts(into, "\\n");
    for (size_t i = 0; *p != '\n' && i < length; i++)
        buf_printf(into, "\\x%02x", p[i]);
}

static void put_tame(buf *into, const char *text, bool keep_lines)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t length = keep_lines && *p == '\n' ? 0 : steering(p);
        if (length)
            put_character(into, p, length);
        else
            buf_putc(into, (char)*p);
        p += length ? length : 1;
    }
}

static void tame_text(struct json_object *value, bool keep_lines)
{
    const char *text = json_object_get_string(value);
    if (is_tame(text))
        return;
    BUF_AUTO tame = BUF_INIT(4 * strlen(text) + 1);
    put_tame(&tame, text, keep_lines);
    (void)json_object_set_string(value, buf_text(&tame)); /* without memory it stays as it was */
}

static void tame_value(struct json_object *value, const char *member, bool is_result)
{
    if (json_object_is_type(value, json_type_string)) {
        tame_text(value, is_result || has_lines(member));
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            tame_value(json_object_array_get_idx(value, i), member, false);
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, item) tame_value(item, name, strcmp(member, "result") == 0);
    }
}

void cli_tame(struct json_object *document)
{
    tame_value(document, "", false);
}

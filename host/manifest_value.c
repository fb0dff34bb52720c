/* One value of the manifest: is it what its schema row asks for, and what does it become. */
#include "json.h"
#include "manifest_internal.h"

#include <limits.h>
#include <math.h>

#define LONGEST_PARAM ((size_t)16 << 20) /* a value as JSON; escapes make it longer than the document was */

/* One value being read: where from, where to, and what it is called in messages. */
typedef struct value_reading {
    manifest_reader *reader;
    const schema_field *field;
    const char *what;
    const toml_node *node;
    void *into;
} value_reading;

static void put(const value_reading *v, const void *value, size_t size)
{
    memcpy((char *)v->into + v->field->offset, value, size);
}

static void put_text(const value_reading *v, char *text)
{
    base_free((char *)v->into + v->field->offset); /* the default */
    put(v, &text, sizeof text);
}

static void refuse_value(const value_reading *v, const char *hint, const char *why)
{
    manifest_problem_add(v->reader->problems, reader_place(v->reader, v->node), false, LB_ERR_INVALID, hint, "%s %s %s",
                         v->what, v->field->key, why);
}

static void refuse_kind(const value_reading *v, const char *wanted, const char *hint)
{
    char why[96];
    (void)snprintf(why, sizeof why, "must be %s, not %s", wanted, toml_kind_name(v->node->kind)); /* fits */
    refuse_value(v, hint, why);
}

static void refuse_item(const value_reading *v, const toml_node *item, const char *hint, const char *why)
{
    manifest_problem_add(v->reader->problems, reader_place(v->reader, item), false, LB_ERR_INVALID, hint, "%s %s: %s",
                         v->what, v->field->key, why);
}

static bool is_made_of(const char *text, const char *more)
{
    for (const char *p = text; *p; p++)
        if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9') && !strchr(more, *p))
            return false;
    return true;
}

bool manifest_is_name(const char *text)
{
    return *text >= 'a' && *text <= 'z' && strlen(text) <= 63 && is_made_of(text, "_");
}

/* What is wrong with a text of that kind; NULL: nothing. */
static const char *text_fault(field_kind kind, const char *text, size_t length)
{
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.";
    if (strlen(text) != length)
        return "holds a NUL character";
    if (!length)
        return kind == FIELD_CRON ? NULL : "is empty";
    switch (kind) {
    case FIELD_LABEL:
        return length <= 63 && is_made_of(text, capitals) ? NULL : "may hold up to 63 letters, digits, _ - and .";
    case FIELD_NAME:
    case FIELD_NAMES:
        return manifest_is_name(text) ? NULL : "must be a name: a-z, then a-z, 0-9 and _, up to 63";
    case FIELD_EVENT:
        return (*text == '*' || (*text >= 'a' && *text <= 'z')) && length <= 127 && is_made_of(text, "_.*")
                   ? NULL
                   : "must be an event's name or a pattern of names, such as branch.created or branch.*";
    default:
        return NULL;
    }
}

static bool is_sound_text(const value_reading *v)
{
    if (v->node->kind != TOML_STRING) {
        refuse_kind(v, "a string",
                    v->node->kind == TOML_TABLE || v->node->kind == TOML_ARRAY ? NULL : "put it in quotes");
        return false;
    }
    const char *fault = text_fault(v->field->kind, v->node->v.text.data, v->node->v.text.length);
    if (fault)
        refuse_value(v, NULL, fault);
    return !fault;
}

static void read_text(const value_reading *v)
{
    lb_error err;
    if (!is_sound_text(v))
        return;
    const char *text = v->node->v.text.data;
    if (!*text && v->field->required) {
        refuse_value(v, v->field->doc, "is empty");
        return;
    }
    int r = v->field->kind == FIELD_CRON   ? schedule_check(text, &err)
            : v->field->kind == FIELD_ZONE ? zone_check(text, &err)
                                           : 0;
    if (r < 0)
        refuse_item(v, v->node, err.hint, err.message);
    else
        put_text(v, v->field->kind == FIELD_PATH ? manifest_absolute(v->reader->m, text) : base_strdup(text));
}

static int choice_number(const schema_field *field, const char *text)
{
    for (int i = 0; field->choices[i]; i++)
        if (strcmp(field->choices[i], text) == 0)
            return i + 1;
    return 0;
}

static void read_choice(const value_reading *v)
{
    char hint[128], why[96];
    name_list names = {0};
    BUF_AUTO all = BUF_INIT(256);
    if (!is_sound_text(v))
        return;
    const char *text = v->node->v.text.data;
    int found = choice_number(v->field, text);
    for (int i = 0; v->field->choices[i]; i++) {
        name_list_add(&names, v->field->choices[i]);
        buf_printf(&all, "%s%s", i ? ", " : "one of ", v->field->choices[i]);
    }
    (void)snprintf(why, sizeof why, "cannot be \"%.40s\"", text); /* cut, not lost */
    if (found)
        put(v, &found, sizeof found);
    else
        refuse_value(v, name_list_hint(&names, text, buf_text(&all), hint, sizeof hint), why);
    name_list_done(&names);
}

static void read_int(const value_reading *v)
{
    if (v->node->kind != TOML_INTEGER) {
        refuse_kind(v, "an integer", v->node->kind == TOML_STRING ? "write the number without quotes" : NULL);
        return;
    }
    if (v->node->v.i64 < v->field->min || v->node->v.i64 > v->field->max) {
        char why[96];
        (void)snprintf(why, sizeof why, "is %lld, not from %d to %d", (long long)v->node->v.i64, v->field->min,
                       v->field->max); /* fits */
        refuse_value(v, NULL, why);
        return;
    }
    int number = (int)v->node->v.i64;
    put(v, &number, sizeof number);
}

static void read_number(const value_reading *v)
{
    double number = v->node->kind == TOML_INTEGER ? (double)v->node->v.i64 : v->node->v.f64;
    if (v->node->kind != TOML_INTEGER && v->node->kind != TOML_FLOAT)
        refuse_kind(v, "a number", v->node->kind == TOML_STRING ? "write the number without quotes" : NULL);
    else if (!isfinite(number))
        refuse_value(v, "leave the key out where there is no limit", "is not a finite number");
    else
        put(v, &number, sizeof number);
}

static void read_flag(const value_reading *v)
{
    if (v->node->kind != TOML_BOOLEAN) {
        refuse_kind(v, "true or false", v->node->kind == TOML_STRING ? "write it without quotes" : NULL);
        return;
    }
    int number = v->node->v.flag;
    if (v->field->kind == FIELD_TRISTATE)
        put(v, &number, sizeof number);
    else
        put(v, &v->node->v.flag, sizeof v->node->v.flag);
}

static const char *item_fault(const value_reading *v, const toml_node *item)
{
    if (item->kind != TOML_STRING)
        return "each item must be a string";
    const char *fault = text_fault(v->field->kind, item->v.text.data, item->v.text.length);
    return fault && !item->v.text.length ? "an item is empty" : fault;
}

static bool is_repeated(char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

/* A list of texts, NULL-terminated; what is wrong with one of them does not hide what is wrong with the next. */
static void read_texts(const value_reading *v)
{
    if (v->node->kind != TOML_ARRAY) {
        refuse_kind(v, "a list", v->node->kind == TOML_STRING ? "put it in brackets: [\"...\"]" : NULL);
        return;
    }
    size_t count = v->node->v.list.count, kept = 0;
    if (count == 0 || count > MANIFEST_MOST_ENTRIES) {
        refuse_value(v, count ? NULL : "leave the key out instead", count ? "has too many items" : "is an empty list");
        return;
    }
    char **texts = base_alloc((count + 1) * sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        const toml_node *item = &v->node->v.list.items[i];
        const char *fault = item_fault(v, item);
        if (!fault && v->field->kind != FIELD_PATHS && is_repeated(texts, kept, item->v.text.data))
            fault = "named twice";
        if (fault)
            refuse_item(v, item, item->kind == TOML_STRING ? item->v.text.data : NULL, fault);
        else
            texts[kept++] = v->field->kind == FIELD_PATHS ? manifest_absolute(v->reader->m, item->v.text.data)
                                                          : base_strdup(item->v.text.data);
    }
    put(v, &texts, sizeof texts); /* these lists have no default to free */
}

/* ---- parameters of plugins ---- */

static void put_json(buf *b, const toml_node *node)
{
    switch (node->kind) {
    case TOML_TABLE:
    case TOML_ARRAY:
        buf_putc(b, node->kind == TOML_TABLE ? '{' : '[');
        for (size_t i = 0; i < node->v.list.count; i++) {
            json_comma(b);
            if (node->kind == TOML_TABLE) {
                json_string(b, node->v.list.items[i].key);
                buf_putc(b, ':');
            }
            put_json(b, &node->v.list.items[i]);
        }
        buf_putc(b, node->kind == TOML_TABLE ? '}' : ']');
        break;
    case TOML_INTEGER:
        buf_printf(b, "%lld", (long long)node->v.i64);
        break;
    case TOML_FLOAT:
        json_double(b, node->v.f64);
        break;
    case TOML_BOOLEAN:
        buf_puts(b, node->v.flag ? "true" : "false");
        break;
    default:
        json_string(b, node->v.text.data);
    }
}

static bool holds_nul(const toml_node *node)
{
    if (node->kind == TOML_STRING || node->kind == TOML_TIME)
        return strlen(node->v.text.data) != node->v.text.length;
    if (node->kind != TOML_TABLE && node->kind != TOML_ARRAY)
        return false;
    for (size_t i = 0; i < node->v.list.count; i++)
        if (holds_nul(&node->v.list.items[i]))
            return true;
    return false;
}

static const char *secret_named(const toml_node *node)
{
    if (node->kind != TOML_TABLE || node->v.list.count != 1)
        return NULL;
    const toml_node *only = node->v.list.items;
    return only->kind == TOML_STRING && strcmp(only->key, "secret") == 0 ? only->v.text.data : NULL;
}

static void read_secret(const value_reading *v)
{
    const char *name = secret_named(v->node);
    if (v->node->kind == TOML_STRING)
        refuse_value(
            v, "write { secret = \"NAME\" } and put NAME under [secrets]; change a secret that has been in a file",
            "stands in the manifest itself");
    else if (!name)
        refuse_value(v, NULL, "must be { secret = \"NAME\" }, with NAME under [secrets]");
    else
        put_text(v, base_strdup(name));
}

static char *param_text(const toml_node *node)
{
    if (node->kind == TOML_STRING || node->kind == TOML_TIME)
        return base_strdup(node->v.text.data);
    if (node->kind == TOML_FLOAT && !isfinite(node->v.f64))
        return base_strdup(isnan(node->v.f64) ? "NaN" : node->v.f64 > 0 ? "Infinity" : "-Infinity");
    BUF_AUTO json = BUF_INIT(LONGEST_PARAM);
    put_json(&json, node);
    return json.overflow ? NULL : base_strdup(buf_text(&json));
}

void reader_param(manifest_reader *reader, const char *what, const toml_node *node, manifest_params *into)
{
    manifest_param param = {.place = reader_key_place(reader, node)};
    if (holds_nul(node)) {
        manifest_problem_add(reader->problems, param.place, false, LB_ERR_INVALID, NULL, "%s %s holds a NUL character",
                             what, node->key);
        return;
    }
    const char *secret = secret_named(node);
    if (secret)
        param.secret = base_strdup(secret);
    else if (!(param.text = param_text(node))) {
        manifest_problem_add(reader->problems, param.place, false, LB_ERR_LIMIT, NULL, "%s %s is too long", what,
                             node->key);
        return;
    }
    param.name = base_strdup(node->key);
    BASE_PUSH(into->items, into->count, into->capacity);
    into->items[into->count++] = param;
}

static void read_params(const value_reading *v)
{
    manifest_params params = {0};
    char what[192];
    if (v->node->kind != TOML_TABLE) {
        refuse_kind(v, "a table", "write { name = value }");
        return;
    }
    (void)snprintf(what, sizeof what, "%s %s", v->what, v->field->key); /* cut, not lost */
    for (size_t i = 0; i < v->node->v.list.count; i++)
        reader_param(v->reader, what, &v->node->v.list.items[i], &params);
    put(v, &params, sizeof params);
}

void reader_value(manifest_reader *reader, const schema_field *field, const char *what, const toml_node *node,
                  void *into)
{
    static void (*const readers[])(const value_reading *) = {
        [FIELD_TEXT] = read_text,     [FIELD_LABEL] = read_text,    [FIELD_NAME] = read_text,
        [FIELD_PATTERN] = read_text,  [FIELD_EVENT] = read_text,    [FIELD_CRON] = read_text,
        [FIELD_ZONE] = read_text,     [FIELD_PATH] = read_text,     [FIELD_PATHS] = read_texts,
        [FIELD_NAMES] = read_texts,   [FIELD_INT] = read_int,       [FIELD_NUMBER] = read_number,
        [FIELD_BOOL] = read_flag,     [FIELD_TRISTATE] = read_flag, [FIELD_CHOICE] = read_choice,
        [FIELD_PARAMS] = read_params, [FIELD_TOOLS] = NULL,         [FIELD_TABLES] = NULL,
        [FIELD_TEXTS] = read_texts,   [FIELD_SECRET] = read_secret,
    };
    value_reading v = {reader, field, what, node, into};
    if (readers[field->kind])
        readers[field->kind](&v);
}

/* ---- defaults, and back ---- */

static void put_default(const manifest *m, const schema_field *field, void *at)
{
    int number = field->kind == FIELD_TRISTATE ? -1 : 0;
    double none = NAN;
    char *text = NULL;
    switch (field->kind) {
    case FIELD_NUMBER:
        memcpy(at, &none, sizeof none);
        break;
    case FIELD_TRISTATE:
        memcpy(at, &number, sizeof number);
        break;
    case FIELD_INT:
        number = field->fallback ? (int)strtol(field->fallback, NULL, 10) : 0;
        memcpy(at, &number, sizeof number);
        break;
    case FIELD_CHOICE:
        number = field->fallback ? choice_number(field, field->fallback) : 0;
        memcpy(at, &number, sizeof number);
        break;
    case FIELD_PATH:
    case FIELD_ZONE:
        if (field->fallback)
            text = field->kind == FIELD_PATH ? manifest_absolute(m, field->fallback) : base_strdup(field->fallback);
        memcpy(at, &text, sizeof text);
        break;
    default: /* zeroed: false, none, empty */
        break;
    }
}

void schema_defaults(const manifest *m, const schema_table *schema, void *into)
{
    for (size_t i = 0; i < schema->count; i++)
        put_default(m, &schema->fields[i], (char *)into + schema->fields[i].offset);
}

static void free_texts(void *holder)
{
    char **texts;
    memcpy(&texts, holder, sizeof texts);
    for (char **p = texts; p && *p; p++)
        free(*p);
    free(texts);
}

void schema_free_fields(const schema_table *schema, void *from)
{
    for (size_t i = 0; i < schema->count; i++) {
        void *at = (char *)from + schema->fields[i].offset;
        if (schema->fields[i].kind <= FIELD_PATH)
            base_free(at);
        else if (schema->fields[i].kind >= FIELD_PATHS && schema->fields[i].kind <= FIELD_TEXTS)
            free_texts(at);
        else if (schema->fields[i].kind == FIELD_PARAMS)
            manifest_params_done(at);
    }
}

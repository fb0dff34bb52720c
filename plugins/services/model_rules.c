/* model_rules: no model and no network: what the tool's own rules say, the weightiest first. */
#include "service_ground.h"

#include <lbops/model.h>

#include <stdlib.h>

typedef struct saying {
    const char *id, *text;
    double weight;
    size_t place;
} saying;

static int open_rules(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    static int state; /* there is nothing to keep */
    (void)host;
    (void)args;
    (void)err;
    *ret_state = &state;
    return 0;
}

static void close_rules(void *state)
{
    (void)state;
}

static const char *name(void *state)
{
    (void)state;
    return NULL;
}

static int by_weight(const void *a, const void *b)
{
    const saying *left = a, *right = b;
    if (left->weight != right->weight)
        return left->weight < right->weight ? 1 : -1;
    return left->place < right->place ? -1 : left->place > right->place;
}

static const char *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) && json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

/* NULL: no memory. The caller frees. */
static saying *read_sayings(struct json_object *evidence, size_t *ret_count)
{
    size_t count = json_object_array_length(evidence), used = 0;
    saying *list = calloc(count + 1, sizeof *list);
    for (size_t i = 0; list && i < count; i++) {
        struct json_object *exhibit = json_object_array_get_idx(evidence, i), *weight = NULL;
        const char *text = member(exhibit, "says");
        if (!text || !*text)
            continue;
        (void)json_object_object_get_ex(exhibit, "weight", &weight); /* NULL weighs nothing */
        list[used] = (saying){
            .id = member(exhibit, "id"), .text = text, .weight = json_object_get_double(weight), .place = used};
        used++;
    }
    *ret_count = used;
    return list;
}

static bool add_sentence(struct json_object *list, const saying *s)
{
    struct json_object *sentence = json_object_new_object(), *cites = json_object_new_array();
    bool ok = sentence && cites && json_object_array_add(cites, json_object_new_string(s->id)) == 0;
    ok = ok && json_object_object_add(sentence, "text", json_object_new_string(s->text)) == 0;
    ok = ok && json_object_object_add(sentence, "evidence", json_object_get(cites)) == 0;
    ok = ok && json_object_array_add(list, json_object_get(sentence)) == 0;
    (void)json_object_put(cites); /* the holders have their own references */
    (void)json_object_put(sentence);
    return ok;
}

static int write_answer(const saying *list, size_t count, int (*answer)(void *arg, const char *json, lb_error *err),
                        void *arg, lb_error *err)
{
    struct json_object *document = json_object_new_object(), *sentences = json_object_new_array();
    bool ok = document && sentences;
    for (size_t i = 0; ok && i < count; i++)
        ok = add_sentence(sentences, &list[i]);
    ok = ok && json_object_object_add(document, "sentences", json_object_get(sentences)) == 0;
    int r =
        ok ? answer(arg, json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN), err) : lb_out_of_memory(err);
    (void)json_object_put(sentences); /* the document has its own */
    (void)json_object_put(document);
    return r;
}

static int ask(void *state, const lb_model_ask *question, int64_t deadline,
               int (*answer)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    size_t count = 0;
    (void)state;
    (void)deadline; /* nothing waits here */
    struct json_object *evidence = json_tokener_parse(question->evidence);
    if (!json_object_is_type(evidence, json_type_array)) {
        (void)json_object_put(evidence); /* it is none */
        return lb_fail(err, LB_ERR_INVALID, NULL, "the evidence is no list");
    }
    saying *list = read_sayings(evidence, &count);
    if (list && count)
        qsort(list, count, sizeof *list, by_weight);
    if (count > question->most_sentences)
        count = question->most_sentences;
    int r = list ? write_answer(list, count, answer, arg, err) : lb_out_of_memory(err);
    free(list);
    (void)json_object_put(evidence); /* the sayings were its */
    return r;
}

LB_MODEL(model_rules, "no model: what the rules of the tools say, in order of weight", .open = open_rules,
         .close = close_rules, .ask = ask, .name = name, .stays_here = true);

#include "model_chat.h"

#include <stdlib.h>

#define ANSWER_MOST ((size_t)1 << 20)

static bool add_message(struct json_object *list, const char *role, const char *content)
{
    struct json_object *message = json_object_new_object();
    bool ok = message && rest_json_add_text(message, "role", role) && rest_json_add_text(message, "content", content);
    ok = ok && json_object_array_add(list, json_object_get(message)) == 0;
    (void)json_object_put(message); /* the list holds its own reference */
    return ok;
}

/* NULL: no memory. The caller puts it. */
static struct json_object *make_body(const model_chat *chat, const lb_model_ask *ask)
{
    REST_JSON_AUTO *body = json_object_new_object();
    REST_JSON_AUTO *messages = json_object_new_array();
    bool ok = body && messages && add_message(messages, "system", ask->system) &&
              add_message(messages, "user", ask->prompt) &&
              rest_json_add(body, "messages", json_object_get(messages)) &&
              rest_json_add(body, "max_tokens", json_object_new_int64(chat->max_tokens)) &&
              rest_json_add(body, "temperature", json_object_new_int(0));
    ok = ok && (!chat->model || rest_json_add_text(body, "model", chat->model));
    return ok ? json_object_get(body) : NULL;
}

/* A text, or the text parts of a list. NULL: there is none. The caller frees. */
static char *read_content(struct json_object *content)
{
    rest_buf text = {.limit = ANSWER_MOST};
    if (json_object_is_type(content, json_type_string))
        return strdup(json_object_get_string(content));
    for (size_t i = 0; i < rest_json_count(content); i++) {
        const char *part = rest_json_text(json_object_array_get_idx(content, i), "text");
        rest_buf_text(&text, part ? part : "");
    }
    char *copy = text.length && !text.failed ? strdup(text.data) : NULL;
    rest_buf_done(&text);
    return copy;
}

static int read_reply(struct json_object *reply, int (*answer)(void *arg, const char *json, lb_error *err), void *arg,
                      lb_error *err)
{
    struct json_object *choices = rest_json_at(reply, "choices");
    struct json_object *first = rest_json_count(choices) ? json_object_array_get_idx(choices, 0) : NULL;
    const char *finish = rest_json_text(first, "finish_reason");
    finish = finish ? finish : rest_json_text(first, "finishReason");
    if (finish && strcmp(finish, "length") == 0)
        return lb_fail(err, LB_ERR_LIMIT, "raise max_tokens in [services.model]", "the model's answer was cut off");
    char *text = read_content(rest_json_at(first, "message.content"));
    if (!text)
        return lb_fail(err, LB_ERR_INVALID, "is it a chat model?", "the model's answer has no text");
    int r = answer(arg, text, err);
    free(text);
    return r;
}

int model_chat_ask(const model_chat *chat, const lb_model_ask *ask, int64_t deadline,
                   int (*answer)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    REST_JSON_AUTO *body = make_body(chat, ask);
    REST_JSON_AUTO *reply = NULL;
    int64_t own = chat->host->now() + chat->timeout_us;
    const rest_call call = {.method = "POST",
                            .path = chat->path,
                            .flags = REST_REPEATABLE,
                            .what = "asking a model",
                            .deadline = own < deadline ? own : deadline,
                            .limit = ANSWER_MOST};
    if (!body)
        return lb_out_of_memory(err);
    int r = rest_document(chat->client, &call, body, &reply, err);
    return r < 0 ? r : read_reply(reply, answer, arg, err);
}

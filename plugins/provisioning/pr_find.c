#include "pr_find.h"

#include "branch_json.h"
#include "pr_comment.h"

#include <strings.h>

#define PAGE       100
#define PAGES_MOST 50

const char *pr_member_text(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) ? json_object_get_string(member) : NULL;
}

/* Whose comments are ours. A token of a workflow or an app is nobody's, which GitHub says by refusing: *ret_login NULL,
 * as all that they write is by a bot, and no person can write as one. */
static int ask_who_we_are(lb_ctx *ctx, const pr_place *place, const char **ret_login, lb_error *err)
{
    const char *json = NULL;
    *ret_login = place->author;
    int r =
        place->author ? 0 : lb_http(ctx, place->service, &(lb_request){.method = "GET", .path = "user"}, &json, err);
    if (r < 0 && r != LB_ERR_DENIED && r != LB_ERR_NOT_FOUND)
        return lb_wrap(err, "whom the token is of");
    struct json_object *user = json ? branch_json_keep(ctx, json, err) : NULL;
    if (json && !user)
        return err->code;
    *ret_login = user ? pr_member_text(user, "login") : *ret_login;
    return 0;
}

static bool is_by(struct json_object *user, const char *login)
{
    const char *name = pr_member_text(user, "login"), *type = pr_member_text(user, "type");
    return login ? name && strcasecmp(name, login) == 0 : type && strcmp(type, "Bot") == 0;
}

typedef struct search {
    const pr_place *place;
    pr_found found;
    const char *login;
    bool has_asked;
} search;

/* One that has the marker: ours, or somebody's who has pasted it. */
static int look_at(lb_ctx *ctx, struct json_object *comment, search *s, lb_error *err)
{
    struct json_object *id = NULL, *user = NULL;
    int r = s->has_asked ? 0 : ask_who_we_are(ctx, s->place, &s->login, err);
    s->has_asked = true;
    if (r < 0 || !json_object_object_get_ex(comment, "id", &id))
        return r;
    (void)json_object_object_get_ex(comment, "user", &user); /* of an account that is gone: null, and not ours */
    const char *author = user ? pr_member_text(user, "login") : NULL, *url = pr_member_text(comment, "html_url");
    if (!user || !is_by(user, s->login))
        return lb_skipped(ctx, url ? url : "a comment",
                          lb_printf(ctx, "has our marker, but was written by %s: it is left alone",
                                    author ? author : "an account that is gone"),
                          err);
    s->found = (pr_found){
        .id = json_object_get_int64(id), .body = pr_member_text(comment, "body"), .author = author, .url = url};
    return 0;
}

/* The first of the page that is ours. */
static int look_through(lb_ctx *ctx, struct json_object *page, search *s, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < json_object_array_length(page) && !s->found.id; i++) {
        struct json_object *comment = json_object_array_get_idx(page, i);
        const char *body = pr_member_text(comment, "body");
        r = body && pr_comment_is_ours(body) ? look_at(ctx, comment, s, err) : 0;
    }
    return r;
}

int pr_find(lb_ctx *ctx, const pr_place *place, pr_found *ret_found, lb_error *err)
{
    search s = {.place = place};
    for (int number = 1; number <= PAGES_MOST; number++) {
        const char *json = NULL;
        const lb_request get = {
            .method = "GET",
            .path = lb_printf(ctx, "repos/%s/issues/%lld/comments", place->repository, (long long)place->number),
            .query = lb_printf(ctx, "per_page=%d&page=%d", PAGE, number)};
        if (!get.path || !get.query)
            return lb_out_of_memory(err);
        int r = lb_http(ctx, place->service, &get, &json, err);
        struct json_object *page = r < 0 ? NULL : branch_json_keep(ctx, json, err);
        if (r < 0 || !page)
            return err->code;
        if (!json_object_is_type(page, json_type_array))
            return lb_fail(err, LB_ERR_TOOL, "is it GitHub's address?", "%s lists comments in a way of its own",
                           place->service);
        r = look_through(ctx, page, &s, err);
        *ret_found = s.found;
        if (r < 0 || s.found.id || json_object_array_length(page) < PAGE)
            return r;
    }
    return lb_fail(err, LB_ERR_LIMIT, "delete some of them", "pull request %lld has more than %d comments",
                   (long long)place->number, PAGE * PAGES_MOST);
}

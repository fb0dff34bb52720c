/* book_lost.h: the inside of the book of runs, for book.c and book_lost.c. Nobody else includes this. */
#ifndef LBOPS_HOST_BOOK_LOST_H
#define LBOPS_HOST_BOOK_LOST_H

#include "book.h"

#define BOOK_RECORDED "recorded"

/* A run in the state that is not ours. */
typedef struct open_run {
    char *id, *owner, *body;
    int64_t at; /* when it began */
    bool is_dead, is_elsewhere;
} open_run;

struct book {
    struct ev_loop *loop;
    service *service;
    state_client *state;
    journal *journal;
    book_hooks hooks;
    char *state_dir;
    char host[HOST_ID_TEXT];
    bool shared, was_up, ready, has_failed;
    bool looking; /* for what others have left open */
    ev_timer renew, prune;

    char **alive; /* hosts that are */
    size_t alive_count, alive_capacity;
    char **dead; /* hosts whose lease is still there, and which are no more */
    size_t dead_count, dead_capacity;
    open_run *open;
    size_t open_count, open_capacity, closing;
    char **journalled; /* runs in the journal when we looked */
    size_t journalled_count, journalled_capacity;
};

void book_settled(book *b, const lb_error *error); /* ready, or not */
void book_look_for_lost(book *b);                  /* then book_settled */
void book_forget_lost(book *b);

#endif

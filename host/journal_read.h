/* journal_read.h: the journal's files of one run, read and matched: for journal.c only. */
#ifndef LBOPS_HOST_JOURNAL_READ_H
#define LBOPS_HOST_JOURNAL_READ_H

#include "fs.h"
#include "journal.h"

/* One intent, with its outcome where there is one. Texts belong to the book. */
typedef struct journal_row {
    journal_change change;
    const char *file_id; /* of the intent's file in the outbox */
    const char *actor_kind, *reason, *effect, *branch_class, *decision, *undo;
} journal_row;

typedef struct journal_file {
    char *name, *id;
    bool is_outcome;
} journal_file;

typedef struct journal_book {
    char *run_id;
    journal_row *rows;
    size_t count, capacity;
    journal_file *files; /* sorted by name: by the time they were made */
    size_t file_count, file_capacity;
    struct json_object **documents; /* what the texts are taken from */
    size_t document_count, document_capacity;
} journal_book;

/* A run that the journal does not have gives an empty book. A file that is no journal's is left out; one that is
 * damaged is LB_ERR_IO. */
LB_MUST_CHECK int journal_read(const char *dir, const char *run_id, journal_book **ret_book, lb_error *err);
journal_book *journal_book_free(journal_book *book); /* NULL is fine */

/* The runs that the journal has, each once, sorted; ends with NULL. A missing directory has none. */
LB_MUST_CHECK int journal_list(const char *dir, char ***ret_runs, lb_error *err);
void journal_list_free(char **runs);

#endif

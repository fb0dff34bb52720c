/* effect_tree.h: a cursor over the JSON that libpg_query makes of a statement. Nothing is copied and nothing recurses,
 * so that a statement of a megabyte costs no memory and deep nesting no stack. The text must be the parser's own: one
 * document without white space between its tokens. */
#ifndef LBOPS_HOST_EFFECT_TREE_H
#define LBOPS_HOST_EFFECT_TREE_H

#include "base.h"

/* The first byte of a value; at is NULL where there is none, and every call takes that. */
typedef struct tree {
    const char *at;
} tree;

bool tree_has(tree t);
const char *tree_end(tree t); /* the byte after the value */
tree tree_get(tree object, const char *member);
tree tree_path(tree object, const char *first, const char *second); /* a member's member */

tree tree_first(tree list);
tree tree_next(tree item);
size_t tree_count(tree list);

/* A node is an object with one member, its kind: {"RangeVar":{...}}. What is inside, or nothing where it is of another
 * kind. */
tree tree_node(tree node, const char *kind);

/* Scalars. A text is unescaped and cut to the size at a character's end. */
bool tree_is(tree scalar, const char *text);
bool tree_true(tree scalar);
void tree_text(tree scalar, char *ret_text, size_t size);
size_t tree_exact(tree scalar, char *ret_text); /* a text as it is, whole; the room is what stands between its quotes */
int64_t tree_number(tree scalar);               /* 0 where there is none, as the parser leaves it out */
bool tree_same(tree a, tree b);                 /* equal but for the places where they stand in the source */

/* The next key at or after `from` and before `end`, with its value; false where there is none. */
bool tree_next_key(const char *from, const char *end, char *ret_key, size_t size, tree *ret_value);

/* Cuts the text so that it does not end in the middle of a UTF-8 sequence. */
void tree_trim(char *text);

#endif

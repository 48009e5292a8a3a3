/* SPDX-License-Identifier: MIT */
/* The ways to damage input. */
#include "mutation.h"

#include <stdbool.h>
#include <string.h>

#include "x509/der.h"

#define NODES 2048
#define DEPTH 24

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators). */
static uint64_t next_number(struct random_numbers *numbers) {
  uint64_t number = numbers->state += UINT64_C(0x9e3779b97f4a7c15);

  number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
  return number ^ (number >> 31);
}

size_t random_below(struct random_numbers *numbers, size_t limit) { return (size_t)(next_number(numbers) % limit); }

/* ---- Bytes ---- */

/* Where readers change their mind, and anything. */
static uint8_t random_byte(struct random_numbers *numbers) {
  static const uint8_t edges[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x1f, 0x30, 0x31, 0x7f,
                                  0x80, 0x81, 0x82, 0x84, 0xa0, 0xa3, 0xfe, 0xff, '-',  '\n'};

  return random_below(numbers, 2) == 0 ? edges[random_below(numbers, sizeof(edges))] : (uint8_t)next_number(numbers);
}

/* Puts \a count bytes in place of \a removed; nothing where they don't fit. */
static bool replace(struct mutant *mutant, size_t at, size_t removed, const uint8_t *bytes, size_t count) {
  if (mutant->length - removed + count > MUTATION_CAPACITY) {
    return false;
  }
  memmove(mutant->bytes + at + count, mutant->bytes + at + removed, mutant->length - at - removed);
  if (count > 0) {
    memcpy(mutant->bytes + at, bytes, count);
  }
  mutant->length = mutant->length - removed + count;
  return true;
}

static void flip_bit(struct mutant *mutant, struct random_numbers *numbers) {
  if (mutant->length > 0) {
    mutant->bytes[random_below(numbers, mutant->length)] ^= (uint8_t)(1u << random_below(numbers, 8));
  }
}

static void set_byte(struct mutant *mutant, struct random_numbers *numbers) {
  if (mutant->length > 0) {
    mutant->bytes[random_below(numbers, mutant->length)] = random_byte(numbers);
  }
}

static void truncate_end(struct mutant *mutant, struct random_numbers *numbers) {
  mutant->length = random_below(numbers, mutant->length + 1);
}

static void insert_bytes(struct mutant *mutant, struct random_numbers *numbers) {
  uint8_t bytes[16];
  const size_t count = 1 + random_below(numbers, sizeof(bytes));

  for (size_t i = 0; i < count; i++) {
    bytes[i] = random_byte(numbers);
  }
  (void)replace(mutant, random_below(numbers, mutant->length + 1), 0, bytes, count);
}

static void remove_bytes(struct mutant *mutant, struct random_numbers *numbers) {
  const size_t at = random_below(numbers, mutant->length + 1);
  const size_t left = mutant->length - at;

  (void)replace(mutant, at, random_below(numbers, (left < 64 ? left : 64) + 1), NULL, 0);
}

/* The beginning of this, and the end of the other. */
static void splice(struct mutant *mutant, struct random_numbers *numbers, const uint8_t *other, size_t other_length) {
  const size_t at = random_below(numbers, mutant->length + 1);
  const size_t from = random_below(numbers, other_length + 1);

  (void)replace(mutant, at, mutant->length - at, other + from, other_length - from);
}

/* ---- Elements of DER ---- */

struct node {
  size_t start;
  size_t content; /* where it begins */
  size_t end;
  int parent; /* -1: none */
};

struct tree {
  struct node nodes[NODES];
  int count;
};

/* Whether elements fill it from the first byte to the last: so OCTET STRINGs around DER are found. */
static bool holds_elements(struct byte_slice content) {
  struct der_element element;

  if (content.length == 0) {
    return false;
  }
  while (content.length > 0) {
    if (!der_read(&content, &element)) {
      return false;
    }
  }
  return true;
}

static void add_nodes(struct tree *tree, const uint8_t *start, struct byte_slice rest, int parent, int depth) {
  struct der_element element;

  while (tree->count < NODES && der_read(&rest, &element)) {
    const int number = tree->count++;

    tree->nodes[number] = (struct node){.start = (size_t)(element.whole.bytes - start),
                                        .content = (size_t)(element.content.bytes - start),
                                        .end = (size_t)(element.content.bytes - start) + element.content.length,
                                        .parent = parent};
    if (depth < DEPTH && (element.tag & 0x20) != 0) {
      add_nodes(tree, start, element.content, number, depth + 1);
    } else if (depth < DEPTH && element.tag == DER_OCTET_STRING && holds_elements(element.content)) {
      add_nodes(tree, start, element.content, number, depth + 1);
    }
  }
}

static size_t write_length(uint8_t header[3], size_t length) {
  if (length < 0x80) {
    header[0] = (uint8_t)length;
    return 1;
  }
  if (length < 0x100) {
    header[0] = 0x81;
    header[1] = (uint8_t)length;
    return 2;
  }
  header[0] = 0x82;
  header[1] = (uint8_t)(length >> 8);
  header[2] = (uint8_t)length;
  return 3;
}

/* What holds the changed part is \a change bytes longer now: from the inside out, each length is written anew. */
static void mend_lengths(struct mutant *mutant, const struct tree *tree, int parent, ptrdiff_t change) {
  while (parent >= 0) {
    const struct node *node = &tree->nodes[parent];
    const ptrdiff_t content = (ptrdiff_t)(node->end - node->content) + change;
    const size_t old = node->content - node->start - 1;
    uint8_t header[3];
    const size_t length = write_length(header, (size_t)content);

    if (!replace(mutant, node->start + 1, old, header, length)) {
      return;
    }
    change += (ptrdiff_t)length - (ptrdiff_t)old;
    parent = node->parent;
  }
}

static void replace_element(struct mutant *mutant, const struct tree *tree, const struct node *node, size_t removed,
                            const uint8_t *bytes, size_t count) {
  if (replace(mutant, node->start, removed, bytes, count)) {
    mend_lengths(mutant, tree, node->parent, (ptrdiff_t)count - (ptrdiff_t)removed);
  }
}

static void lie_about_length(struct mutant *mutant, const struct node *node, struct random_numbers *numbers) {
  static const struct {
    uint8_t bytes[9];
    uint8_t count;
  } lies[] = {{{0x80}, 1},
              {{0x81, 0x01}, 2},
              {{0x82, 0x00, 0x05}, 3},
              {{0x82, 0xff, 0xff}, 3},
              {{0x84, 0xff, 0xff, 0xff, 0xff}, 5},
              {{0x84, 0x00, 0x00, 0x00, 0x05}, 5},
              {{0x84, 0x7f, 0xff, 0xff, 0xff}, 5},
              {{0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 9},
              {{0x88, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05}, 9},
              {{0xff}, 1}};
  const size_t choice = random_below(numbers, 2 * sizeof(lies) / sizeof(lies[0]));

  if (choice < sizeof(lies) / sizeof(lies[0])) {
    (void)replace(mutant, node->start + 1, node->content - node->start - 1, lies[choice].bytes, lies[choice].count);
  } else { /* the last byte of it, a little off */
    mutant->bytes[node->content - 1] = (uint8_t)(mutant->bytes[node->content - 1] + random_below(numbers, 7) - 3);
  }
}

/* The element, or what it holds, in another place. */
static void move_element(struct mutant *mutant, const struct tree *tree, const struct node *node,
                         struct random_numbers *numbers) {
  const struct node *from = &tree->nodes[random_below(numbers, (size_t)tree->count)];
  static uint8_t copy[MUTATION_CAPACITY];
  const size_t length = from->end - from->start;

  memcpy(copy, mutant->bytes + from->start, length);
  replace_element(mutant, tree, node, random_below(numbers, 2) == 0 ? node->end - node->start : 0, copy, length);
}

static void change_content(struct mutant *mutant, const struct tree *tree, const struct node *node,
                           struct random_numbers *numbers) {
  uint8_t bytes[24];
  const size_t count = random_below(numbers, sizeof(bytes) + 1);
  const struct node content = {node->content, node->content, node->end, (int)(node - tree->nodes)};

  for (size_t i = 0; i < count; i++) {
    bytes[i] = random_byte(numbers);
  }
  replace_element(mutant, tree, &content, random_below(numbers, 2) == 0 ? node->end - node->content : 0, bytes, count);
}

static void change_element(struct mutant *mutant, struct random_numbers *numbers) {
  static struct tree tree;
  const struct node *node;

  tree.count = 0;
  add_nodes(&tree, mutant->bytes, (struct byte_slice){mutant->bytes, mutant->length}, -1, 0);
  if (tree.count == 0) {
    return;
  }
  node = &tree.nodes[random_below(numbers, (size_t)tree.count)];
  switch (random_below(numbers, 5)) {
    case 0:
      lie_about_length(mutant, node, numbers);
      break;
    case 1:
      replace_element(mutant, &tree, node, node->end - node->start, NULL, 0);
      break;
    case 2:
      move_element(mutant, &tree, node, numbers);
      break;
    case 3:
      change_content(mutant, &tree, node, numbers);
      break;
    default:
      mutant->bytes[node->start] = random_byte(numbers);
      break;
  }
}

void mutate(struct mutant *mutant, struct random_numbers *numbers, const uint8_t *other, size_t other_length) {
  for (size_t changes = 1 + random_below(numbers, 4); changes > 0; changes--) {
    switch (random_below(numbers, 12)) {
      case 0:
      case 1:
        flip_bit(mutant, numbers);
        break;
      case 2:
        set_byte(mutant, numbers);
        break;
      case 3:
        truncate_end(mutant, numbers);
        break;
      case 4:
        insert_bytes(mutant, numbers);
        break;
      case 5:
        remove_bytes(mutant, numbers);
        break;
      case 6:
        splice(mutant, numbers, other, other_length);
        break;
      default:
        change_element(mutant, numbers);
        break;
    }
  }
}

/* ---- Lists of elements ---- */

/* \return where an element begins, or the length */
static size_t find_element(const uint8_t *bytes, size_t length, size_t number) {
  struct byte_slice rest = {bytes, length};
  struct der_element element;

  while (number > 0 && der_read(&rest, &element)) {
    number--;
  }
  return length - rest.length;
}

static size_t count_elements(const struct mutant *list) {
  struct byte_slice rest = {list->bytes, list->length};
  struct der_element element;
  size_t count = 0;

  while (der_read(&rest, &element)) {
    count++;
  }
  return count;
}

/* Puts one in front of another, or in its place. */
static void copy_element(struct mutant *list, size_t count, struct random_numbers *numbers) {
  static uint8_t copy[MUTATION_CAPACITY];
  const size_t from = random_below(numbers, count);
  const size_t to = random_below(numbers, count);
  const size_t start = find_element(list->bytes, list->length, from);
  const size_t length = find_element(list->bytes, list->length, from + 1) - start;
  const size_t at = find_element(list->bytes, list->length, to);
  const size_t removed = random_below(numbers, 2) == 0 ? 0 : find_element(list->bytes, list->length, to + 1) - at;

  memcpy(copy, list->bytes + start, length);
  (void)replace(list, at, removed, copy, length);
}

static void remove_element(struct mutant *list, size_t count, struct random_numbers *numbers) {
  const size_t number = random_below(numbers, count);
  const size_t at = find_element(list->bytes, list->length, number);

  (void)replace(list, at, find_element(list->bytes, list->length, number + 1) - at, NULL, 0);
}

static void rearrange(struct mutant *list, struct random_numbers *numbers) {
  for (size_t changes = 1 + random_below(numbers, 4); changes > 0; changes--) {
    const size_t count = count_elements(list);

    if (count == 0) {
      return;
    }
    if (random_below(numbers, 3) == 0) {
      remove_element(list, count, numbers);
    } else {
      copy_element(list, count, numbers);
    }
  }
}

void mutate_list(struct mutant *mutant, struct random_numbers *numbers, const uint8_t *other, size_t other_length,
                 size_t fixed) {
  static struct mutant list;
  const size_t start = find_element(mutant->bytes, mutant->length, fixed);
  const size_t other_start = find_element(other, other_length, fixed);
  const size_t choice = random_below(numbers, 4);

  list.length = mutant->length - start;
  memcpy(list.bytes, mutant->bytes + start, list.length);
  if (choice > 0) {
    rearrange(&list, numbers);
  }
  if (choice < 3) {
    mutate(&list, numbers, other + other_start, other_length - other_start);
  }
  (void)replace(mutant, start, mutant->length - start, list.bytes, list.length);
}

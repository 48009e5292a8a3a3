/* SPDX-License-Identifier: MIT */
/*
 * The search goes up from the broker's certificate, depth first, anchors before certificates that were sent. At each
 * anchor the whole path is judged; if it is not valid, the search goes on.
 *
 * There are two searches at most. The first leaves out certificates that are unfit for any path, so that a good path is
 * found cheaply. If there is none, the second includes them: only then can it be said what is wrong with the best path.
 * The second search never accepts.
 */
#include "autoconfig.h"

#include "verification/path.h"

#include <stdlib.h>
#include <string.h>

#include "verification/path_search.h"
#include "x509/distinguished_name.h"

/* Certificates that the search visits, including the same ones on other paths. */
#define STEPS_MAXIMUM 256

/* Pairs of a name and a subtree. */
#define COMPARISONS_MAXIMUM 16384

/* ---- The verdict on a path that leads to an anchor ---- */

static void note_failure(struct search *search, enum rank rank, const amqp_wolfssl_error_t *error) {
  if (rank > search->rank) {
    search->rank = rank;
    error_copy(search->error, error);
  }
}

static void accept(struct search *search, size_t anchor) {
  struct path *path = search->path;

  path->length = search->length;
  memcpy(path->places, search->places, search->length);
  path->anchor = anchor;
  path->requires_status = search->sent[0].certificate.requires_status;
  search->stop = STOP_FOUND;
}

/* The first search has left out all that are unfit. */
static void judge(struct search *search, size_t index) {
  amqp_wolfssl_error_t error;
  struct certificate anchor;

  if (!search_read_anchor(search, index, &anchor)) {
    return;
  }
  if (search_check_limits(search, &anchor, &error) != AMQP_WOLFSSL_OK) {
    note_failure(search, RANK_BROKEN, &error);
    return;
  }
  accept(search, index);
}

/* ---- The search ---- */

/* The same CA twice is a circle: its name and key, however many certificates it has. */
static bool is_on_path(struct search *search, const struct sent_certificate *sent) {
  for (size_t depth = 0; depth < search->length; depth++) {
    if (search_at_depth(search, depth)->same_as == sent->same_as) {
      return true;
    }
  }
  return false;
}

static void try_anchor(struct search *search, size_t anchor, enum edge wanted) {
  const size_t issued = search->places[search->length - 1];

  if ((!search->explaining && !search_is_fit_as_anchor(search, anchor)) ||
      search_look_at_anchor(search, issued, anchor) != wanted || search->stop != STOP_NOT) {
    return;
  }
  if (search->explaining) {
    search_explain_unfit(search, anchor);
  } else {
    judge(search, anchor);
  }
}

/* Those that are hinted at come first. */
static void try_anchors(struct search *search, enum edge wanted) {
  const size_t place = search->places[search->length - 1];

  if (!search->sent[place].anchors_known) {
    search_find_anchors_of(search, place);
  }
  for (int turn = 0; turn < 2; turn++) {
    for (size_t i = 0; i < search->question->anchors->count && search->stop == STOP_NOT; i++) {
      const struct anchor_link *link = search_link(search, place, i);

      if (link->edge != EDGE_NONE && link->hinted == (turn == 0)) {
        try_anchor(search, i, wanted);
      }
    }
  }
}

static bool climb(struct search *search);

/* \return whether the path led on from there */
static bool try_sent(struct search *search, size_t issuer, enum edge wanted) {
  const size_t issued = search->places[search->length - 1];
  struct sent_certificate *sent = &search->sent[issuer];

  if (is_on_path(search, sent) || (!search->explaining && !search_is_fit_as_ca(search, sent)) ||
      search_look_at_signature(search, issued, issuer) != wanted || search->stop != STOP_NOT) {
    return false;
  }
  search->places[search->length++] = (uint8_t)issuer;
  (void)climb(search);
  search->length--;
  return true;
}

/* By what can be told without a signature: those that are fit come first, and among them those that are hinted at. */
static int preference(struct search *search, const struct certificate *issued, struct sent_certificate *issuer) {
  return (search_is_fit_as_ca(search, issuer) ? 0 : 2) + (search_is_hinted(issued, &issuer->certificate) ? 0 : 1);
}

static bool try_all_sent(struct search *search, enum edge wanted) {
  const struct certificate *issued = &search_at_depth(search, search->length - 1)->certificate;
  bool led_on = false;

  for (int turn = 0; turn < 4; turn++) {
    for (size_t i = 0; i < search->count && search->stop == STOP_NOT; i++) {
      if (search_look_at_name(search, search->places[search->length - 1], i) != EDGE_NONE &&
          preference(search, issued, &search->sent[i]) == turn) {
        led_on = try_sent(search, i, wanted) || led_on;
      }
    }
  }
  return led_on;
}

static bool try_all(struct search *search, enum edge wanted) {
  try_anchors(search, wanted);
  return search->stop == STOP_NOT && search->length < PATH_LENGTH_MAXIMUM && try_all_sent(search, wanted);
}

/* Only the second search goes on past what can't be verified, to report it, and does so last: the certificate whose key
   signed is to blame, not one of its name. */
static bool climb(struct search *search) {
  bool led_on;

  if (search->steps++ == STEPS_MAXIMUM) {
    search->stop = STOP_TOO_MUCH;
    return false;
  }
  led_on = try_all(search, EDGE_SIGNED);
  if (search->explaining && search->stop == STOP_NOT) {
    led_on = try_all(search, EDGE_UNVERIFIABLE) || led_on;
  }
  if (search->stop == STOP_NOT && !led_on) {
    search_note_dead_end(search);
  }
  return search->stop == STOP_FOUND;
}

static void start(struct search *search, bool explaining) {
  search->explaining = explaining;
  search->stop = STOP_NOT;
  search->steps = 0;
  search->length = 1;
  search->places[0] = 0;
}

/* Whether the broker's own certificate is fit does not depend on the path. */
static bool find_path(struct search *search) {
  amqp_wolfssl_error_t unused;

  start(search, false);
  if (search_check_fitness(search, &search->sent[0].certificate, ROLE_BROKER, 0, &unused) != AMQP_WOLFSSL_OK) {
    return false;
  }
  if (search->trusted_itself != NO_ANCHOR) {
    accept(search, search->trusted_itself);
    return true;
  }
  return climb(search);
}

static void explain_failure(struct search *search) {
  start(search, true);
  if (search->trusted_itself != NO_ANCHOR) {
    (void)search_check_fitness(search, &search->sent[0].certificate, ROLE_BROKER, 0, search->error);
  } else {
    (void)climb(search);
  }
}

static amqp_wolfssl_code_t run(struct search *search, amqp_wolfssl_error_t *error) {
  if (!search->sent[0].readable) {
    return search_explain_unreadable(search, 0, 0, error);
  }
  if (find_path(search)) {
    error_clear(error);
    return AMQP_WOLFSSL_OK;
  }
  if (search->stop == STOP_NOT && search->rank < RANK_BROKEN) {
    explain_failure(search);
  }
  if (search->stop == STOP_TOO_MUCH || search->stop == STOP_NO_MEMORY) {
    return search_explain_stop(search, error);
  }
  return error->code;
}

static void free_search(struct search *search) {
  if (search != NULL) {
    free(search->links);
    free(search->anchor_fitness);
    free(search);
  }
}

/* \return NULL: out of memory */
static struct search *make_search(const struct path_question *question) {
  const size_t anchors = question->anchors->count > 0 ? question->anchors->count : 1;
  struct search *search = calloc(1, sizeof(*search));

  if (search == NULL) {
    return NULL;
  }
  search->links = calloc(anchors, PATH_CERTIFICATES_MAXIMUM * sizeof(*search->links));
  search->anchor_fitness = calloc(anchors, sizeof(*search->anchor_fitness));
  if (search->links == NULL || search->anchor_fitness == NULL) {
    free_search(search);
    return NULL;
  }
  search->question = question;
  search->comparisons = COMPARISONS_MAXIMUM;
  return search;
}

amqp_wolfssl_code_t path_find(struct path *path, const struct path_question *question, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;
  struct search *search;

  memset(path, 0, sizeof(*path));
  error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
               "the broker's certificate was not accepted"); /* until the cause is known */
  if (question->sent->count == 0) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING, "the broker presented no certificate");
  }
  search = make_search(question);
  if (search == NULL) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  search->path = path;
  search->error = error;
  search->trusted_itself = search_find_itself(question);
  search_read_sent(search);
  code = run(search, error);
  free_search(search);
  return code;
}

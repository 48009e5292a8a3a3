/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the path search share: path.c searches, path_issuers.c finds out who issued whom, path_limits.c
 * judges a whole path, path_failure.c says what is wrong. Nobody else includes this.
 */
#ifndef AMQP_WOLFSSL_PATH_SEARCH_H
#define AMQP_WOLFSSL_PATH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verification/certificate_fitness.h"
#include "verification/path_question.h"
#include "x509/certificate.h"
#include "x509/signed_object.h"

#define NO_ANCHOR SIZE_MAX

/* Whether one certificate issued another. */
enum edge {
  EDGE_UNSEEN,
  EDGE_NONE,         /* it has another name */
  EDGE_NAMED,        /* it has the name; the signature has not been looked at */
  EDGE_SIGNED,       /* by its key */
  EDGE_NOT_SIGNED,   /* by its key */
  EDGE_UNVERIFIABLE, /* a signature or key that the policy does not allow, or that wolfCrypt does not support */
};

enum fitness { FITNESS_UNSEEN, FITNESS_GOOD, FITNESS_BAD };

struct sent_certificate {
  struct certificate certificate;
  struct signed_object object;
  bool readable;
  bool self_issued;
  enum fitness as_ca;
  size_t same_as; /* the first place with a certificate of this name and key */
  bool anchors_known;
};

/* What a certificate and an anchor have to do with one another. */
struct anchor_link {
  enum edge edge;
  bool hinted; /* by a key identifier */
};

enum stop { STOP_NOT, STOP_FOUND, STOP_EXPLAINED, STOP_TOO_MUCH, STOP_NO_MEMORY };

/* How much of a path there was, for choosing the failure to report. */
enum rank {
  RANK_NONE,
  RANK_DEAD_END, /* it led to no anchor */
  RANK_UNFIT,    /* it led to one, over a certificate that is unfit for any path */
  RANK_BROKEN    /* its certificates are fit, and break one another's limits */
};

struct search {
  const struct path_question *question;
  struct path *path;
  amqp_wolfssl_error_t *error; /* of the best path that failed */
  enum rank rank;
  size_t dead_end_length;
  bool explaining; /* the second search */
  enum stop stop;
  unsigned work;
  unsigned steps;
  size_t comparisons;    /* left */
  size_t trusted_itself; /* the anchor that the broker's certificate is, or NO_ANCHOR */
  size_t length;
  uint8_t places[PATH_LENGTH_MAXIMUM]; /* the path so far */
  size_t count;
  struct anchor_link *links;      /* of each certificate sent, one for each anchor */
  enum fitness *anchor_fitness;   /* of each anchor */
  unsigned anchor_checks;         /* signatures checked with the keys of anchors */
  size_t namesakes;               /* the most anchors there were of one name */
  struct byte_slice namesakes_of; /* that name */
  struct sent_certificate sent[PATH_CERTIFICATES_MAXIMUM];
  enum edge edges[PATH_CERTIFICATES_MAXIMUM][PATH_CERTIFICATES_MAXIMUM]; /* [issued][issuer] */
};

/* ---- Who issued whom ---- */

void search_read_sent(struct search *search);
bool search_read_anchor(const struct search *search, size_t anchor, struct certificate *certificate);

/** The anchor that the broker's certificate is, byte for byte, or NO_ANCHOR. */
size_t search_find_itself(const struct path_question *question);

/** Finds out which anchors have the name of the certificate's issuer. */
void search_find_anchors_of(struct search *search, size_t place);

struct anchor_link *search_link(const struct search *search, size_t place, size_t anchor);

/** Whether the one's authority key identifier is the other's. A hint only: whoever made the certificate chose it. */
bool search_is_hinted(const struct certificate *issued, const struct certificate *issuer);

/** The certificate at a depth of the path so far. */
struct sent_certificate *search_at_depth(struct search *search, size_t depth);

/** Whether a certificate is fit for its role on any path. */
amqp_wolfssl_code_t search_check_fitness(const struct search *search, const struct certificate *certificate,
                                         enum certificate_role role, size_t depth, amqp_wolfssl_error_t *error);
bool search_is_fit_as_ca(const struct search *search, struct sent_certificate *sent);
bool search_is_fit_as_anchor(const struct search *search, size_t anchor);

/* Each may set search->stop, and then returns what it knew before. */
enum edge search_look_at_name(struct search *search, size_t issued, size_t issuer);
enum edge search_look_at_signature(struct search *search, size_t issued, size_t issuer);
enum edge search_look_at_anchor(struct search *search, size_t issued, size_t anchor);

/* ---- A whole path ---- */

/** Whether the path so far, which ends at \a anchor, keeps the limits that its certificates set one another. */
amqp_wolfssl_code_t search_check_limits(struct search *search, const struct certificate *anchor,
                                        amqp_wolfssl_error_t *error);

/* ---- What is wrong ---- */

void search_describe_at(struct search *search, size_t depth, char text[CERTIFICATE_DESCRIPTION_LENGTH]);
void search_name_certificate(const struct certificate *certificate, size_t depth, amqp_wolfssl_error_t *error);

/** The path so far leads to an anchor, and the first search did not accept it. */
void search_explain_unfit(struct search *search, size_t anchor);
/** The path so far leads nowhere. The longest such path is reported, of equally long ones the first. */
void search_note_dead_end(struct search *search);
amqp_wolfssl_code_t search_explain_unreadable(const struct search *search, size_t place, size_t depth,
                                              amqp_wolfssl_error_t *error);
/** The search was stopped. */
amqp_wolfssl_code_t search_explain_stop(const struct search *search, amqp_wolfssl_error_t *error);

#endif

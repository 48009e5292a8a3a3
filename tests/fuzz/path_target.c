/* SPDX-License-Identifier: MIT */
/*
 * Paths. An input holds all that a verdict depends on, so that it can be judged again: the time, then the trusted CAs
 * and the certificates that were really issued, each of them a SEQUENCE, then what a broker sends. Only the last is
 * mutated.
 */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>

#include "backend/fips_module.h"
#include "exact_copy.h"
#include "policy/policy.h"
#include "verification/path.h"
#include "x509/certificate_list.h"
#include "x509/signature.h"

struct scene {
  struct certificate_list anchors;
  struct certificate_list issued;
  struct certificate_list sent;
  int64_t now;
};

/* Whatever is no element at the end is a certificate too. */
static void add_all(struct certificate_list *list, struct byte_slice rest) {
  struct der_element element;

  while (rest.length > 0) {
    const struct byte_slice left = rest;

    if (!der_read(&rest, &element)) {
      element.whole = left;
      rest.length = 0;
    }
    REQUIRE(certificate_list_add(list, element.whole.bytes, element.whole.length));
  }
}

static bool read_scene(struct scene *scene, struct byte_slice rest) {
  struct byte_slice anchors;
  struct byte_slice issued;

  if (!der_read_time(&rest, &scene->now) || !der_read_tagged(&rest, DER_SEQUENCE, &anchors) ||
      !der_read_tagged(&rest, DER_SEQUENCE, &issued)) {
    return false;
  }
  add_all(&scene->anchors, anchors);
  add_all(&scene->issued, issued);
  add_all(&scene->sent, rest);
  return true;
}

static void free_scene(struct scene *scene) {
  certificate_list_free(&scene->anchors);
  certificate_list_free(&scene->issued);
  certificate_list_free(&scene->sent);
}

static amqp_wolfssl_code_t find(struct path *path, const struct scene *scene, const struct certificate_list *sent) {
  const struct path_question question = {
      .sent = sent, .anchors = &scene->anchors, .policy = policy_find(AMQP_WOLFSSL_POLICY_FIPS), .now = scene->now};
  amqp_wolfssl_error_t error;
  const amqp_wolfssl_code_t code = path_find(path, &question, &error);

  REQUIRE(code == error.code);
  REQUIRE(memchr(error.message, '\0', sizeof(error.message)) != NULL);
  REQUIRE(code == AMQP_WOLFSSL_OK || error.message[0] != '\0');
  REQUIRE(path->signature_checks <= PATH_WORK_MAXIMUM);
  return code;
}

/* The certificate at a depth, or the anchor at the path's length. */
static const struct certificate_der *at_depth(const struct scene *scene, const struct path *path, size_t depth) {
  return depth == path->length ? &scene->anchors.items[path->anchor] : &scene->sent.items[path->places[depth]];
}

static void require_link(const struct scene *scene, const struct path *path, size_t depth) {
  const struct certificate_der *der = at_depth(scene, path, depth);
  const struct certificate_der *issuer_der = at_depth(scene, path, depth + 1);
  struct certificate certificate;
  struct certificate issuer;
  struct signed_object object;

  REQUIRE(certificate_read(&certificate, der->bytes, der->length));
  REQUIRE(certificate_read(&issuer, issuer_der->bytes, issuer_der->length));
  REQUIRE(signed_object_read(&object, der->bytes, der->length));
  REQUIRE(certificate_names_equal(certificate.issuer, issuer.subject));
  REQUIRE(signature_check(&object, issuer.public_key) == SIGNATURE_GOOD);
  REQUIRE(issuer.is_ca && issuer.not_before <= scene->now && scene->now <= issuer.not_after);
  REQUIRE(certificate.not_before <= scene->now && scene->now <= certificate.not_after);
}

/* Every certificate on it was issued as it stands there; and it holds without the others. */
static void require_path(const struct scene *scene, const struct path *path) {
  struct certificate_list needed = {0};
  struct path again;

  REQUIRE(path->length >= 1 && path->length <= PATH_LENGTH_MAXIMUM && path->places[0] == 0);
  REQUIRE(path->anchor < scene->anchors.count);
  for (size_t depth = 0; depth < path->length; depth++) {
    const struct certificate_der *der = at_depth(scene, path, depth);

    REQUIRE(path->places[depth] < scene->sent.count && path->places[depth] < PATH_CERTIFICATES_MAXIMUM);
    REQUIRE(certificate_list_contains(&scene->issued, der->bytes, der->length));
    REQUIRE(certificate_list_add(&needed, der->bytes, der->length));
    if (!certificate_list_contains(&scene->anchors, scene->sent.items[0].bytes, scene->sent.items[0].length)) {
      require_link(scene, path, depth);
    }
  }
  REQUIRE(find(&again, scene, &needed) == AMQP_WOLFSSL_OK);
  REQUIRE(again.requires_status == path->requires_status);
  certificate_list_free(&needed);
}

int fuzz_path(const uint8_t *data, size_t size) {
  static bool started;
  uint8_t *copy = exact_copy(data, size);
  struct scene scene = {0};
  struct path path;

  if (!started) {
    REQUIRE(fips_module_start() == AMQP_WOLFSSL_OK);
    started = true;
  }
  if (read_scene(&scene, (struct byte_slice){copy, size}) && find(&path, &scene, &scene.sent) == AMQP_WOLFSSL_OK) {
    fuzz_accepted++;
    require_path(&scene, &path);
  }
  free_scene(&scene);
  free(copy);
  return 0;
}

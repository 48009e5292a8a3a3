/* SPDX-License-Identifier: MIT */
/* From the JSON of a suite to cases. What is not understood fails: a case that was misread would prove nothing. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *testcase, const char *member) {
  return json_string_value(json_object_get(testcase, member));
}

static bool lists_text(const json_t *testcase, const char *member, const char *text) {
  const json_t *items = json_object_get(testcase, member);
  const json_t *item;
  size_t i;

  json_array_foreach(items, i, item) {
    if (json_is_string(item) && strcmp(json_string_value(item), text) == 0) {
      return true;
    }
  }
  return false;
}

static bool is_empty(const json_t *testcase, const char *member) {
  return json_array_size(json_object_get(testcase, member)) == 0;
}

/* A member may be missing or null, which is no text at all. \return to be freed; NULL when out of memory */
static char *join_texts(const json_t *testcase, const char *member) {
  const json_t *items = json_object_get(testcase, member);
  const json_t *item;
  char *joined = NULL;
  size_t length = 0;
  size_t i;
  FILE *stream = open_memstream(&joined, &length);

  if (stream == NULL) {
    return NULL;
  }
  json_array_foreach(items, i, item) {
    (void)fprintf(stream, "%s\n", json_is_string(item) ? json_string_value(item) : "");
  }
  if (fclose(stream) != 0) {
    free(joined);
    return NULL;
  }
  return joined;
}

/* RFC 3339, as "2024-03-01T00:00:00.999+00:00"; the fraction does not count. */
static bool read_time(const char *text, time_t *time) {
  struct tm parts = {0};
  const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

  if (rest == NULL) {
    return false;
  }
  if (*rest == '.') {
    rest += 1 + strspn(rest + 1, "0123456789");
  }
  *time = timegm(&parts);
  return strcmp(rest, "+00:00") == 0 || strcmp(rest, "Z") == 0;
}

static const char *why_not_applicable(const json_t *testcase) {
  const json_t *name = json_object_get(testcase, "expected_peer_name");
  const char *kind = text_of(testcase, "validation_kind");
  const char *name_kind = json_is_object(name) ? text_of(name, "kind") : "DNS";

  if (kind == NULL || strcmp(kind, "SERVER") != 0) {
    return "it is not about servers";
  }
  if (lists_text(testcase, "features", "max-chain-depth")) {
    return "it needs a limit to the depth of chains, which is not an option of this library";
  }
  if (!is_empty(testcase, "signature_algorithms")) {
    return "it needs a choice of signature algorithms, which the policies make";
  }
  if (!is_empty(testcase, "extended_key_usage") && !lists_text(testcase, "extended_key_usage", "serverAuth")) {
    return "it needs a key usage that servers don't have";
  }
  if (name_kind == NULL || (strcmp(name_kind, "DNS") != 0 && strcmp(name_kind, "IP") != 0)) {
    return "it needs a name that servers don't have";
  }
  return NULL;
}

static bool read_case(const json_t *testcase, struct limbo_case *into) {
  const char *expected = text_of(testcase, "expected_result");
  const char *now = text_of(testcase, "validation_time");

  into->id = text_of(testcase, "id");
  into->not_applicable = why_not_applicable(testcase);
  into->anchors = join_texts(testcase, "trusted_certs");
  into->lists = join_texts(testcase, "crls");
  into->chain = join_texts(testcase, "untrusted_intermediates");
  into->certificate = text_of(testcase, "peer_certificate");
  into->key = text_of(testcase, "peer_certificate_key");
  into->name = text_of(json_object_get(testcase, "expected_peer_name"), "value");
  into->acceptance_expected = expected != NULL && strcmp(expected, "SUCCESS") == 0;
  return into->id != NULL && into->anchors != NULL && into->lists != NULL && into->chain != NULL &&
         into->certificate != NULL && (now == NULL || read_time(now, &into->now)) &&
         (into->acceptance_expected || (expected != NULL && strcmp(expected, "FAILURE") == 0));
}

bool limbo_suite_read(struct limbo_suite *suite) {
  json_error_t error;
  const json_t *testcases;

  memset(suite, 0, sizeof(*suite));
  suite->json = json_loadf(stdin, 0, &error);
  if (suite->json == NULL) {
    (void)fprintf(stderr, "handshakes: the suite is not JSON: line %d: %s\n", error.line, error.text);
    return false;
  }
  testcases = json_object_get(suite->json, "testcases");
  suite->cases = calloc(json_array_size(testcases) + 1, sizeof(*suite->cases));
  while (suite->cases != NULL && suite->count < json_array_size(testcases)) {
    struct limbo_case *next = &suite->cases[suite->count++];

    if (!read_case(json_array_get(testcases, suite->count - 1), next)) {
      (void)fprintf(stderr, "handshakes: test case %zu (%s) is not in the format of x509-limbo\n", suite->count,
                    next->id != NULL ? next->id : "without id");
      limbo_suite_free(suite);
      return false;
    }
  }
  if (suite->count == 0) {
    (void)fprintf(stderr, "handshakes: the suite has no test cases\n");
    limbo_suite_free(suite);
    return false;
  }
  return true;
}

void limbo_suite_free(struct limbo_suite *suite) {
  for (size_t i = 0; i < suite->count; i++) {
    free(suite->cases[i].anchors);
    free(suite->cases[i].lists);
    free(suite->cases[i].chain);
  }
  free(suite->cases);
  json_decref(suite->json);
  memset(suite, 0, sizeof(*suite));
}

/* SPDX-License-Identifier: MIT */
/* Compares what a program expects of a server with what a certificate says, and words the difference. */
#include "verification/expected_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded_text.h"
#include "base/shown_name.h"
#include "verification/peer_uri.h"

/* The longest list of names, and the longest single one, in a sentence. */
#define LIST_LENGTH 400
#define NAME_LENGTH 300

/* ---- What the program says ---- */

static amqp_wolfssl_code_t parse_names(struct peer_name *parsed, const char *const *names, size_t count,
                                       amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < count; i++) {
    if (names[i] == NULL) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "the accepted name %zu of %zu is NULL", i + 1,
                             count);
    }
    if (!peer_name_parse(&parsed[i], names[i])) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NAME_INVALID,
                             "\"%.100s\", the accepted name %zu of %zu, is neither a DNS name nor an IP address",
                             shown_name(names[i]), i + 1, count);
    }
  }
  return AMQP_WOLFSSL_OK;
}

/* An empty list would accept nobody, or anybody: it is more likely a mistake than either. */
static amqp_wolfssl_code_t check_count(size_t count, amqp_wolfssl_error_t *error) {
  if (count == 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "the list of accepted names is empty; NULL in its place goes back to the host's name");
  }
  if (count > EXPECTED_NAMES_MAXIMUM) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%zu accepted names are more than %d", count,
                           EXPECTED_NAMES_MAXIMUM);
  }
  return AMQP_WOLFSSL_OK;
}

static void replace_names(struct expected_identity *expected, struct peer_name *names, size_t count) {
  free(expected->names);
  expected->names = names;
  expected->name_count = count;
}

static amqp_wolfssl_code_t remove_names(struct expected_identity *expected, size_t count, amqp_wolfssl_error_t *error) {
  if (count != 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "the list of %zu accepted names is NULL", count);
  }
  replace_names(expected, NULL, 0);
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t expected_identity_set_names(struct expected_identity *expected, const char *const *names,
                                                size_t count, amqp_wolfssl_error_t *error) {
  struct peer_name *parsed;
  amqp_wolfssl_code_t code;

  if (names == NULL) {
    return remove_names(expected, count, error);
  }
  code = check_count(count, error);
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  parsed = calloc(count, sizeof(*parsed));
  if (parsed == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  code = parse_names(parsed, names, count, error);
  if (code != AMQP_WOLFSSL_OK) {
    free(parsed);
    return code;
  }
  replace_names(expected, parsed, count);
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t expected_identity_set_uri(struct expected_identity *expected, const char *uri,
                                              amqp_wolfssl_error_t *error) {
  const char *fault = uri != NULL ? peer_uri_fault(uri) : NULL;
  char *copy = NULL;

  if (fault != NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_URI_INVALID, "the server URI \"%.300s\" %s", shown_name(uri),
                           fault);
  }
  if (uri != NULL) {
    copy = strdup(uri);
    if (copy == NULL) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
  }
  free(expected->uri);
  expected->uri = copy;
  return AMQP_WOLFSSL_OK;
}

void expected_identity_free(struct expected_identity *expected) {
  replace_names(expected, NULL, 0);
  free(expected->uri);
  expected->uri = NULL;
}

bool expected_identity_has_uri(const struct expected_identity *expected) {
  return expected != NULL && expected->uri != NULL;
}

bool expected_identity_has_names(const struct expected_identity *expected) {
  return expected != NULL && expected->name_count > 0;
}

/* ---- Sentences ---- */

struct name_list {
  struct bounded_text text;
  char storage[LIST_LENGTH];
};

static void list_begin(struct name_list *list) {
  bounded_text_init(&list->text, list->storage, sizeof(list->storage) - sizeof(", ..."));
}

/* One that does not fit ends the list. \param [in] needed how long it would be, uncut */
static void list_add(struct name_list *list, const char *name, size_t needed) {
  char piece[NAME_LENGTH + sizeof(", ...")];

  (void)snprintf(piece, sizeof(piece), "%s%s%s", list->text.needed > 0 ? ", " : "", name,
                 needed >= NAME_LENGTH ? "..." : "");
  bounded_text_add_string(&list->text, piece);
}

static const char *list_end(struct name_list *list, const char *if_empty) {
  if (list->text.needed == 0) {
    return if_empty;
  }
  if (list->text.cut) { /* there is room for it */
    const size_t used = strlen(list->storage);

    (void)snprintf(list->storage + used, sizeof(list->storage) - used, "%s...", used > 0 ? ", " : "");
  }
  return list->storage;
}

static void list_kind(struct name_list *list, const struct certificate *leaf, bool uris) {
  struct byte_slice rest = leaf->alternative_names;
  struct byte_slice value;
  enum certificate_name_kind kind;

  while (certificate_next_name(&rest, &kind, &value)) {
    if ((kind == CERTIFICATE_NAME_URI) == uris) {
      char name[NAME_LENGTH];

      list_add(list, name, certificate_format_alternative_name(kind, value, name, sizeof(name)));
    }
  }
}

/* URIs first, since there are few of them where they matter. */
static const char *list_certificate(struct name_list *list, const struct certificate *leaf) {
  list_begin(list);
  list_kind(list, leaf, true);
  list_kind(list, leaf, false);
  return list_end(list, "no name at all (the common name does not count, RFC 9525)");
}

static void add_name(struct name_list *list, const struct peer_name *name) {
  const struct byte_slice bytes = name->kind == PEER_NAME_DNS
                                      ? (struct byte_slice){(const uint8_t *)name->dns, strlen(name->dns)}
                                      : (struct byte_slice){name->address, name->address_length};
  const enum certificate_name_kind kind = name->kind == PEER_NAME_DNS ? CERTIFICATE_NAME_DNS : CERTIFICATE_NAME_IP;
  char text[NAME_LENGTH];

  list_add(list, text, certificate_format_alternative_name(kind, bytes, text, sizeof(text)));
}

/* ---- Checks ---- */

static bool has_any(const struct expected_identity *expected, const struct certificate *leaf) {
  for (size_t i = 0; i < expected->name_count; i++) {
    if (peer_name_matches_certificate(&expected->names[i], leaf)) {
      return true;
    }
  }
  return false;
}

static amqp_wolfssl_code_t check_names(const struct expected_identity *expected, const struct certificate *leaf,
                                       amqp_wolfssl_error_t *error) {
  struct name_list wanted;
  struct name_list found;

  if (has_any(expected, leaf)) {
    return AMQP_WOLFSSL_OK;
  }
  list_begin(&wanted);
  for (size_t i = 0; i < expected->name_count; i++) {
    add_name(&wanted, &expected->names[i]);
  }
  return error_verify(error, AMQP_WOLFSSL_ERROR_NAME_MISMATCH,
                      "the broker's certificate is for none of the accepted names, %s, but for %s; accept a name that "
                      "it contains, or have the certificate reissued with one of these",
                      list_end(&wanted, ""), list_certificate(&found, leaf));
}

static amqp_wolfssl_code_t check_host(const struct peer_name *host, const struct certificate *leaf,
                                      amqp_wolfssl_error_t *error) {
  struct name_list wanted;
  struct name_list found;

  if (host != NULL && peer_name_matches_certificate(host, leaf)) {
    return AMQP_WOLFSSL_OK;
  }
  list_begin(&wanted);
  if (host != NULL) {
    add_name(&wanted, host);
  }
  return error_verify(error, AMQP_WOLFSSL_ERROR_NAME_MISMATCH,
                      "the broker's certificate is not for %s but for %s; connect by a name it contains, set the "
                      "server name separately, or have the certificate reissued with this name",
                      list_end(&wanted, ""), list_certificate(&found, leaf));
}

static amqp_wolfssl_code_t refuse_svid(const char *uri, const char *because, amqp_wolfssl_error_t *error) {
  return error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                      "the broker's certificate has the expected URI \"%.300s\", but %s, which the certificate of a "
                      "SPIFFE workload must not (X509-SVID, section 5.2); have it reissued",
                      uri, because);
}

static amqp_wolfssl_code_t check_uri(const char *uri, const struct certificate *leaf, amqp_wolfssl_error_t *error) {
  struct name_list found;

  switch (peer_uri_judge(uri, leaf)) { /* no default: -Wswitch finds the missing case */
    case PEER_URI_CARRIED:
      return AMQP_WOLFSSL_OK;
    case PEER_URI_NOT_ALONE:
      return error_verify(error, AMQP_WOLFSSL_ERROR_NAME_MISMATCH,
                          "the broker's certificate has the expected URI \"%.300s\", but not alone, as a SPIFFE ID "
                          "must be (X509-SVID, section 2): it is for %s; have it reissued with one URI",
                          uri, list_certificate(&found, leaf));
    case PEER_URI_IS_CA:
      return refuse_svid(uri, "it is a CA's", error);
    case PEER_URI_MAY_CERTIFY:
      return refuse_svid(uri, "its key usage has keyCertSign", error);
    case PEER_URI_MAY_SIGN_CRL:
      return refuse_svid(uri, "its key usage has cRLSign", error);
    case PEER_URI_MISSING:
      break;
  }
  return error_verify(
      error, AMQP_WOLFSSL_ERROR_NAME_MISMATCH,
      "the broker's certificate is not for the expected URI \"%.300s\" but for %s; it must be there byte "
      "for byte, as a URI among the subject alternative names",
      uri, list_certificate(&found, leaf));
}

amqp_wolfssl_code_t expected_identity_check(const struct expected_identity *expected, bool verify_names,
                                            const struct peer_name *host, const struct certificate *leaf,
                                            amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (expected_identity_has_uri(expected)) {
    code = check_uri(expected->uri, leaf, error);
  }
  if (code == AMQP_WOLFSSL_OK && verify_names) {
    code = expected_identity_has_names(expected) ? check_names(expected, leaf, error) : check_host(host, leaf, error);
  }
  return code;
}

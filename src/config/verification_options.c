/* SPDX-License-Identifier: MIT */
/* Whom to trust, how to check for revocation, and who the broker must be. */
#include "autoconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shown_name.h"
#include "config/setter.h"
#include "verification/expected_identity.h"
#include "verification/peer_name.h"
#include "verification/peer_verification.h"

/* ---- What trust and revocation lists are added from ---- */

typedef amqp_wolfssl_code_t (*add_path_fn)(amqp_wolfssl_config_t *config, const char *path);
typedef amqp_wolfssl_code_t (*add_memory_fn)(amqp_wolfssl_config_t *config, const void *data, size_t length,
                                             amqp_wolfssl_format_t format);

static amqp_wolfssl_code_t add_path(amqp_wolfssl_config_t *config, enum setter setter, const char *path,
                                    const char *what, add_path_fn add) {
  amqp_wolfssl_code_t code = begin_setter(config, setter);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = path == NULL ? missing_argument(config, what) : add(config, path);
  return end_setter(config, setter, code);
}

struct memory {
  const void *data;
  size_t length;
  amqp_wolfssl_format_t format;
};

/* \a what is in it, in a sentence */
static amqp_wolfssl_code_t add_memory(amqp_wolfssl_config_t *config, enum setter setter, struct memory memory,
                                      const char *what, add_memory_fn add) {
  amqp_wolfssl_code_t code = begin_setter(config, setter);
  char argument[64];

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (memory.data == NULL) {
    (void)snprintf(argument, sizeof(argument), "the %s in memory", what);
    code = missing_argument(config, argument);
  } else if (memory.format != AMQP_WOLFSSL_FORMAT_AUTO && memory.format != AMQP_WOLFSSL_FORMAT_PEM &&
             memory.format != AMQP_WOLFSSL_FORMAT_DER) {
    code = error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is not a valid %s format",
                           (int)memory.format, what);
  } else {
    code = add(config, memory.data, memory.length, memory.format);
  }
  return end_setter(config, setter, code);
}

/* ---- Trust ---- */

/* Notes where the anchors come from before they are added, so that nothing can fail after that. */
static amqp_wolfssl_code_t begin_trust(amqp_wolfssl_config_t *config, enum trust_source_kind kind, const char *path) {
  return trust_sources_begin(&config->trust_sources, kind, path, &config->trust, &config->error);
}

static amqp_wolfssl_code_t end_trust(amqp_wolfssl_config_t *config, amqp_wolfssl_code_t code) {
  trust_sources_end(&config->trust_sources, &config->trust, code == AMQP_WOLFSSL_OK);
  return code;
}

amqp_wolfssl_code_t trust_file(amqp_wolfssl_config_t *config, const char *path) {
  amqp_wolfssl_code_t code = begin_trust(config, TRUST_FILE, path);

  return code != AMQP_WOLFSSL_OK ? code : end_trust(config, trust_add_file(&config->trust, path, &config->error));
}

static amqp_wolfssl_code_t trust_folder(amqp_wolfssl_config_t *config, const char *path) {
  amqp_wolfssl_code_t code = begin_trust(config, TRUST_FOLDER, path);

  return code != AMQP_WOLFSSL_OK ? code : end_trust(config, trust_add_folder(&config->trust, path, &config->error));
}

static amqp_wolfssl_code_t trust_memory(amqp_wolfssl_config_t *config, const void *data, size_t length,
                                        amqp_wolfssl_format_t format) {
  amqp_wolfssl_code_t code = begin_trust(config, TRUST_GIVEN, NULL);

  return code != AMQP_WOLFSSL_OK
             ? code
             : end_trust(config, trust_add_memory(&config->trust, data, length, format, &config->error));
}

static amqp_wolfssl_code_t trust_system(amqp_wolfssl_config_t *config) {
  amqp_wolfssl_code_t code = begin_trust(config, TRUST_GIVEN, NULL);

  return code != AMQP_WOLFSSL_OK ? code : end_trust(config, trust_add_system(&config->trust, &config->error));
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_file(amqp_wolfssl_config_t *config, const char *path) {
  return add_path(config, SETTER_CA_FILE, path, "the path of the CA file", trust_file);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_folder(amqp_wolfssl_config_t *config, const char *path) {
  return add_path(config, SETTER_CA_FOLDER, path, "the path of the CA folder", trust_folder);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_memory(amqp_wolfssl_config_t *config, const void *data, size_t length,
                                                      amqp_wolfssl_format_t format) {
  return add_memory(config, SETTER_CA_MEMORY, (struct memory){data, length, format}, "CA certificate", trust_memory);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_system(amqp_wolfssl_config_t *config) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_CA_SYSTEM);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  return end_setter(config, SETTER_CA_SYSTEM, trust_system(config));
}

/* ---- Revocation ---- */

static amqp_wolfssl_code_t list_file(amqp_wolfssl_config_t *config, const char *path) {
  return revocation_sources_add_file(&config->revocation, path, &config->error);
}

static amqp_wolfssl_code_t list_folder(amqp_wolfssl_config_t *config, const char *path) {
  return revocation_sources_add_folder(&config->revocation, path, &config->error);
}

static amqp_wolfssl_code_t list_memory(amqp_wolfssl_config_t *config, const void *data, size_t length,
                                       amqp_wolfssl_format_t format) {
  return revocation_sources_add_memory(&config->revocation, data, length, format, &config->error);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_file(amqp_wolfssl_config_t *config, const char *path) {
  return add_path(config, SETTER_CRL_FILE, path, "the path of the CRL file", list_file);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_folder(amqp_wolfssl_config_t *config, const char *path) {
  return add_path(config, SETTER_CRL_FOLDER, path, "the path of the CRL folder", list_folder);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_memory(amqp_wolfssl_config_t *config, const void *data, size_t length,
                                                       amqp_wolfssl_format_t format) {
  return add_memory(config, SETTER_CRL_MEMORY, (struct memory){data, length, format}, "CRL", list_memory);
}

amqp_wolfssl_code_t check_stapling_is_shown(amqp_wolfssl_error_t *error) {
  if (peer_verification_sees_responses()) {
    return AMQP_WOLFSSL_OK;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
      "this wolfSSL was built without OCSP stapling (--enable-ocspstapling), or is too old to expose the stapled "
      "responses; use CRLs instead");
}

static amqp_wolfssl_code_t check_stapling(amqp_wolfssl_stapling_t stapling, amqp_wolfssl_error_t *error) {
  if (stapling != AMQP_WOLFSSL_STAPLING_OFF && stapling != AMQP_WOLFSSL_STAPLING_REQUEST &&
      stapling != AMQP_WOLFSSL_STAPLING_REQUIRE) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is not a valid OCSP stapling mode",
                           (int)stapling);
  }
  return stapling != AMQP_WOLFSSL_STAPLING_OFF ? check_stapling_is_shown(error) : AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_stapling(amqp_wolfssl_config_t *config, amqp_wolfssl_stapling_t stapling) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_STAPLING);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = check_stapling(stapling, &config->error);
  if (code == AMQP_WOLFSSL_OK && !config->site.require_stapling) { /* where the site requires it, nothing weakens it */
    config->settings.stapling = stapling;
  }
  return end_setter(config, SETTER_STAPLING, code);
}

/* ---- The length of the path ---- */

/* As in TLS libraries: no path can be longer than that. */
#define DEPTH_LIMIT 255

amqp_wolfssl_code_t amqp_wolfssl_config_set_maximum_depth(amqp_wolfssl_config_t *config, int depth) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_MAXIMUM_DEPTH);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (depth < 0 || depth > DEPTH_LIMIT) {
    code = error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "%d is not a valid maximum depth; it is a number of intermediate CAs, from 0 to %d", depth,
                           DEPTH_LIMIT);
  } else {
    config->settings.depth_is_limited = true;
    config->settings.maximum_depth = (unsigned)depth;
  }
  return end_setter(config, SETTER_MAXIMUM_DEPTH, code);
}

/* ---- Who it must be ---- */

static amqp_wolfssl_code_t set_server_name(amqp_wolfssl_config_t *config, const char *name) {
  struct peer_name parsed;
  char *copy = NULL;

  if (name != NULL) {
    if (!peer_name_parse(&parsed, name)) {
      return error_configure(&config->error, AMQP_WOLFSSL_ERROR_NAME_INVALID,
                             "\"%.100s\" is neither a DNS name nor an IP address", shown_name(name));
    }
    copy = strdup(name);
    if (copy == NULL) {
      return error_configure(&config->error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
  }
  free(config->server_name);
  config->server_name = copy;
  config->nameless = false;
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_server_name(amqp_wolfssl_config_t *config, const char *name) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_SERVER_NAME);

  return code != AMQP_WOLFSSL_OK ? code : end_setter(config, SETTER_SERVER_NAME, set_server_name(config, name));
}

/* Where neither counts any more, anybody with a certificate would do. */
static amqp_wolfssl_code_t set_server_uri(amqp_wolfssl_config_t *config, const char *uri) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (uri == NULL && expected_identity_has_uri(&config->expected) && !config->settings.verify_host) {
    code = check_exception(config);
  }
  return code != AMQP_WOLFSSL_OK ? code : expected_identity_set_uri(&config->expected, uri, &config->error);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_server_uri(amqp_wolfssl_config_t *config, const char *uri) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_SERVER_URI);

  return code != AMQP_WOLFSSL_OK ? code : end_setter(config, SETTER_SERVER_URI, set_server_uri(config, uri));
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_accepted_names(amqp_wolfssl_config_t *config, const char *const *names,
                                                           size_t count) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_ACCEPTED_NAMES);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  return end_setter(config, SETTER_ACCEPTED_NAMES,
                    expected_identity_set_names(&config->expected, names, count, &config->error));
}

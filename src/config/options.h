/* SPDX-License-Identifier: MIT */
/* The options themselves, for the files that set them, check them, and build a context from them. */
#ifndef AMQP_WOLFSSL_OPTIONS_H
#define AMQP_WOLFSSL_OPTIONS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"
#include "config/site_file.h"
#include "config/rotation_state.h"
#include "identity/credentials.h"
#include "identity/identity_source.h"
#include "policy/tls_settings.h"
#include "tls/tls_context.h"
#include "verification/expected_identity.h"
#include "verification/revocation_sources.h"
#include "verification/trust.h"
#include "verification/trust_sources.h"

/* Whose failure keeps a connection from being opened. */
enum setter {
  SETTER_SITE_FILE, /* the administrator's; no call clears it */
  SETTER_CA_FILE,
  SETTER_CA_FOLDER,
  SETTER_CA_MEMORY,
  SETTER_CA_SYSTEM,
  SETTER_IDENTITY, /* files, memory or token: the later one replaces the earlier */
  SETTER_PASSPHRASE,
  SETTER_VERIFY_PEER,
  SETTER_VERIFY_HOST,
  SETTER_SERVER_NAME,
  SETTER_SERVER_URI,
  SETTER_ACCEPTED_NAMES,
  SETTER_MAXIMUM_DEPTH,
  SETTER_URI,
  SETTER_VERSIONS,
  SETTER_POLICY,
  SETTER_SUITES,
  SETTER_GROUPS,
  SETTER_EXTENDED_MASTER_SECRET,
  SETTER_MAXIMUM_LIFE,
  SETTER_CRL_FILE,
  SETTER_CRL_FOLDER,
  SETTER_CRL_MEMORY,
  SETTER_STAPLING,
  SETTER_ROTATION,
  SETTER_EXPIRY_MARGIN,
  SETTER_COUNT
};

struct amqp_wolfssl_config_t_ {
  atomic_uint references;
  atomic_bool frozen;
  bool unshared; /* belongs to a single socket, and is frozen only while that is open */
  pthread_mutex_t
      lock; /* guards the two that follow, joined_trust and rejected_pins; all else is read-only once frozen */
  struct tls_context *context;
  struct rotation rotation;

  struct site_settings site; /* what the administrator requires besides the options */
  struct tls_settings settings;
  int64_t maximum_life; /* seconds; 0: no limit; LIFE_BY_DEFAULT */
  bool narrowed;        /* suites, groups or exceptions were set, which depend on the policy */
  struct trust trust;
  struct trust_sources trust_sources;   /* of that */
  struct trust folder_trust;            /* the folder's of the identity, if it is one; replaced with it */
  struct trust joined_trust;            /* both, where a context needs them */
  struct revocation_sources revocation; /* has a lock of its own, for files that change while the config is frozen */
  struct credentials credentials;
  struct identity_source identity; /* of those */
  int64_t expiry_margin;           /* seconds; 0: none */
  struct secret passphrase;
  amqp_wolfssl_passphrase_fn passphrase_callback;
  void *passphrase_user_data;
  struct pkcs11_login rejected_pins; /* guarded by the lock where the identity is read again */
  char *server_name;
  struct expected_identity expected; /* besides that name, or in its place */
  bool nameless;                     /* a URI wants neither SNI nor a name to verify */

  amqp_wolfssl_error_t error;                /* of the last setter that failed */
  amqp_wolfssl_error_t failed[SETTER_COUNT]; /* what prevents opening; in place, so that storing it can't fail */
};

/** Where passphrases and PINs come from. */
static inline struct passphrase_source config_passphrase(amqp_wolfssl_config_t *config) {
  return (struct passphrase_source){&config->passphrase, config->passphrase_callback, config->passphrase_user_data,
                                    &config->rejected_pins};
}

/** The program has not said how long a connection may last. */
#define LIFE_BY_DEFAULT ((int64_t)-1)

#endif

/* SPDX-License-Identifier: MIT */
/* Who we are to the broker: the names that it may take from our certificate. */
#include "autoconfig.h"

#include <stdlib.h>

#include "config/options.h"
#include "x509/login_names.h"

/* A copy, so that it outlives the identity it was read from. */
struct amqp_wolfssl_identity_names_t_ {
  struct login_names names;
};

_Static_assert((int)AMQP_WOLFSSL_LOGIN_DISTINGUISHED_NAME == (int)LOGIN_DISTINGUISHED_NAME, "numbered alike");
_Static_assert((int)AMQP_WOLFSSL_LOGIN_COMMON_NAME == (int)LOGIN_COMMON_NAME, "numbered alike");
_Static_assert((int)AMQP_WOLFSSL_LOGIN_SAN_DNS == (int)LOGIN_SAN_DNS, "numbered alike");
_Static_assert((int)AMQP_WOLFSSL_LOGIN_SAN_IP == (int)LOGIN_SAN_IP, "numbered alike");
_Static_assert((int)AMQP_WOLFSSL_LOGIN_SAN_EMAIL == (int)LOGIN_SAN_EMAIL, "numbered alike");
_Static_assert((int)AMQP_WOLFSSL_LOGIN_SAN_URI == (int)LOGIN_SAN_URI, "numbered alike");
_Static_assert((int)AMQP_WOLFSSL_LOGIN_SAN_OTHER_NAME == (int)LOGIN_SAN_OTHER_NAME, "numbered alike");

static bool read_leaf(const struct certificate_list *chain, struct login_names *names) {
  struct certificate leaf;

  return chain->count > 0 && certificate_read(&leaf, chain->items[0].bytes, chain->items[0].length) &&
         login_names_read(names, &leaf);
}

/* Those in use, or those that were set while none are. */
static const struct credentials *find_credentials(const amqp_wolfssl_config_t *config) {
  return config->context != NULL ? tls_context_credentials(config->context) : &config->credentials;
}

amqp_wolfssl_identity_names_t *amqp_wolfssl_config_identity_names(amqp_wolfssl_config_t *config) {
  amqp_wolfssl_identity_names_t *names = config != NULL ? calloc(1, sizeof(*names)) : NULL;
  bool read;

  if (names == NULL) {
    return NULL;
  }
  (void)pthread_mutex_lock(&config->lock);
  read = read_leaf(&find_credentials(config)->chain, &names->names);
  (void)pthread_mutex_unlock(&config->lock);
  if (!read) {
    free(names);
    return NULL;
  }
  return names;
}

void amqp_wolfssl_identity_names_free(amqp_wolfssl_identity_names_t *names) {
  if (names != NULL) {
    login_names_free(&names->names);
    free(names);
  }
}

size_t amqp_wolfssl_identity_names_count(const amqp_wolfssl_identity_names_t *names) {
  return names != NULL ? names->names.count : 0;
}

static const struct login_name *find(const amqp_wolfssl_identity_names_t *names, size_t place) {
  static const struct login_name none = {.text = NULL};

  return place < amqp_wolfssl_identity_names_count(names) ? &names->names.items[place] : &none;
}

amqp_wolfssl_login_source_t amqp_wolfssl_identity_names_source(const amqp_wolfssl_identity_names_t *names,
                                                               size_t place) {
  return (amqp_wolfssl_login_source_t)(int)find(names, place)->source;
}

size_t amqp_wolfssl_identity_names_index(const amqp_wolfssl_identity_names_t *names, size_t place) {
  return find(names, place)->index;
}

const char *amqp_wolfssl_identity_names_text(const amqp_wolfssl_identity_names_t *names, size_t place) {
  const char *text = find(names, place)->text;

  return text != NULL ? text : "";
}

int amqp_wolfssl_identity_names_exact(const amqp_wolfssl_identity_names_t *names, size_t place) {
  return find(names, place)->exact ? 1 : 0;
}

/* SPDX-License-Identifier: MIT */
/* Whether credentials are read again, and what a program may ask about that. */
#include "autoconfig.h"

#include <time.h>

#include "config/config.h"
#include "config/rotation.h"
#include "config/setter.h"
#include "x509/certificate_dates.h"

/* A century: anything longer is a mistake. */
#define EXPIRY_MARGIN_LIMIT ((int64_t)100 * 366 * 86400)

amqp_wolfssl_code_t amqp_wolfssl_config_set_rotation(amqp_wolfssl_config_t *config, int rotate) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_ROTATION);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (rotate != 0 && rotate != 1) {
    code = error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "%d is neither 0 nor 1: whether files are read again", rotate);
  } else {
    config->rotation.wanted = rotate == 1;
  }
  return end_setter(config, SETTER_ROTATION, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_expiry_margin(amqp_wolfssl_config_t *config, int64_t seconds) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_EXPIRY_MARGIN);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (seconds < 0 || seconds > EXPIRY_MARGIN_LIMIT) {
    code = error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "%lld seconds is not a valid margin before a certificate's end; it must be between 0 (none) "
                           "and 100 years",
                           (long long)seconds);
  } else {
    config->expiry_margin = seconds;
  }
  return end_setter(config, SETTER_EXPIRY_MARGIN, code);
}

int amqp_wolfssl_config_changed(amqp_wolfssl_config_t *config) {
  amqp_wolfssl_error_t unused;
  bool changed;

  if (config == NULL) {
    return 0;
  }
  (void)pthread_mutex_lock(&config->lock);
  if (config->rotation.used != 0) { /* before the first open nothing is in use that could be replaced */
    (void)rotation_refresh(config, ROTATION_READ, &unused);
  }
  changed = config->rotation.used != 0 && config->rotation.number != config->rotation.used;
  (void)pthread_mutex_unlock(&config->lock);
  return changed ? 1 : 0;
}

static int64_t earlier(int64_t one, int64_t other) { return one < other ? one : other; }

amqp_wolfssl_code_t amqp_wolfssl_config_expires_in(amqp_wolfssl_config_t *config, int64_t *own_certificate,
                                                   int64_t *earliest_ca) {
  const int64_t now = (int64_t)time(NULL);
  int64_t own;
  int64_t authority;

  if (config == NULL) {
    return AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT;
  }
  (void)pthread_mutex_lock(&config->lock);
  if (config->context != NULL) {
    own = certificate_dates_leaf_end(&tls_context_credentials(config->context)->chain);
    authority = certificate_dates_earliest_end(&tls_context_trust(config->context)->anchors);
  } else {
    own = certificate_dates_leaf_end(&config->credentials.chain);
    authority = earlier(certificate_dates_earliest_end(&config->trust.anchors),
                        certificate_dates_earliest_end(&config->folder_trust.anchors));
  }
  (void)pthread_mutex_unlock(&config->lock);
  if (own_certificate != NULL) {
    *own_certificate = certificate_dates_left(own, now);
  }
  if (earliest_ca != NULL) {
    *earliest_ca = certificate_dates_left(authority, now);
  }
  return AMQP_WOLFSSL_OK;
}

/* ---- For the layers above ---- */

static bool ends_soon(const amqp_wolfssl_config_t *config, const struct tls_context *context) {
  const int64_t end = certificate_dates_leaf_end(&tls_context_credentials(context)->chain);

  return config->expiry_margin > 0 && certificate_dates_left(end, (int64_t)time(NULL)) <= config->expiry_margin;
}

static bool shows_another(const struct tls_context *one, const struct tls_context *other) {
  const struct certificate_list *left = &tls_context_credentials(one)->chain;
  const struct certificate_list *right = &tls_context_credentials(other)->chain;

  return one != other && !certificate_list_equals(left, right);
}

/* While another thread reads the files, which may take a while, what is known will do. */
static bool is_replaced(amqp_wolfssl_config_t *config, const struct tls_context *context) {
  amqp_wolfssl_error_t unused;
  bool replaced;

  if (pthread_mutex_trylock(&config->lock) != 0) {
    return false;
  }
  (void)rotation_refresh(config, ROTATION_GLANCE, &unused);
  replaced = config->context != NULL && shows_another(context, config->context);
  (void)pthread_mutex_unlock(&config->lock);
  return replaced;
}

bool config_outdates(amqp_wolfssl_config_t *config, const struct tls_context *context) {
  return ends_soon(config, context) || (rotation_is_on(config) && is_replaced(config, context));
}

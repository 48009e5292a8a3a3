/* SPDX-License-Identifier: MIT */
/*
 * What is required of the server's certificates during the handshake: that they lead to a trust anchor by our own
 * validation, that wolfSSL has nothing against that path, and that the leaf has the expected name. A "no" makes wolfSSL
 * send an alert before our own certificate has left.
 */
#ifndef AMQP_WOLFSSL_PEER_VERIFICATION_H
#define AMQP_WOLFSSL_PEER_VERIFICATION_H

#include <stdbool.h>

#include "x509/certificate_list.h"
#include "base/error.h"
#include "verification/peer_name.h"
#include "policy/tls_settings.h"
#include "verification/path.h"
#include "verification/trust.h"

struct WOLFSSL;
struct WOLFSSL_CTX;
struct remembered_paths;
struct revocation_lists;

struct peer_verification {
  const struct tls_settings *settings;
  const struct trust *trust;           /**< what was loaded: where the path has to lead */
  const struct peer_name *name;        /**< NULL: no name to compare with */
  struct remembered_paths *remembered; /**< of the context; NULL: none */
  struct certificate_list chain;       /**< what the server presented, the leaf first */
  bool path_judged;                    /**< the two below hold for this chain */
  bool path_found;                     /**< from the first of them to a trust anchor, by our own validation */
  struct path path;                    /**< that one */
  bool accepted;                       /**< the verdict at wolfSSL's last call */
  bool asked_early;                    /**< wolfSSL had something against the leaf */
  bool leaf_accepted;                  /**< the callback ran for the leaf and found nothing wrong */
  struct WOLFSSL *ssl;                 /**< whose certificates they are */
  struct revocation_lists *lists;      /**< as they were when the session began */
  uint8_t *response;                   /**< a copy of the OCSP response stapled; NULL: none so far */
  size_t response_length;
  int response_refused;       /**< wolfSSL's code for that response; 0: it accepted it */
  bool response_accepted;     /**< it is good */
  amqp_wolfssl_error_t error; /**< our own verdict; AMQP_WOLFSSL_OK: none */
};

/** Sets what a fresh context verifies, and the callback. */
amqp_wolfssl_code_t peer_verification_install(struct WOLFSSL_CTX *ctx, const struct tls_settings *settings,
                                              amqp_wolfssl_error_t *error);

/** All arguments must outlive \a verification. \param remembered may be NULL */
void peer_verification_init(struct peer_verification *verification, const struct tls_settings *settings,
                            const struct trust *trust, const struct peer_name *name,
                            struct remembered_paths *remembered);
void peer_verification_free(struct peer_verification *verification);

/**
 * Says whose certificates will be judged, before the handshake; without it none is accepted. If the settings request an
 * OCSP response, makes wolfSSL show it.
 */
void peer_verification_attach(struct peer_verification *verification, struct WOLFSSL *ssl);

/** Whether this wolfSSL exposes OCSP responses at all: at least in TLS 1.2. */
bool peer_verification_sees_responses(void);
/** Whether it exposes them in TLS 1.3 too. If not, none may be requested where TLS 1.3 is allowed. */
bool peer_verification_sees_responses_of_tls_1_3(void);

/**
 * Whether everything required was checked, once wolfSSL's handshake is over.
 * \return AMQP_WOLFSSL_OK, or what is missing, with \a error set
 */
amqp_wolfssl_code_t peer_verification_finish(const struct peer_verification *verification, amqp_wolfssl_error_t *error);

/** Says which verification the handshake step that follows in this thread belongs to; NULL when the step is over. */
void peer_verification_set_current(struct peer_verification *verification);

/** The error for a handshake that wolfSSL ended with \a wolfssl_code while it checked certificates. */
amqp_wolfssl_code_t peer_verification_explain(const struct peer_verification *verification, int wolfssl_code,
                                              amqp_wolfssl_error_t *error);

/** Whether a handshake's failure is about the server's certificates. */
bool peer_verification_failed(const struct peer_verification *verification, int wolfssl_code);

#endif

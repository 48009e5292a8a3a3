/* SPDX-License-Identifier: MIT */
/*
 * The names of rabbitmq-c's TLS socket, as librabbitmq-wolfssl-compat exports them: TLS is wolfSSL's. For programs
 * written for rabbitmq-c's own header of this name, and for builds of rabbitmq-c that install none.
 *
 * The functions, their meaning and their status codes are those of rabbitmq-c 0.18, whichever release is installed.
 * docs/compat.md lists where this library is stricter. Every function but those on the whole library takes a socket
 * made by amqp_ssl_socket_new(); with another it does nothing, and returns AMQP_STATUS_INVALID_PARAMETER where it
 * returns a status.
 *
 * A setter that fails leaves the options as they were, and keeps amqp_socket_open() from succeeding until the same
 * setter succeeds: a program that never looks at what setters return can't connect without what it asked for.
 *
 * AMQP_WOLFSSL_DEBUG=1 in the environment when the socket is made: why an open, send or receive failed is written to
 * stderr, one line each, never with a secret. Ignored in set-user-ID and set-group-ID programs.
 *
 * Threads: a socket belongs to one thread at a time, as rabbitmq-c's connections do.
 */
#ifndef RABBITMQ_C_SSL_SOCKET_H
#define RABBITMQ_C_SSL_SOCKET_H
/* What rabbitmq-c's header is guarded by through 0.11: the two declare the same and can't both be had. */
#ifndef AMQP_SSL_H
#define AMQP_SSL_H
#endif

#include <stddef.h>

/* Since 0.12 rabbitmq-c's header has a folder of its own, and the old name warns. */
#if defined(__has_include)
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#else
#include <amqp.h>
#endif
#else
#include <amqp.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define AMQP_WOLFSSL_COMPAT_API __attribute__((visibility("default")))
#else
#define AMQP_WOLFSSL_COMPAT_API
#endif

/** Makes a TLS socket and attaches it to \a state, which owns it. NULL without memory or when it can't work here. */
AMQP_WOLFSSL_COMPAT_API amqp_socket_t *AMQP_CALL amqp_ssl_socket_new(amqp_connection_state_t state);

/**
 * Always NULL. rabbitmq-c hands out an SSL_CTX here, which callers pass on to OpenSSL; there is none, and a WOLFSSL_CTX
 * in its place would be read as what it is not.
 */
AMQP_WOLFSSL_COMPAT_API void *AMQP_CALL amqp_ssl_socket_get_context(amqp_socket_t *self);

/** Trusts the system's CA certificates. AMQP_STATUS_OK or AMQP_STATUS_SSL_ERROR. */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_enable_default_verify_paths(amqp_socket_t *self);

/**
 * Trusts the CA certificates of a file, PEM or DER, beside those set before. AMQP_STATUS_OK or AMQP_STATUS_SSL_ERROR.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_cacert(amqp_socket_t *self, const char *cacert);

/** The passphrase of an encrypted key, to be called before the key is set. It is copied, and wiped with the socket. */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_ssl_socket_set_key_passwd(amqp_socket_t *self, const char *passwd);

/** The client's certificate with its chain, and its key, from files. AMQP_STATUS_OK or AMQP_STATUS_SSL_ERROR. */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_key(amqp_socket_t *self, const char *cert, const char *key);

/**
 * The same with a key in a PKCS#11 token; \a key is a PKCS#11 URI (RFC 7512).
 * AMQP_STATUS_OK, AMQP_STATUS_SSL_ERROR, or AMQP_STATUS_SSL_UNIMPLEMENTED where PKCS#11 was not built in.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_key_engine(amqp_socket_t *self, const char *cert,
                                                                     const char *key);

/** The same with the certificate from a file and a key of \a n bytes in memory, of any kind, PEM or DER. */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_key_buffer(amqp_socket_t *self, const char *cert,
                                                                     const void *key, size_t n);

/** Both of the following. Deprecated by rabbitmq-c. */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_ssl_socket_set_verify(amqp_socket_t *self, amqp_boolean_t verify);
/** Whether the broker's certificate must lead to a trusted CA (default: it must). */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_ssl_socket_set_verify_peer(amqp_socket_t *self, amqp_boolean_t verify);
/** Whether the broker's certificate must hold the host name or address connected to (default: it must). */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_ssl_socket_set_verify_hostname(amqp_socket_t *self, amqp_boolean_t verify);

typedef enum {
  AMQP_TLSv1 = 1,
  AMQP_TLSv1_1 = 2,
  AMQP_TLSv1_2 = 3,
  AMQP_TLSv1_3 = 4,
  AMQP_TLSvLATEST = 0xFFFF
} amqp_tls_version_t;

/**
 * Lowest and highest TLS version (default: 1.2 to 1.3). AMQP_STATUS_OK, AMQP_STATUS_INVALID_PARAMETER when \a max is
 * below \a min, AMQP_STATUS_UNSUPPORTED for anything but TLS 1.2, 1.3 and AMQP_TLSvLATEST.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_ssl_versions(amqp_socket_t *self, amqp_tls_version_t min,
                                                                       amqp_tls_version_t max);

/** Does nothing: wolfSSL is started when it is first needed. */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_set_initialize_ssl_library(amqp_boolean_t do_initialize);
/** Does nothing. AMQP_STATUS_OK. */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_initialize_ssl_library(void);
/** Does nothing. AMQP_STATUS_OK. */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_uninitialize_ssl_library(void);

/**
 * "pkcs11" or NULL: AMQP_STATUS_OK; another: AMQP_STATUS_SSL_SET_ENGINE_FAILED. AMQP_STATUS_SSL_UNIMPLEMENTED where
 * PKCS#11 was not built in. Needs not be called: the URI given to amqp_ssl_socket_set_key_engine() says it all.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_set_ssl_engine(const char *engine);

#ifdef __cplusplus
}
#endif

#endif /* RABBITMQ_C_SSL_SOCKET_H */

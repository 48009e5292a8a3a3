/* SPDX-License-Identifier: MIT */
/*
 * The functions of rabbitmq-c's TLS socket, as librabbitmq-wolfssl-compat exports them, with TLS by wolfSSL. For
 * programs written for rabbitmq-c's own header of this name, and for builds of rabbitmq-c that install none.
 *
 * The functions, their meaning and their status codes are those of rabbitmq-c 0.18, whichever release is installed.
 * docs/compat.md lists where this library is stricter. The functions with a socket argument need one made by
 * amqp_ssl_socket_new(); given another, they do nothing, and those that return a status return
 * AMQP_STATUS_INVALID_PARAMETER.
 *
 * Strings and buffers are copied. A setter that fails leaves the options as they were, and makes amqp_socket_open()
 * fail until the same setter succeeds: a program that ignores return values can't connect without what it asked for.
 * Setters are for sockets that are not open; on an open one they fail.
 *
 * With AMQP_WOLFSSL_DEBUG=1 in the environment when the socket is made, a line is written to stderr for each setter,
 * open, send or receive that fails, with the reason, and for each open that succeeds, never with a secret;
 * "file:/absolute/path" and "syslog" send the lines there. Set-user-ID and set-group-ID programs ignore it.
 *
 * Threads: a socket belongs to one thread at a time, as rabbitmq-c's connections do. Where programs send in one thread
 * and receive in another all the same, the rules at the head of amqp_wolfssl_socket.h apply. Functions without a socket
 * argument may be called from any thread.
 */
#ifndef RABBITMQ_C_SSL_SOCKET_H
#define RABBITMQ_C_SSL_SOCKET_H
/* The include guard of rabbitmq-c's header through 0.11: both declare the same names, so only one can be included. */
#ifndef AMQP_SSL_H
#define AMQP_SSL_H
#endif

#include <stddef.h>

/* Since 0.12 rabbitmq-c's headers have a folder of their own, and including the old name causes a warning. */
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

/**
 * Makes a TLS socket and attaches it to \a state, which owns it: destroying the connection closes and frees it. NULL if
 * out of memory, or if the librabbitmq found at run time has a different socket interface.
 */
AMQP_WOLFSSL_COMPAT_API amqp_socket_t *AMQP_CALL amqp_ssl_socket_new(amqp_connection_state_t state);

/**
 * Always NULL. rabbitmq-c returns an SSL_CTX here, which callers pass on to OpenSSL. There is none, and OpenSSL would
 * misread a WOLFSSL_CTX in its place.
 */
AMQP_WOLFSSL_COMPAT_API void *AMQP_CALL amqp_ssl_socket_get_context(amqp_socket_t *self);

/**
 * Trusts the system's CA certificates. AMQP_STATUS_OK, also if the system has none: then an open fails unless another
 * CA is set. AMQP_STATUS_SSL_ERROR if wolfSSL was built without them, or they can't be read.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_enable_default_verify_paths(amqp_socket_t *self);

/**
 * Trusts the CA certificates in a file, PEM or DER, in addition to those set before. AMQP_STATUS_OK or
 * AMQP_STATUS_SSL_ERROR.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_cacert(amqp_socket_t *self, const char *cacert);

/**
 * Sets the passphrase of an encrypted key, or the PIN of a token. Call it before setting the key. The copy is wiped
 * when the socket is freed.
 */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_ssl_socket_set_key_passwd(amqp_socket_t *self, const char *passwd);

/** Sets the client's certificate with its chain, and its key, from files. AMQP_STATUS_OK or AMQP_STATUS_SSL_ERROR. */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_key(amqp_socket_t *self, const char *cert, const char *key);

/**
 * The same with a key in a PKCS#11 token; \a key is a PKCS#11 URI (RFC 7512).
 * AMQP_STATUS_OK, AMQP_STATUS_SSL_ERROR, or AMQP_STATUS_SSL_UNIMPLEMENTED where PKCS#11 was not built in.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_key_engine(amqp_socket_t *self, const char *cert,
                                                                     const char *key);

/**
 * The same with the certificate from a file and a key of \a n bytes in memory, of any supported type, PEM or DER. The
 * caller must wipe its own copy. AMQP_STATUS_OK, AMQP_STATUS_SSL_ERROR, or AMQP_STATUS_INVALID_PARAMETER if \a n is
 * above INT_MAX.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_key_buffer(amqp_socket_t *self, const char *cert,
                                                                     const void *key, size_t n);

/** Sets both of the following. Deprecated by rabbitmq-c. */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_ssl_socket_set_verify(amqp_socket_t *self, amqp_boolean_t verify);
/** Whether the broker's certificate must chain to a trusted CA (default: it must). */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_ssl_socket_set_verify_peer(amqp_socket_t *self, amqp_boolean_t verify);
/** Whether the broker's certificate must contain the host name or address connected to (default: it must). */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_ssl_socket_set_verify_hostname(amqp_socket_t *self, amqp_boolean_t verify);

typedef enum {
  AMQP_TLSv1 = 1,
  AMQP_TLSv1_1 = 2,
  AMQP_TLSv1_2 = 3,
  AMQP_TLSv1_3 = 4,
  AMQP_TLSvLATEST = 0xFFFF
} amqp_tls_version_t;

/**
 * Sets the lowest and highest TLS version (default: 1.2 to 1.3). AMQP_STATUS_OK, AMQP_STATUS_INVALID_PARAMETER if
 * \a max is below \a min, AMQP_STATUS_UNSUPPORTED for anything but TLS 1.2, 1.3 and AMQP_TLSvLATEST,
 * AMQP_STATUS_SSL_ERROR if the administrator's file demands a higher version than \a max.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_ssl_socket_set_ssl_versions(amqp_socket_t *self, amqp_tls_version_t min,
                                                                       amqp_tls_version_t max);

/** Does nothing: the library starts wolfSSL when it first needs it. */
AMQP_WOLFSSL_COMPAT_API void AMQP_CALL amqp_set_initialize_ssl_library(amqp_boolean_t do_initialize);
/** Does nothing; returns AMQP_STATUS_OK. */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_initialize_ssl_library(void);
/** Does nothing; returns AMQP_STATUS_OK. */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_uninitialize_ssl_library(void);

/**
 * AMQP_STATUS_OK for "pkcs11" or NULL, AMQP_STATUS_SSL_SET_ENGINE_FAILED for any other, AMQP_STATUS_SSL_UNIMPLEMENTED
 * where PKCS#11 was not built in. It need not be called: the URI given to amqp_ssl_socket_set_key_engine() is enough.
 */
AMQP_WOLFSSL_COMPAT_API int AMQP_CALL amqp_set_ssl_engine(const char *engine);

#ifdef __cplusplus
}
#endif

#endif /* RABBITMQ_C_SSL_SOCKET_H */

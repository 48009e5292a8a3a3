/* SPDX-License-Identifier: MIT */
/*
 * librabbitmq-wolfssl: mutual TLS for rabbitmq-c through wolfSSL.
 *
 * The interface has two objects. A *config* says who I am, whom I trust and which policy applies; it is set up once and
 * then shared, read-only, by any number of sockets and threads. A *socket* is one connection; it is rabbitmq-c's own
 * amqp_socket_t, so opening, login, channels and everything else are rabbitmq-c's own calls:
 *
 *     amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
 *     amqp_wolfssl_config_add_ca_file(config, "ca.pem");
 *     amqp_wolfssl_config_set_identity_files(config, "client.pem", "client.key");
 *     amqp_connection_state_t connection = amqp_new_connection();
 *     amqp_socket_t *socket = amqp_wolfssl_socket_new(connection, config);
 *     amqp_wolfssl_config_free(config);
 *     if (amqp_socket_open(socket, "broker.example", 5671) != AMQP_STATUS_OK)
 *       puts(amqp_wolfssl_error_message(amqp_wolfssl_socket_error(socket)));
 *
 * Thread rules.
 *
 * - A config is set up by one thread. The first amqp_wolfssl_socket_new() freezes it; from then on any thread may make
 *   sockets from it and take or drop references.
 * - A connection belongs to one thread at a time: that is rabbitmq-c's rule, and it applies here. Programs that send in
 *   one thread and receive in another exist all the same, so each socket has a lock around its TLS session: on an open
 *   connection, one thread that sends and one that receives can't corrupt the TLS stream or put plaintext on the wire,
 *   and no frame that one of them has begun is torn by the other. amqp_wolfssl_socket_cork(), _uncork(), _due(),
 *   _poll_events(), _error() and _set_error_callback() take the lock too. It is never held while a thread waits for the
 *   network or while the program's callback runs.
 * - The lock covers nothing of rabbitmq-c's. Channels, buffers and timers have no lock; rabbitmq-c encodes the frames
 *   of all threads in one buffer.
 * - Open, close and destroy a connection only while no other thread uses it.
 * - Functions that take neither a config nor a socket may be called from any thread.
 *
 * Nothing here prints, prompts, aborts, or installs a signal handler.
 */
#ifndef AMQP_WOLFSSL_SOCKET_H
#define AMQP_WOLFSSL_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

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
#define AMQP_WOLFSSL_API __attribute__((visibility("default")))
#define AMQP_WOLFSSL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define AMQP_WOLFSSL_API
#define AMQP_WOLFSSL_MUST_CHECK
#endif

/* ---- The version ----------------------------------------------------------------------------------------------- */

/** The version of this header. The functions below report that of the library the program runs on. */
#define AMQP_WOLFSSL_VERSION_MAJOR 0
#define AMQP_WOLFSSL_VERSION_MINOR 1
#define AMQP_WOLFSSL_VERSION_PATCH 0
/** All three in one number, 0xMMmmpp, for comparisons, also in the preprocessor. */
#define AMQP_WOLFSSL_VERSION_NUMBER \
  ((AMQP_WOLFSSL_VERSION_MAJOR << 16) | (AMQP_WOLFSSL_VERSION_MINOR << 8) | AMQP_WOLFSSL_VERSION_PATCH)

/** The version of the library at run time, as "1.2.3". Static text, never NULL. Any thread. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_version(void);
/** The same as a number, to compare with AMQP_WOLFSSL_VERSION_NUMBER. Any thread. */
AMQP_WOLFSSL_API uint32_t amqp_wolfssl_version_number(void);

/* ---- What went wrong ------------------------------------------------------------------------------------------ */

/** Where in the life of a connection an error happened. */
typedef enum amqp_wolfssl_stage_t {
  AMQP_WOLFSSL_STAGE_NONE = 0,      /**< nothing has failed */
  AMQP_WOLFSSL_STAGE_CONFIGURE = 1, /**< setting up a config, or making a socket from it */
  AMQP_WOLFSSL_STAGE_RESOLVE = 2,   /**< looking up the host name */
  AMQP_WOLFSSL_STAGE_CONNECT = 3,   /**< the TCP connection */
  AMQP_WOLFSSL_STAGE_HANDSHAKE = 4, /**< the TLS handshake */
  AMQP_WOLFSSL_STAGE_VERIFY = 5,    /**< the server's certificate or its name */
  AMQP_WOLFSSL_STAGE_POLICY = 6,    /**< what was negotiated violates the policy */
  AMQP_WOLFSSL_STAGE_SEND = 7,      /**< sending after the handshake */
  AMQP_WOLFSSL_STAGE_RECEIVE = 8,   /**< receiving after the handshake */
  AMQP_WOLFSSL_STAGE_CLOSE = 9      /**< closing */
} amqp_wolfssl_stage_t;

/** Every cause this library can tell apart. Numbers are never reused. New causes may be added in any release. */
typedef enum amqp_wolfssl_code_t {
  AMQP_WOLFSSL_OK = 0,

  /* The caller, the installation, the machine */
  AMQP_WOLFSSL_ERROR_NO_MEMORY = 1,
  AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT = 2,
  AMQP_WOLFSSL_ERROR_CONFIG_FROZEN = 3,         /**< a setter was called after the first socket was made */
  AMQP_WOLFSSL_ERROR_NOT_SUPPORTED = 4,         /**< this library or its wolfSSL was built without the feature */
  AMQP_WOLFSSL_ERROR_RABBITMQ_INCOMPATIBLE = 5, /**< the probe of rabbitmq-c's socket interface failed */
  AMQP_WOLFSSL_ERROR_LIBRARY_FAILED = 6,        /**< wolfSSL did not start, is the wrong one, or failed unexplained */
  AMQP_WOLFSSL_ERROR_FIPS_MODULE = 7,           /**< wolfSSL's FIPS module is not in normal mode: a self-test failed */
  AMQP_WOLFSSL_ERROR_POLICY_LOCKED = 8,       /**< policy or version is fixed, at build time or by the administrator */
  AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID = 9,   /**< the administrator's file (rabbitmq-wolfssl.conf) is invalid */
  AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID = 10, /**< not an amqps:// URI, or a query parameter that can't be taken */
  AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED = 11,  /**< a URI turns verification off, and the program has not allowed that */

  /* Files, certificates and keys given to a config */
  AMQP_WOLFSSL_ERROR_FILE_UNREADABLE = 20,
  AMQP_WOLFSSL_ERROR_NO_CERTIFICATE = 21,        /**< the input contains no certificate */
  AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED = 22, /**< a certificate in the input can't be parsed */
  AMQP_WOLFSSL_ERROR_CA_UNUSABLE = 23,           /**< given as a CA: not one, not valid now, or against the policy */
  AMQP_WOLFSSL_ERROR_KEY_MALFORMED = 24,         /**< not a private key, or one that can't be parsed */
  AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED = 25,       /**< an unsupported type of key, or of key encryption */
  AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING = 26,    /**< the key is encrypted and no passphrase was given */
  AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG = 27,
  AMQP_WOLFSSL_ERROR_KEY_MISMATCH = 28,            /**< certificate and private key don't belong together */
  AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY = 29, /**< our own key or certificate is weaker than the policy allows */
  AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR = 30,         /**< verification is on but no CA is configured */
  AMQP_WOLFSSL_ERROR_NAME_INVALID = 31,            /**< neither a DNS name nor an IP address */
  AMQP_WOLFSSL_ERROR_URI_INVALID = 32,             /**< not a PKCS#11 URI of a private key, or not a server's */
  AMQP_WOLFSSL_ERROR_TOKEN_MODULE_UNUSABLE = 33,   /**< the PKCS#11 module can't be loaded or started */
  AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND = 34,         /**< no token matches the URI, or more than one does */
  AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND = 35,     /**< no private key in the token matches, or more than one does */
  AMQP_WOLFSSL_ERROR_TOKEN_PIN_LOCKED = 36,        /**< wrong PINs have locked the token, or one more would */
  AMQP_WOLFSSL_ERROR_TOKEN_FAILED = 37,            /**< the token or its module failed; the sentence says why */
  AMQP_WOLFSSL_ERROR_CRL_MALFORMED = 38,           /**< the input contains no CRL, or one that can't be parsed */
  AMQP_WOLFSSL_ERROR_CRL_UNUSABLE = 39, /**< a CRL that can't be relied on: its signature, extensions or dates */

  /* Before TLS */
  AMQP_WOLFSSL_ERROR_RESOLVE_FAILED = 40,
  AMQP_WOLFSSL_ERROR_CONNECT_FAILED = 41,
  AMQP_WOLFSSL_ERROR_TIMED_OUT = 42,

  /* The handshake */
  AMQP_WOLFSSL_ERROR_PEER_SPEAKS_PLAIN_AMQP = 60,
  AMQP_WOLFSSL_ERROR_PEER_NOT_TLS = 61,
  AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE = 62,
  AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION = 63,
  AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE = 64,  /**< no cipher suite, group or signature algorithm in common */
  AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED = 65, /**< any other failure; see the alert and wolfSSL's code */

  /* The server's certificate */
  AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED = 80,
  AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID = 81,
  AMQP_WOLFSSL_ERROR_UNKNOWN_CA = 82,
  AMQP_WOLFSSL_ERROR_SELF_SIGNED = 83,
  AMQP_WOLFSSL_ERROR_NAME_MISMATCH = 84,
  AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED = 85,
  AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN = 86, /**< revocation had to be checked but could not be */
  AMQP_WOLFSSL_ERROR_BAD_SIGNATURE = 87,
  AMQP_WOLFSSL_ERROR_WEAK_KEY = 88,
  AMQP_WOLFSSL_ERROR_CHAIN_INVALID = 89, /**< path length, CA flag, key usage, name constraints, chain too long */
  AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING = 90,
  AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID = 91, /**< any other reason; see wolfSSL's code */
  AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE = 92,      /**< a certificate's signature algorithm is not allowed by the policy */

  /* What was negotiated */
  AMQP_WOLFSSL_ERROR_POLICY_VERSION = 100,
  AMQP_WOLFSSL_ERROR_POLICY_SUITE = 101,
  AMQP_WOLFSSL_ERROR_POLICY_GROUP = 102,
  AMQP_WOLFSSL_ERROR_POLICY_SIGNATURE = 103,              /**< on the key exchange */
  AMQP_WOLFSSL_ERROR_POLICY_EXTENDED_MASTER_SECRET = 104, /**< TLS 1.2 without it (RFC 7627) */

  /* The broker's verdict on us */
  AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE = 120,
  AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE = 121,
  AMQP_WOLFSSL_ERROR_ALERT_RECEIVED = 122, /**< any other fatal alert */

  /* After the handshake */
  AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER = 140,  /**< close_notify: a clean end */
  AMQP_WOLFSSL_ERROR_TRUNCATED = 141,       /**< end of stream without close_notify */
  AMQP_WOLFSSL_ERROR_CONNECTION_LOST = 142, /**< the network or the peer broke the connection (errno in the sentence) */
  AMQP_WOLFSSL_ERROR_RECORD_CORRUPT = 143,  /**< a record failed its integrity check */
  AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION = 144,  /**< the peer violated the TLS protocol */
  AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN = 145 /**< a send was given up halfway, or retried with other bytes */
} amqp_wolfssl_code_t;

/** Direction of the TLS alert in an error record. */
typedef enum amqp_wolfssl_alert_direction_t {
  AMQP_WOLFSSL_ALERT_NONE = 0,
  AMQP_WOLFSSL_ALERT_SENT = 1,
  AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER = 2
} amqp_wolfssl_alert_direction_t;

/**
 * An error record. It belongs to the config or the socket it was read from, and so do its texts. A config's record is
 * valid until the next call on that config. A socket's does not change any more and is valid until the socket is opened
 * again or freed, so any thread may read it; what fails later is in another record.
 */
typedef struct amqp_wolfssl_error_t_ amqp_wolfssl_error_t;

/*
 * Parts of a record. They only read it. \a error may be NULL, as for a record in which nothing has failed.
 */

/** Where it happened; AMQP_WOLFSSL_STAGE_NONE if nothing has failed. */
AMQP_WOLFSSL_API amqp_wolfssl_stage_t amqp_wolfssl_error_stage(const amqp_wolfssl_error_t *error);
/** What happened; AMQP_WOLFSSL_OK if nothing has failed. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_error_code(const amqp_wolfssl_error_t *error);
/**
 * One sentence that says what happened and what to do about it; "" if nothing has failed. Never NULL, never contains a
 * secret; one line of UTF-8. It lives as long as the record.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_error_message(const amqp_wolfssl_error_t *error);
/** wolfSSL's own (negative) code, or 0. */
AMQP_WOLFSSL_API int amqp_wolfssl_error_wolfssl_code(const amqp_wolfssl_error_t *error);
/** The alert's number (RFC 8446, section 6.2), or -1 if none was sent or received. */
AMQP_WOLFSSL_API int amqp_wolfssl_error_alert(const amqp_wolfssl_error_t *error);
/** Whether that alert was sent or received. */
AMQP_WOLFSSL_API amqp_wolfssl_alert_direction_t amqp_wolfssl_error_alert_direction(const amqp_wolfssl_error_t *error);
/**
 * Subject, in RFC 4514 order, of the certificate the error is about, the server's or our own; "" if it is not about a
 * certificate. Never NULL. It lives as long as the record.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_error_certificate_subject(const amqp_wolfssl_error_t *error);
/** Depth of that certificate in its chain: 0 is the leaf, 1 its issuer, and so on; -1 if there is none. */
AMQP_WOLFSSL_API int amqp_wolfssl_error_certificate_depth(const amqp_wolfssl_error_t *error);

/** "handshake", "verify", and so on. Static text, never NULL. Any thread. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_stage_name(amqp_wolfssl_stage_t stage);
/** "NAME_MISMATCH" for AMQP_WOLFSSL_ERROR_NAME_MISMATCH, and so on. Static text, never NULL. Any thread. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_code_name(amqp_wolfssl_code_t code);
/**
 * "certificate_expired" and so on, as RFC 8446 and its predecessors spell it; "unknown" for any other number. Static
 * text. Any thread.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_alert_name(int alert);

/* ---- Config ---------------------------------------------------------------------------------------------------- */

/**
 * Who I am, whom I trust, which policy applies. A fresh config verifies the peer and its host name, allows TLS 1.2
 * and 1.3, and follows AMQP_WOLFSSL_POLICY_FIPS. It trusts nobody until a CA is added. The library can be built with
 * another default policy, and the administrator's file can make the defaults stricter.
 *
 * Every setter checks its arguments at once, and takes all of them or nothing: if it returns anything but
 * AMQP_WOLFSSL_OK, the config is as it was, and amqp_wolfssl_config_error() says why. Arguments are copied. A setter
 * must not run while another thread uses the config.
 *
 * A setter's failure is also remembered, for programs that ignore return values: once a setter has failed, opening a
 * socket fails with that setter's error until a later call of the same setter succeeds. A failure with
 * AMQP_WOLFSSL_ERROR_CONFIG_FROZEN is not remembered, because other sockets share the config; only the config of
 * amqp_wolfssl_socket_new_unshared() remembers it.
 *
 * Any setter can return AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT (a NULL or a value out of range), _CONFIG_FROZEN,
 * _NO_MEMORY, _LIBRARY_FAILED and _FIPS_MODULE. What else it can return is listed with it, without the common prefix
 * AMQP_WOLFSSL_ERROR.
 */
typedef struct amqp_wolfssl_config_t_ amqp_wolfssl_config_t;

typedef enum amqp_wolfssl_format_t {
  AMQP_WOLFSSL_FORMAT_AUTO = 0, /**< PEM if the input contains "-----BEGIN", otherwise DER */
  AMQP_WOLFSSL_FORMAT_PEM = 1,
  AMQP_WOLFSSL_FORMAT_DER = 2
} amqp_wolfssl_format_t;

typedef enum amqp_wolfssl_version_t {
  AMQP_WOLFSSL_TLS_1_2 = 0x0303,
  AMQP_WOLFSSL_TLS_1_3 = 0x0304
} amqp_wolfssl_version_t;

/** Which suites, groups and keys may be used. The README has a table. */
typedef enum amqp_wolfssl_policy_t {
  /**
   * NIST SP 800-52r2, limited to what FIPS 140-3 modules approve: AES-GCM with ECDHE; P-256, P-384, P-521; SHA-2; RSA
   * keys of at least 2048 bits, EC keys of at least 256 bits; TLS 1.2 only with the Extended Master Secret (RFC 7627).
   */
  AMQP_WOLFSSL_POLICY_FIPS = 1,
  /** RFC 9151 (CNSA 1.0): AES-256-GCM, P-384, SHA-384, RSA keys of at least 3072 bits or EC keys on P-384. */
  AMQP_WOLFSSL_POLICY_CNSA = 2,
  /**
   * As FIPS, and also ChaCha20-Poly1305, X25519, Ed25519, hybrids with ML-KEM where wolfSSL has them and is 5.9.2 or
   * newer, and TLS 1.2 without the Extended Master Secret. X25519MLKEM768 comes first if it is there, and ChaCha20 if
   * wolfSSL has no AES instructions. Not for FIPS.
   */
  AMQP_WOLFSSL_POLICY_MODERN = 3
} amqp_wolfssl_policy_t;

/** Whether the broker is asked to staple an OCSP response for its certificate (RFC 6066, section 8). */
typedef enum amqp_wolfssl_stapling_t {
  /** Don't ask. */
  AMQP_WOLFSSL_STAPLING_OFF = 0,
  /** Ask; a bad response is refused; a missing one is tolerated, unless the certificate demands one (RFC 7633). */
  AMQP_WOLFSSL_STAPLING_REQUEST = 1,
  /** Ask; a bad response is refused, and so is a missing one. */
  AMQP_WOLFSSL_STAPLING_REQUIRE = 2
} amqp_wolfssl_stapling_t;

/**
 * Supplies the passphrase of an encrypted key, or the PIN of a token.
 *
 * It is called from amqp_wolfssl_config_set_identity_*() and amqp_wolfssl_config_set_secret_folder(), in the calling
 * thread, at most once per call, and only if the key is encrypted or the token wants a PIN that its URI does not
 * contain. Where the identity is read again (amqp_wolfssl_config_set_rotation()), it is called likewise from whatever
 * reads it, in any thread, one at a time; it must not use the config then.
 * \param [out] passphrase where to write it; no terminating NUL needed. The library wipes this buffer after use
 * \param [in] capacity size of that buffer in bytes
 * \param [in] user_data as given to amqp_wolfssl_config_set_passphrase_callback()
 * \return bytes written, or a negative number to refuse
 */
typedef int (*amqp_wolfssl_passphrase_fn)(char *passphrase, size_t capacity, void *user_data);

/**
 * Makes a config with one reference, to be dropped by amqp_wolfssl_config_free(). Any thread.
 *
 * The administrator's file, if there is one (rabbitmq-wolfssl.conf in the library's sysconfdir), is read now: it can
 * make the config stricter than its setters do, and make one exception: that TLS 1.2 may do without the Extended Master
 * Secret. If it is invalid, every open fails with AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID and names the line.
 * \return NULL if out of memory
 */
AMQP_WOLFSSL_API AMQP_WOLFSSL_MUST_CHECK amqp_wolfssl_config_t *amqp_wolfssl_config_new(void);
/** Takes another reference; returns \a config. NULL does nothing. Any thread. */
AMQP_WOLFSSL_API amqp_wolfssl_config_t *amqp_wolfssl_config_reference(amqp_wolfssl_config_t *config);
/**
 * Drops a reference. The last one wipes secrets and frees the config; each socket holds one of its own. NULL does
 * nothing. Any thread.
 */
AMQP_WOLFSSL_API void amqp_wolfssl_config_free(amqp_wolfssl_config_t *config);
/**
 * The record of the last setter call: what failed, or that nothing did. Before the first, that of reading the
 * administrator's file. NULL only if \a config is NULL. A call refused with AMQP_WOLFSSL_ERROR_CONFIG_FROZEN leaves no
 * record: other threads may be using the config.
 */
AMQP_WOLFSSL_API const amqp_wolfssl_error_t *amqp_wolfssl_config_error(const amqp_wolfssl_config_t *config);

/**
 * Trusts every CA certificate in a PEM file, or the one in a DER file. Can be called again to add more. Certificates
 * that are not CAs, or not valid now, are left out; it is an error if none remains.
 *
 * Errors: _FILE_UNREADABLE, _NO_CERTIFICATE, _CERTIFICATE_MALFORMED, _CA_UNUSABLE.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_file(amqp_wolfssl_config_t *config, const char *path);
/**
 * Trusts the CA certificates in all regular files directly in a folder. Files that contain no certificate are skipped.
 * A file that does and can't be parsed is an error, and so is one that can't be read and is named as a certificate:
 * *.pem, *.crt, *.cer, *.der, or as c_rehash names them. Errors as with a file.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_folder(amqp_wolfssl_config_t *config, const char *path);
/** As amqp_wolfssl_config_add_ca_file(), from \a length bytes of memory. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_memory(amqp_wolfssl_config_t *config, const void *data,
                                                                       size_t length, amqp_wolfssl_format_t format);
/**
 * Trusts the system's CA certificates, from where wolfSSL looks for them (on Debian /etc/ssl/certs). Those that can't
 * be used are left out. _NO_CERTIFICATE, if the system has none, prevents opening only if no other CA was added.
 *
 * Errors: _NOT_SUPPORTED if wolfSSL was built without them, _NO_CERTIFICATE, _CA_UNUSABLE, _FILE_UNREADABLE.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_system(amqp_wolfssl_config_t *config);

/**
 * Checks the broker's certificates against the CRLs (RFC 5280) in a PEM file, or the one in a DER file. Can be called
 * again to add more.
 *
 * From the first CRL on, every certificate from the broker's own up to the one that a trusted CA issued needs a CRL
 * that is signed with its issuer's key, is in date, covers the certificate and does not list it; otherwise the
 * connection is refused. A trusted CA that another trusted CA issued needs one too. Files that have changed are read
 * again at the next open, which fails if one can no longer be read.
 *
 * Of several CRLs the newest that is valid now counts; what an expired one lists stays revoked until a newer valid one
 * drops it. CRLs of another key or CA are ignored. One with an issuing distribution point covers the certificates that
 * name this point in their CRL distribution points, or only users or CAs, as it says; indirect CRLs and those for some
 * reasons cover none. Delta CRLs and those with an unknown critical extension are refused.
 *
 * Errors: _FILE_UNREADABLE, _CRL_MALFORMED, _CRL_UNUSABLE.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_file(amqp_wolfssl_config_t *config, const char *path);
/**
 * As amqp_wolfssl_config_add_crl_file(), with all files directly in a folder that contain CRLs in PEM, or are named
 * *.crl or as c_rehash names them. A file that can't be read, whatever its name, makes this call and every open fail,
 * because it might be the CRL that revokes; so does a file with such a name, or named *.pem, that can't be parsed. Keep
 * nothing else in that folder.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_folder(amqp_wolfssl_config_t *config,
                                                                        const char *path);
/**
 * As amqp_wolfssl_config_add_crl_file(), from \a length bytes of memory. These can't be refreshed, so an expired CRL is
 * refused at once (_CRL_UNUSABLE).
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_memory(amqp_wolfssl_config_t *config, const void *data,
                                                                        size_t length, amqp_wolfssl_format_t format);
/**
 * Whether the broker is asked to staple an OCSP response (default: AMQP_WOLFSSL_STAPLING_OFF; where the administrator's
 * file requires one, anything less has no effect). The response is checked for the broker's own certificate: who signed
 * it, its dates, and the status it reports (RFC 6960). Nothing is fetched from anywhere.
 *
 * Errors: _NOT_SUPPORTED if wolfSSL was built without OCSP stapling. wolfSSL before 5.8 does not expose a response
 * stapled in TLS 1.3: opening then fails with that code, before a packet is sent, unless TLS 1.2 is the highest version
 * (amqp_wolfssl_config_set_tls_versions()). CRLs work with every version.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_stapling(amqp_wolfssl_config_t *config,
                                                                      amqp_wolfssl_stapling_t stapling);

/**
 * Sets the client's certificate, followed by the intermediates up to the broker's CA, and its private key (RSA or EC),
 * in PEM or DER; the key as PKCS#8, encrypted PKCS#8, PKCS#1 or SEC 1. A signature made with the key and verified with
 * the certificate proves that they belong together. Replaces an identity set before.
 *
 * Errors: _FILE_UNREADABLE, _NO_CERTIFICATE, _CERTIFICATE_MALFORMED, _KEY_MALFORMED, _KEY_UNSUPPORTED, _NOT_SUPPORTED,
 * _PASSPHRASE_MISSING, _PASSPHRASE_WRONG, _KEY_MISMATCH, _IDENTITY_AGAINST_POLICY.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_files(amqp_wolfssl_config_t *config,
                                                                            const char *certificate_path,
                                                                            const char *key_path);
/** The same from memory; lengths are in bytes. The caller must wipe its own copy of the key. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_memory(amqp_wolfssl_config_t *config,
                                                                             const void *certificate,
                                                                             size_t certificate_length, const void *key,
                                                                             size_t key_length);
/**
 * The same with the certificate and its chain from a file, and the key from \a key_length bytes of memory. The caller
 * must wipe its own copy of the key.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_file_and_key(amqp_wolfssl_config_t *config,
                                                                                   const char *certificate_path,
                                                                                   const void *key, size_t key_length);
/**
 * The same with the certificate and its chain from a file, and a private key that stays in a PKCS#11 token. \a key_uri
 * (RFC 7512) selects one token, by token, serial, manufacturer, model or slot-id, and one private key in it, by object,
 * id or both. module-path is the PKCS#11 module's file; without it, the modules in p11-kit's configuration are searched
 * (all, or the one named by module-name). The PIN comes from pin-value, from the file named by pin-source, or else is
 * the config's passphrase. It is tried once and not kept. A process that has already logged in to the token (through
 * another config, for example) stays logged in, whatever the PIN.
 *
 * The config keeps a session with the token until it is freed. Any number of its connections may be opened at a time,
 * in any threads; the token makes one signature after another. After fork() the child must make configs of its own:
 * with the parent's, opening fails, or may wait for ever if another thread was just opening. A token that was
 * unplugged, or whose module restarted, needs a new config, unless amqp_wolfssl_config_set_rotation() is on: then an
 * open that finds the session lost (a child's after fork() does, too), or another certificate in the file, looks the
 * token and its key up anew. A PIN that the token has rejected is not tried again by this config; after four of them
 * none is.
 *
 * Errors: those above, and _URI_INVALID, _TOKEN_MODULE_UNUSABLE, _TOKEN_NOT_FOUND, _TOKEN_KEY_NOT_FOUND,
 * _TOKEN_PIN_LOCKED, _TOKEN_FAILED. _NOT_SUPPORTED if this library was built without p11-kit, or on a wolfSSL without
 * callbacks for private keys.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_pkcs11(amqp_wolfssl_config_t *config,
                                                                             const char *certificate_path,
                                                                             const char *key_uri);
/** 1 if amqp_wolfssl_config_set_identity_pkcs11() was built in, otherwise 0. Any thread. */
AMQP_WOLFSSL_API int amqp_wolfssl_has_pkcs11(void);
/**
 * Sets the passphrase of encrypted keys, or the PIN of a token. Call it before setting the identity. NULL removes it,
 * and so does setting a callback. The copy is wiped when the first socket freezes the config, at the latest when the
 * config is freed; that of an unshared socket, whose identity can be set again, when the socket is freed; and where the
 * identity is read again (amqp_wolfssl_config_set_rotation()), when the config is freed.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_passphrase(amqp_wolfssl_config_t *config,
                                                                        const char *passphrase);
/**
 * Sets a function that supplies the passphrase or PIN when it is needed. NULL removes it, and so does setting a
 * passphrase. \a user_data must stay valid as long as an identity may still be set, or read again.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_passphrase_callback(amqp_wolfssl_config_t *config,
                                                                                 amqp_wolfssl_passphrase_fn callback,
                                                                                 void *user_data);

/*
 * Rotation: certificates, keys and CAs that are replaced while the program runs. Every open reads the files and uses
 * what they hold then, as soon as their bytes differ, whatever their times say. They are read at one moment, and what
 * they hold is taken as a whole or not at all: it must parse, the key must belong to the certificate, which must be
 * valid now, and the policy must allow it. If not, the last set that was good stays in use, and
 * amqp_wolfssl_socket_warning() says why. The first set is that which the setters have read, so they refuse at once
 * what is wrong then. Connections that are open keep what they were opened with. CRLs need none of this: they are
 * always read again, but one that can't be read makes opening fail.
 */

/**
 * Takes the identity, and perhaps CAs, from a folder as Kubernetes mounts a Secret: the certificate and its chain from
 * tls.crt, the key from tls.key (PEM or DER), and further CAs to trust from ca.crt, if it is there. Every open looks
 * again, and also takes a ca.crt that comes later. Where the folder has a link "..data", the files behind that are
 * read, through one handle, so that they belong together; elsewhere they are read again until none was replaced
 * meanwhile.
 * Replaces an identity set before, or another folder with its CAs; a later identity likewise replaces this one, and
 * its CAs. \a folder should be an absolute path: it is opened again and again.
 *
 * Errors: as with amqp_wolfssl_config_set_identity_files() and amqp_wolfssl_config_add_ca_file(), and
 * _CERTIFICATE_EXPIRED and _CERTIFICATE_NOT_YET_VALID about the client's own certificate.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_secret_folder(amqp_wolfssl_config_t *config,
                                                                           const char *folder);
/**
 * Whether files and folders that other setters have named are read again, too: 1, or 0 (default). That is the
 * certificate and key of amqp_wolfssl_config_set_identity_files(), the certificate of _set_identity_file_and_key() and
 * of _set_identity_pkcs11(), and the CAs of _add_ca_file() and _add_ca_folder(), but not those of the system or from
 * memory. Paths should be absolute. A certificate and its key that are replaced one after the other do not match for a
 * moment: until they do, the earlier pair stays in use. Passphrase, PIN, a key from memory and the key's URI are kept
 * until the config is freed. May be called before or after those setters.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_rotation(amqp_wolfssl_config_t *config, int rotate);
/**
 * Sets how many seconds before the end of its client certificate a connection becomes due (amqp_wolfssl_socket_due()),
 * up to a hundred years; 0 (default): its end does not matter. A connection that is opened within the margin is due at
 * once, because nothing newer was there: a program should then wait a while, or for amqp_wolfssl_config_changed(),
 * before it reconnects again.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_expiry_margin(amqp_wolfssl_config_t *config,
                                                                           int64_t seconds);
/**
 * 1 if new credentials wait: the files hold a good set, of certificate, key and CAs, other than the one that the last
 * open used. 0 if not, if they hold a broken one, before the first open, and if nothing is read again. Reads the files.
 * Any thread, once the config is frozen.
 */
AMQP_WOLFSSL_API int amqp_wolfssl_config_changed(amqp_wolfssl_config_t *config);
/**
 * In how many seconds the credentials in use end, by this machine's clock: those of the last open, or what waits since
 * then; before the first, what the setters have read. Negative: they have ended. INT64_MAX: there are none.
 *
 * Any thread, once the config is frozen.
 * \param [out] own_certificate the client's certificate; NULL: not wanted
 * \param [out] earliest_ca the first to end of all trusted CAs; NULL: not wanted
 * \return AMQP_WOLFSSL_OK, or AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT if \a config is NULL
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_expires_in(amqp_wolfssl_config_t *config,
                                                                    int64_t *own_certificate, int64_t *earliest_ca);

/**
 * Whether the server's certificate must chain to a trusted CA: 1 (default) or 0. 0 is for experiments only: anybody can
 * then impersonate the broker. The policy on keys and signatures applies in any case.
 *
 * Errors: _POLICY_LOCKED, for 0 where the policy is locked or set by the administrator's file.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_verify_peer(amqp_wolfssl_config_t *config, int verify);
/**
 * Whether the server's certificate must contain the name connected to (RFC 9525): 1 (default) or 0. With 0, any
 * certificate from a trusted CA is accepted, whatever its name, unless a URI is expected.
 *
 * Errors: _POLICY_LOCKED, as above, unless a URI is expected.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_verify_host(amqp_wolfssl_config_t *config, int verify);
/**
 * Sets the server's name where it differs from the address connected to: the certificate is checked against it, and it
 * is sent as SNI (RFC 6066) if it is a DNS name. A DNS name, an IPv4 or an IPv6 literal. NULL: the host given to
 * amqp_socket_open() (default).
 *
 * Errors: _NAME_INVALID.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_server_name(amqp_wolfssl_config_t *config,
                                                                         const char *name);
/**
 * Expects the server's certificate to carry this URI among its subject alternative names (RFC 9525, URI-ID), such as
 * "spiffe://example.org/rabbitmq", besides the name: the certificate must be right in both. Where brokers have a URI
 * but not the name connected to, as SPIFFE's do, amqp_wolfssl_config_set_verify_host(config, 0) leaves it to the URI,
 * which is checked in any case; with a URI that is allowed where the policy is locked, too. NULL: no URI is expected
 * (default).
 *
 * This is not the URI that the broker is connected to (amqps://). It is compared byte for byte; nothing is normalised
 * and there are no wildcards. Much of what a URI could say in two ways is therefore refused: capital letters in scheme
 * or host, escapes (%), user, port, query, fragment; more than 2048 bytes.
 * With the scheme spiffe the rules of SPIFFE-ID and X509-SVID hold too: a trust domain of at most 255 letters, digits,
 * dots, hyphens and underscores; a path of the same characters, with no empty segment, "." or "..", nor a slash at its
 * end; and the certificate has no other URI, is no CA's, and may sign neither certificates nor CRLs.
 *
 * Errors: _URI_INVALID; _POLICY_LOCKED, for NULL where only the URI has been left to verify and the policy is locked or
 * set by the administrator's file.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_server_uri(amqp_wolfssl_config_t *config, const char *uri);
/**
 * Accepts a server whose certificate contains any of these \a count names, in place of the host connected to: for
 * brokers behind an address or alias that their certificates don't contain. The host counts only if it is listed as
 * well; it, or the name of amqp_wolfssl_config_set_server_name(), is still what is sent as SNI. DNS names, IPv4 and
 * IPv6 literals, 128 at most, compared as the host is (RFC 9525); all of them are taken or none. Replaces a list set
 * before. NULL with a \a count of 0: the host (default). An empty list is refused (_INVALID_ARGUMENT). Without
 * verification of the name (amqp_wolfssl_config_set_verify_host(config, 0)) the list is not looked at.
 *
 * Errors: _NAME_INVALID.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_accepted_names(amqp_wolfssl_config_t *config,
                                                                            const char *const *names, size_t count);
/**
 * Sets how many intermediate CAs the path from the broker's certificate to a trusted CA may have, from 0 (a trusted CA
 * issued it) to 255; those that issued themselves don't count (RFC 5280, section 6.1). RabbitMQ and OpenSSL call this
 * the depth. Default: no limit but the library's own, ten certificates below the trusted CA. A broker whose path is
 * longer is refused in the handshake, with AMQP_WOLFSSL_ERROR_CHAIN_INVALID.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_maximum_depth(amqp_wolfssl_config_t *config, int depth);
/**
 * Sets the lowest and highest TLS version (default: 1.2 to 1.3). Nothing below TLS 1.2 is available.
 *
 * Errors: _POLICY_LOCKED, if the administrator's file demands a higher version than \a highest.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_tls_versions(amqp_wolfssl_config_t *config,
                                                                          amqp_wolfssl_version_t lowest,
                                                                          amqp_wolfssl_version_t highest);
/**
 * Sets the policy (default: AMQP_WOLFSSL_POLICY_FIPS). Call it before setting the identity, which is checked against
 * it, and before what narrows it; later it is refused (_INVALID_ARGUMENT). If the administrator's file sets a stricter
 * policy, that one applies. Under AMQP_WOLFSSL_POLICY_CNSA nothing opens without CRLs or required stapling.
 *
 * Errors: _NOT_SUPPORTED for AMQP_WOLFSSL_POLICY_CNSA if wolfSSL can't be told which signature algorithms to offer;
 * _POLICY_LOCKED.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_policy(amqp_wolfssl_config_t *config,
                                                                    amqp_wolfssl_policy_t policy);

/**
 * Narrows the policy to these cipher suites, in this order of preference: IANA's names, separated by colons, commas or
 * spaces. A name that is unknown, outside the policy or given twice is refused (_INVALID_ARGUMENT), and nothing
 * changes. Call it after setting the policy.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_suites(amqp_wolfssl_config_t *config, const char *names);
/**
 * The same for key exchange groups, for example "secp384r1:secp256r1". wolfSSL sends a key share for the first of them;
 * a broker that wants another one asks for it, which costs a round trip.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_groups(amqp_wolfssl_config_t *config, const char *names);
/**
 * Whether TLS 1.2 requires the Extended Master Secret (RFC 7627): 1 or 0; the default is the policy's. 0 is an
 * exception for brokers without it: RabbitMQ, on Erlang/OTP up to 29. amqp_wolfssl_socket_extended_master_secret()
 * tells whether a connection has it. Call it after setting the policy.
 *
 * Errors: _POLICY_LOCKED, for 0 where the policy is locked or set by the administrator's file.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t
amqp_wolfssl_config_set_require_extended_master_secret(amqp_wolfssl_config_t *config, int require);

/**
 * Sets how long a connection may last, in seconds, up to a hundred years; 0: no limit. Default: no limit, but a day
 * under the policies FIPS and CNSA if wolfSSL is a FIPS build, because wolfSSL advises to reconnect those within 24 to
 * 48 hours. The administrator's file can make it shorter. No connection is closed: amqp_wolfssl_socket_due() tells the
 * program when it is time.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_maximum_life(amqp_wolfssl_config_t *config,
                                                                          int64_t seconds);

/* ---- Who we are to the broker ---------------------------------------------------------------------------------- */

/**
 * The names that a RabbitMQ may take from our certificate for a login by EXTERNAL, one for each way it can be
 * configured, in the order of the enum; the alternative names in the order of the certificate. A copy, which belongs to
 * the program until amqp_wolfssl_identity_names_free(); one thread at a time.
 */
typedef struct amqp_wolfssl_identity_names_t_ amqp_wolfssl_identity_names_t;

/** By which settings of rabbitmq.conf a name is the user's. */
typedef enum amqp_wolfssl_login_source_t {
  AMQP_WOLFSSL_LOGIN_NONE = 0,               /**< there is no such name */
  AMQP_WOLFSSL_LOGIN_DISTINGUISHED_NAME = 1, /**< ssl_cert_login_from = distinguished_name, the default */
  AMQP_WOLFSSL_LOGIN_COMMON_NAME = 2,        /**< ssl_cert_login_from = common_name: all of them, with commas between */
  AMQP_WOLFSSL_LOGIN_SAN_DNS = 3,            /**< = subject_alternative_name, and ssl_cert_login_san_type = dns */
  AMQP_WOLFSSL_LOGIN_SAN_IP = 4,             /**< ... = ip, of which RabbitMQ takes the bytes */
  AMQP_WOLFSSL_LOGIN_SAN_EMAIL = 5,          /**< ... = email */
  AMQP_WOLFSSL_LOGIN_SAN_URI = 6,            /**< ... = uri */
  AMQP_WOLFSSL_LOGIN_SAN_OTHER_NAME = 7      /**< ... = other_name, of which RabbitMQ's releases take different bytes */
} amqp_wolfssl_login_source_t;

/**
 * Reads them from the certificate in use, wherever its key is: the one that was set last, or that the last open found
 * in a file that is read again. Any thread, once the config is frozen.
 * \return NULL if no identity is set, if out of memory, or if \a config is NULL
 */
AMQP_WOLFSSL_API AMQP_WOLFSSL_MUST_CHECK amqp_wolfssl_identity_names_t *amqp_wolfssl_config_identity_names(
    amqp_wolfssl_config_t *config);
/** NULL does nothing. */
AMQP_WOLFSSL_API void amqp_wolfssl_identity_names_free(amqp_wolfssl_identity_names_t *names);
/** How many there are; 0 for NULL. */
AMQP_WOLFSSL_API size_t amqp_wolfssl_identity_names_count(const amqp_wolfssl_identity_names_t *names);
/** Which settings take the name at \a place, counted from 0; AMQP_WOLFSSL_LOGIN_NONE past the end. */
AMQP_WOLFSSL_API amqp_wolfssl_login_source_t
amqp_wolfssl_identity_names_source(const amqp_wolfssl_identity_names_t *names, size_t place);
/** Its ssl_cert_login_san_index: RabbitMQ counts from 0, the names of one type only. 0 for the others. */
AMQP_WOLFSSL_API size_t amqp_wolfssl_identity_names_index(const amqp_wolfssl_identity_names_t *names, size_t place);
/**
 * The name itself: one line of UTF-8 without control characters and marks of direction; "" past the end. A
 * distinguished name is in the order of RFC 2253, which is the reverse of the certificate's, and as RabbitMQ spells and
 * escapes it, "CN=client1,O=Acme". It lives as long as \a names.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_identity_names_text(const amqp_wolfssl_identity_names_t *names, size_t place);
/**
 * 1 if that is the user's name in RabbitMQ, byte for byte. 0 if it only describes one that can't be shown, typed or
 * foreseen: a name with control characters, an IP address, an otherName, or a value that Erlang does not read as text.
 * If RabbitMQ is set to take such a name, its log shows it.
 */
AMQP_WOLFSSL_API int amqp_wolfssl_identity_names_exact(const amqp_wolfssl_identity_names_t *names, size_t place);

/* ---- A broker's URI -------------------------------------------------------------------------------------------- */

/*
 * RabbitMQ's URIs carry settings in their query (https://www.rabbitmq.com/docs/uri-query-parameters), which
 * amqp_parse_url() refuses. A program applies the query to a config, and has amqp_parse_url() read the rest:
 *
 *     amqps://user:secret@broker.example/%2f?cacertfile=ca.pem&certfile=me.pem&keyfile=me.key&heartbeat=30
 *
 *     if (amqp_wolfssl_config_apply_uri(config, uri, 0) != AMQP_WOLFSSL_OK ||
 *         amqp_wolfssl_uri_strip(uri, rest, sizeof(rest)) != AMQP_WOLFSSL_OK || amqp_parse_url(rest, &info) != 0)
 *       puts(amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
 *     ...
 *     heartbeat = amqp_wolfssl_uri_number(uri, AMQP_WOLFSSL_URI_HEARTBEAT, 60);
 *     amqp_login(connection, info.vhost, 0, 131072, heartbeat, AMQP_SASL_METHOD_PLAIN, info.user, info.password);
 *
 * A URI contains secrets: don't log it, and wipe copies. Nothing of it gets into an error's sentence but the names of
 * parameters, the paths of files and the server's name.
 */

/** Allows verify=verify_none: neither chain nor name of the broker's certificate is checked. */
#define AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE 0x1U
/** Allows server_name_indication=disable: no SNI is sent, and any certificate from a trusted CA is accepted. */
#define AMQP_WOLFSSL_URI_ALLOW_ANY_NAME 0x2U

/**
 * Applies the query of an amqps:// URI to a config, all of it or nothing. A URI without a query changes nothing.
 *
 * - cacertfile: as amqp_wolfssl_config_add_ca_file(), in addition to the CAs that are trusted already
 * - certfile and keyfile: as amqp_wolfssl_config_set_identity_files(); password: the key's passphrase, as
 *   amqp_wolfssl_config_set_passphrase(). Without it the config's own is used
 * - verify: verify_peer, chain and name (the latter not if it is disabled, or was left to
 *   amqp_wolfssl_config_set_server_uri()); or verify_none, if \a flags allow it
 * - server_name_indication: as amqp_wolfssl_config_set_server_name(), and the name is verified (or those of
 *   amqp_wolfssl_config_set_accepted_names()); or disable, if \a flags allow it. Without it the name is the host, if
 *   amqp_wolfssl_config_set_server_name() was not called
 * - depth: as amqp_wolfssl_config_set_maximum_depth(); the smaller one counts, if the program has set one before
 * - auth_mechanism (may be repeated), heartbeat, connection_timeout, channel_max: are checked, and left to the program;
 *   amqp_wolfssl_uri_auth_mechanism() and amqp_wolfssl_uri_number() return them
 *
 * Values are percent-decoded; a plus sign is a plus sign. Refused by name are parameters that are unknown (those of
 * other libraries included), without a value, given twice, or that contradict each other (certfile without keyfile or
 * the reverse, password without keyfile, verify_none with depth). Refused as well are escapes that are not two
 * hexadecimal digits, or decode to NUL or to something that is not UTF-8; characters other than printable ASCII;
 * fragments; amqp://; and what amqp_parse_url() would refuse before the query. The name of an unknown parameter is not
 * shown where it may be a piece of a password.
 *
 * A URI can't loosen what is locked: verify_none and disable are refused where amqp_wolfssl_config_set_verify_peer()
 * would be. Call this after setting the policy.
 * \param [in] flags 0, or AMQP_WOLFSSL_URI_ALLOW_* combined by "|"
 *
 * Errors: _BROKER_URI_INVALID, _URI_NOT_PERMITTED, _POLICY_LOCKED, and those of the setters above.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_apply_uri(amqp_wolfssl_config_t *config, const char *uri,
                                                                   unsigned flags);

/**
 * Writes an amqps:// URI without its query, in the form that amqp_parse_url() takes, and otherwise as it is: with user
 * and password, and not percent-decoded. amqp_parse_url() changes the buffer, and what it returns points into it; wipe
 * it after use. Any thread.
 * \param [out] buffer strlen(uri) + 1 bytes are always enough; must not overlap \a uri; "" after a failure
 * \param [in] capacity size of \a buffer in bytes
 * \return AMQP_WOLFSSL_OK; AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT if an argument is NULL or \a buffer is too small;
 * AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, for the whole URI, as amqp_wolfssl_config_apply_uri(), which says why; or
 * AMQP_WOLFSSL_ERROR_NO_MEMORY
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_uri_strip(const char *uri, char *buffer, size_t capacity);

/** Numbers in a URI that are for the program. */
typedef enum amqp_wolfssl_uri_number_t {
  AMQP_WOLFSSL_URI_HEARTBEAT = 1,          /**< seconds, 0 to 65535; 0: none. For amqp_login() */
  AMQP_WOLFSSL_URI_CONNECTION_TIMEOUT = 2, /**< milliseconds, at least 1. For amqp_socket_open_noblock() */
  AMQP_WOLFSSL_URI_CHANNEL_MAX = 3         /**< 0 to 65535; 0: the broker's. For amqp_login() */
} amqp_wolfssl_uri_number_t;

/**
 * A number of a URI that amqp_wolfssl_config_apply_uri() has accepted. Any thread.
 * \return \a otherwise if the URI does not have it, is NULL or is invalid, or if memory is out
 */
AMQP_WOLFSSL_API int amqp_wolfssl_uri_number(const char *uri, amqp_wolfssl_uri_number_t number, int otherwise);

/**
 * The SASL mechanism at \a index, counted from 0, of those that a URI names, in its order: "EXTERNAL", "PLAIN" or
 * "AMQPLAIN". The program takes the first that it can use: rabbitmq-c has the first two. Static text. Any thread.
 * \return NULL past the end, and if the URI is NULL or invalid or memory is out
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_uri_auth_mechanism(const char *uri, size_t index);

/* ---- Socket ---------------------------------------------------------------------------------------------------- */

/**
 * Makes a TLS socket and attaches it to \a connection, which owns it from then on: amqp_destroy_connection() closes and
 * frees it. A socket attached before is closed and freed. Freezes \a config and takes a reference to it.
 *
 * Open it with amqp_socket_open() or amqp_socket_open_noblock(): one time limit covers name lookup (as far as the
 * system's resolver can be limited), TCP and TLS. If opening fails, the socket is closed, amqp_wolfssl_socket_error()
 * says why, and it can be opened again. A wolfSSL that does not work makes opening fail, not this call.
 *
 * Any thread, as long as no other one uses \a connection.
 * \return NULL if out of memory, if an argument is NULL or is the config of an unshared socket, or if the librabbitmq
 * found at run time has a different socket interface (amqp_wolfssl_check_runtime() says so)
 */
AMQP_WOLFSSL_API AMQP_WOLFSSL_MUST_CHECK amqp_socket_t *amqp_wolfssl_socket_new(amqp_connection_state_t connection,
                                                                                amqp_wolfssl_config_t *config);

/**
 * Like amqp_socket_open_noblock(), but over a stream socket that the program has connected itself: through a SOCKS or
 * HTTP proxy, in another network namespace, over a Unix socket, or by its own choice among addresses. What comes next
 * from \a descriptor must be the first byte of the broker's TLS: read a proxy's reply to its end, and no further.
 *
 * \a host is the broker the program means to reach, not the proxy. Its certificate is checked and SNI is sent as if
 * amqp_socket_open() had been given that host: a DNS name, an IPv4 or an IPv6 literal. It may be NULL if
 * amqp_wolfssl_config_set_server_name() or _set_accepted_names() was called, or if the host is not verified.
 *
 * On success \a socket owns the descriptor and closes it when it is closed or freed; the program must not use it except
 * for poll(). It has become non-blocking and close-on-exec, and TCP_NODELAY is set if it is TCP; other options, such as
 * keepalive, stay as they were. Writing to a lost connection raises no SIGPIPE.
 *
 * On failure the program still owns the descriptor, which is open and blocks (or not) as before. If the handshake had
 * begun, all that is left to do is close it: the record's stage is then _HANDSHAKE or later. \a socket is closed, and
 * can be opened again by this function or by amqp_socket_open().
 *
 * \param [in] timeout for the TLS handshake; NULL: for ever
 * \return AMQP_STATUS_OK; AMQP_STATUS_SOCKET_INUSE if \a socket is open already; AMQP_STATUS_INVALID_PARAMETER if \a
 * socket is not ours, \a timeout is invalid, or \a descriptor is not a connected stream socket; otherwise what
 * amqp_socket_open_noblock() returns
 */
AMQP_WOLFSSL_API AMQP_WOLFSSL_MUST_CHECK int amqp_wolfssl_socket_open_fd(amqp_socket_t *socket, int descriptor,
                                                                         const char *host,
                                                                         const struct timeval *timeout);

/**
 * Like amqp_wolfssl_socket_new(), but gives the socket a fresh config of its own, which can be changed whenever the
 * socket is not open. It exists for librabbitmq-wolfssl-compat: in an interface like rabbitmq-c's ssl_socket.h, options
 * are set on a socket that already exists. Other programs should use amqp_wolfssl_socket_new().
 *
 * amqp_wolfssl_socket_config() returns that config. It belongs to this socket alone and is frozen only while the socket
 * is open: before, between and after, its options can be changed, and the next open uses them. A setter called while
 * the socket is open fails, leaves a record in the config, and makes every later open fail until the same setter
 * succeeds. Like the socket, the config belongs to one thread at a time.
 *
 * \return NULL if out of memory, if \a connection is NULL, or if the librabbitmq found at run time has a different
 * socket interface
 */
AMQP_WOLFSSL_API AMQP_WOLFSSL_MUST_CHECK amqp_socket_t *amqp_wolfssl_socket_new_unshared(
    amqp_connection_state_t connection);
/**
 * The config a socket was made with, borrowed from the socket: take a reference to keep it longer. NULL if \a socket is
 * not ours. A config from amqp_wolfssl_socket_new_unshared() can't be given to amqp_wolfssl_socket_new().
 */
AMQP_WOLFSSL_API amqp_wolfssl_config_t *amqp_wolfssl_socket_config(const amqp_socket_t *socket);

/**
 * Whether this library can work with the librabbitmq and the wolfSSL found at run time. Any thread.
 * \param [out] message if not NULL, set to a sentence with the result; static text
 * \return AMQP_WOLFSSL_OK, AMQP_WOLFSSL_ERROR_RABBITMQ_INCOMPATIBLE, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
 * AMQP_WOLFSSL_ERROR_FIPS_MODULE or AMQP_WOLFSSL_ERROR_NO_MEMORY
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_check_runtime(const char **message);

/** 1 if \a socket was made by this library, otherwise 0 (also for NULL). The functions below check this themselves. */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_is_ours(const amqp_socket_t *socket);
/**
 * The record of the last failure of this socket since it was last opened; NULL if \a socket is not ours. The first
 * fatal error of a connection stays in it. Its lifetime: see amqp_wolfssl_error_t. May be called while another thread
 * sends or receives.
 */
AMQP_WOLFSSL_API const amqp_wolfssl_error_t *amqp_wolfssl_socket_error(const amqp_socket_t *socket);
/**
 * Called when opening, sending, receiving or closing fails, in the thread that does so and without the socket's lock:
 * once for each failed open, once for each connection that ends while in use (also by the broker's close_notify), and
 * once for each that is closed politely with bytes unsent, also if it had failed before. \a error is valid until the
 * callback returns. The callback must not call rabbitmq-c or setters.
 */
typedef void (*amqp_wolfssl_error_fn)(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data);
/**
 * Sets a callback for this socket's failures, for logging in programs that can't ask after each call. NULL removes it.
 * \a user_data must stay valid until the callback is replaced or the socket is freed; a call already under way in
 * another thread may end after that. May be called while another thread sends or receives.
 * \return AMQP_STATUS_OK, or AMQP_STATUS_INVALID_PARAMETER if \a socket is not ours
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_set_error_callback(amqp_socket_t *socket, amqp_wolfssl_error_fn callback,
                                                            void *user_data);
/**
 * Called when opening has succeeded, in the thread that opens and without the socket's lock. \a sentence says to whom
 * the socket is connected, whether that was verified, by which version, cipher suite and group, and on which wolfSSL.
 * It is one line of UTF-8, never contains a secret, and is valid until the callback returns. The callback may ask for
 * facts of the connection; it must not call rabbitmq-c or setters.
 */
typedef void (*amqp_wolfssl_open_fn)(amqp_socket_t *socket, const char *sentence, void *user_data);
/**
 * Sets a callback for each open of this socket that succeeds, for a line in a log. NULL removes it. \a user_data must
 * stay valid until the callback is replaced or the socket is freed.
 * \return AMQP_STATUS_OK, or AMQP_STATUS_INVALID_PARAMETER if \a socket is not ours
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_set_open_callback(amqp_socket_t *socket, amqp_wolfssl_open_fn callback,
                                                           void *user_data);

/**
 * 1 if the program should close the connection and reconnect at a convenient moment: it has lasted as long as
 * amqp_wolfssl_config_set_maximum_life() or the administrator's file allows; or its client certificate ends within
 * amqp_wolfssl_config_set_expiry_margin(), or has been replaced by another good one. 0 before that, and for a socket
 * that is not open or not ours. Only reads the clock, and where credentials are read again, examines their files by a
 * stat() each, and reads them only if these have changed, now or within the last two seconds: it can be called often.
 * May be called while another thread sends or receives.
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_due(const amqp_socket_t *socket);
/**
 * What was wrong with the credentials that the files held when this socket was opened last, where it was opened with
 * those read before: a record whose code is AMQP_WOLFSSL_OK if nothing was. NULL if \a socket is not ours. The record
 * is also there when opening has failed, perhaps because those before are out of date. It belongs to the socket, and is
 * valid until the next open or until the socket is freed. Any thread may read it while the connection is open.
 */
AMQP_WOLFSSL_API const amqp_wolfssl_error_t *amqp_wolfssl_socket_warning(const amqp_socket_t *socket);

/**
 * Starts collecting what is sent into full TLS records, instead of one record and one system call per publish, until
 * amqp_wolfssl_socket_uncork(). For programs that publish many small messages in a row.
 *
 * A full record is sent at once. Less than a record (16 KiB) may wait: until the record is full, until the program
 * uncorks, or until it waits for anything from the broker (a reply, a confirm, a delivery), which sends the data first.
 * So a forgotten cork can't make a program wait for the reply to something it has not sent; but if none of these
 * happens, the messages published last stay unsent. amqp_basic_publish() has already returned AMQP_STATUS_OK for them;
 * if sending fails, a later call reports it. Publisher confirms tell what the broker has
 * (https://www.rabbitmq.com/docs/confirms). amqp_destroy_connection() sends what waits, for a second at most; what the
 * broker has not taken by then is lost, and is reported by the error callback. A forced close, which rabbitmq-c does
 * when something went wrong, drops it.
 *
 * May be called while another thread receives.
 * \return AMQP_STATUS_OK, AMQP_STATUS_SOCKET_CLOSED, or AMQP_STATUS_INVALID_PARAMETER if \a socket is not ours
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_cork(amqp_socket_t *socket);
/**
 * Ends amqp_wolfssl_socket_cork() and waits until everything collected has been handed to the kernel. May be called
 * while another thread receives.
 *
 * It receives nothing. A broker may stop reading until it has been heard, or until its messages have been consumed, so
 * a program that also receives in this thread should set a limit, and after AMQP_STATUS_TIMEOUT receive: what waits is
 * sent then too, whenever the broker takes it. Another thread that waits in rabbitmq-c meanwhile sends it as well.
 * \param [in] timeout how long to wait; NULL: for ever
 * \return AMQP_STATUS_OK; AMQP_STATUS_TIMEOUT: call it again to continue; AMQP_STATUS_INVALID_PARAMETER if \a socket is
 * not ours or \a timeout is invalid; AMQP_STATUS_SOCKET_CLOSED; or another status if the connection has failed
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_uncork(amqp_socket_t *socket, const struct timeval *timeout);

/**
 * What to wait for, in a program that calls poll() itself on the descriptor of an open connection: POLLIN; also POLLOUT
 * while bytes wait to be sent that the kernel has not taken (after amqp_wolfssl_socket_uncork() has returned
 * AMQP_STATUS_TIMEOUT, say); POLLOUT alone while so much waits that nothing more is read. When one of them comes, call
 * what receives, with a time limit of 0 (amqp_simple_wait_frame_noblock(), amqp_consume_message()): it sends what
 * waits, too. rabbitmq-c's own waits need none of this: where there is epoll, they use a second descriptor, which the
 * library makes at a connection's first wait. May be called while another thread sends or receives.
 * \return 0 if \a socket is not open or not ours
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_poll_events(const amqp_socket_t *socket);

/*
 * Facts about the connection. They hold from a successful open until the next open or until the socket is freed, also
 * after the connection has ended; texts belong to the socket. Before the first open, after a failed one, and if \a
 * socket is not ours, texts are "" and numbers 0. Any thread may read them while the connection is open.
 */

/** "TLSv1.2" or "TLSv1.3". */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_version(const amqp_socket_t *socket);
/** IANA's name of the cipher suite, for example "TLS_AES_256_GCM_SHA384". */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_suite(const amqp_socket_t *socket);
/** IANA's name of the key exchange group, for example "secp256r1"; "" if wolfSSL does not tell. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_group(const amqp_socket_t *socket);
/**
 * 1 if the master secret is bound to the handshake: by the Extended Master Secret (RFC 7627), or by TLS 1.3, where it
 * always is.
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_extended_master_secret(const amqp_socket_t *socket);
/** The server certificate's subject, in RFC 4514 order ("CN=broker,O=Acme" for O=Acme then CN=broker). */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_peer_subject(const amqp_socket_t *socket);
/** The server certificate's issuer, in the same order. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_peer_issuer(const amqp_socket_t *socket);
/** Number of subject alternative names in the server certificate. */
AMQP_WOLFSSL_API size_t amqp_wolfssl_socket_peer_name_count(const amqp_socket_t *socket);
/** The name at \a index, counted from 0, as "DNS:broker.example" or "IP:192.0.2.1"; "" past the end. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_peer_name(const amqp_socket_t *socket, size_t index);
/** Start of the server certificate's validity, in seconds since 1970-01-01 UTC. */
AMQP_WOLFSSL_API int64_t amqp_wolfssl_socket_peer_not_before(const amqp_socket_t *socket);
/** End of the server certificate's validity, in seconds since 1970-01-01 UTC. */
AMQP_WOLFSSL_API int64_t amqp_wolfssl_socket_peer_not_after(const amqp_socket_t *socket);
/** Our own certificate's subject, in RFC 4514 order; "" if none is configured. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_own_subject(const amqp_socket_t *socket);

/**
 * What to do about a login that failed: \a reply is what amqp_login() returned, which says no more than 403. For
 * EXTERNAL, every name that the broker may have looked for, by its settings, and the rabbitmqctl command that adds the
 * user; for a password or a virtual host, what to check there; for other failures, the socket's record or rabbitmq-c's
 * own words.
 *
 * One line of UTF-8, without control characters and marks of direction. The command is quoted for a POSIX shell,
 * whatever the certificate's names contain, and is there as a whole or not at all. Call it after amqp_login(), before
 * anything else is done with the connection, and in the same thread: \a reply points into the connection.
 * \param [out] advice ends in NUL unless \a capacity is 0, and is cut between two parts; may be NULL if that is 0
 * \return bytes the whole needs, without the NUL (as snprintf); 0, with "", if the login succeeded or \a socket is not
 * ours
 */
AMQP_WOLFSSL_API size_t amqp_wolfssl_socket_login_advice(const amqp_socket_t *socket, amqp_rpc_reply_t reply,
                                                         char *advice, size_t capacity);

/* ---- The FIPS module ------------------------------------------------------------------------------------------- */

/** State of the FIPS module of the wolfSSL this library was built with. */
typedef enum amqp_wolfssl_fips_status_t {
  AMQP_WOLFSSL_FIPS_NOT_BUILT_IN = 0, /**< this wolfSSL has no FIPS module */
  AMQP_WOLFSSL_FIPS_NORMAL = 1,       /**< its self-tests passed; it can be used */
  AMQP_WOLFSSL_FIPS_DEGRADED = 2,     /**< the self-test of an algorithm failed; nothing can be opened */
  /** It failed its integrity check, its mode is unknown, calls bypass it, or it is older than this build accepts. */
  AMQP_WOLFSSL_FIPS_FAILED = 3
} amqp_wolfssl_fips_status_t;

/**
 * The module's state now. Any thread.
 *
 * The first call into this library that needs wolfSSL, such as this one, starts wolfSSL and makes the module run all
 * its self-tests. Make that call before the program starts threads that use wolfSSL in other ways. A module in error
 * stays so until the process ends: every open then fails with AMQP_WOLFSSL_ERROR_FIPS_MODULE.
 */
AMQP_WOLFSSL_API amqp_wolfssl_fips_status_t amqp_wolfssl_fips_status(void);
/**
 * The module's version as it reports it, by which its certificate can be found; "" without a module. Static text. Any
 * thread.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_fips_version(void);
/**
 * The standard that modules of this version are made for: "FIPS 140-3" (from version 5 on) or "FIPS 140-2" (before);
 * "" without a module, or with a version that can't be understood. It does not say that this module has a certificate.
 * A library that was built with --with-fips=required opens nothing with any but the first. Static text. Any thread.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_fips_standard(void);

/* ---- The build ------------------------------------------------------------------------------------------------- */

/**
 * One line for logs and bug reports: this library's version, the wolfSSL it was built with (its version, whether it is
 * a FIPS build and must be one), the librabbitmq it was built with, and those it runs on, with the FIPS module's
 * version and its state at start, and whether the wolfSSL it runs on uses the processor's AES instructions ("AES by
 * hardware", "AES without hardware", or "AES unknown"). Static text, never NULL. Any thread.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_build_info(void);

#ifdef __cplusplus
}
#endif

#endif /* AMQP_WOLFSSL_SOCKET_H */

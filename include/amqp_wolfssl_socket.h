/* SPDX-License-Identifier: MIT */
/*
 * librabbitmq-wolfssl: mutual TLS for rabbitmq-c through wolfSSL.
 *
 * Two nouns carry this interface. A *config* says who I am, whom I trust and under which policy; it is set up once and
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
 * Thread rules. A config is set up by one thread. From the first amqp_wolfssl_socket_new() on it is frozen, and any
 * thread may make sockets from it and take or drop references. A socket belongs to one thread at a time, as
 * rabbitmq-c's connections do.
 *
 * Nothing here prints, prompts, aborts, or installs a signal handler.
 */
#ifndef AMQP_WOLFSSL_SOCKET_H
#define AMQP_WOLFSSL_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

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
/** The three in one number that can be compared: 0xMMmmpp. */
#define AMQP_WOLFSSL_VERSION_NUMBER \
  ((AMQP_WOLFSSL_VERSION_MAJOR << 16) | (AMQP_WOLFSSL_VERSION_MINOR << 8) | AMQP_WOLFSSL_VERSION_PATCH)

/** The version of the library, as "1.2.3". Static text. Any thread. */
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
  AMQP_WOLFSSL_STAGE_POLICY = 6,    /**< what was negotiated breaks the policy */
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
  AMQP_WOLFSSL_ERROR_NOT_SUPPORTED = 4,         /**< the wolfSSL this runs on was built without what was asked for */
  AMQP_WOLFSSL_ERROR_RABBITMQ_INCOMPATIBLE = 5, /**< the probe of rabbitmq-c's socket interface failed */
  AMQP_WOLFSSL_ERROR_LIBRARY_FAILED = 6,        /**< wolfSSL refused to start or failed in a way it does not explain */
  AMQP_WOLFSSL_ERROR_FIPS_MODULE = 7,   /**< wolfSSL's FIPS module is not in normal mode: a check of itself failed */
  AMQP_WOLFSSL_ERROR_POLICY_LOCKED = 8, /**< whoever built this library, or the administrator's file, fixed
                                               the policy or a version: no exceptions */
  AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID = 9, /**< the administrator's file (rabbitmq-wolfssl.conf) is not understood */

  /* Files, certificates and keys handed to a config */
  AMQP_WOLFSSL_ERROR_FILE_UNREADABLE = 20,
  AMQP_WOLFSSL_ERROR_NO_CERTIFICATE = 21,        /**< the input holds no certificate */
  AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED = 22, /**< a certificate in the input can't be parsed */
  AMQP_WOLFSSL_ERROR_CA_UNUSABLE = 23,           /**< a certificate given as CA is none, or is outside its validity */
  AMQP_WOLFSSL_ERROR_KEY_MALFORMED = 24,         /**< not a private key, or one that can't be parsed */
  AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED = 25,       /**< a kind of key, or of key encryption, that can't be used */
  AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING = 26,    /**< the key is encrypted and no passphrase was given */
  AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG = 27,
  AMQP_WOLFSSL_ERROR_KEY_MISMATCH = 28,            /**< certificate and private key don't belong together */
  AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY = 29, /**< own key or certificate is weaker than the policy allows */
  AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR = 30,         /**< the peer is to be verified but no CA was given */
  AMQP_WOLFSSL_ERROR_NAME_INVALID = 31,            /**< neither a DNS name nor an IP address */
  AMQP_WOLFSSL_ERROR_URI_INVALID = 32,             /**< not a PKCS#11 URI of a private key */
  AMQP_WOLFSSL_ERROR_TOKEN_MODULE_UNUSABLE = 33,   /**< the PKCS#11 module can't be loaded or started */
  AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND = 34,         /**< no token matches the URI, or more than one */
  AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND = 35,     /**< no private key of the token matches the URI, or more than one */
  AMQP_WOLFSSL_ERROR_TOKEN_PIN_LOCKED = 36,        /**< wrong PINs have locked the token, or one more would */
  AMQP_WOLFSSL_ERROR_TOKEN_FAILED = 37,            /**< the token or its module failed; the sentence has its reason */
  AMQP_WOLFSSL_ERROR_CRL_MALFORMED = 38,           /**< the input holds no CRL, or one that can't be parsed */
  AMQP_WOLFSSL_ERROR_CRL_UNUSABLE = 39, /**< a CRL that can't be relied upon: its signature, extensions or dates */

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
  AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN = 86, /**< revocation had to be checked and could not be */
  AMQP_WOLFSSL_ERROR_BAD_SIGNATURE = 87,
  AMQP_WOLFSSL_ERROR_WEAK_KEY = 88,
  AMQP_WOLFSSL_ERROR_CHAIN_INVALID = 89, /**< path length, CA flag, key usage, name constraints, chain too long */
  AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING = 90,
  AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID = 91, /**< any other reason; see wolfSSL's code */
  AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE = 92,      /**< a certificate is signed by an algorithm the policy does not allow */

  /* What was negotiated */
  AMQP_WOLFSSL_ERROR_POLICY_VERSION = 100,
  AMQP_WOLFSSL_ERROR_POLICY_SUITE = 101,
  AMQP_WOLFSSL_ERROR_POLICY_GROUP = 102,
  AMQP_WOLFSSL_ERROR_POLICY_SIGNATURE = 103,              /**< of the key exchange */
  AMQP_WOLFSSL_ERROR_POLICY_EXTENDED_MASTER_SECRET = 104, /**< TLS 1.2 without it (RFC 7627) */

  /* What the broker thinks of us */
  AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE = 120,
  AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE = 121,
  AMQP_WOLFSSL_ERROR_ALERT_RECEIVED = 122, /**< any other fatal alert */

  /* After the handshake */
  AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER = 140,  /**< close_notify: a clean end */
  AMQP_WOLFSSL_ERROR_TRUNCATED = 141,       /**< end of stream without close_notify */
  AMQP_WOLFSSL_ERROR_CONNECTION_LOST = 142, /**< the network or the peer broke the connection (errno in the sentence) */
  AMQP_WOLFSSL_ERROR_RECORD_CORRUPT = 143,  /**< a record failed its integrity check */
  AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION = 144,  /**< the peer broke the TLS protocol */
  AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN = 145 /**< a retried send offered fewer bytes than are already under way */
} amqp_wolfssl_code_t;

/** Direction of the TLS alert in an error record. */
typedef enum amqp_wolfssl_alert_direction_t {
  AMQP_WOLFSSL_ALERT_NONE = 0,
  AMQP_WOLFSSL_ALERT_SENT = 1,
  AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER = 2
} amqp_wolfssl_alert_direction_t;

/**
 * An error record. It belongs to the config or the socket it was read from. A config's stays valid until the next call
 * on that config; a socket's until the next call on that socket or its connection.
 */
typedef struct amqp_wolfssl_error_t_ amqp_wolfssl_error_t;

/** Where it happened; AMQP_WOLFSSL_STAGE_NONE when nothing has failed. \a error may be NULL in this and all that
 * follow. */
AMQP_WOLFSSL_API amqp_wolfssl_stage_t amqp_wolfssl_error_stage(const amqp_wolfssl_error_t *error);
/** What happened; AMQP_WOLFSSL_OK when nothing has failed. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_error_code(const amqp_wolfssl_error_t *error);
/** One sentence that says what happened and what to do about it. Never NULL, never holds a secret, UTF-8, one line. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_error_message(const amqp_wolfssl_error_t *error);
/** wolfSSL's own (negative) code, or 0. */
AMQP_WOLFSSL_API int amqp_wolfssl_error_wolfssl_code(const amqp_wolfssl_error_t *error);
/** The alert's number (RFC 8446, section 6.2), or -1 when none was seen. */
AMQP_WOLFSSL_API int amqp_wolfssl_error_alert(const amqp_wolfssl_error_t *error);
/** Whether that alert was sent or received. */
AMQP_WOLFSSL_API amqp_wolfssl_alert_direction_t amqp_wolfssl_error_alert_direction(const amqp_wolfssl_error_t *error);
/**
 * Subject (RFC 4514 order) of the certificate the error is about, the server's or our own; "" when it is about none.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_error_certificate_subject(const amqp_wolfssl_error_t *error);
/** Depth of that certificate in its chain: 0 is the leaf, 1 its issuer, and so on; -1 when the error is about none. */
AMQP_WOLFSSL_API int amqp_wolfssl_error_certificate_depth(const amqp_wolfssl_error_t *error);

/** "handshake", "verify", …: static text, never NULL. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_stage_name(amqp_wolfssl_stage_t stage);
/** "NAME_MISMATCH", …: static text, never NULL. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_code_name(amqp_wolfssl_code_t code);
/** "certificate_expired", …, as RFC 8446 and its predecessors spell it; "unknown" for others. Static text. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_alert_name(int alert);

/* ---- Config ---------------------------------------------------------------------------------------------------- */

/**
 * Who I am, whom I trust, under which policy. A fresh config verifies the peer and its host name, allows TLS 1.2
 * and 1.3, and follows AMQP_WOLFSSL_POLICY_FIPS. It trusts nobody until a CA is added.
 *
 * Every setter checks what it is given at once, and takes all of it or nothing: when one returns anything but
 * AMQP_WOLFSSL_OK the config is as it was, and amqp_wolfssl_config_error() says why. What is given is copied.
 *
 * A setter's failure is also remembered for a program that never looks: once a setter has failed, opening a socket
 * fails with that setter's error, until a later call of the same setter succeeds. (One refused with
 * AMQP_WOLFSSL_ERROR_CONFIG_FROZEN changes nothing for sockets that share the config.)
 */
typedef struct amqp_wolfssl_config_t_ amqp_wolfssl_config_t;

typedef enum amqp_wolfssl_format_t {
  AMQP_WOLFSSL_FORMAT_AUTO = 0, /**< PEM when it holds "-----BEGIN", else DER */
  AMQP_WOLFSSL_FORMAT_PEM = 1,
  AMQP_WOLFSSL_FORMAT_DER = 2
} amqp_wolfssl_format_t;

typedef enum amqp_wolfssl_version_t {
  AMQP_WOLFSSL_TLS_1_2 = 0x0303,
  AMQP_WOLFSSL_TLS_1_3 = 0x0304
} amqp_wolfssl_version_t;

/** Which suites, groups and keys may be used. See the README's table of options. */
typedef enum amqp_wolfssl_policy_t {
  /**
   * NIST SP 800-52r2 within what FIPS 140-3 modules approve: AES-GCM with ECDHE; P-256, P-384, P-521; SHA-2; RSA from
   * 2048, EC from 256 bits; TLS 1.2 with the Extended Master Secret only (RFC 7627).
   */
  AMQP_WOLFSSL_POLICY_FIPS = 1,
  /** RFC 9151 (CNSA 1.0): AES-256-GCM, P-384, SHA-384, RSA from 3072 bits or P-384. */
  AMQP_WOLFSSL_POLICY_CNSA = 2,
  /**
   * FIPS's, and ChaCha20-Poly1305, X25519, Ed25519, and hybrids with ML-KEM where wolfSSL has them; ChaCha20 comes
   * first when wolfSSL has no AES instructions; TLS 1.2 without the Extended Master Secret too. Not for FIPS.
   */
  AMQP_WOLFSSL_POLICY_MODERN = 3
} amqp_wolfssl_policy_t;

/** Whether the broker is asked to staple an OCSP answer about its certificate (RFC 6066, section 8). */
typedef enum amqp_wolfssl_stapling_t {
  AMQP_WOLFSSL_STAPLING_OFF = 0,     /**< it is not asked */
  AMQP_WOLFSSL_STAPLING_REQUEST = 1, /**< a bad answer is refused, no answer is taken */
  AMQP_WOLFSSL_STAPLING_REQUIRE = 2  /**< no answer is refused too */
} amqp_wolfssl_stapling_t;

/**
 * Asks the program for the passphrase of an encrypted key, or for the PIN of a token.
 *
 * Called from amqp_wolfssl_config_set_identity_*() only, in the thread that calls it, at most once a call, and only
 * when the key is encrypted or the token wants a PIN that its URI does not have.
 * \param [out] passphrase where to put it; need not end in NUL. The library wipes the buffer after use
 * \param [in] capacity bytes available there
 * \param [in] user_data as given to amqp_wolfssl_config_set_passphrase_callback()
 * \return bytes written, or a negative number to refuse
 */
typedef int (*amqp_wolfssl_passphrase_fn)(char *passphrase, size_t capacity, void *user_data);

/**
 * A fresh config with one reference, or NULL without memory. An administrator's file (rabbitmq-wolfssl.conf in the
 * library's sysconfdir) is read now: it can make the config stricter than its setters do. When it is not understood,
 * every open fails and says which line.
 */
AMQP_WOLFSSL_API AMQP_WOLFSSL_MUST_CHECK amqp_wolfssl_config_t *amqp_wolfssl_config_new(void);
/** One more reference; returns \a config. Any thread. */
AMQP_WOLFSSL_API amqp_wolfssl_config_t *amqp_wolfssl_config_reference(amqp_wolfssl_config_t *config);
/** Drops a reference. The last one wipes and frees; sockets hold one each. NULL does nothing. Any thread. */
AMQP_WOLFSSL_API void amqp_wolfssl_config_free(amqp_wolfssl_config_t *config);
/**
 * What the last failed setter had to say. Never NULL unless \a config is. A setter refused with
 * AMQP_WOLFSSL_ERROR_CONFIG_FROZEN leaves no record: other threads may be using the config.
 */
AMQP_WOLFSSL_API const amqp_wolfssl_error_t *amqp_wolfssl_config_error(const amqp_wolfssl_config_t *config);

/** Trusts every CA certificate of a PEM file, or the one of a DER file. May be called again to add more. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_file(amqp_wolfssl_config_t *config, const char *path);
/** Trusts the CA certificates of all regular files directly in a folder that hold any. Files without one are passed
 * over. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_folder(amqp_wolfssl_config_t *config, const char *path);
/** The same from memory. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_memory(amqp_wolfssl_config_t *config, const void *data,
                                                                       size_t length, amqp_wolfssl_format_t format);
/** Trusts the system's CA certificates, from where wolfSSL looks for them (on Debian /etc/ssl/certs). */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_system(amqp_wolfssl_config_t *config);

/**
 * Checks the broker's certificates by the revocation lists of a PEM file, or the one of a DER file. May be called again
 * to add more.
 *
 * From the first list on each certificate, from the broker's own up to the one that a trusted CA issued, needs a list
 * of its issuer that is in date and does not name it; else the connection is refused. Files are read again at the next
 * open when they have changed; one that can't be read any more makes open fail. Lists that cover only a part (delta
 * lists, any critical extension) are refused. Signatures are checked as soon as the issuer is known.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_file(amqp_wolfssl_config_t *config, const char *path);
/**
 * The same with all files directly in a folder that hold revocation lists: in PEM, or named *.crl or as c_rehash names
 * them. A file there that can't be read, whatever its name, makes this and open fail, for it might be the list that
 * revokes; so do those named like this or *.pem when they can't be parsed. Keep nothing else in it.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_folder(amqp_wolfssl_config_t *config,
                                                                        const char *path);
/** The same from memory; these can't be refreshed, so an expired one is refused at once. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_memory(amqp_wolfssl_config_t *config, const void *data,
                                                                        size_t length, amqp_wolfssl_format_t format);
/**
 * Whether the broker is to staple an OCSP answer (default: AMQP_WOLFSSL_STAPLING_OFF). It is checked for the broker's
 * own certificate: by whom it is signed, its dates, and what it says. Nothing is fetched from anywhere.
 * AMQP_WOLFSSL_ERROR_NOT_SUPPORTED where wolfSSL was built without. A wolfSSL before 5.8 does not show what is stapled
 * in TLS 1.3: there opening fails with that code, before a packet, unless TLS 1.2 is the highest version
 * (amqp_wolfssl_config_set_tls_versions()). CRLs work in every version.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_stapling(amqp_wolfssl_config_t *config,
                                                                      amqp_wolfssl_stapling_t stapling);

/**
 * The client's certificate, followed by the intermediates up to the broker's CA, and its private key (RSA or EC).
 * PEM or DER; the key as PKCS#8, PKCS#8 encrypted, PKCS#1 or SEC 1. They are checked to belong together by a signature
 * made with the one and verified with the other. Replaces an identity set before.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_files(amqp_wolfssl_config_t *config,
                                                                            const char *certificate_path,
                                                                            const char *key_path);
/** The same from memory. The caller wipes its own copy of the key. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_memory(amqp_wolfssl_config_t *config,
                                                                             const void *certificate,
                                                                             size_t certificate_length, const void *key,
                                                                             size_t key_length);
/** The same with the certificate and its chain from a file and the key from memory. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_file_and_key(amqp_wolfssl_config_t *config,
                                                                                   const char *certificate_path,
                                                                                   const void *key, size_t key_length);
/**
 * The client's certificate from a file, as above, with a private key that stays in a PKCS#11 token. \a key_uri says
 * which (RFC 7512): one token by token, serial, manufacturer, model or slot-id, and one private key in it by object, id
 * or both. module-path is the PKCS#11 module's file; without it the modules of p11-kit's configuration are looked
 * through (all, or the one of module-name). The PIN is that of pin-value, or in the file named by pin-source, or else
 * the config's passphrase. It is tried once and not kept. A process that is logged in to the token already (by another
 * config, say) stays so, whatever the PIN.
 *
 * The config holds a session with the token until it is freed. Any number of its connections, in any threads, may be
 * opened at a time; the token makes one signature after another. After fork() the child must make configs of its own:
 * with the parent's, opening fails. A token that was unplugged, or whose module restarted, needs a new config.
 *
 * AMQP_WOLFSSL_ERROR_NOT_SUPPORTED when this library was built without p11-kit or on a wolfSSL without callbacks for
 * private keys.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_pkcs11(amqp_wolfssl_config_t *config,
                                                                             const char *certificate_path,
                                                                             const char *key_uri);
/** Whether amqp_wolfssl_config_set_identity_pkcs11() was built in: 1 or 0. */
AMQP_WOLFSSL_API int amqp_wolfssl_has_pkcs11(void);
/** Passphrase for encrypted keys, or PIN of a token; set it before the identity. NULL forgets it. Wiped when the config
 * goes. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_passphrase(amqp_wolfssl_config_t *config,
                                                                        const char *passphrase);
/** The same by asking for it when needed. NULL takes the callback away. A string set before is forgotten. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_passphrase_callback(amqp_wolfssl_config_t *config,
                                                                                 amqp_wolfssl_passphrase_fn callback,
                                                                                 void *user_data);

/**
 * Whether the server's certificate must chain to a trusted CA (default: 1). 0 is for experiments only; a locked policy,
 * or one in the administrator's file, refuses it (AMQP_WOLFSSL_ERROR_POLICY_LOCKED). The policy on keys and signatures
 * holds in any case.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_verify_peer(amqp_wolfssl_config_t *config, int verify);
/**
 * Whether the server's certificate must carry the name connected to, by RFC 9525 (default: 1). 0 is refused likewise.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_verify_host(amqp_wolfssl_config_t *config, int verify);
/**
 * The server's name when it is not the address connected to: sent as SNI if it is a DNS name, and what its certificate
 * is checked against. A DNS name, an IPv4 or an IPv6 literal. NULL: the host given to amqp_socket_open() (default).
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_server_name(amqp_wolfssl_config_t *config,
                                                                         const char *name);
/** Lowest and highest TLS version (default: 1.2 to 1.3). Nothing below TLS 1.2 can be had. */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_tls_versions(amqp_wolfssl_config_t *config,
                                                                          amqp_wolfssl_version_t lowest,
                                                                          amqp_wolfssl_version_t highest);
/**
 * Which policy to follow (default: AMQP_WOLFSSL_POLICY_FIPS). Set it before the identity, which is checked against it.
 * Under AMQP_WOLFSSL_POLICY_CNSA nothing opens without CRLs or required stapling.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_policy(amqp_wolfssl_config_t *config,
                                                                    amqp_wolfssl_policy_t policy);

/**
 * Narrows the policy to these cipher suites, in this order of preference: IANA's names, separated by colons, commas or
 * spaces. A name that is unknown or outside the policy is refused, and nothing changes. Set it after the policy.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_suites(amqp_wolfssl_config_t *config, const char *names);
/** The same for key exchange groups, as "secp384r1:secp256r1". */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_groups(amqp_wolfssl_config_t *config, const char *names);
/**
 * Whether TLS 1.2 needs the Extended Master Secret (RFC 7627). Default: as the policy says. 0 is an exception for
 * brokers that lack it, as RabbitMQ does on Erlang/OTP 25; amqp_wolfssl_socket_extended_master_secret() then tells. Set
 * it after the policy.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t
amqp_wolfssl_config_set_require_extended_master_secret(amqp_wolfssl_config_t *config, int require);

/**
 * How long a connection may last, in seconds; 0: no limit. Default: none, and a day under the policies FIPS and CNSA
 * where wolfSSL is a FIPS build, whose maker advises to reconnect within 24 to 48 hours. Nothing is closed:
 * amqp_wolfssl_socket_due() tells the program when it is time.
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_config_set_maximum_life(amqp_wolfssl_config_t *config,
                                                                          int64_t seconds);

/* ---- Socket ---------------------------------------------------------------------------------------------------- */

/**
 * Makes a TLS socket and attaches it to \a connection, which owns it from then on: amqp_destroy_connection() closes and
 * frees it. A socket attached before is closed and freed. Freezes \a config and takes a reference to it.
 *
 * Open it with amqp_socket_open() or amqp_socket_open_noblock(): one time limit covers name lookup (as far as the
 * system's resolver lets itself be limited), TCP and TLS. After a failed open it can be opened again.
 *
 * \return NULL without memory, for a NULL argument, or when the librabbitmq found at run time has another interface. A
 * wolfSSL that does not work makes opening fail, with a record.
 */
AMQP_WOLFSSL_API AMQP_WOLFSSL_MUST_CHECK amqp_socket_t *amqp_wolfssl_socket_new(amqp_connection_state_t connection,
                                                                                amqp_wolfssl_config_t *config);

/**
 * The same with a config of its own. This gives configs a second life, thawed whenever their socket is closed, which
 * only an interface like that of rabbitmq-c's ssl_socket.h needs: there options are set on a socket that exists
 * already. It is here for librabbitmq-wolfssl-compat; other programs do better with amqp_wolfssl_socket_new().
 *
 * amqp_wolfssl_socket_config() gives that config. It is fresh, it belongs to this socket alone, and it is frozen only
 * while the socket is open: before, between and after, its options can be changed, and the next open uses them. A
 * setter called while the socket is open fails, is in the config's record, and keeps the next open from succeeding
 * until the same setter succeeds. Like the socket, it belongs to one thread at a time.
 *
 * \return NULL without memory, for a NULL argument, or when the librabbitmq found at run time has another interface. A
 * wolfSSL that does not work makes opening fail, with a record.
 */
AMQP_WOLFSSL_API AMQP_WOLFSSL_MUST_CHECK amqp_socket_t *amqp_wolfssl_socket_new_unshared(
    amqp_connection_state_t connection);
/**
 * The config a socket was made with, borrowed from the socket; NULL when \a socket is not ours. One that came from
 * amqp_wolfssl_socket_new_unshared() can't be given to amqp_wolfssl_socket_new().
 */
AMQP_WOLFSSL_API amqp_wolfssl_config_t *amqp_wolfssl_socket_config(const amqp_socket_t *socket);

/**
 * Whether this library can work with the librabbitmq and the wolfSSL it finds itself running on.
 * \param [out] message if not NULL, receives a sentence that says what is wrong; static text, never NULL afterwards
 * \return AMQP_WOLFSSL_OK, AMQP_WOLFSSL_ERROR_RABBITMQ_INCOMPATIBLE, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
 * AMQP_WOLFSSL_ERROR_FIPS_MODULE or AMQP_WOLFSSL_ERROR_NO_MEMORY
 */
AMQP_WOLFSSL_API amqp_wolfssl_code_t amqp_wolfssl_check_runtime(const char **message);

/** 1 when \a socket was made by amqp_wolfssl_socket_new(), else 0 (NULL too). */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_is_ours(const amqp_socket_t *socket);
/** The last error of this socket. NULL when \a socket is not ours. */
AMQP_WOLFSSL_API const amqp_wolfssl_error_t *amqp_wolfssl_socket_error(const amqp_socket_t *socket);
/**
 * Is told that opening, sending or receiving has failed, in the thread that does it: once for each failed open, once
 * for each connection that ends while it is used (also by the broker's close_notify). \a error holds until it returns;
 * it must not call rabbitmq-c or setters.
 */
typedef void (*amqp_wolfssl_error_fn)(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data);
/**
 * Has \a callback told of this socket's failures, for logs of programs that can't ask at each call. NULL: nobody.
 * \return AMQP_STATUS_OK, or AMQP_STATUS_INVALID_PARAMETER when \a socket is not ours
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_set_error_callback(amqp_socket_t *socket, amqp_wolfssl_error_fn callback,
                                                            void *user_data);

/**
 * 1 when the connection has lasted as long as amqp_wolfssl_config_set_maximum_life() or the administrator's file
 * allows: the program should close it and connect anew when that suits it. 0 before, for a socket that is not open, not
 * ours, or without a limit. Asks the clock and nothing else, so it can be called often.
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_due(const amqp_socket_t *socket);

/**
 * Collects what is sent into full TLS records instead of one record and one system call a publish, until
 * amqp_wolfssl_socket_uncork(). For programs that publish many small messages in a row.
 *
 * A record that is full is sent at once. Less than a record (16 KiB) may wait: until it is full, until uncorking, or
 * until the program waits for anything from the broker (a reply, a confirm, a delivery), which sends it first. So a
 * cork that is forgotten can't make a program wait for an answer to what it has not sent; but without any of these what
 * was published last stays here. While it waits, amqp_basic_publish() has returned AMQP_STATUS_OK; when sending fails,
 * a later call says so. Publisher confirms tell what the broker has. Closing politely sends what waits; a forced close
 * drops it.
 *
 * \return AMQP_STATUS_OK, AMQP_STATUS_SOCKET_CLOSED, or AMQP_STATUS_INVALID_PARAMETER when \a socket is not ours
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_cork(amqp_socket_t *socket);
/**
 * Ends amqp_wolfssl_socket_cork() and waits until all that was collected has been handed to the kernel.
 * \param [in] timeout how long to wait; NULL: for ever
 * \return AMQP_STATUS_OK; AMQP_STATUS_TIMEOUT: call it again to go on; AMQP_STATUS_INVALID_PARAMETER when \a socket is
 * not ours or \a timeout is not valid; AMQP_STATUS_SOCKET_CLOSED; or another status when the connection has failed
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_uncork(amqp_socket_t *socket, const struct timeval *timeout);

/*
 * Facts of the connection. They hold from a successful open until the next open or the socket's end; before that the
 * texts are "", the numbers 0. Texts belong to the socket. With a \a socket that is not ours: "" and 0.
 */

/** "TLSv1.2" or "TLSv1.3". */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_version(const amqp_socket_t *socket);
/** IANA's name of the cipher suite, as "TLS_AES_256_GCM_SHA384". */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_suite(const amqp_socket_t *socket);
/** IANA's name of the key exchange group, as "secp256r1"; "" where wolfSSL does not say. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_group(const amqp_socket_t *socket);
/**
 * 1 when the master secret is bound to the handshake: Extended Master Secret (RFC 7627), or TLS 1.3, which always is.
 */
AMQP_WOLFSSL_API int amqp_wolfssl_socket_extended_master_secret(const amqp_socket_t *socket);
/** The server certificate's subject, in RFC 4514 order ("CN=broker,O=Acme" for O=Acme then CN=broker). */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_peer_subject(const amqp_socket_t *socket);
/** The server certificate's issuer. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_peer_issuer(const amqp_socket_t *socket);
/** How many subject alternative names the server certificate has. */
AMQP_WOLFSSL_API size_t amqp_wolfssl_socket_peer_name_count(const amqp_socket_t *socket);
/** The \a index-th of them, as "DNS:broker.example" or "IP:192.0.2.1"; "" past the end. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_peer_name(const amqp_socket_t *socket, size_t index);
/** Start of the server certificate's validity, in seconds since 1970-01-01 UTC. */
AMQP_WOLFSSL_API int64_t amqp_wolfssl_socket_peer_not_before(const amqp_socket_t *socket);
/** End of the server certificate's validity, in seconds since 1970-01-01 UTC. */
AMQP_WOLFSSL_API int64_t amqp_wolfssl_socket_peer_not_after(const amqp_socket_t *socket);
/** Our own certificate's subject, or "" without one. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_socket_own_subject(const amqp_socket_t *socket);

/* ---- The FIPS module ------------------------------------------------------------------------------------------- */

/** State of the FIPS module of the wolfSSL this library was built with. */
typedef enum amqp_wolfssl_fips_status_t {
  AMQP_WOLFSSL_FIPS_NOT_BUILT_IN = 0, /**< this wolfSSL is none of the builds with the module */
  AMQP_WOLFSSL_FIPS_NORMAL = 1,       /**< it checked itself and can be used */
  AMQP_WOLFSSL_FIPS_DEGRADED = 2,     /**< a self test of an algorithm failed; nothing is opened */
  AMQP_WOLFSSL_FIPS_FAILED = 3        /**< its integrity check failed, or it is in no mode that is known */
} amqp_wolfssl_fips_status_t;

/**
 * The module's state now. The first call of this library that needs wolfSSL (this one is such) starts it, and has the
 * module make all its self tests; let that be before the program makes threads that use wolfSSL in other ways. A module
 * in error stays so until the process ends: no connection is opened any more, with AMQP_WOLFSSL_ERROR_FIPS_MODULE.
 */
AMQP_WOLFSSL_API amqp_wolfssl_fips_status_t amqp_wolfssl_fips_status(void);
/** The module's version in its own words, which names its certificate; "" without a module. Static text. */
AMQP_WOLFSSL_API const char *amqp_wolfssl_fips_version(void);

/* ---- The build ------------------------------------------------------------------------------------------------- */

/**
 * One line: this library's version, the wolfSSL (its version, whether it is a FIPS build and must be one, and whether
 * it uses AES instructions) and the librabbitmq it was built with, and those it runs on, with the FIPS module's version
 * and its state at the start. Static text.
 */
AMQP_WOLFSSL_API const char *amqp_wolfssl_build_info(void);

#ifdef __cplusplus
}
#endif

#endif /* AMQP_WOLFSSL_SOCKET_H */

/* SPDX-License-Identifier: MIT */
/*
 * Connections to TLS servers of other makes: what must succeed, what must be refused and with which words, and how a
 * connection ends. None of them speaks AMQP; where bytes have to move, rabbitmq-c's protocol header does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <amqp_wolfssl_socket.h>
#include <wolfssl/options.h>

#include "client.h"
#include "minted_certificates.h"
#include "peer_process.h"
#include "temporary_folder.h"
#include "tls_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* What rabbitmq-c makes of a protocol header; <amqp.h> tells of the name, but does not define it. */
#define PROTOCOL_HEADER_FRAME 'A'

/* ---- Good certificates ---- */

struct good_certificate {
  const char *name;
  const char *issuer;
};

static const struct good_certificate good_certificates[] = {
    {"server", "CN=Acme Test Root,O=Acme Test"},
    {"server-rsa", "CN=Acme Test RSA Root,O=Acme Test"},
    {"server-p384", "CN=Acme Test Root,O=Acme Test"},
    {"server-p521", "CN=Acme Test Root,O=Acme Test"},
    {"server-chain", "CN=Acme Test Intermediate,O=Acme Test"},
};

static void check_facts(const struct client *client, const struct good_certificate *certificate, int version) {
  static const char *const names[] = {"DNS:localhost", "DNS:rabbitmq", "DNS:*.broker.test", "IP:127.0.0.1", "IP:::1"};
  char subject[64];

  (void)snprintf(subject, sizeof(subject), "CN=%s,O=Acme", certificate->name);
  assert_string_equal(amqp_wolfssl_socket_version(client->socket), client_version_name(version));
  assert_string_equal(amqp_wolfssl_socket_peer_subject(client->socket), subject);
  assert_string_equal(amqp_wolfssl_socket_peer_issuer(client->socket), certificate->issuer);
  assert_string_equal(amqp_wolfssl_socket_own_subject(client->socket), "CN=client1,O=Acme");
  assert_int_equal(amqp_wolfssl_socket_peer_name_count(client->socket), COUNT(names));
  for (size_t i = 0; i < COUNT(names); i++) {
    assert_string_equal(amqp_wolfssl_socket_peer_name(client->socket, i), names[i]);
  }
  assert_int_equal(amqp_wolfssl_socket_extended_master_secret(client->socket), 1);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client->socket)), AMQP_WOLFSSL_OK);
}

static void check_suite(enum tls_server_kind kind, const struct client *client, struct tls_server *server) {
  const char *suite = amqp_wolfssl_socket_suite(client->socket);

  if (kind == TLS_SERVER_OPENSSL) {
    /* It names TLS 1.2's suites in a way of its own, without "TLS_" and "_WITH", and with dashes. */
    char line[128];
    size_t used = (size_t)snprintf(line, sizeof(line), "CIPHER is ");

    if (strcmp(amqp_wolfssl_socket_version(client->socket), "TLSv1.3") == 0) {
      (void)snprintf(line + used, sizeof(line) - used, "%s\n", suite);
    } else {
      (void)snprintf(line + used, sizeof(line) - used, "ECDHE-%s-AES%s-GCM-%s\n",
                     strstr(suite, "_ECDSA_") != NULL ? "ECDSA" : "RSA", strstr(suite, "_256_") != NULL ? "256" : "128",
                     strstr(suite, "SHA384") != NULL ? "SHA384" : "SHA256");
    }
    peer_process_expect(server->process, line);
  } else {
    peer_process_expect(server->process,
                        strstr(suite, "_256_") != NULL ? "- Cipher: AES-256-GCM" : "- Cipher: AES-128-GCM");
  }
}

/* The one shows the bytes, the other how many there are. */
static void send_protocol_header(enum tls_server_kind kind, struct client *client, struct tls_server *server) {
  assert_int_equal(amqp_send_header(client->connection), AMQP_STATUS_OK);
  peer_process_expect(server->process, kind == TLS_SERVER_OPENSSL ? "AMQP" : "Application Data(23) with length: 8\n");
}

static void connect_to_good_servers(enum tls_server_kind kind) {
  for (size_t i = 0; i < COUNT(good_certificates); i++) {
    for (size_t j = 0; j < COUNT(client_versions); j++) {
      struct tls_server server = tls_server_start(kind, good_certificates[i].name, client_versions[j], NULL);
      struct client client = client_new(&client_ordinary);

      client_open(&client, "127.0.0.1", server.port);
      check_facts(&client, &good_certificates[i], client_versions[j]);
      tls_server_expect_client(kind, &server, "client1");
      check_suite(kind, &client, &server);
      send_protocol_header(kind, &client, &server);
      client_destroy(&client);
      peer_process_stop(server.process);
    }
  }
}

static void openssl_with_each_certificate(void **state) {
  (void)state;
  connect_to_good_servers(TLS_SERVER_OPENSSL);
}

static void gnutls_with_each_certificate(void **state) {
  (void)state;
  connect_to_good_servers(TLS_SERVER_GNUTLS);
}

/* ---- Certificates that must be refused, in the handshake ---- */

struct refused_certificate {
  const char *name;
  int status;
  const char *code;
  int alert; /* the one we send; 0: UNKNOWN_CA or BAD_CERTIFICATE, as wolfSSL has it */
  const char *sentence;
};

enum { BAD_RECORD_MAC = 20, BAD_CERTIFICATE = 42, CERTIFICATE_EXPIRED = 45, UNKNOWN_CA = 48 };

static const struct refused_certificate refused_certificates[] = {
    {"server-expired", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "CERTIFICATE_EXPIRED", CERTIFICATE_EXPIRED, "has expired"},
    {"server-not-yet-valid", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "CERTIFICATE_NOT_YET_VALID", CERTIFICATE_EXPIRED,
     "not valid yet"},
    {"server-wrong-name", AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, "NAME_MISMATCH", BAD_CERTIFICATE,
     "not for IP:127.0.0.1 but for DNS:elsewhere.test"},
    {"server-no-san", AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, "NAME_MISMATCH", BAD_CERTIFICATE, "no name at all"},
    {"server-self-signed", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "SELF_SIGNED", 0, "self-signed"},
    {"server-other-ca", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "UNKNOWN_CA", UNKNOWN_CA,
     "\"CN=Other Test Root,O=Other Test\""},
    {"server-chain-leaf-only", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "UNKNOWN_CA", UNKNOWN_CA,
     "\"CN=Acme Test Intermediate,O=Acme Test\""},
    {"server-weak-rsa1024", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "WEAK_KEY", BAD_CERTIFICATE, "RSA key"},
    {"server-client-eku", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "CHAIN_INVALID", BAD_CERTIFICATE,
     "not meant for servers"},
};

/* server-no-san has its name in the common name only, where it does not count; a chain's leaf is its chain's. */
static const char *subject_of(const char *certificate, char subject[128]) {
  size_t length = strlen(certificate);

  if (strcmp(certificate, "server-no-san") == 0) {
    return "CN=localhost,O=Acme";
  }
  if (strcmp(certificate, "server-chain-leaf-only") == 0) {
    length = strlen("server-chain");
  }
  (void)snprintf(subject, 128, "CN=%.*s,O=Acme", (int)length, certificate);
  return subject;
}

/* OpenSSL itself won't show a key of 1024 bits unless told to. */
static const char *const *tolerate_weak_keys(enum tls_server_kind kind, const char *certificate) {
  static const char *const openssl[] = {"-cipher", "DEFAULT:@SECLEVEL=0", NULL};
  static const char *const proxy[] = {"--security-level", "0", NULL};

  if (strstr(certificate, "weak") == NULL || kind == TLS_SERVER_GNUTLS) {
    return NULL;
  }
  return kind == TLS_SERVER_OPENSSL ? openssl : proxy;
}

static int alert_of(const struct refused_certificate *refused, const struct client *client) {
  const int sent = amqp_wolfssl_error_alert(amqp_wolfssl_socket_error(client->socket));

  if (refused->alert != 0) {
    return refused->alert;
  }
  return sent == UNKNOWN_CA ? UNKNOWN_CA : BAD_CERTIFICATE;
}

static void refuse_server(enum tls_server_kind kind, const struct refused_certificate *refused, int version) {
  const char *const *more = tolerate_weak_keys(kind, refused->name);
  struct tls_server server = tls_server_start(kind, refused->name, version, more);
  struct client client = client_new(&client_ordinary);
  const int status = client_try_open(&client, "127.0.0.1", server.port);
  const int alert = alert_of(refused, &client);
  const char *sentence = amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket));
  char subject[128];

  assert_string_equal(client_describe_failure(&client, status),
                      client_describe_expected(refused->status, "verify", refused->code, alert, 1, 0,
                                               subject_of(refused->name, subject)));
  if (strstr(sentence, refused->sentence) == NULL) {
    fail_msg("%s: \"%s\" is not in \"%s\"", refused->name, refused->sentence, sentence);
  }
  tls_server_expect_alert(kind, &server, alert);
  assert_false(tls_server_saw_client(kind, &server, "client1"));
  assert_int_equal(amqp_get_sockfd(client.connection), -1);
  assert_string_equal(amqp_wolfssl_socket_peer_subject(client.socket), "");
  client_destroy(&client);
  peer_process_stop(server.process);
}

static void refuse_servers(enum tls_server_kind kind) {
  for (size_t i = 0; i < COUNT(refused_certificates); i++) {
    /* GnuTLS picks a signature with SHA-512, for which this key is too short, and gives up before we can refuse it. */
    if (kind == TLS_SERVER_GNUTLS && strcmp(refused_certificates[i].name, "server-weak-rsa1024") == 0) {
      continue;
    }
    for (size_t j = 0; j < COUNT(client_versions); j++) {
      print_message("# %s, %s, %s\n", tls_server_name(kind), refused_certificates[i].name,
                    client_version_name(client_versions[j]));
      refuse_server(kind, &refused_certificates[i], client_versions[j]);
    }
  }
}

static void openssl_with_a_refused_certificate(void **state) {
  (void)state;
  refuse_servers(TLS_SERVER_OPENSSL);
}

static void gnutls_with_a_refused_certificate(void **state) {
  (void)state;
  refuse_servers(TLS_SERVER_GNUTLS);
}

static void proxy_with_a_refused_certificate(void **state) {
  (void)state;
  refuse_servers(TLS_SERVER_PROXY);
}

static void an_unknown_ca(void **state) {
  const struct client_settings settings = {.ca = "other-ca", .identity = "client"};
  (void)state;

  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", client_versions[i], NULL);
    struct client client = client_new(&settings);
    const int status = client_try_open(&client, "127.0.0.1", server.port);

    assert_string_equal(client_describe_failure(&client, status),
                        client_describe_expected(AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "verify", "UNKNOWN_CA", UNKNOWN_CA,
                                                 1, 0, "CN=server,O=Acme"));
    tls_server_expect_alert(TLS_SERVER_OPENSSL, &server, UNKNOWN_CA);
    assert_false(tls_server_saw_client(TLS_SERVER_OPENSSL, &server, "client1"));
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* ---- Names and addresses ---- */

struct name_row {
  const char *host;        /* where to connect */
  const char *server_name; /* NULL: none apart from the host */
  bool matches;
};

static const struct name_row name_rows[] = {
    {"127.0.0.1", NULL, true},
    {"localhost", NULL, true},
    {"127.0.0.1", "localhost", true},
    {"127.0.0.1", "LOCALHOST", true},
    {"127.0.0.1", "localhost.", true},
    {"127.0.0.1", "rabbitmq", true},
    {"127.0.0.1", "node1.broker.test", true},
    {"127.0.0.1", "NODE1.Broker.Test", true},
    {"127.0.0.1", "::1", true},
    {"127.0.0.1", "0:0:0:0:0:0:0:1", true},
    {"localhost", "127.0.0.1", true},
    {"127.0.0.1", "broker.test", false},
    {"127.0.0.1", "a.node1.broker.test", false},
    {"127.0.0.1", "server", false}, /* its common name */
    {"127.0.0.1", "127.0.0.2", false},
    {"127.0.0.1", "::2", false},
    {"127.0.0.1", "127.0.0.1.broker.test", false},
    {"localhost", "elsewhere.test", false},
};

static void try_name(const struct name_row *row, int port) {
  const struct client_settings settings = {.ca = "bundle", .identity = "client", .server_name = row->server_name};
  struct client client = client_new(&settings);
  const int status = client_try_open(&client, row->host, port);
  const int expected = row->matches ? AMQP_STATUS_OK : AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED;
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client.socket);

  if (status != expected ||
      amqp_wolfssl_error_code(error) != (row->matches ? AMQP_WOLFSSL_OK : AMQP_WOLFSSL_ERROR_NAME_MISMATCH)) {
    fail_msg("host %s, name %s: %s", row->host, row->server_name != NULL ? row->server_name : "none",
             client_describe_failure(&client, status));
  }
  client_destroy(&client);
}

static void names_and_addresses(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", client_versions[i], NULL);

    for (size_t j = 0; j < COUNT(name_rows); j++) {
      try_name(&name_rows[j], server.port);
    }
    peer_process_stop(server.process);
  }
}

static bool has_ipv6_loopback(void) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool bound = descriptor >= 0 && bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0;

  if (descriptor >= 0) {
    (void)close(descriptor);
  }
  return bound;
}

static void an_ipv6_address(void **state) {
  struct tls_server server;
  const struct name_row good = {"::1", NULL, true};
  const struct name_row bad = {"::1", "::2", false};
  (void)state;

  if (!has_ipv6_loopback()) {
    print_message("# no IPv6 on this machine\n");
    skip();
  }
  server = tls_server_start_openssl_at("[::1]:0", "server", NULL);
  try_name(&good, server.port);
  try_name(&bad, server.port);
  peer_process_stop(server.process);
}

/* A certificate for another name than the address; the name set apart is what counts. */
static void a_name_apart_from_the_address(void **state) {
  const struct client_settings settings = {.ca = "bundle", .identity = "client", .server_name = "elsewhere.test"};
  (void)state;

  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server-wrong-name", client_versions[i], NULL);
    struct client client = client_new(&settings);

    client_open(&client, "127.0.0.1", server.port);
    assert_string_equal(amqp_wolfssl_socket_peer_name(client.socket, 0), "DNS:elsewhere.test");
    assert_string_equal(amqp_wolfssl_socket_peer_name(client.socket, 1), "");
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* ---- Server name indication ---- */

struct sni_row {
  const char *host;
  const char *server_name;
  const char *sent; /* as tls_proxy tells it */
};

static const struct sni_row sni_rows[] = {
    {"localhost", NULL, "SERVER-NAME localhost\n"},
    {"127.0.0.1", "rabbitmq", "SERVER-NAME rabbitmq\n"},
    {"127.0.0.1", "node1.broker.test", "SERVER-NAME node1.broker.test\n"},
    {"127.0.0.1", "localhost.", "SERVER-NAME localhost\n"}, /* RFC 6066, section 3: no trailing dot */
    {"127.0.0.1", NULL, "SERVER-NAME none\n"},              /* ... and no addresses */
    {"127.0.0.1", "127.0.0.1", "SERVER-NAME none\n"},
    {"localhost", "127.0.0.1", "SERVER-NAME none\n"},
    {"127.0.0.1", "::1", "SERVER-NAME none\n"},
};

static void names_are_sent_and_addresses_are_not(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    for (size_t j = 0; j < COUNT(sni_rows); j++) {
      const struct client_settings settings = {
          .ca = "bundle", .identity = "client", .server_name = sni_rows[j].server_name};
      struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", client_versions[i], NULL);
      struct client client = client_new(&settings);

      client_open(&client, sni_rows[j].host, server.port);
      peer_process_expect(server.process, sni_rows[j].sent);
      client_destroy(&client);
      peer_process_stop(server.process);
    }
  }
}

/* One that keeps nothing before the second ClientHello gives a cookie in its HelloRetryRequest and wants it back (RFC
   8446, section 4.2.2). Not every wolfSSL can; it has to say so and not hang. */
static void a_server_that_wants_its_cookie_back(void **state) {
  static const char *const stateless[] = {"--stateless", NULL};
  struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", AMQP_WOLFSSL_TLS_1_3, stateless);
  struct client client = client_new(&client_ordinary);

  (void)state;
#ifdef WOLFSSL_SEND_HRR_COOKIE
  client_open(&client, "127.0.0.1", server.port);
  peer_process_expect(server.process, "COOKIE returned\n");
  tls_server_expect_client(TLS_SERVER_PROXY, &server, "client1");
#else
  assert_int_not_equal(client_try_open(&client, "127.0.0.1", server.port), AMQP_STATUS_OK);
  assert_string_equal(amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(amqp_wolfssl_socket_error(client.socket))),
                      "handshake");
#endif
  client_destroy(&client);
  peer_process_stop(server.process);
}

/* With -servername_fatal any other name ends the handshake; a client that sends none is let in. */
static void a_server_that_insists_on_its_name(void **state) {
  /* The second certificate, for the name, comes with a context of its own, which takes its CAs from -CAfile only. */
  const char *const more[] = {"-servername",
                              "node1.broker.test",
                              "-servername_fatal",
                              "-cert2",
                              minted_certificate("server"),
                              "-key2",
                              minted_key("server"),
                              "-CAfile",
                              minted_certificate("bundle"),
                              NULL};
  static const char named[] = "Hostname in TLS extension: ";
  const struct client_settings right = {.ca = "bundle", .identity = "client", .server_name = "node1.broker.test"};
  const struct client_settings wrong = {.ca = "bundle", .identity = "client", .server_name = "node2.broker.test"};
  (void)state;

  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", client_versions[i], more);
    struct client client = client_new(&client_ordinary);
    int status;

    client_open(&client, "127.0.0.1", server.port);
    tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
    assert_false(peer_process_has_written(server.process, named));
    client_destroy(&client);

    client = client_new(&right);
    client_open(&client, "127.0.0.1", server.port);
    peer_process_expect(server.process, "Hostname in TLS extension: \"node1.broker.test\"\n");
    client_destroy(&client);

    client = client_new(&wrong);
    status = client_try_open(&client, "127.0.0.1", server.port);
    assert_string_equal(
        client_describe_failure(&client, status),
        client_describe_expected(AMQP_STATUS_SSL_CONNECTION_FAILED, "handshake", "ALERT_RECEIVED", 112, 0, -1, ""));
    assert_non_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)), "node2.broker.test"));
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* ---- Servers that offer only what the policy forbids ---- */

struct forbidden_row {
  enum tls_server_kind kind;
  const char *certificate;
  const char *arguments[6];
  const char *code;
  int alert; /* the server's */
};

static const struct forbidden_row forbidden_rows[] = {
    /* openssl: suites */
    {TLS_SERVER_OPENSSL, "server", {"-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server", {"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server", {"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server", {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server-rsa", {"-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server-rsa", {"-tls1_2", "-cipher", "AES256-GCM-SHA384"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server-rsa", {"-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server", {"-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server-rsa", {"-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"}, "NO_SHARED_SUITE", 40},
    /* openssl: groups */
    {TLS_SERVER_OPENSSL, "server-rsa", {"-tls1_2", "-groups", "X25519"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server", {"-tls1_3", "-groups", "X25519"}, "NO_SHARED_SUITE", 40},
    {TLS_SERVER_OPENSSL, "server", {"-tls1_3", "-groups", "X448:ffdhe2048"}, "NO_SHARED_SUITE", 40},
    /* openssl: versions */
    {TLS_SERVER_OPENSSL, "server", {"-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"}, "NO_SHARED_VERSION", 70},
    {TLS_SERVER_OPENSSL, "server", {"-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"}, "NO_SHARED_VERSION", 70},
    /* gnutls */
    {TLS_SERVER_GNUTLS,
     "server",
     {"--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305"},
     "NO_SHARED_SUITE",
     40},
    {TLS_SERVER_GNUTLS,
     "server",
     {"--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305"},
     "NO_SHARED_SUITE",
     40},
    {TLS_SERVER_GNUTLS,
     "server",
     {"--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-CBC"},
     "NO_SHARED_SUITE",
     40},
    {TLS_SERVER_GNUTLS,
     "server",
     {"--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519"},
     "NO_SHARED_SUITE",
     40},
    /* GnuTLS puts a version that it does not have into the same words as a suite. */
    {TLS_SERVER_GNUTLS, "server", {"--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.1"}, "NO_SHARED_SUITE", 40},
};

static void be_refused_by_policy(const struct forbidden_row *row) {
  struct tls_server server = tls_server_start(row->kind, row->certificate, 0, row->arguments);
  struct client client = client_new(&client_ordinary);
  const int status = client_try_open(&client, "127.0.0.1", server.port);

  print_message("# %s %s %s %s\n", tls_server_name(row->kind), row->arguments[0], row->arguments[1],
                row->arguments[2] != NULL ? row->arguments[2] : "");
  assert_string_equal(
      client_describe_failure(&client, status),
      client_describe_expected(AMQP_STATUS_SSL_CONNECTION_FAILED, "handshake", row->code, row->alert, 0, -1, ""));
  assert_false(tls_server_saw_client(row->kind, &server, "client1"));
  client_destroy(&client);
  peer_process_stop(server.process);
}

static void be_refused_by_policy_of(enum tls_server_kind kind) {
  for (size_t i = 0; i < COUNT(forbidden_rows); i++) {
    if (forbidden_rows[i].kind == kind) {
      be_refused_by_policy(&forbidden_rows[i]);
    }
  }
}

static void openssl_with_only_what_is_forbidden(void **state) {
  (void)state;
  be_refused_by_policy_of(TLS_SERVER_OPENSSL);
}

static void gnutls_with_only_what_is_forbidden(void **state) {
  (void)state;
  be_refused_by_policy_of(TLS_SERVER_GNUTLS);
}

/* The same servers are fine once they offer one thing that is allowed: it was the policy that kept us away. */
static void openssl_with_what_is_allowed_besides(void **state) {
  static const struct {
    const char *certificate;
    const char *identity;
    const char *arguments[4];
    const char *suite; /* NULL: no matter which */
    const char *group; /* ... */
  } rows[] = {
      {"server",
       "client",
       {"-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"},
       "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
       NULL},
      {"server",
       "client",
       {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"},
       "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
       NULL},
      {"server-rsa",
       "client",
       {"-tls1_2", "-cipher", "AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256"},
       "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
       NULL},
      {"server-rsa",
       "client",
       {"-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"},
       "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
       NULL},
      {"server",
       "client",
       {"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"},
       "TLS_AES_128_GCM_SHA256",
       NULL},
      {"server", "client", {"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"}, "TLS_AES_256_GCM_SHA384", NULL},
      {"server", "client", {"-tls1_3", "-groups", "X25519:P-256"}, NULL, "secp256r1"},
      {"server", "client", {"-tls1_3", "-groups", "P-384"}, NULL, "secp384r1"},
      {"server", "client", {"-tls1_3", "-groups", "P-521"}, NULL, "secp521r1"},
      /* In TLS 1.2 the groups bind the curves of certificates as well: RSA on both sides. */
      {"server-rsa", "client-rsa", {"-tls1_2", "-groups", "X25519:P-256"}, NULL, "secp256r1"},
      {"server-rsa", "client-rsa", {"-tls1_2", "-groups", "P-384"}, NULL, "secp384r1"},
      {"server-rsa", "client-rsa", {"-tls1_2", "-groups", "P-521"}, NULL, "secp521r1"},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    const struct client_settings settings = {.ca = "bundle", .identity = rows[i].identity};
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, rows[i].certificate, 0, rows[i].arguments);
    struct client client = client_new(&settings);

    print_message("# %s %s %s\n", rows[i].arguments[0], rows[i].arguments[1], rows[i].arguments[2]);
    client_open(&client, "127.0.0.1", server.port);
    if (rows[i].suite != NULL) {
      assert_string_equal(amqp_wolfssl_socket_suite(client.socket), rows[i].suite);
    }
    if (rows[i].group != NULL) {
      assert_string_equal(amqp_wolfssl_socket_group(client.socket), rows[i].group);
    }
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

static void versions_that_do_not_meet(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    const struct client_settings settings = {.ca = "bundle", .identity = "client", .version = client_versions[1 - i]};
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", client_versions[i], NULL);
    struct client client = client_new(&settings);
    const int status = client_try_open(&client, "127.0.0.1", server.port);

    assert_string_equal(
        client_describe_failure(&client, status),
        client_describe_expected(AMQP_STATUS_SSL_CONNECTION_FAILED, "handshake", "NO_SHARED_VERSION", 70, 0, -1, ""));
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* An EC key for a broker with an RSA key, which asks for ECDSA: wolfSSL 5.5.4 can't, and then the sentence says so. */
static void a_request_for_another_kind_of_key(void **state) {
  static const char *const more[] = {"-client_sigalgs", "ECDSA+SHA256", NULL};
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server-rsa", AMQP_WOLFSSL_TLS_1_2, more);
  struct client client = client_new(&client_ordinary);
  const int status = client_try_open(&client, "127.0.0.1", server.port);
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client.socket);
  (void)state;

  if (status != AMQP_STATUS_OK) {
    assert_string_equal(amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), "HANDSHAKE_FAILED");
    assert_non_null(strstr(amqp_wolfssl_error_message(error), "found no signature algorithm for your certificate"));
  }
  client_destroy(&client);
  peer_process_stop(server.process);
}

static void the_extended_master_secret(void **state) {
  static const char *const none[] = {"--no-ems", NULL};
  static const struct {
    int version;
    const char *const *more;
    int expected;
    const char *said;
  } rows[] = {
      {AMQP_WOLFSSL_TLS_1_2, NULL, 1, " ems "},
      {AMQP_WOLFSSL_TLS_1_2, none, 0, " no-ems "},
      {AMQP_WOLFSSL_TLS_1_3, none, 1, "HANDSHAKE done TLSv1.3"}, /* it has no need of the extension */
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", rows[i].version, rows[i].more);
    const struct client_settings settings = {
        .ca = "bundle", .identity = "client", .without_extended_master_secret = true};
    struct client client = client_new(&settings);

    client_open(&client, "127.0.0.1", server.port);
    assert_int_equal(amqp_wolfssl_socket_extended_master_secret(client.socket), rows[i].expected);
    peer_process_expect(server.process, rows[i].said);
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* ---- How a connection ends ---- */

/* The server sends a protocol header, then frames of 9 bytes; it stops behind some of them, or in the middle of a
 * record. */
#define HEADER_SIZE 8
#define FRAME_SIZE 9
#define SENT_FRAMES 100

struct end_row {
  const char *option;
  int frames; /* that arrive before the end; -1: the protocol header does not either */
  bool within_record;
  int status;
  const char *code;
  bool may_alert; /* some builds of wolfSSL send bad_record_mac, for half a record too; others send nothing */
};

static const struct end_row end_rows[] = {
    {"--close-notify-after", -1, false, AMQP_STATUS_CONNECTION_CLOSED, "CLOSED_BY_PEER", false},
    {"--close-notify-after", 40, false, AMQP_STATUS_CONNECTION_CLOSED, "CLOSED_BY_PEER", false},
    {"--truncate-after", -1, false, AMQP_STATUS_SSL_ERROR, "TRUNCATED", false},
    {"--truncate-after", 40, false, AMQP_STATUS_SSL_ERROR, "TRUNCATED", false},
    {"--truncate-after", 40, true, AMQP_STATUS_SSL_ERROR, "TRUNCATED", true},
    {"--reset-after", -1, false, AMQP_STATUS_SOCKET_ERROR, "CONNECTION_LOST", false},
    {"--reset-after", 40, true, AMQP_STATUS_SOCKET_ERROR, "CONNECTION_LOST", true},
    {"--corrupt-after", -1, false, AMQP_STATUS_SSL_ERROR, "RECORD_CORRUPT", true},
    {"--corrupt-after", 40, false, AMQP_STATUS_SSL_ERROR, "RECORD_CORRUPT", true},
};

/* Frames of message bodies, one byte each. */
static void write_frames(void) {
  static const char header[HEADER_SIZE] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
  static const char frame[FRAME_SIZE] = {AMQP_FRAME_BODY, 0, 1, 0, 0, 0, 1, 'x', (char)AMQP_FRAME_END};
  FILE *file = fopen(temporary_folder_path("frames"), "wb");

  assert_non_null(file);
  assert_int_equal(fwrite(header, sizeof(header), 1, file), 1);
  for (int i = 0; i < SENT_FRAMES; i++) {
    assert_int_equal(fwrite(frame, sizeof(frame), 1, file), 1);
  }
  assert_int_equal(fclose(file), 0);
}

/* Takes frames until no more come; how many there were, the protocol header not counted, and how it ended. */
static int wait_for_the_end(struct client *client, int *status) {
  int frames = -1;

  for (;;) {
    struct timeval limit = {30, 0};
    amqp_frame_t frame;

    *status = amqp_simple_wait_frame_noblock(client->connection, &frame, &limit);
    if (*status != AMQP_STATUS_OK) {
      return frames;
    }
    assert_int_equal(frame.frame_type, frames < 0 ? PROTOCOL_HEADER_FRAME : AMQP_FRAME_BODY);
    frames++;
  }
}

static void meet_end(const struct end_row *row, int version) {
  char after[16];
  const char *const more[] = {"--send-file",
                              temporary_folder_path("frames"),
                              "--record-size",
                              "50",
                              row->option,
                              after,
                              row->within_record ? "--within-record" : NULL,
                              NULL};
  struct tls_server server;
  struct client client = client_new(&client_ordinary);
  int alert;
  int status;

  (void)snprintf(after, sizeof(after), "%d", row->frames < 0 ? 0 : HEADER_SIZE + row->frames * FRAME_SIZE);
  server = tls_server_start(TLS_SERVER_PROXY, "server", version, more);
  client_open(&client, "127.0.0.1", server.port);
  assert_int_equal(wait_for_the_end(&client, &status), row->frames);
  alert = row->may_alert && amqp_wolfssl_error_alert(amqp_wolfssl_socket_error(client.socket)) == BAD_RECORD_MAC
              ? BAD_RECORD_MAC
              : 0;
  for (int again = 0; again < 2; again++) { /* the end stays what it was */
    assert_string_equal(client_describe_failure(&client, status),
                        client_describe_expected(row->status, "receive", row->code, alert, 1, -1, ""));
    (void)wait_for_the_end(&client, &status);
  }
  if (alert != 0 && strcmp(row->option, "--reset-after") != 0) {
    tls_server_expect_alert(TLS_SERVER_PROXY, &server, alert);
  }
  client_destroy(&client);
  peer_process_stop(server.process);
}

static void ends_of_a_connection(void **state) {
  (void)state;

  write_frames();
  for (size_t i = 0; i < COUNT(end_rows); i++) {
    for (size_t j = 0; j < COUNT(client_versions); j++) {
      print_message("# %s %d frames, %s\n", end_rows[i].option, end_rows[i].frames,
                    client_version_name(client_versions[j]));
      meet_end(&end_rows[i], client_versions[j]);
    }
  }
}

/* amqp_destroy_connection() says goodbye in TLS, though nothing was said in AMQP. */
static void our_own_end_is_a_clean_one(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", client_versions[i], NULL);
    struct client client = client_new(&client_ordinary);

    client_open(&client, "127.0.0.1", server.port);
    client_destroy(&client);
    peer_process_expect(server.process, "CLIENT-END close_notify");
    peer_process_stop(server.process);
  }
}

/* Bytes both ways. */
static void an_echo_of_the_protocol_header(void **state) {
  static const char *const echo[] = {"--echo", NULL};
  (void)state;

  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", client_versions[i], echo);
    struct client client = client_new(&client_ordinary);
    struct timeval limit = {30, 0};
    amqp_frame_t frame;

    client_open(&client, "127.0.0.1", server.port);
    assert_int_equal(amqp_send_header(client.connection), AMQP_STATUS_OK);
    assert_int_equal(amqp_simple_wait_frame_noblock(client.connection, &frame, &limit), AMQP_STATUS_OK);
    assert_int_equal(frame.frame_type, PROTOCOL_HEADER_FRAME);
    assert_int_equal(frame.payload.protocol_header.protocol_version_major, AMQP_PROTOCOL_VERSION_MINOR);
    assert_int_equal(frame.payload.protocol_header.protocol_version_minor, AMQP_PROTOCOL_VERSION_REVISION);
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* ---- No TLS at all ---- */

static void a_server_that_never_answers(void **state) {
  static const char *const stall[] = {"--stall-handshake", NULL};
  struct timeval limit = {0, 300000};
  struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", 0, stall);
  struct client client = client_new(&client_ordinary);
  const int status = amqp_socket_open_noblock(client.socket, "127.0.0.1", server.port, &limit);
  (void)state;

  assert_string_equal(client_describe_failure(&client, status),
                      client_describe_expected(AMQP_STATUS_TIMEOUT, "handshake", "TIMED_OUT", 0, 0, -1, ""));
  client_destroy(&client);
  peer_process_stop(server.process);
}

static void a_port_nobody_listens_on(void **state) {
  struct client client = client_new(&client_ordinary);
  const int status = amqp_socket_open(client.socket, "127.0.0.1", peer_free_port());
  (void)state;

  assert_string_equal(client_describe_failure(&client, status),
                      client_describe_expected(AMQP_STATUS_SOCKET_ERROR, "connect", "CONNECT_FAILED", 0, 0, -1, ""));
  client_destroy(&client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(openssl_with_each_certificate, peer_process_tear_down),
      cmocka_unit_test_teardown(gnutls_with_each_certificate, peer_process_tear_down),
      cmocka_unit_test_teardown(openssl_with_a_refused_certificate, peer_process_tear_down),
      cmocka_unit_test_teardown(gnutls_with_a_refused_certificate, peer_process_tear_down),
      cmocka_unit_test_teardown(proxy_with_a_refused_certificate, peer_process_tear_down),
      cmocka_unit_test_teardown(an_unknown_ca, peer_process_tear_down),
      cmocka_unit_test_teardown(names_and_addresses, peer_process_tear_down),
      cmocka_unit_test_teardown(an_ipv6_address, peer_process_tear_down),
      cmocka_unit_test_teardown(a_name_apart_from_the_address, peer_process_tear_down),
      cmocka_unit_test_teardown(names_are_sent_and_addresses_are_not, peer_process_tear_down),
      cmocka_unit_test_teardown(a_server_that_wants_its_cookie_back, peer_process_tear_down),
      cmocka_unit_test_teardown(a_server_that_insists_on_its_name, peer_process_tear_down),
      cmocka_unit_test_teardown(openssl_with_only_what_is_forbidden, peer_process_tear_down),
      cmocka_unit_test_teardown(gnutls_with_only_what_is_forbidden, peer_process_tear_down),
      cmocka_unit_test_teardown(openssl_with_what_is_allowed_besides, peer_process_tear_down),
      cmocka_unit_test_teardown(versions_that_do_not_meet, peer_process_tear_down),
      cmocka_unit_test_teardown(a_request_for_another_kind_of_key, peer_process_tear_down),
      cmocka_unit_test_teardown(the_extended_master_secret, peer_process_tear_down),
      cmocka_unit_test_teardown(ends_of_a_connection, peer_process_tear_down),
      cmocka_unit_test_teardown(our_own_end_is_a_clean_one, peer_process_tear_down),
      cmocka_unit_test_teardown(an_echo_of_the_protocol_header, peer_process_tear_down),
      cmocka_unit_test_teardown(a_server_that_never_answers, peer_process_tear_down),
      cmocka_unit_test_teardown(a_port_nobody_listens_on, peer_process_tear_down),
  };

  return cmocka_run_group_tests_name("servers", tests, minted_certificates_make, minted_certificates_tear_down);
}

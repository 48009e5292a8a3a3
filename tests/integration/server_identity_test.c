/* SPDX-License-Identifier: MIT */
/*
 * Whom a program expects besides the host: a URI, as SPIFFE's workloads have it, and a list of names. Servers with
 * certificates that carry it, and with all kinds that only seem to; whether ours has gone out before they were refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "command.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "temporary_folder.h"
#include "tls_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST "127.0.0.1"
#define ID "spiffe://example.org/rabbitmq"
/* How openssl s_server shows the certificate of svid/workload. */
#define WORKLOAD "depth=0 O=SPIRE,C=US\n"

static struct timeval hang_limit = {30, 0};

static int mint(void **state) {
  if (minted_certificates_make(state) != 0) {
    return -1;
  }
  if (command_run(".", path_in_source_tree("tests/support/mint-svids"), temporary_folder_path(""), NULL) != 0) {
    (void)temporary_folder_remove(); /* CMocka tears nothing down after a set-up that failed */
    return -1;
  }
  return 0;
}

/* ---- Servers and clients ---- */

struct expectation {
  const char *uri;
  const char *const *names;
  size_t name_count;
  int verify_host;
  int verify_peer;
};

static void must(const amqp_wolfssl_config_t *config, amqp_wolfssl_code_t code) {
  if (code != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", amqp_wolfssl_code_name(code), amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
  }
}

/* From the files as spiffe-helper writes them. */
static struct client new_workload(const struct expectation *expectation, int version) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  struct client client = {.connection = amqp_new_connection()};

  assert_non_null(config);
  must(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("svid/workload/svid_bundle.pem")));
  must(config, amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("svid/workload/svid.pem"),
                                                      temporary_folder_path("svid/workload/svid_key.pem")));
  must(config, amqp_wolfssl_config_set_server_uri(config, expectation->uri));
  must(config, amqp_wolfssl_config_set_accepted_names(config, expectation->names, expectation->name_count));
  if (!expectation->verify_host) {
    must(config, amqp_wolfssl_config_set_verify_host(config, 0));
  }
  if (!expectation->verify_peer) {
    must(config, amqp_wolfssl_config_set_verify_peer(config, 0));
  }
  must(config,
       amqp_wolfssl_config_set_tls_versions(config, (amqp_wolfssl_version_t)version, (amqp_wolfssl_version_t)version));
  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  amqp_wolfssl_config_free(config);
  assert_non_null(client.socket);
  return client;
}

/* Which CA is above a leaf of mint-svids. */
static const char *issuer_of(const char *name) {
  if (strcmp(name, "within-constraints") == 0 || strcmp(name, "outside-constraints") == 0) {
    return "svid/constrained";
  }
  if (strcmp(name, "other-authority") == 0) {
    return "other-ca";
  }
  return strcmp(name, "excluded") == 0 ? "svid/excluding" : "svid/authority";
}

static struct tls_server start(const char *name, int version) {
  const char *const more[] = {"-cert_chain", minted_certificate(issuer_of(name)), NULL};
  char certificate[64];

  (void)snprintf(certificate, sizeof(certificate), "svid/%s", name);
  return tls_server_start(TLS_SERVER_OPENSSL, certificate, version, more);
}

static void accept_server(const char *name, const struct expectation *expectation, int version, const char *host) {
  struct tls_server server = start(name, version);
  struct client client = new_workload(expectation, version);
  const int status = amqp_socket_open_noblock(client.socket, host, server.port, &hang_limit);

  if (status != AMQP_STATUS_OK) {
    fail_msg("%s: %s: %s", name, client_describe_failure(&client, status),
             amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)));
  }
  peer_process_expect(server.process, WORKLOAD);
  client_destroy(&client);
  tls_server_stop(&server);
}

/* The server has read all that the client sent: by then it would have shown the certificate. Of a chain that it does
   not verify wolfSSL sends no alert; of one that it does, a second one, of another number, may follow. */
static void expect_nothing_shown(struct tls_server *server, const struct expectation *expectation,
                                 const amqp_wolfssl_error_t *error) {
  if (expectation->verify_peer) {
    assert_int_equal(amqp_wolfssl_error_alert_direction(error), AMQP_WOLFSSL_ALERT_SENT);
    peer_process_expect(server->process, "SSL3 alert read:fatal:");
  }
  peer_process_expect(server->process, "CONNECTION CLOSED\n");
  assert_false(peer_process_has_written(server->process, "depth=0 "));
}

/* \return the sentence */
static const char *refuse_server(const char *name, const struct expectation *expectation, int version, const char *host,
                                 amqp_wolfssl_code_t code) {
  static char sentence[2048];
  struct tls_server server = start(name, version);
  struct client client = new_workload(expectation, version);
  const int status = amqp_socket_open_noblock(client.socket, host, server.port, &hang_limit);
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client.socket);

  if (status != AMQP_STATUS_SSL_PEER_VERIFY_FAILED && status != AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED) {
    fail_msg("%s: %s", name, client_describe_failure(&client, status));
  }
  if (amqp_wolfssl_error_code(error) != code || amqp_wolfssl_error_stage(error) != AMQP_WOLFSSL_STAGE_VERIFY) {
    fail_msg("%s: %s: %s", name, client_describe_failure(&client, status), amqp_wolfssl_error_message(error));
  }
  (void)snprintf(sentence, sizeof(sentence), "%s", amqp_wolfssl_error_message(error));
  expect_nothing_shown(&server, expectation, error);
  assert_int_equal(amqp_get_sockfd(client.connection), -1);
  client_destroy(&client);
  tls_server_stop(&server);
  return sentence;
}

/* ---- The URI ---- */

static void brokers_with_the_uri(void **state) {
  static const char *const names[] = {"broker", "with-names", "without-subject", "rsa", "next", "within-constraints"};
  static const struct expectation by_uri = {.uri = ID, .verify_host = 0, .verify_peer = 1};
  static const struct expectation by_both = {.uri = ID, .verify_host = 1, .verify_peer = 1};

  (void)state;
  for (size_t v = 0; v < COUNT(client_versions); v++) {
    for (size_t i = 0; i < COUNT(names); i++) {
      accept_server(names[i], &by_uri, client_versions[v], HOST);
    }
    accept_server("with-names", &by_both, client_versions[v], HOST);
    accept_server("with-names", &by_both, client_versions[v], "localhost");
  }
}

static const struct {
  const char *name;
  amqp_wolfssl_code_t code;
  const char *says;
} impostors[] = {
    {"two-uris", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "not alone"},
    {"two-uris-reversed", AMQP_WOLFSSL_ERROR_NAME_MISMATCH,
     "URI:spiffe://example.org/other, URI:" ID ", DNS:localhost"},
    {"the-same-twice", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "not alone"},
    {"another-scheme-too", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:https://example.org"},
    {"common-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "for DNS:localhost"},
    {"dns-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "for DNS:" ID},
    {"email", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "for email:" ID},
    {"other-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "for other"},
    {"no-uri", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "for DNS:localhost, IP:127.0.0.1"},
    {"nul", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID "\\00.evil.example"},
    {"nul-at-the-end", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID "\\00"},
    {"nul-in-front", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:\\00" ID},
    {"blank-at-the-end", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID " "},
    {"line-end", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID "\\0A"},
    {"capital-scheme", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:SPIFFE://"},
    {"capital-domain", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:spiffe://Example.org/"},
    {"capital-path", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "/RabbitMQ"},
    {"percent", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "/%72abbitmq"},
    {"percent-slash", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "%2frabbitmq"},
    {"slash-at-the-end", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID "/"},
    {"two-slashes", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "//rabbitmq"},
    {"dots", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "/x/../rabbitmq"},
    {"port", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, ":443/"},
    {"user", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "a@example.org"},
    {"query", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID "?"},
    {"fragment", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID "#"},
    {"longer", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID "2"},
    {"below", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:" ID "/admin"},
    {"shorter", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:spiffe://example.org/rabbitm;"},
    {"trust-domain", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "URI:spiffe://example.org;"},
    {"longer-domain", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "example.org.evil.example"},
    {"below-the-domain", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "x.example.org"},
    {"another-domain", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "spiffe://evil.example/rabbitmq"},
    {"inside", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "spiffe://evil.example/" ID},
    {"is-ca", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "it is a CA's"},
    {"signs-certificates", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "keyCertSign"},
    {"signs-crls", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "cRLSign"},
    {"other-authority", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, "Other Test Root"},
    {"outside-constraints", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "URI:spiffe://evil.example/rabbitmq"},
    {"excluded", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "URI:" ID},
};

static void refuse_impostors(int version) {
  static const struct expectation by_uri = {.uri = ID, .verify_host = 0, .verify_peer = 1};

  for (size_t i = 0; i < COUNT(impostors); i++) {
    const char *sentence;

    print_message("%s\n", impostors[i].name);
    sentence = refuse_server(impostors[i].name, &by_uri, version, HOST, impostors[i].code);
    if (strstr(sentence, impostors[i].says) == NULL) {
      fail_msg("%s: no \"%s\" in: %s", impostors[i].name, impostors[i].says, sentence);
    }
  }
}

static void brokers_that_only_seem_to_have_it_tls12(void **state) {
  (void)state;
  refuse_impostors(AMQP_WOLFSSL_TLS_1_2);
}

static void brokers_that_only_seem_to_have_it_tls13(void **state) {
  (void)state;
  refuse_impostors(AMQP_WOLFSSL_TLS_1_3);
}

/* Neither stands in for the other. */
static void the_name_counts_besides(void **state) {
  static const struct expectation by_both = {.uri = ID, .verify_host = 1, .verify_peer = 1};

  (void)state;
  for (size_t v = 0; v < COUNT(client_versions); v++) {
    const char *sentence =
        refuse_server("broker", &by_both, client_versions[v], HOST, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);

    assert_non_null(strstr(sentence, "not for IP:127.0.0.1 but for URI:" ID));
    sentence = refuse_server("no-uri", &by_both, client_versions[v], HOST, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    assert_non_null(strstr(sentence, "not for the expected URI \"" ID "\" but for DNS:localhost, IP:127.0.0.1"));
  }
}

/* Of a peer that isn't verified the URI is still compared: nobody takes it for more than that. */
static void without_a_trusted_ca(void **state) {
  static const struct expectation unverified = {.uri = ID, .verify_host = 0, .verify_peer = 0};

  (void)state;
  for (size_t v = 0; v < COUNT(client_versions); v++) {
    accept_server("other-authority", &unverified, client_versions[v], HOST);
    (void)refuse_server("two-uris", &unverified, client_versions[v], HOST, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    (void)refuse_server("no-uri", &unverified, client_versions[v], HOST, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    (void)refuse_server("nul", &unverified, client_versions[v], HOST, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  }
}

/* ---- The list of names ---- */

static void a_list_of_names(void **state) {
  static const char *const good[] = {"elsewhere.test", "localhost"};
  static const char *const address[] = {"elsewhere.test", "127.0.0.1"};
  static const char *const bad[] = {"elsewhere.test", "127.0.0.2", "localhost.test"};
  const struct expectation by_name = {.names = good, .name_count = COUNT(good), .verify_host = 1, .verify_peer = 1};
  const struct expectation by_address = {
      .names = address, .name_count = COUNT(address), .verify_host = 1, .verify_peer = 1};
  const struct expectation by_none = {.names = bad, .name_count = COUNT(bad), .verify_host = 1, .verify_peer = 1};
  const struct expectation with_uri = {
      .uri = ID, .names = good, .name_count = COUNT(good), .verify_host = 1, .verify_peer = 1};

  (void)state;
  for (size_t v = 0; v < COUNT(client_versions); v++) {
    const char *sentence;

    accept_server("with-names", &by_name, client_versions[v], HOST);
    accept_server("with-names", &by_address, client_versions[v], "localhost");
    accept_server("with-names", &with_uri, client_versions[v], HOST);
    /* The host connected to is in the certificate, but not in the list. */
    sentence = refuse_server("with-names", &by_none, client_versions[v], HOST, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    assert_non_null(strstr(sentence,
                           "none of the accepted names, DNS:elsewhere.test, IP:127.0.0.2, "
                           "DNS:localhost.test, but for URI:" ID ", DNS:localhost, IP:127.0.0.1"));
    (void)refuse_server("no-uri", &with_uri, client_versions[v], HOST, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    (void)refuse_server("broker", &with_uri, client_versions[v], HOST, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(brokers_with_the_uri, peer_process_tear_down),
      cmocka_unit_test_teardown(brokers_that_only_seem_to_have_it_tls12, peer_process_tear_down),
      cmocka_unit_test_teardown(brokers_that_only_seem_to_have_it_tls13, peer_process_tear_down),
      cmocka_unit_test_teardown(the_name_counts_besides, peer_process_tear_down),
      cmocka_unit_test_teardown(without_a_trusted_ca, peer_process_tear_down),
      cmocka_unit_test_teardown(a_list_of_names, peer_process_tear_down),
  };

  return cmocka_run_group_tests(tests, mint, minted_certificates_tear_down);
}

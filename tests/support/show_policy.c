/* SPDX-License-Identifier: MIT */
/*
 * Shows what this build of the library allows, a word and its outcome a line, for tests/integration/build_options.sh
 * and fips_options.sh. * It sees the public interface only, and knows nothing of how the library was configured.
 */
#include <amqp_wolfssl_socket.h>
#include <stdio.h>
#include <sys/time.h>

typedef amqp_wolfssl_code_t (*try_fn)(amqp_wolfssl_config_t *config, const void *argument);

static amqp_wolfssl_code_t try_policy(amqp_wolfssl_config_t *config, const void *policy) {
  return amqp_wolfssl_config_set_policy(config, *(const amqp_wolfssl_policy_t *)policy);
}

static amqp_wolfssl_code_t try_suite(amqp_wolfssl_config_t *config, const void *name) {
  return amqp_wolfssl_config_set_suites(config, name);
}

static amqp_wolfssl_code_t try_suite_under_modern(amqp_wolfssl_config_t *config, const void *name) {
  amqp_wolfssl_code_t code = amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_MODERN);

  return code != AMQP_WOLFSSL_OK ? code : amqp_wolfssl_config_set_suites(config, name);
}

static amqp_wolfssl_code_t try_without_extended_master_secret(amqp_wolfssl_config_t *config, const void *argument) {
  (void)argument;
  return amqp_wolfssl_config_set_require_extended_master_secret(config, 0);
}

static amqp_wolfssl_code_t try_without_verify_peer(amqp_wolfssl_config_t *config, const void *argument) {
  (void)argument;
  return amqp_wolfssl_config_set_verify_peer(config, 0);
}

static amqp_wolfssl_code_t try_without_verify_host(amqp_wolfssl_config_t *config, const void *argument) {
  (void)argument;
  return amqp_wolfssl_config_set_verify_host(config, 0);
}

/* Each with a config of its own, so that none depends on the one before. */
static int show(const char *word, const char *name, try_fn attempt, const void *argument) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  if (config == NULL) {
    return 1;
  }
  printf("%s %s %s\n", word, name, amqp_wolfssl_code_name(attempt(config, argument)));
  amqp_wolfssl_config_free(config);
  return 0;
}

static int show_setters(void) {
  static const struct {
    const char *name;
    amqp_wolfssl_policy_t policy;
  } policies[] = {
      {"fips", AMQP_WOLFSSL_POLICY_FIPS}, {"cnsa", AMQP_WOLFSSL_POLICY_CNSA}, {"modern", AMQP_WOLFSSL_POLICY_MODERN}};
  static const char *const suites[] = {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256",
                                       "TLS_CHACHA20_POLY1305_SHA256"};
  int failed = 0;

  for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
    failed |= show("policy", policies[i].name, try_policy, &policies[i].policy);
  }
  for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
    failed |= show("suite", suites[i], try_suite, suites[i]);
    failed |= show("modern", suites[i], try_suite_under_modern, suites[i]);
  }
  failed |= show("without", "extended_master_secret", try_without_extended_master_secret, NULL);
  failed |= show("without", "verify_peer", try_without_verify_peer, NULL);
  return failed | show("without", "verify_host", try_without_verify_host, NULL);
}

/* Nobody listens at port 1, so what is told depends on nothing but the build and the machine's file. */
static int show_open(const char *ca_file) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = NULL;
  struct timeval timeout = {2, 0};
  const amqp_wolfssl_error_t *error;

  if (config != NULL && connection != NULL) {
    (void)amqp_wolfssl_config_add_ca_file(config, ca_file);
    socket = amqp_wolfssl_socket_new(connection, config);
  }
  if (socket != NULL) {
    (void)amqp_socket_open_noblock(socket, "127.0.0.1", 1, &timeout);
    error = amqp_wolfssl_socket_error(socket);
    printf("open %s %s\n", amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), amqp_wolfssl_error_message(error));
  }
  if (connection != NULL) {
    (void)amqp_destroy_connection(connection);
  }
  amqp_wolfssl_config_free(config);
  return socket == NULL;
}

int main(int count, char **arguments) {
  if (count != 2) {
    (void)fprintf(stderr, "usage: show_policy CA.PEM\n");
    return 2;
  }
  printf("build %s\n", amqp_wolfssl_build_info());
  printf("fips %s\n", amqp_wolfssl_fips_standard());
  printf("runtime %s\n", amqp_wolfssl_code_name(amqp_wolfssl_check_runtime(NULL)));
  return show_setters() | show_open(arguments[1]);
}

/* SPDX-License-Identifier: MIT */
/*
 * Who we are to a RabbitMQ: the names that the library finds in certificates against those that the broker's own code
 * takes from them, by each of its settings; logins by these settings; and the advice after a refusal, whose command is
 * given to a shell.
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

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "command.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "private_broker.h"
#include "temporary_folder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST "127.0.0.1"
#define ROOM 16384

/* ---- Certificates ---- */

#define SANS                                                                                            \
  "DNS:a.example, URI:spiffe://example.org/a, DNS:b.example, email:a@b.example, IP:127.0.0.1, IP:::1, " \
  "email:c@d.example, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:upn@example, RID:1.2.3, URI:urn:x, DNS:*.c.example"

/* Of the client's key, issued by ca. */
static const struct {
  const char *name;
  const char *subject; /* as openssl takes it */
  const char *strings; /* its string_mask */
  const char *names;
} certificates[] = {
    {"n-plain", "/O=Acme/CN=client2", "utf8only", "email:client2@acme.test"},
    {"n-comma", "/O=Acme, Inc./CN=a\\+b", "utf8only", "DNS:a.example"},
    {"n-quotes", "/O=it's/CN=\"q\" <x>;\\\\y $(touch pwned)", "utf8only", SANS},
    {"n-blanks", "/O= Acme /CN= a ", "utf8only", "DNS:a.example"},
    {"n-hash", "/O=#1/CN=#a#", "utf8only", "DNS:a.example"},
    {"n-utf8", "/O=Zo\xc3\xab/CN=\xe6\x97\xa5 ~\xf0\x9f\x90\xb0", "utf8only", "DNS:a.example"},
    {"n-multi", "/O=Acme+OU=Dev/CN=b+UID=u+SN=s", "utf8only", "DNS:a.example"},
    {"n-types",
     "/UID=u1/DC=example/DC=org/emailAddress=a@b.c/SN=Doe/GN=J/initials=JD/title=Dr/serialNumber=12/pseudonym=p/"
     "generationQualifier=III/C=DE/ST=BY/L=M/street=S 1/OU=a=b/CN=x",
     "utf8only", "URI:urn:x"},
    {"n-unknown", "/CN=x/postalCode=12345/description=some, text/x500UniqueIdentifier=abc/dnQualifier=q/name=n",
     "utf8only", "DNS:a.example"},
    {"n-two-names", "/CN=a/O=Acme/CN=b", "utf8only", SANS},
    {"n-control", "/O=a\tb/CN=a\x7f", "utf8only", "DNS:a.example"},
    {"n-bidi", "/O=a\xe2\x80\xae\xe2\x80\xac/CN=a\xe2\x80\xae\xe2\x80\xac", "utf8only", "DNS:a.example"},
    {"n-bmp", "/O=Zo\xc3\xab/CN=x\xe6\x97\xa5", "MASK:0x800", "DNS:a.example"},
    {"n-teletex", "/O=Zo\xc3\xab/CN=\xc3\xbf", "MASK:0x4", "DNS:a.example"},
    {"n-universal", "/O=Zo\xc3\xab/CN=x\xf0\x9f\x90\xb0", "MASK:0x100", "DNS:a.example"},
    {"n-printable", "/O=Acme (1)/CN=a=b", "MASK:0x2", "DNS:a.example"},
    {"n-no-subject", "/", "utf8only", "critical, URI:spiffe://example.org/a"},
};

static int mint_one(size_t i) {
  char configuration[2048];
  char certificate[64];

  (void)snprintf(configuration, sizeof(configuration),
                 "[req]\ndistinguished_name = subject\nprompt = no\nstring_mask = %s\n[subject]\n[extensions]\n"
                 "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n"
                 "extendedKeyUsage = clientAuth\nsubjectAltName = %s\n",
                 certificates[i].strings, certificates[i].names);
  (void)snprintf(certificate, sizeof(certificate), "%s.pem", certificates[i].name);
  temporary_folder_write_text("names.cnf", configuration);
  return command_run(temporary_folder_path(""), "openssl", "req", "-x509", "-new", "-config", "names.cnf",
                     "-extensions", "extensions", "-utf8", "-subj", certificates[i].subject, "-days", "30", "-CA",
                     "ca.pem", "-CAkey", "ca.key", "-key", "client.key", "-out", certificate, NULL);
}

static int set_up(void **state) {
  if (private_broker_set_up(state) != 0) {
    return -1;
  }
  for (size_t i = 0; i < COUNT(certificates); i++) {
    if (mint_one(i) != 0) {
      (void)temporary_folder_remove(); /* CMocka tears nothing down after a set-up that failed */
      return -1;
    }
  }
  return 0;
}

static amqp_wolfssl_config_t *config_of(const char *certificate) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  if (amqp_wolfssl_config_add_ca_file(config, minted_certificate("ca")) != AMQP_WOLFSSL_OK ||
      amqp_wolfssl_config_set_require_extended_master_secret(config, 0) != AMQP_WOLFSSL_OK ||
      amqp_wolfssl_config_set_identity_files(config, minted_certificate(certificate), minted_key("client")) !=
          AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", certificate, amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
  }
  return config;
}

static struct client open_as(const char *certificate) {
  amqp_wolfssl_config_t *config = config_of(certificate);
  struct client client = {.connection = amqp_new_connection()};

  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  amqp_wolfssl_config_free(config);
  assert_non_null(client.socket);
  client_open(&client, HOST, private_broker_ready()->tls_port);
  return client;
}

/* ---- What the broker says ---- */

static char *evaluate(const char *expression) {
  const char *const arguments[] = {"eval", expression, NULL};

  return private_broker_ctl(private_broker_ready(), arguments);
}

/* One way in which it can be configured. */
struct setting {
  const char *from;
  const char *type; /* of the alternative name */
  unsigned index;
  amqp_wolfssl_login_source_t source;
};

static const struct setting settings[] = {
    {"distinguished_name", "dns", 0, AMQP_WOLFSSL_LOGIN_DISTINGUISHED_NAME},
    {"common_name", "dns", 0, AMQP_WOLFSSL_LOGIN_COMMON_NAME},
    {"subject_alternative_name", "dns", 0, AMQP_WOLFSSL_LOGIN_SAN_DNS},
    {"subject_alternative_name", "dns", 1, AMQP_WOLFSSL_LOGIN_SAN_DNS},
    {"subject_alternative_name", "dns", 2, AMQP_WOLFSSL_LOGIN_SAN_DNS},
    {"subject_alternative_name", "dns", 3, AMQP_WOLFSSL_LOGIN_SAN_DNS},
    {"subject_alternative_name", "email", 0, AMQP_WOLFSSL_LOGIN_SAN_EMAIL},
    {"subject_alternative_name", "email", 1, AMQP_WOLFSSL_LOGIN_SAN_EMAIL},
    {"subject_alternative_name", "email", 2, AMQP_WOLFSSL_LOGIN_SAN_EMAIL},
    {"subject_alternative_name", "uri", 0, AMQP_WOLFSSL_LOGIN_SAN_URI},
    {"subject_alternative_name", "uri", 1, AMQP_WOLFSSL_LOGIN_SAN_URI},
    {"subject_alternative_name", "uri", 2, AMQP_WOLFSSL_LOGIN_SAN_URI},
    {"subject_alternative_name", "ip", 0, AMQP_WOLFSSL_LOGIN_SAN_IP},
    {"subject_alternative_name", "ip", 1, AMQP_WOLFSSL_LOGIN_SAN_IP},
    {"subject_alternative_name", "ip", 2, AMQP_WOLFSSL_LOGIN_SAN_IP},
    {"subject_alternative_name", "other_name", 0, AMQP_WOLFSSL_LOGIN_SAN_OTHER_NAME},
    {"subject_alternative_name", "other_name", 1, AMQP_WOLFSSL_LOGIN_SAN_OTHER_NAME},
};

static void configure(const struct setting *setting) {
  char expression[512];

  (void)snprintf(expression, sizeof(expression),
                 "[application:set_env(rabbit, K, V) || {K, V} <- [{ssl_cert_login_from, %s}, "
                 "{ssl_cert_login_san_type, %s}, {ssl_cert_login_san_index, %u}]].",
                 setting->from, setting->type, setting->index);
  free(evaluate(expression));
}

/* A name as the broker writes it: digits for its bytes, "-" for none. */
static char *names_by_the_broker(void) {
  static const char *const beginning =
      "Hex = fun(B) when is_binary(B) -> [io_lib:format(\"~2.16.0b\", [X]) || <<X>> <= B]; (_) -> \"-\" end, "
      "Name = fun(F, {From, Type, Index}) -> {ok, P} = file:read_file(F), "
      "[{'Certificate', D, not_encrypted}] = public_key:pem_decode(P), "
      "application:set_env(rabbit, ssl_cert_login_from, From), "
      "application:set_env(rabbit, ssl_cert_login_san_type, Type), "
      "application:set_env(rabbit, ssl_cert_login_san_index, Index), rabbit_ssl:peer_cert_auth_name(D) end, "
      "Names = [[Hex(Name(F, S)), \"\\n\"] || F <- [";
  char expression[ROOM];
  size_t at = (size_t)snprintf(expression, sizeof(expression), "%s", beginning);

  for (size_t i = 0; i < COUNT(certificates); i++) {
    at += (size_t)snprintf(expression + at, sizeof(expression) - at, "%s\"%s\"", i > 0 ? ", " : "",
                           minted_certificate(certificates[i].name));
  }
  at += (size_t)snprintf(expression + at, sizeof(expression) - at, "], S <- [");
  for (size_t i = 0; i < COUNT(settings); i++) {
    at += (size_t)snprintf(expression + at, sizeof(expression) - at, "%s{%s, %s, %u}", i > 0 ? ", " : "",
                           settings[i].from, settings[i].type, settings[i].index);
  }
  (void)snprintf(expression + at, sizeof(expression) - at, "]], io:format(\"~s\", [Names]).");
  assert_true(strlen(expression) < sizeof(expression) - 1);
  return evaluate(expression);
}

/* ---- What we say ---- */

/* \return its place, or how many there are: none */
static size_t find(const amqp_wolfssl_identity_names_t *names, const struct setting *setting) {
  size_t place = 0;

  while (place < amqp_wolfssl_identity_names_count(names) &&
         (amqp_wolfssl_identity_names_source(names, place) != setting->source ||
          amqp_wolfssl_identity_names_index(names, place) != setting->index)) {
    place++;
  }
  return place;
}

static void write_hexadecimal(char hex[ROOM], const char *text) {
  size_t at = 0;

  hex[0] = '\0';
  for (; *text != '\0'; text++) {
    at += (size_t)snprintf(hex + at, ROOM - at, "%02x", (unsigned char)*text);
  }
}

/* Takes a line of the broker's. Of an otherName one release takes other bytes than another, so we claim nothing. */
static void compare(const char *certificate, const amqp_wolfssl_identity_names_t *names, const struct setting *setting,
                    const char *line, size_t *exact) {
  const size_t place = find(names, setting);
  char hex[ROOM];

  if (place == amqp_wolfssl_identity_names_count(names)) {
    if (strcmp(line, "-") != 0) {
      fail_msg("%s by %s %s %u: the broker finds %s, we nothing", certificate, setting->from, setting->type,
               setting->index, line);
    }
    return;
  }
  if (setting->source == AMQP_WOLFSSL_LOGIN_SAN_OTHER_NAME) {
    assert_string_not_equal(line, "-");
    assert_int_equal(amqp_wolfssl_identity_names_exact(names, place), 0);
    return;
  }
  write_hexadecimal(hex, amqp_wolfssl_identity_names_text(names, place));
  if (amqp_wolfssl_identity_names_exact(names, place) != (strcmp(hex, line) == 0 && *line != '\0')) {
    fail_msg("%s by %s %s %u: the broker finds %s, we %s, exact %d", certificate, setting->from, setting->type,
             setting->index, line, hex, amqp_wolfssl_identity_names_exact(names, place));
  }
  *exact += amqp_wolfssl_identity_names_exact(names, place) != 0;
}

static void names_as_the_broker_finds_them(void **state) {
  char *all = names_by_the_broker();
  char *rest = all;
  size_t exact = 0;

  (void)state;
  for (size_t i = 0; i < COUNT(certificates); i++) {
    amqp_wolfssl_config_t *config = config_of(certificates[i].name);
    amqp_wolfssl_identity_names_t *names = amqp_wolfssl_config_identity_names(config);

    assert_non_null(names);
    for (size_t j = 0; j < COUNT(settings); j++) {
      const char *line = strsep(&rest, "\n");

      assert_non_null(line);
      compare(certificates[i].name, names, &settings[j], line, &exact);
    }
    amqp_wolfssl_identity_names_free(names);
    amqp_wolfssl_config_free(config);
  }
  assert_true(exact > 50); /* they were found, and not all "-" */
  free(all);
  configure(&settings[0]);
}

/* ---- Logins ---- */

static const char *advise(const struct client *client, amqp_rpc_reply_t reply) {
  static char advice[ROOM];

  assert_true(amqp_wolfssl_socket_login_advice(client->socket, reply, advice, sizeof(advice)) < sizeof(advice));
  return advice;
}

static void expect_part(const char *text, const char *part) {
  if (strstr(text, part) == NULL) {
    fail_msg("no \"%s\" in: %s", part, text);
  }
}

/* A rabbitmqctl for the command that an administrator would copy. */
static void write_rabbitmqctl(void) {
  char script[ROOM];

  (void)snprintf(script, sizeof(script), "#!/bin/sh\nexec '%s' ctl '%s' \"$@\"\n",
                 path_in_source_tree("scripts/broker"), private_broker_ready()->folder);
  temporary_folder_write_text("rabbitmqctl", script);
  assert_int_equal(chmod(temporary_folder_path("rabbitmqctl"), 0755), 0);
}

static void run_command_of(const char *advice) {
  static const char before[] = ", the default: ";
  const char *begin = strstr(advice, before);
  const char *end = strstr(advice, "; ssl_cert_login_from says");
  char script[ROOM];

  assert_true(begin != NULL && end != NULL && begin < end);
  begin += strlen(before);
  (void)snprintf(script, sizeof(script), "PATH='%s':$PATH\n%.*s\n", temporary_folder_path(""), (int)(end - begin),
                 begin);
  temporary_folder_write_text("script", script);
  assert_int_equal(command_run(temporary_folder_path(""), "sh", "script", NULL), 0);
}

/* With the name that is the hardest to spell and to quote. */
static void the_command_lets_us_in(void **state) {
  struct client client;
  const char *advice;

  (void)state;
  configure(&settings[0]);
  write_rabbitmqctl();
  client = open_as("n-quotes");
  advice = advise(&client, client_login_external(&client));
  expect_part(advice, "the broker refused the login by certificate (403, \"ACCESS_REFUSED");
  run_command_of(advice);
  client_destroy(&client);
  client = open_as("n-quotes");
  client_check(&client, client_login_external(&client), "log in by EXTERNAL");
  client_close(&client);
}

/* A user that has no permissions: the broker says whom it has let in. */
static void each_setting(void **state) {
  static const struct {
    size_t setting;
    const char *certificate;
    const char *user;
    const char *candidate;
  } rows[] = {
      {1, "n-two-names", "a,b", "by common_name 'a,b'"},
      {3, "n-two-names", "b.example", "san_type dns and san_index 1 'b.example'"},
      {7, "n-two-names", "c@d.example", "san_type email and san_index 1 'c@d.example'"},
      {9, "n-no-subject", "spiffe://example.org/a", "san_type uri and san_index 0: rabbitmqctl add_user -- "},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    const char *const add[] = {"add_user", "--", rows[i].user, "not used", NULL};
    struct client client;
    amqp_rpc_reply_t reply;
    char named[128];

    configure(&settings[rows[i].setting]);
    client = open_as(rows[i].certificate);
    reply = client_login_external(&client);
    assert_int_equal(client_refusal(reply), 403);
    expect_part(advise(&client, reply), rows[i].candidate);
    client_destroy(&client);
    free(private_broker_ctl(private_broker_ready(), add));
    client = open_as(rows[i].certificate);
    reply = client_login_external(&client);
    assert_int_equal(client_refusal(reply), 530);
    (void)snprintf(named, sizeof(named), "refused for user '%s'", rows[i].user);
    expect_part(advise(&client, reply), named);
    expect_part(advise(&client, reply), "set_permissions");
    client_destroy(&client);
  }
  configure(&settings[0]);
}

static void passwords(void **state) {
  const struct private_broker *broker = private_broker_ready();
  struct client client = open_as("n-plain");
  amqp_rpc_reply_t reply = client_login_plain(&client, broker->user, "wrong", CLIENT_FRAME_MAX, 0);

  (void)state;
  assert_int_equal(client_refusal(reply), 403);
  expect_part(advise(&client, reply), "the broker refused the login by password (403, \"ACCESS_REFUSED");
  client_destroy(&client);
  client = open_as("n-plain");
  reply = amqp_login(client.connection, "nowhere", 0, CLIENT_FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, broker->user,
                     broker->password);
  assert_int_equal(client_refusal(reply), 530);
  expect_part(advise(&client, reply), "but not the virtual host (530, \"NOT_ALLOWED");
  client_destroy(&client);
  client = open_as("n-plain");
  reply = client_login_plain(&client, broker->user, broker->password, CLIENT_FRAME_MAX, 0);
  client_check(&client, reply, "log in by PLAIN");
  assert_string_equal(advise(&client, reply), "");
  client_close(&client);
}

static void a_mechanism_that_is_not_offered(void **state) {
  struct client client;
  amqp_rpc_reply_t reply;

  (void)state;
  free(evaluate("application:set_env(rabbit, auth_mechanisms, ['PLAIN'])."));
  client = open_as("n-plain");
  reply = client_login_external(&client);
  expect_part(advise(&client, reply), "does not offer the mechanism of this login");
  client_destroy(&client);
  free(evaluate("application:set_env(rabbit, auth_mechanisms, ['EXTERNAL', 'PLAIN', 'AMQPLAIN'])."));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_as_the_broker_finds_them),
      cmocka_unit_test(the_command_lets_us_in),
      cmocka_unit_test(each_setting),
      cmocka_unit_test(passwords),
      cmocka_unit_test(a_mechanism_that_is_not_offered),
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}

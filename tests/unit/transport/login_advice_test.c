/* SPDX-License-Identifier: MIT */
/*
 * What is advised for each way in which a login fails. Certificates' names and the broker's words are hostile here; the
 * command is given to a shell, whose rabbitmqctl writes down what it got.
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

#include "base/one_line.h"
#include "command.h"
#include "der_text.h"
#include "failing_allocator.h"
#include "temporary_folder.h"
#include "transport/transport.h"
#include "x509/login_names.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROOM 8192
#define REFUSED "ACCESS_REFUSED - Login was refused using authentication mechanism "
#define LOG ". For details see the broker logfile."

struct client {
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
};

static void client_make(struct client *client) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  client->connection = amqp_new_connection();
  client->socket = amqp_wolfssl_socket_new(client->connection, config);
  assert_non_null(client->socket);
  amqp_wolfssl_config_free(config);
}

static void client_free(struct client *client) {
  assert_int_equal(amqp_destroy_connection(client->connection), AMQP_STATUS_OK);
}

/* As if a connection with this certificate had been opened. \param names alternative names, as der_from_text() takes */
static void show_certificate(const struct client *client, const char *subject, const char *names) {
  struct connection_facts *facts = &transport_of_socket(client->socket)->facts;
  char text[4096];

  assert_true(snprintf(text, sizeof(text),
                       "30{ 30{ a0{ 020102 } 020101 30{ 06{ 2a8648ce3d040302 } } 30{ } "
                       "30{ 17{ 3236303130313030303030305a } 17{ 3330303130313030303030305a } } %s "
                       "30{ 30{ 06{ 2a8648ce3d0201 } 06{ 2a8648ce3d030107 } } 03{ 00 04 } } "
                       "a3{ 30{ 30{ 06{ 551d11 } 04{ 30{ %s } } } } } } 30{ 06{ 2a8648ce3d040302 } } 03{ 00 00 } }",
                       subject, names) < (int)sizeof(text));
  free(facts->own_certificate);
  facts->own_certificate = der_from_text(text, &facts->own_certificate_length);
}

/* The bytes of \a text in hexadecimal, behind a tag and its length. */
static const char *element(const char *tag, const char *text) {
  static char all[8][600];
  static unsigned next;
  char *hex = all[next++ % 8];
  size_t at = (size_t)snprintf(hex, sizeof(all[0]), "%s{ ", tag);

  for (; *text != '\0'; text++) {
    at += (size_t)snprintf(hex + at, sizeof(all[0]) - at, "%02x", (unsigned char)*text);
  }
  (void)snprintf(hex + at, sizeof(all[0]) - at, " }");
  return hex;
}

/* With one common name. */
static const char *subject_of(const char *common_name) {
  static char subject[700];

  (void)snprintf(subject, sizeof(subject), "30{ 31{ 30{ 06{ 550403 } %s } } }", element("0c", common_name));
  return subject;
}

static const char *advise(const struct client *client, amqp_rpc_reply_t reply) {
  static char advice[ROOM];
  size_t needed;

  memset(advice, 'x', sizeof(advice));
  needed = amqp_wolfssl_socket_login_advice(client->socket, reply, advice, sizeof(advice));
  assert_true(needed < sizeof(advice));
  assert_int_equal(strlen(advice), needed);
  assert_int_equal(amqp_wolfssl_socket_login_advice(client->socket, reply, NULL, 0), needed);
  assert_true(one_line_is(advice, needed));
  return advice;
}

static const char *advise_on_close(const struct client *client, unsigned code, const void *text, size_t length) {
  amqp_connection_close_t close = {.reply_code = (uint16_t)code};
  amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION};
  char *bytes = malloc(length + 1);
  const char *advice;

  assert_non_null(bytes);
  memcpy(bytes, text, length);
  close.reply_text.bytes = bytes;
  close.reply_text.len = length;
  reply.reply.id = AMQP_CONNECTION_CLOSE_METHOD;
  reply.reply.decoded = &close;
  advice = advise(client, reply);
  free(bytes);
  return advice;
}

static const char *advise_on_text(const struct client *client, unsigned code, const char *text) {
  return advise_on_close(client, code, text, strlen(text));
}

static void expect_part(const char *advice, const char *part) {
  if (strstr(advice, part) == NULL) {
    fail_msg("no \"%s\" in: %s", part, advice);
  }
}

/* ---- EXTERNAL ---- */

static void test_external(void **state) {
  struct client client;
  const char *advice;
  char names[1024];

  (void)state;
  client_make(&client);
  (void)snprintf(names, sizeof(names), "%s 87{ 7f000001 } %s", element("82", "a.example"),
                 element("86", "spiffe://example.org/a"));
  show_certificate(&client, "30{ 31{ 30{ 06{ 55040a } 0c04 41636d65 } } 31{ 30{ 06{ 550403 } 0c07 636c69656e7431 } } }",
                   names);
  advice = advise_on_text(&client, 403, REFUSED "EXTERNAL" LOG);
  expect_part(advice,
              "the broker refused the login by certificate (403, \"" REFUSED "EXTERNAL" LOG "\"): it has no user");
  expect_part(advice, "by distinguished_name, the default: rabbitmqctl add_user -- 'CN=client1,O=Acme' ");
  expect_part(advice,
              "&& rabbitmqctl clear_password -- 'CN=client1,O=Acme' && rabbitmqctl set_permissions -p / -- "
              "'CN=client1,O=Acme' '.*' '.*' '.*'");
  expect_part(advice,
              "by distinguished_name 'CN=client1,O=Acme', by common_name 'client1', by subject_alternative_name "
              "with san_type dns and san_index 0 'a.example', by subject_alternative_name with san_type ip and "
              "san_index 0 a name that only its log shows (127.0.0.1), by subject_alternative_name with "
              "san_type uri and san_index 0 'spiffe://example.org/a'");
  client_free(&client);
}

static void test_external_without_a_certificate(void **state) {
  struct client client;

  (void)state;
  client_make(&client);
  expect_part(advise_on_text(&client, 403, REFUSED "EXTERNAL" LOG), "none is configured");
  client_free(&client);
}

/* A name that can't be typed is not offered in a command. */
static void test_external_by_another_name(void **state) {
  struct client client;
  const char *advice;

  (void)state;
  client_make(&client);
  show_certificate(&client, "30{ 31{ 30{ 06{ 55042d } 0304 00616263 } } }", element("82", "a.example"));
  advice = advise_on_text(&client, 403, REFUSED "EXTERNAL" LOG);
  expect_part(advice, "san_type dns and san_index 0: rabbitmqctl add_user -- 'a.example' ");
  expect_part(advice, "by distinguished_name a name that only its log shows (2.5.4.45=#030400616263)");
  show_certificate(&client, "30{ }", "87{ 7f000001 }");
  advice = advise_on_text(&client, 403, REFUSED "EXTERNAL" LOG);
  assert_null(strstr(advice, "rabbitmqctl"));
  client_free(&client);
}

/* ---- The command, in a shell ---- */

#define RECORD "#!/bin/sh\nfor argument; do printf '<%s>' \"$argument\" >>\"$(dirname \"$0\")/record\"; done\n"

static int make_fake_commands(void **state) {
  (void)state;
  if (temporary_folder_make() != 0) {
    return -1;
  }
  temporary_folder_write_text("rabbitmqctl", RECORD);
  temporary_folder_write_text("openssl", "#!/bin/sh\necho secret\n");
  return chmod(temporary_folder_path("rabbitmqctl"), 0755) == 0 && chmod(temporary_folder_path("openssl"), 0755) == 0
             ? 0
             : -1;
}

/* What stands between "the default: " and the list of names. */
static void run_command_of(const char *advice) {
  static const char before[] = ", the default: ";
  static const char after[] = "; ssl_cert_login_from says";
  const char *begin = strstr(advice, before);
  const char *end = strstr(advice, after);
  char script[ROOM];

  assert_true(begin != NULL && end != NULL && begin < end);
  begin += strlen(before);
  (void)snprintf(script, sizeof(script), "PATH=%s:$PATH\n%.*s\n", temporary_folder_path(""), (int)(end - begin), begin);
  temporary_folder_write_text("script", script);
  temporary_folder_write_text("record", "");
  assert_int_equal(command_run(temporary_folder_path(""), "sh", "script", NULL), 0);
}

static void test_shells_get_the_name_and_nothing_else(void **state) {
  static const char *const names[] = {
      "client1",      "it's",   "''",         "'; touch pwned; '", "$(touch pwned)", "`touch pwned`",
      "-x",           "--help", "a b  c",     "!history!",         "*?[a]{b,c}~",    "\\",
      "\\'",          "a\\nb",  "$HOME ${X}", "a;b|c&d",           "<in >out 2>&1",  "#comment",
      " lead trail ", "%s%n",   "\"q\"",      "a'b'c'd",
  };

  (void)state;
  for (size_t i = 0; i < COUNT(names); i++) {
    struct client client;
    char expected[2048];
    const char *login;
    amqp_wolfssl_identity_names_t *none;
    struct login_names read = {0};
    struct certificate leaf;
    const struct connection_facts *facts;
    char *record;

    client_make(&client);
    none = amqp_wolfssl_config_identity_names(amqp_wolfssl_socket_config(client.socket));
    assert_null(none); /* of the connection, not of the config */
    show_certificate(&client, subject_of(names[i]), element("82", "a"));
    facts = &transport_of_socket(client.socket)->facts;
    assert_true(certificate_read(&leaf, facts->own_certificate, facts->own_certificate_length));
    assert_true(login_names_read(&read, &leaf));
    assert_string_equal(read.items[1].text, names[i]);
    login = read.items[0].text;
    run_command_of(advise_on_text(&client, 403, REFUSED "EXTERNAL" LOG));
    (void)snprintf(expected, sizeof(expected),
                   "<add_user><--><%s><secret><clear_password><--><%s><set_permissions><-p></><--><%s><.*><.*><.*>",
                   login, login, login);
    record = temporary_folder_read_text("record");
    assert_string_equal(record, expected);
    free(record);
    login_names_free(&read);
    client_free(&client);
  }
}

/* However small the buffer: never a part of the command. */
static void test_a_command_is_never_cut(void **state) {
  amqp_connection_close_t close = {.reply_code = 403};
  amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION};
  struct client client;
  size_t needed;

  (void)state;
  client_make(&client);
  show_certificate(&client, subject_of("it's"), element("82", "a.example"));
  close.reply_text = amqp_cstring_bytes(REFUSED "EXTERNAL" LOG);
  reply.reply.id = AMQP_CONNECTION_CLOSE_METHOD;
  reply.reply.decoded = &close;
  needed = amqp_wolfssl_socket_login_advice(client.socket, reply, NULL, 0);
  assert_true(needed > 500);
  for (size_t capacity = 1; capacity <= needed + 1; capacity++) {
    char *advice = malloc(capacity);
    const char *command;

    assert_non_null(advice);
    assert_int_equal(amqp_wolfssl_socket_login_advice(client.socket, reply, advice, capacity), needed);
    assert_true(strlen(advice) < capacity);
    command = strstr(advice, "rabbitmqctl");
    assert_true(command == NULL || strstr(command, "'.*' '.*' '.*'") != NULL);
    free(advice);
  }
  client_free(&client);
}

/* ---- Passwords and virtual hosts ---- */

static void test_password(void **state) {
  static const char *const mechanisms[] = {"PLAIN", "AMQPLAIN"};
  struct client client;

  (void)state;
  client_make(&client);
  show_certificate(&client, subject_of("client1"), element("82", "a.example"));
  for (size_t i = 0; i < COUNT(mechanisms); i++) {
    char text[200];
    const char *advice;

    (void)snprintf(text, sizeof(text), REFUSED "%s" LOG, mechanisms[i]);
    advice = advise_on_text(&client, 403, text);
    expect_part(advice, "the broker refused the login by password (403, ");
    expect_part(advice, "the password is another");
    assert_null(strstr(advice, "client1")); /* the certificate's name has no part in it */
  }
  client_free(&client);
}

static void test_virtual_host(void **state) {
  struct client client;
  const char *advice;

  (void)state;
  client_make(&client);
  advice = advise_on_text(&client, 530, "NOT_ALLOWED - vhost 'none' not found");
  expect_part(advice, "but not the virtual host (530, \"NOT_ALLOWED - vhost 'none' not found\")");
  expect_part(advice, "rabbitmqctl set_permissions");
  advice = advise_on_text(&client, 541, "INTERNAL_ERROR");
  assert_string_equal(advice, "the broker refused the login (541, \"INTERNAL_ERROR\")");
  client_free(&client);
}

/* ---- The broker's words are foreign too ---- */

static void test_hostile_words(void **state) {
  static const char words[] = "EXTERNAL\r\n\033[2J\0\xe2\x80\xae\xe2\x80\xac 'x'";
  struct client client;
  char longest[255];

  (void)state;
  client_make(&client);
  expect_part(advise_on_close(&client, 403, words, sizeof(words) - 1), "EXTERNAL???[2J??? 'x'\")");
  expect_part(advise_on_close(&client, 403, "", 0), "by password (403, \"\")");
  memset(longest, 'E', sizeof(longest));
  (void)advise_on_close(&client, 403, longest, sizeof(longest));
  (void)advise_on_close(&client, 530, longest, 1);
  client_free(&client);
}

/* ---- Other replies ---- */

static void test_other_replies(void **state) {
  amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_NORMAL};
  struct client client;
  char advice[64] = "unchanged";

  (void)state;
  client_make(&client);
  assert_string_equal(advise(&client, reply), "");
  reply.reply_type = AMQP_RESPONSE_NONE;
  assert_string_equal(advise(&client, reply), "");
  reply.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION;
  reply.reply.id = AMQP_CHANNEL_CLOSE_METHOD; /* no login's */
  assert_string_equal(advise(&client, reply), "");
  reply.reply.id = AMQP_CONNECTION_CLOSE_METHOD;
  reply.reply.decoded = NULL;
  assert_string_equal(advise(&client, reply), "");
  reply.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION;
  reply.library_error = AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD;
  expect_part(advise(&client, reply), "rabbitmq_auth_mechanism_ssl");
  reply.library_error = AMQP_STATUS_NO_MEMORY;
  assert_string_equal(advise(&client, reply), amqp_error_string2(AMQP_STATUS_NO_MEMORY));
  error_set(&transport_of_socket(client.socket)->error, AMQP_WOLFSSL_STAGE_RECEIVE,
            AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, "the broker rejected our certificate");
  reply.library_error = AMQP_STATUS_SSL_ERROR;
  assert_string_equal(advise(&client, reply), "the broker rejected our certificate");
  assert_int_equal(amqp_wolfssl_socket_login_advice(NULL, reply, advice, sizeof(advice)), 0);
  assert_string_equal(advice, "");
  client_free(&client);
}

/* ---- Running out of memory ---- */

static void test_no_memory(void **state) {
  amqp_connection_close_t close = {.reply_code = 403};
  amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION};
  struct client client;
  size_t failures = 0;
  bool failed = true;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  client_make(&client);
  show_certificate(&client, subject_of("client1"), element("82", "a.example"));
  close.reply_text = amqp_cstring_bytes(REFUSED "EXTERNAL" LOG);
  reply.reply.id = AMQP_CONNECTION_CLOSE_METHOD;
  reply.reply.decoded = &close;
  for (size_t nth = 1; failed; nth++) {
    char advice[ROOM];

    failing_allocator_arm(nth);
    (void)amqp_wolfssl_socket_login_advice(client.socket, reply, advice, sizeof(advice));
    failed = failing_allocator_disarm();
    failures += failed;
    expect_part(advice, "refused the login by certificate");
    assert_null(strstr(advice, "none is configured"));
  }
  assert_true(failures >= 7);
  client_free(&client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_external),
      cmocka_unit_test(test_external_without_a_certificate),
      cmocka_unit_test(test_external_by_another_name),
      cmocka_unit_test(test_shells_get_the_name_and_nothing_else),
      cmocka_unit_test(test_a_command_is_never_cut),
      cmocka_unit_test(test_password),
      cmocka_unit_test(test_virtual_host),
      cmocka_unit_test(test_hostile_words),
      cmocka_unit_test(test_other_replies),
      cmocka_unit_test(test_no_memory),
  };

  return cmocka_run_group_tests(tests, make_fake_commands, temporary_folder_tear_down);
}

/* SPDX-License-Identifier: MIT */
/* Reads the server properties of Connection.Start (AMQP 0-9-1, section 1.4.2.1), over a plain connection. */
#include "broker_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <amqp_wolfssl_socket.h>

#include "plain_socket.h"

#define ANY_FRAME_MAX 131072
#define OLD_LEAST_FRAME_MAX 4096
#define NEW_LEAST_FRAME_MAX 8192 /* RabbitMQ 4.1 and later */

static void read_property(const amqp_table_t *properties, const char *name, char text[64]) {
  for (int i = 0; i < properties->num_entries; i++) {
    const amqp_table_entry_t *entry = &properties->entries[i];

    if (entry->key.len == strlen(name) && memcmp(entry->key.bytes, name, entry->key.len) == 0) {
      assert_int_equal(entry->value.kind, AMQP_FIELD_KIND_UTF8);
      (void)snprintf(text, 64, "%.*s", (int)entry->value.value.bytes.len, (const char *)entry->value.value.bytes.bytes);
      return;
    }
  }
  fail_msg("the broker has no property %s", name);
}

struct broker_version broker_version_of(const struct private_broker *broker) {
  struct broker_version version = {0};
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *tcp;
  char product[64];
  char platform[64];

  assert_non_null(connection);
  tcp = amqp_tcp_socket_new(connection);
  assert_non_null(tcp);
  assert_int_equal(amqp_socket_open(tcp, "127.0.0.1", broker->plain_port), AMQP_STATUS_OK);
  assert_int_equal(
      amqp_login(connection, "/", 0, ANY_FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, broker->user, broker->password)
          .reply_type,
      AMQP_RESPONSE_NORMAL);
  read_property(amqp_get_server_properties(connection), "version", product);
  read_property(amqp_get_server_properties(connection), "platform", platform);
  assert_int_equal(sscanf(product, "%d.%d", &version.major, &version.minor), 2);
  assert_int_equal(sscanf(platform, "Erlang/OTP %d", &version.erlang), 1);
  assert_int_equal(amqp_connection_close(connection, AMQP_REPLY_SUCCESS).reply_type, AMQP_RESPONSE_NORMAL);
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
  return version;
}

int broker_least_frame_max(const struct broker_version *version) {
  const bool raised = version->major > 4 || (version->major == 4 && version->minor >= 1);

  return raised ? NEW_LEAST_FRAME_MAX : OLD_LEAST_FRAME_MAX;
}

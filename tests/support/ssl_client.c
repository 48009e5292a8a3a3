/* SPDX-License-Identifier: MIT */
/*
 * A program as it is written for rabbitmq-c's own TLS socket; it knows of no other. The tests link it in several ways.
 *
 *   ssl_client HOST PORT CA CERTIFICATE KEY
 *
 * Connects by mutual TLS, logs in by EXTERNAL, sends messages of several sizes through a queue of its own and compares
 * what comes back. It says on stdout which file amqp_ssl_socket_new() comes from ("provider: PATH"), which files with
 * code are mapped ("mapped: PATH", once each), and "done" when all went well.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#if defined(__has_include)
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/ssl_socket.h>
#else
#include <amqp.h>
#include <amqp_ssl_socket.h>
#endif
#endif

enum { CHANNEL = 1, FRAME_MAX = 131072 };

static struct timeval hang_limit = {30, 0};

static void show_provider(void) {
  amqp_socket_t *(*function)(amqp_connection_state_t) = amqp_ssl_socket_new;
  void *address;
  Dl_info info;

  memcpy(&address, &function, sizeof(address));
  if (dladdr(address, &info) != 0) {
    printf("provider: %s\n", info.dli_fname);
  }
}

/* "START-END r-xp OFFSET DEVICE INODE  PATH": each line with code that comes from a file. */
static void show_mapped(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[4200];

  while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
    const char *path = strchr(line, '/');

    if (path != NULL && strstr(line, " r-xp ") != NULL) {
      printf("mapped: %s", path);
    }
  }
  if (maps != NULL) {
    (void)fclose(maps);
  }
}

static int is_good(const char *doing, amqp_rpc_reply_t reply) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    return 1;
  }
  fprintf(stderr, "%s: %s\n", doing,
          reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? amqp_error_string2(reply.library_error)
                                                              : "the broker refuses");
  return 0;
}

static int open_socket(amqp_connection_state_t connection, char **arguments) {
  amqp_socket_t *socket = amqp_ssl_socket_new(connection);
  int status;

  if (socket == NULL) {
    fprintf(stderr, "no TLS socket\n");
    return 0;
  }
  /* Like many a program it does not look at what the setters return. */
  (void)amqp_ssl_socket_set_cacert(socket, arguments[3]);
  (void)amqp_ssl_socket_set_key(socket, arguments[4], arguments[5]);
  status = amqp_socket_open_noblock(socket, arguments[1], atoi(arguments[2]), &hang_limit);
  if (status != AMQP_STATUS_OK) {
    fprintf(stderr, "open: %s\n", amqp_error_string2(status));
  }
  return status == AMQP_STATUS_OK;
}

static void fill(amqp_bytes_t body) {
  for (size_t i = 0; i < body.len; i++) {
    ((unsigned char *)body.bytes)[i] = (unsigned char)(i * 131 + body.len);
  }
}

static int send_and_compare(amqp_connection_state_t connection, amqp_bytes_t queue, size_t length) {
  amqp_bytes_t body = amqp_bytes_malloc(length == 0 ? 1 : length);
  amqp_envelope_t envelope;
  int equal = 0;

  body.len = length;
  fill(body);
  if (amqp_basic_publish(connection, CHANNEL, amqp_empty_bytes, queue, 0, 0, NULL, body) == AMQP_STATUS_OK &&
      is_good("consume", amqp_consume_message(connection, &envelope, &hang_limit, 0))) {
    equal = envelope.message.body.len == length &&
            (length == 0 || memcmp(envelope.message.body.bytes, body.bytes, length) == 0);
    amqp_destroy_envelope(&envelope);
  }
  amqp_bytes_free(body);
  if (!equal) {
    fprintf(stderr, "a message of %zu bytes did not come back\n", length);
  }
  return equal;
}

static int exchange_messages(amqp_connection_state_t connection) {
  static const size_t lengths[] = {0, 1, 100, FRAME_MAX - 8, 500000};
  amqp_queue_declare_ok_t *declared;
  int good = 1;

  (void)amqp_channel_open(connection, CHANNEL);
  if (!is_good("open a channel", amqp_get_rpc_reply(connection))) {
    return 0;
  }
  declared = amqp_queue_declare(connection, CHANNEL, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
  if (declared == NULL || !is_good("declare", amqp_get_rpc_reply(connection))) {
    return 0;
  }
  amqp_bytes_t queue = amqp_bytes_malloc_dup(declared->queue);

  (void)amqp_basic_consume(connection, CHANNEL, queue, amqp_empty_bytes, 0, 1, 1, amqp_empty_table);
  good = is_good("consume", amqp_get_rpc_reply(connection));
  for (size_t i = 0; good && i < sizeof(lengths) / sizeof(lengths[0]); i++) {
    good = send_and_compare(connection, queue, lengths[i]);
  }
  amqp_bytes_free(queue);
  return good;
}

int main(int count, char **arguments) {
  amqp_connection_state_t connection;
  int good;

  if (count != 6) {
    fprintf(stderr, "usage: %s HOST PORT CA CERTIFICATE KEY\n", arguments[0]);
    return 2;
  }
  connection = amqp_new_connection();
  show_provider();
  good = connection != NULL && open_socket(connection, arguments) &&
         is_good("log in", amqp_login(connection, "/", 0, FRAME_MAX, 0, AMQP_SASL_METHOD_EXTERNAL, "certificate")) &&
         exchange_messages(connection) && is_good("close", amqp_connection_close(connection, AMQP_REPLY_SUCCESS));
  show_mapped();
  if (connection != NULL) {
    (void)amqp_destroy_connection(connection);
  }
  if (good) {
    puts("done");
  }
  return good ? 0 : 1;
}

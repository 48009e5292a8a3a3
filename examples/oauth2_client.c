/* SPDX-License-Identifier: MIT */
/*
 * Logs in with an OAuth 2.0 access token (a JWT) over mutual TLS, publishes a message every second, and renews the
 * token before it expires. For RabbitMQ's rabbitmq_auth_backend_oauth2: the token is the password of PLAIN, and the
 * user name does not count. The certificate says which machine it is, the token what it may do.
 *
 * Whoever fetches tokens writes each new one to the file, by renaming, well before the old one expires. This program
 * sees the file change and hands the token to the broker on the same connection (update-secret), where rabbitmq-c can
 * do that: from 0.12 on. With an older one it closes the connection and opens a new one; that is all that can be done.
 *
 * RabbitMQ up to 3.13 takes no token of more than about 4000 bytes at login, unless its initial_frame_max is raised.
 */
#include <amqp_wolfssl_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_SIZE 65536

/* How long connecting may take, and a publisher confirm or the broker's word on a token. */
static struct timeval limit = {30, 0};

struct client {
  char **arguments; /* HOST PORT CA CERTIFICATE KEY TOKEN_FILE */
  amqp_wolfssl_config_t *config;
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
  char queue[256]; /* the broker names it */
  char token[TOKEN_SIZE];
};

/* ---- Tokens ---- */

/* Secrets are wiped, in a way that the compiler can't leave out. */
static void wipe(char *text, size_t length) {
  volatile char *bytes = text;

  while (length > 0) {
    bytes[--length] = 0;
  }
}

/* \return 0 for success */
static int read_token(const char *path, char *token) {
  FILE *file = fopen(path, "r");
  size_t length;

  if (file == NULL) {
    return -1;
  }
  (void)setvbuf(file, NULL, _IONBF, 0); /* no copy in a buffer */
  length = fread(token, 1, TOKEN_SIZE - 1, file);
  (void)fclose(file);
  token[length] = '\0';
  token[strcspn(token, "\r\n")] = '\0';
  return *token != '\0' ? 0 : -1;
}

/* ---- What went wrong ---- */

static void print_reason(const char *doing, int code, amqp_bytes_t text) {
  printf("%s: the broker replied %d, %.*s\n", doing, code, (int)text.len, (const char *)text.bytes);
}

/* The broker's word in AMQP, if there is one, and the library's record, which quotes it too. */
static void print_failure(const struct client *client, amqp_rpc_reply_t reply, const char *doing) {
  const char *record = amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket));

  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const amqp_connection_close_t *refusal = reply.reply.decoded;

    print_reason(doing, refusal->reply_code, refusal->reply_text);
  } else if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const amqp_channel_close_t *refusal = reply.reply.decoded;

    print_reason(doing, refusal->reply_code, refusal->reply_text);
  } else {
    printf("%s: %s\n", doing, amqp_error_string2(reply.library_error));
  }
  if (*record != '\0') {
    printf("%s\n", record);
  }
}

static int check(const struct client *client, amqp_rpc_reply_t reply, const char *doing) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    return 0;
  }
  print_failure(client, reply, doing);
  return -1;
}

/* ---- Connecting ---- */

static int set_up_channel(struct client *client) {
  const amqp_queue_declare_ok_t *declared;

  amqp_channel_open(client->connection, 1);
  if (check(client, amqp_get_rpc_reply(client->connection), "open a channel") != 0) {
    return -1;
  }
  amqp_confirm_select(client->connection, 1);
  if (check(client, amqp_get_rpc_reply(client->connection), "turn on confirms") != 0) {
    return -1;
  }
  declared = amqp_queue_declare(client->connection, 1, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
  if (check(client, amqp_get_rpc_reply(client->connection), "declare a queue") != 0) {
    return -1;
  }
  (void)snprintf(client->queue, sizeof(client->queue), "%.*s", (int)declared->queue.len,
                 (const char *)declared->queue.bytes);
  return 0;
}

static int connect_and_log_in(struct client *client) {
  client->connection = amqp_new_connection();
  client->socket = client->connection != NULL ? amqp_wolfssl_socket_new(client->connection, client->config) : NULL;
  if (client->socket == NULL) {
    printf("no TLS socket\n");
    return -1;
  }
  if (amqp_socket_open_noblock(client->socket, client->arguments[0], atoi(client->arguments[1]), &limit) !=
      AMQP_STATUS_OK) {
    printf("%s\n", amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket)));
    return -1;
  }
  if (check(client, amqp_login(client->connection, "/", 0, 131072, 60, AMQP_SASL_METHOD_PLAIN, "oauth2", client->token),
            "login") != 0) {
    return -1;
  }
  return set_up_channel(client);
}

static void disconnect(struct client *client) {
  if (client->connection != NULL) {
    (void)amqp_connection_close(client->connection, AMQP_REPLY_SUCCESS);
    (void)amqp_destroy_connection(client->connection); /* the socket goes with it */
    client->connection = NULL;
  }
}

/* ---- Renewing ---- */

static int renew(struct client *client) {
#ifdef AMQP_CONNECTION_UPDATE_SECRET_METHOD
  amqp_connection_update_secret(client->connection, 0, amqp_cstring_bytes(client->token),
                                amqp_cstring_bytes("renewed"));
  if (check(client, amqp_get_rpc_reply(client->connection), "renew the token") != 0) {
    return -1;
  }
  printf("renewed on this connection\n");
#else
  disconnect(client);
  if (connect_and_log_in(client) != 0) {
    return -1;
  }
  printf("renewed by a new connection\n");
#endif
  return 0;
}

static int renew_if_changed(struct client *client) {
  static char found[TOKEN_SIZE];
  int result = 0;

  /* A file that is missing for a moment is no reason to give up: the old token is still good. */
  if (read_token(client->arguments[5], found) == 0 && strcmp(found, client->token) != 0) {
    memcpy(client->token, found, sizeof(found));
    result = renew(client);
  }
  wipe(found, sizeof(found));
  return result;
}

/* ---- Work ---- */

static int await_confirm(struct client *client) {
  for (;;) {
    amqp_frame_t frame;
    int status;

    amqp_maybe_release_buffers(client->connection); /* of the frame before */
    status = amqp_simple_wait_frame_noblock(client->connection, &frame, &limit);
    if (status != AMQP_STATUS_OK) {
      print_failure(client, (amqp_rpc_reply_t){.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION, .library_error = status},
                    "await the confirm");
      return -1;
    }
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
      return 0;
    }
    if (frame.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD ||
        frame.payload.method.id == AMQP_CHANNEL_CLOSE_METHOD) {
      print_failure(client,
                    (amqp_rpc_reply_t){.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION, .reply = frame.payload.method},
                    "publish");
      return -1;
    }
  }
}

static int publish(struct client *client) {
  const int status = amqp_basic_publish(client->connection, 1, amqp_empty_bytes, amqp_cstring_bytes(client->queue), 0,
                                        0, NULL, amqp_cstring_bytes("still allowed"));

  if (status != AMQP_STATUS_OK) {
    print_failure(client, (amqp_rpc_reply_t){.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION, .library_error = status},
                  "publish");
    return -1;
  }
  return await_confirm(client);
}

static int run(struct client *client) {
  if (connect_and_log_in(client) != 0) {
    return -1;
  }
  printf("logged in, %s\n", amqp_wolfssl_socket_suite(client->socket));
  while (renew_if_changed(client) == 0 && publish(client) == 0) {
    printf("confirmed\n");
    (void)sleep(1);
  }
  return -1;
}

int main(int argc, char **argv) {
  static struct client client;
  int result = 1;

  if (argc != 7) {
    fprintf(stderr, "usage: %s HOST PORT CA.pem CLIENT.pem CLIENT.key TOKEN_FILE\n", argv[0]);
    return 2;
  }
  (void)setvbuf(stdout, NULL, _IOLBF, 0);
  client.arguments = argv + 1;
  client.config = amqp_wolfssl_config_new();
  if (amqp_wolfssl_config_add_ca_file(client.config, argv[3]) != AMQP_WOLFSSL_OK ||
      amqp_wolfssl_config_set_identity_files(client.config, argv[4], argv[5]) != AMQP_WOLFSSL_OK) {
    printf("%s\n", amqp_wolfssl_error_message(amqp_wolfssl_config_error(client.config)));
  } else if (read_token(argv[6], client.token) != 0) {
    printf("no token in %s\n", argv[6]);
  } else {
    result = run(&client) == 0 ? 0 : 1;
  }
  disconnect(&client);
  wipe(client.token, sizeof(client.token));
  amqp_wolfssl_config_free(client.config);
  return result;
}

/* SPDX-License-Identifier: MIT */
/* Connects with mutual TLS, prints what was negotiated and who the broker is, logs in, and waits if asked to. */
#include "example_connection.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void print_day(const char *label, int64_t seconds) {
  time_t when = (time_t)seconds;
  struct tm parts;
  char day[40] = "?";

  if (gmtime_r(&when, &parts) != NULL) {
    (void)strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S UTC", &parts);
  }
  printf("%s%s\n", label, day);
}

/* As whom EXTERNAL logs in is up to the broker's ssl_cert_login_from, and the two settings of alternative names. */
static void print_login_names(amqp_wolfssl_config_t *config) {
  static const char *const sources[] = {"",       "distinguished_name", "common_name", "san dns",
                                        "san ip", "san email",          "san uri",     "san other_name"};
  amqp_wolfssl_identity_names_t *names = amqp_wolfssl_config_identity_names(config);

  for (size_t i = 0; i < amqp_wolfssl_identity_names_count(names); i++) {
    printf("  user by %s %zu: %s%s\n", sources[amqp_wolfssl_identity_names_source(names, i)],
           amqp_wolfssl_identity_names_index(names, i), amqp_wolfssl_identity_names_text(names, i),
           amqp_wolfssl_identity_names_exact(names, i) ? "" : " (not as the broker spells it)");
  }
  amqp_wolfssl_identity_names_free(names);
}

static void print_facts(const amqp_socket_t *socket) {
  printf("version:      %s\n", amqp_wolfssl_socket_version(socket));
  printf("cipher suite: %s\n", amqp_wolfssl_socket_suite(socket));
  printf("group:        %s\n", amqp_wolfssl_socket_group(socket));
  printf("extended master secret: %s\n", amqp_wolfssl_socket_extended_master_secret(socket) ? "yes" : "no");
  printf("broker:       %s\n", amqp_wolfssl_socket_peer_subject(socket));
  printf("issued by:    %s\n", amqp_wolfssl_socket_peer_issuer(socket));
  printf("its names:   ");
  for (size_t i = 0; i < amqp_wolfssl_socket_peer_name_count(socket); i++) {
    printf(" %s", amqp_wolfssl_socket_peer_name(socket, i));
  }
  putchar('\n');
  print_day("valid from:   ", amqp_wolfssl_socket_peer_not_before(socket));
  print_day("valid until:  ", amqp_wolfssl_socket_peer_not_after(socket));
  printf("we are:       %s\n", amqp_wolfssl_socket_own_subject(socket));
  print_login_names(amqp_wolfssl_socket_config(socket));
}

/* Receives what the broker sends, so that heartbeats are exchanged. \return 0, or -1 when the connection is over */
static int take_frames(const struct example_connection *connection) {
  struct timeval no_time = {0, 0};

  for (;;) {
    amqp_frame_t frame;
    int status = amqp_simple_wait_frame_noblock(connection->amqp, &frame, &no_time);

    if (status == AMQP_STATUS_TIMEOUT) {
      amqp_maybe_release_buffers(connection->amqp);
      return 0; /* nothing more for now */
    }
    if (status != AMQP_STATUS_OK) {
      amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION, .library_error = status};

      return example_check(connection, reply, "wait");
    }
    if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD) {
      amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION, .reply = frame.payload.method};

      return example_check(connection, reply, "wait");
    }
  }
}

/* Keeps the connection until standard input closes. Input is ignored. */
static int wait_for_end_of_input(const struct example_connection *connection) {
  struct pollfd watched[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = amqp_get_sockfd(connection->amqp), .events = POLLIN}};

  printf("waiting until standard input closes\n");
  (void)fflush(stdout);
  for (;;) {
    char ignored[256];

    /* At least once a second: rabbitmq-c sends our own heartbeats from within its calls. */
    if (poll(watched, 2, 1000) > 0 && watched[0].revents != 0 && read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0) {
      return 0;
    }
    if (take_frames(connection) != 0) {
      return -1;
    }
  }
}

int main(int argc, char **argv) {
  struct example_options options;
  struct example_connection connection;
  int result = -1;

  example_read_options(argc, argv, "Connects with mutual TLS, prints the connection's facts and logs in.", &options);
  if (example_open(&options, &connection) == 0) {
    print_facts(connection.socket);
    result = example_login(&options, &connection);
    if (result == 0) {
      printf("logged in by %s\n", options.user != NULL ? "PLAIN" : "EXTERNAL");
      result = options.wait ? wait_for_end_of_input(&connection) : 0;
    }
  }
  example_close(&connection);
  return result == 0 ? 0 : 1;
}

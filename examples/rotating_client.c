/* SPDX-License-Identifier: MIT */
/*
 * A client that outlives its certificates: it takes them from a folder as Kubernetes mounts a Secret, keeps a
 * connection open, and replaces it when there are new ones. What is wrong with new ones is said, and the last good ones
 * stay in use. SIGTERM ends it, also where it is process 1 of a container. examples/kubernetes runs it as a Deployment.
 */
#include <amqp_wolfssl_socket.h>

#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONGEST_PAUSE 30 /* seconds between two attempts */
#define SHORTEST_LIFE 60 /* seconds until a connection is given up for one that may be no better */

struct options {
  const char *host;
  int port;
  const char *folder;
  int64_t margin; /* seconds before the end of the certificate */
};

static volatile sig_atomic_t must_stop;

static void stop(int signal) {
  (void)signal;
  must_stop = 1;
}

/* Signals arrive in ppoll() only, so none is missed between looking at must_stop and waiting. */
static void catch_signals(sigset_t *while_waiting) {
  struct sigaction action;
  sigset_t caught;

  memset(&action, 0, sizeof(action));
  action.sa_handler = stop;
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(SIGTERM, &action, NULL);
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigemptyset(&caught);
  (void)sigaddset(&caught, SIGTERM);
  (void)sigaddset(&caught, SIGINT);
  (void)sigprocmask(SIG_BLOCK, &caught, while_waiting);
  (void)sigdelset(while_waiting, SIGTERM);
  (void)sigdelset(while_waiting, SIGINT);
}

/* Until the descriptor, if it is one, can be read, but no longer than a second: heartbeats and files want a look. */
static void wait_a_little(int descriptor, const sigset_t *while_waiting) {
  struct pollfd watched = {.fd = descriptor, .events = POLLIN};
  struct timespec second = {1, 0};

  (void)ppoll(&watched, 1, &second, while_waiting);
}

static int64_t seconds_now(void) {
  struct timespec now = {0, 0};

  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

static int64_t read_number(const char *text, int64_t lowest, int64_t highest) {
  char *end;
  long long number = strtoll(text, &end, 10);

  if (*text == '\0' || *end != '\0' || number < lowest || number > highest) {
    fprintf(stderr, "\"%s\" is not a number from %" PRId64 " to %" PRId64 "\n", text, lowest, highest);
    exit(2);
  }
  return number;
}

static void read_options(int argc, char **argv, struct options *options) {
  static const struct option known[] = {
      {"host", required_argument, NULL, 'h'},
      {"port", required_argument, NULL, 'p'},
      {"secret-folder", required_argument, NULL, 's'},
      {"margin", required_argument, NULL, 'm'},
      {NULL, 0, NULL, 0},
  };
  int option;

  memset(options, 0, sizeof(*options));
  options->host = "localhost";
  options->port = 5671;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
      case 'h':
        options->host = optarg;
        break;
      case 'p':
        options->port = (int)read_number(optarg, 1, 65535);
        break;
      case 's':
        options->folder = optarg;
        break;
      case 'm':
        options->margin = read_number(optarg, 0, 1000000000);
        break;
      default: /* getopt_long has said what is wrong */
        exit(2);
    }
  }
  if (options->folder == NULL || optind != argc) {
    fprintf(stderr,
            "usage: %s --secret-folder FOLDER [--host NAME] [--port NUMBER] [--margin SECONDS]\n"
            "FOLDER has tls.crt, tls.key and ca.crt\n",
            argv[0]);
    exit(2);
  }
}

/* Made once, for all connections: each open reads the folder anew. */
static amqp_wolfssl_config_t *make_config(const struct options *options) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  if (config == NULL) {
    puts("out of memory");
    return NULL;
  }
  if (amqp_wolfssl_config_set_secret_folder(config, options->folder) != AMQP_WOLFSSL_OK ||
      amqp_wolfssl_config_set_expiry_margin(config, options->margin) != AMQP_WOLFSSL_OK) {
    printf("%s\n", amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
    amqp_wolfssl_config_free(config);
    return NULL;
  }
  return config;
}

static void print_connected(const amqp_socket_t *socket, amqp_wolfssl_config_t *config) {
  const char *warning = amqp_wolfssl_error_message(amqp_wolfssl_socket_warning(socket));
  int64_t seconds = 0;

  if (*warning != '\0') {
    printf("the files are not in order, so the last good ones stay in use: %s\n", warning);
  }
  (void)amqp_wolfssl_config_expires_in(config, &seconds, NULL);
  printf("connected as %s by %s; the certificate ends in %" PRId64 " seconds\n",
         amqp_wolfssl_socket_own_subject(socket), amqp_wolfssl_socket_version(socket), seconds);
}

static void print_failure(const amqp_socket_t *socket) {
  const char *why = amqp_wolfssl_error_message(amqp_wolfssl_socket_error(socket));

  printf("not connected: %s\n", *why != '\0' ? why : "the broker refused the login; its log says for which user");
}

static amqp_connection_state_t open_connection(const struct options *options, amqp_wolfssl_config_t *config) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = connection != NULL ? amqp_wolfssl_socket_new(connection, config) : NULL;
  struct timeval limit = {10, 0};

  if (socket != NULL && amqp_socket_open_noblock(socket, options->host, options->port, &limit) == AMQP_STATUS_OK &&
      amqp_login(connection, "/", 0, 131072, 60, AMQP_SASL_METHOD_EXTERNAL, "certificate").reply_type ==
          AMQP_RESPONSE_NORMAL) {
    print_connected(socket, config);
    return connection;
  }
  print_failure(socket);
  if (connection != NULL) {
    (void)amqp_destroy_connection(connection);
  }
  return NULL;
}

/* Takes what the broker sends, so that heartbeats are exchanged. \return 0 when the connection is over */
static int take_frames(amqp_connection_state_t connection) {
  struct timeval no_time = {0, 0};
  amqp_frame_t frame;
  int status;

  do {
    amqp_maybe_release_buffers(connection);
    status = amqp_simple_wait_frame_noblock(connection, &frame, &no_time);
    if (status == AMQP_STATUS_OK && frame.frame_type == AMQP_FRAME_METHOD &&
        frame.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD) {
      status = AMQP_STATUS_CONNECTION_CLOSED;
    }
  } while (status == AMQP_STATUS_OK);
  if (status != AMQP_STATUS_TIMEOUT) {
    printf("the connection is over: %s\n", amqp_error_string2(status));
  }
  return status == AMQP_STATUS_TIMEOUT;
}

/* Works until the connection is over or should be replaced. Within the margin a connection is due although there is
 * nothing newer, hence SHORTEST_LIFE. */
static void use_connection(amqp_connection_state_t connection, amqp_wolfssl_config_t *config,
                           const sigset_t *while_waiting) {
  const amqp_socket_t *socket = amqp_get_socket(connection);
  int64_t opened = seconds_now();

  while (!must_stop) {
    wait_a_little(amqp_get_sockfd(connection), while_waiting);
    if (!take_frames(connection)) {
      return;
    }
    /* What the program is there for comes here: publish, acknowledge. Between two pieces of it: */
    if (amqp_wolfssl_socket_due(socket) &&
        (amqp_wolfssl_config_changed(config) || seconds_now() - opened >= SHORTEST_LIFE)) {
      puts("time to reconnect: there are new credentials, or these come to their end");
      return;
    }
  }
}

/* Longer after each failure; but new credentials may be the cure. */
static void pause_after(int failures, amqp_wolfssl_config_t *config, const sigset_t *while_waiting) {
  int64_t pause = failures < 5 ? (int64_t)1 << failures : LONGEST_PAUSE;
  int64_t end = seconds_now() + pause;

  while (!must_stop && seconds_now() < end && !amqp_wolfssl_config_changed(config)) {
    wait_a_little(-1, while_waiting);
  }
}

int main(int argc, char **argv) {
  struct options options;
  sigset_t while_waiting;
  int failures = 0;

  (void)setvbuf(stdout, NULL, _IOLBF, 0);
  read_options(argc, argv, &options);
  amqp_wolfssl_config_t *config = make_config(&options);
  if (config == NULL) {
    return 1;
  }
  catch_signals(&while_waiting);
  while (!must_stop) {
    amqp_connection_state_t connection = open_connection(&options, config);

    if (connection == NULL) {
      pause_after(failures++, config, &while_waiting);
      continue;
    }
    failures = 0;
    use_connection(connection, config, &while_waiting);
    (void)amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    (void)amqp_destroy_connection(connection);
  }
  puts("stopped");
  amqp_wolfssl_config_free(config);
  return 0;
}

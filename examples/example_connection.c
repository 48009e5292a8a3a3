/* SPDX-License-Identifier: MIT */
/* Options, connection, login and error output of the longer examples. */
#include "example_connection.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long connecting may take: name lookup, TCP and TLS together. */
static struct timeval open_limit = {10, 0};

static void print_help(const char *program, const char *purpose) {
  printf(
      "usage: %s --ca FILE [options]\n%s\n\n"
      "  --host NAME         the broker (default: localhost)\n"
      "  --port NUMBER       its TLS port (default: 5671)\n"
      "  --ca FILE           certificates of the trusted CAs\n"
      "  --certificate FILE  the client's certificate, with intermediates\n"
      "  --key FILE          its private key\n"
      "  --server-name NAME  the broker's name, if it differs from the host\n"
      "  --tls 1.2|1.3       only this version (default: both)\n"
      "  --without-extended-master-secret\n"
      "                      an exception for a broker whose TLS 1.2 lacks it (RFC 7627)\n"
      "  --user NAME         log in with PLAIN and the password in $AMQP_PASSWORD (default: EXTERNAL)\n"
      "  --count NUMBER      publish_confirm: how many messages (default: 1000)\n"
      "  --wait              show_connection: keep the connection until standard input closes\n"
      "  --help              this text\n",
      program, purpose);
}

static int read_number(const char *program, const char *text, int highest) {
  char *end;
  long number = strtol(text, &end, 10);

  if (*text == '\0' || *end != '\0' || number < 1 || number > highest) {
    fprintf(stderr, "%s: \"%s\" is not a number from 1 to %d\n", program, text, highest);
    exit(2);
  }
  return (int)number;
}

void example_read_options(int argc, char **argv, const char *purpose, struct example_options *options) {
  static const struct option known[] = {
      {"host", required_argument, NULL, 'h'},
      {"port", required_argument, NULL, 'p'},
      {"ca", required_argument, NULL, 'a'},
      {"certificate", required_argument, NULL, 'c'},
      {"key", required_argument, NULL, 'k'},
      {"server-name", required_argument, NULL, 's'},
      {"tls", required_argument, NULL, 't'},
      {"without-extended-master-secret", no_argument, NULL, 'e'},
      {"user", required_argument, NULL, 'u'},
      {"count", required_argument, NULL, 'n'},
      {"wait", no_argument, NULL, 'w'},
      {"help", no_argument, NULL, 'H'},
      {NULL, 0, NULL, 0},
  };
  int option;

  memset(options, 0, sizeof(*options));
  options->host = "localhost";
  options->port = 5671;
  options->count = 1000;
  opterr = 1;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
      case 'h':
        options->host = optarg;
        break;
      case 'p':
        options->port = read_number(argv[0], optarg, 65535);
        break;
      case 'a':
        options->ca = optarg;
        break;
      case 'c':
        options->certificate = optarg;
        break;
      case 'k':
        options->key = optarg;
        break;
      case 's':
        options->server_name = optarg;
        break;
      case 't':
        options->tls = optarg;
        break;
      case 'e':
        options->without_extended_master_secret = 1;
        break;
      case 'u':
        options->user = optarg;
        break;
      case 'n':
        options->count = read_number(argv[0], optarg, 10000000);
        break;
      case 'w':
        options->wait = 1;
        break;
      case 'H':
        print_help(argv[0], purpose);
        exit(0);
      default: /* getopt_long has said what is wrong */
        exit(2);
    }
  }
  if (options->ca == NULL || optind != argc) {
    fprintf(stderr, "%s: --ca is required, and only options are accepted; see --help\n", argv[0]);
    exit(2);
  }
}

static int check_setter(const amqp_wolfssl_config_t *config, amqp_wolfssl_code_t code) {
  if (code != AMQP_WOLFSSL_OK) {
    printf("error at stage configure: %s\n  %s\n", amqp_wolfssl_code_name(code),
           amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
    return -1;
  }
  return 0;
}

static int set_versions(amqp_wolfssl_config_t *config, const char *tls) {
  if (tls == NULL) {
    return 0;
  }
  if (strcmp(tls, "1.2") == 0) {
    return check_setter(config,
                        amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2));
  }
  if (strcmp(tls, "1.3") == 0) {
    return check_setter(config,
                        amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_3, AMQP_WOLFSSL_TLS_1_3));
  }
  fprintf(stderr, "--tls takes 1.2 or 1.3\n");
  return -1;
}

static amqp_wolfssl_config_t *make_config(const struct example_options *options) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  if (config == NULL) {
    fprintf(stderr, "out of memory\n");
    return NULL;
  }
  if (set_versions(config, options->tls) != 0 ||
      (options->without_extended_master_secret &&
       check_setter(config, amqp_wolfssl_config_set_require_extended_master_secret(config, 0)) != 0) ||
      check_setter(config, amqp_wolfssl_config_add_ca_file(config, options->ca)) != 0 ||
      check_setter(config, amqp_wolfssl_config_set_server_name(config, options->server_name)) != 0 ||
      (options->certificate != NULL &&
       check_setter(config, amqp_wolfssl_config_set_identity_files(config, options->certificate, options->key)) != 0)) {
    amqp_wolfssl_config_free(config);
    return NULL;
  }
  return config;
}

static void print_tls_error(const amqp_wolfssl_error_t *error) {
  printf("error at stage %s: %s", amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)),
         amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)));
  if (amqp_wolfssl_error_alert(error) >= 0) {
    printf(" (alert %d %s)", amqp_wolfssl_error_alert(error),
           amqp_wolfssl_error_alert_direction(error) == AMQP_WOLFSSL_ALERT_SENT ? "sent" : "received");
  }
  printf("\n  %s\n", amqp_wolfssl_error_message(error));
}

int example_open(const struct example_options *options, struct example_connection *connection) {
  amqp_wolfssl_config_t *config = make_config(options);
  const char *why = "out of memory";

  connection->amqp = NULL;
  connection->socket = NULL;
  if (config == NULL) {
    return -1;
  }
  connection->amqp = amqp_new_connection();
  if (connection->amqp != NULL) {
    connection->socket = amqp_wolfssl_socket_new(connection->amqp, config);
  }
  amqp_wolfssl_config_free(config);
  if (connection->socket == NULL) {
    (void)amqp_wolfssl_check_runtime(&why);
    fprintf(stderr, "can't make a TLS socket: %s\n", why);
    return -1;
  }
  if (amqp_socket_open_noblock(connection->socket, options->host, options->port, &open_limit) != AMQP_STATUS_OK) {
    print_tls_error(amqp_wolfssl_socket_error(connection->socket));
    return -1;
  }
  return 0;
}

static void print_server_refusal(amqp_rpc_reply_t reply, const char *doing) {
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const amqp_connection_close_t *refusal = reply.reply.decoded;

    printf("%s: the broker replied %d, %.*s\n", doing, refusal->reply_code, (int)refusal->reply_text.len,
           (const char *)refusal->reply_text.bytes);
  } else if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const amqp_channel_close_t *refusal = reply.reply.decoded;

    printf("%s: the broker replied %d, %.*s\n", doing, refusal->reply_code, (int)refusal->reply_text.len,
           (const char *)refusal->reply_text.bytes);
  } else {
    printf("%s: the broker refused\n", doing);
  }
}

int example_check(const struct example_connection *connection, amqp_rpc_reply_t reply, const char *doing) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(connection->socket);

  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    return 0;
  }
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
    print_server_refusal(reply, doing);
  } else if (amqp_wolfssl_error_code(error) != AMQP_WOLFSSL_OK) {
    print_tls_error(error);
  } else {
    printf("%s: %s\n", doing, amqp_error_string2(reply.library_error));
  }
  return -1;
}

/* Called before anything else is done with the connection, into which the reply points. */
static void print_login_advice(const struct example_connection *connection, amqp_rpc_reply_t reply) {
  char advice[4096]; /* what is longer is cut between two names */

  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
      amqp_wolfssl_socket_login_advice(connection->socket, reply, advice, sizeof(advice)) > 0) {
    printf("  %s\n", advice);
  }
}

int example_login(const struct example_options *options, const struct example_connection *connection) {
  const char *password = getenv("AMQP_PASSWORD");
  amqp_rpc_reply_t reply;

  if (options->user != NULL) {
    reply = amqp_login(connection->amqp, "/", 0, 131072, 60, AMQP_SASL_METHOD_PLAIN, options->user,
                       password != NULL ? password : "");
  } else {
    /* The broker takes the user from the certificate; rabbitmq-c only requires the identity not to be empty. */
    reply = amqp_login(connection->amqp, "/", 0, 131072, 60, AMQP_SASL_METHOD_EXTERNAL, "certificate");
  }
  if (example_check(connection, reply, "login") == 0) {
    return 0;
  }
  print_login_advice(connection, reply);
  return -1;
}

void example_close(struct example_connection *connection) {
  if (connection->amqp != NULL) {
    (void)amqp_connection_close(connection->amqp, AMQP_REPLY_SUCCESS);
    (void)amqp_destroy_connection(connection->amqp); /* the socket goes with it */
  }
}

/* SPDX-License-Identifier: MIT */
#include "resilient_connection.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define FRAME_MAXIMUM 131072
/* Milliseconds: the ceiling of the first pause. It doubles with each round through the hosts. */
#define FIRST_WAIT 250

/* ---- Time and chance --------------------------------------------------------------------------------------------- */

int64_t resilient_now(void) {
  struct timespec now;

  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* From the kernel each time: clients that were started at the same moment must not wait for the same time. */
int64_t resilient_random(int64_t limit) {
  uint64_t number;

  while (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
    if (errno != EINTR) {
      perror("getrandom");
      exit(1);
    }
  }
  return (int64_t)(number % (uint64_t)limit);
}

/*
 * Signals are blocked and asked for, so that no handler and no global variable is needed and none is missed just before
 * a wait.
 */
static void stop_signals(sigset_t *signals) {
  (void)sigemptyset(signals);
  (void)sigaddset(signals, SIGTERM);
  (void)sigaddset(signals, SIGINT);
}

static void await_stop(struct resilient_connection *connection, int64_t milliseconds) {
  struct timespec time = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
  sigset_t signals;
  int signal;

  stop_signals(&signals);
  signal = sigtimedwait(&signals, NULL, &time);
  if (signal > 0 && connection->stop_at == 0) {
    connection->stop_at = resilient_now() + connection->grace;
    resilient_say(connection, "%s: ending", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  }
}

int resilient_stopping(struct resilient_connection *connection) {
  if (connection->stop_at == 0) {
    await_stop(connection, 0);
  }
  return connection->stop_at != 0;
}

int resilient_time_is_up(struct resilient_connection *connection) {
  return resilient_stopping(connection) && resilient_now() >= connection->stop_at;
}

/* Until the time is over, or the one for finishing. */
static void pause_for(struct resilient_connection *connection, int64_t milliseconds) {
  int64_t end = resilient_now() + milliseconds;

  for (;;) {
    int64_t until = connection->stop_at != 0 && connection->stop_at < end ? connection->stop_at : end;
    int64_t left = until - resilient_now();

    if (left <= 0) {
      return;
    }
    await_stop(connection, left);
  }
}

/*
 * "Full jitter": anything from nothing to a ceiling that grows. After an outage the clients come back spread over time
 * and not in waves, which back-off without chance would keep together.
 */
static int64_t pause_after(const struct resilient_connection *connection) {
  int64_t ceiling = FIRST_WAIT;
  int64_t highest = (int64_t)connection->options->longest_wait * 1000;

  for (int round = (connection->failures - 1) / (int)connection->host_count; round > 0 && ceiling < highest; round--) {
    ceiling *= 2;
  }
  return resilient_random((ceiling < highest ? ceiling : highest) + 1);
}

/* ---- What failed ------------------------------------------------------------------------------------------------- */

void resilient_say(const struct resilient_connection *connection, const char *format, ...) {
  va_list arguments;

  fprintf(stderr, "%s: ", connection->options->program);
  if (connection->current < connection->host_count) {
    const struct resilient_host *host = &connection->hosts[connection->current];

    fprintf(stderr, strchr(host->name, ':') != NULL ? "[%s]:%d: " : "%s:%d: ", host->name, host->port);
  }
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

/*
 * What another attempt can't change, since it needs somebody to mend something: a certificate, a name, a policy, a
 * port. All else, and what later versions may add, can pass. A missing CRL is in the second group: CRLs are renewed.
 */
static int tls_refuses(amqp_wolfssl_code_t code) {
  switch (code) {
    case AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT:
    case AMQP_WOLFSSL_ERROR_NOT_SUPPORTED:
    case AMQP_WOLFSSL_ERROR_RABBITMQ_INCOMPATIBLE:
    case AMQP_WOLFSSL_ERROR_LIBRARY_FAILED:
    case AMQP_WOLFSSL_ERROR_FIPS_MODULE:
    case AMQP_WOLFSSL_ERROR_POLICY_LOCKED:
    case AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID:
    case AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY:
    case AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR:
    case AMQP_WOLFSSL_ERROR_PEER_SPEAKS_PLAIN_AMQP:
    case AMQP_WOLFSSL_ERROR_PEER_NOT_TLS:
    case AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION:
    case AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE:
    case AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED:
    case AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID:
    case AMQP_WOLFSSL_ERROR_UNKNOWN_CA:
    case AMQP_WOLFSSL_ERROR_SELF_SIGNED:
    case AMQP_WOLFSSL_ERROR_NAME_MISMATCH:
    case AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED:
    case AMQP_WOLFSSL_ERROR_BAD_SIGNATURE:
    case AMQP_WOLFSSL_ERROR_WEAK_KEY:
    case AMQP_WOLFSSL_ERROR_CHAIN_INVALID:
    case AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING:
    case AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID:
    case AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE:
    case AMQP_WOLFSSL_ERROR_POLICY_VERSION:
    case AMQP_WOLFSSL_ERROR_POLICY_SUITE:
    case AMQP_WOLFSSL_ERROR_POLICY_GROUP:
    case AMQP_WOLFSSL_ERROR_POLICY_SIGNATURE:
    case AMQP_WOLFSSL_ERROR_POLICY_EXTENDED_MASTER_SECRET:
    case AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE:
    case AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE:
      return 1;
    default:
      return 0;
  }
}

static int mentions(amqp_bytes_t text, const char *word) {
  size_t length = strlen(word);

  for (size_t i = 0; i + length <= text.len; i++) {
    if (memcmp((const char *)text.bytes + i, word, length) == 0) {
      return 1;
    }
  }
  return 0;
}

/*
 * The broker's reply codes of that kind. A limit on connections is 530 too, but passes. RabbitMQ says 541 while a node
 * starts, 320 when an operator closes, 404 and 405 when a queue is not there or not free now.
 */
static int amqp_refuses(int code, amqp_bytes_t text) {
  switch (code) {
    case AMQP_ACCESS_REFUSED:
    case AMQP_PRECONDITION_FAILED:
    case AMQP_NOT_IMPLEMENTED:
    case AMQP_COMMAND_INVALID:
    case AMQP_SYNTAX_ERROR:
    case AMQP_FRAME_ERROR:
      return 1;
    case AMQP_NOT_ALLOWED:
      return !mentions(text, "limit");
    default:
      return 0;
  }
}

/* Only about who we are and what we ask for at the beginning; later a refusal ends the connection, not the program. */
static void note_refusal(struct resilient_connection *connection, int refuses) {
  if (!connection->established && connection->current < connection->host_count) {
    connection->hosts[connection->current].refuses = refuses;
  }
}

static void tls_failed(struct resilient_connection *connection, const char *doing) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(connection->socket);

  resilient_say(connection, "%s: %s at stage %s: %s", doing, amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)),
                amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)), amqp_wolfssl_error_message(error));
  note_refusal(connection, tls_refuses(amqp_wolfssl_error_code(error)));
}

static void broker_said(struct resilient_connection *connection, int code, amqp_bytes_t text, const char *doing) {
  resilient_say(connection, "%s: the broker replied %d, %.*s", doing, code, (int)text.len, (const char *)text.bytes);
  note_refusal(connection, amqp_refuses(code, text));
}

/* connection.close and channel.close are answered as AMQP wants it. We use one channel: either ends the connection. */
static void broker_closed(struct resilient_connection *connection, const amqp_method_t *method, const char *doing) {
  if (method->id == AMQP_CONNECTION_CLOSE_METHOD) {
    const amqp_connection_close_t *close = method->decoded;
    amqp_connection_close_ok_t answer = {0};

    broker_said(connection, close->reply_code, close->reply_text, doing);
    (void)amqp_send_method(connection->amqp, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &answer);
    connection->ended = 1;
  } else {
    const amqp_channel_close_t *close = method->decoded;
    amqp_channel_close_ok_t answer = {0};

    broker_said(connection, close->reply_code, close->reply_text, doing);
    (void)amqp_send_method(connection->amqp, RESILIENT_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &answer);
  }
}

static int status_refuses(int status) {
  return status == AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD || status == AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION;
}

enum resilient_status resilient_check_status(struct resilient_connection *connection, int status, const char *doing) {
  if (status == AMQP_STATUS_OK) {
    return RESILIENT_OK;
  }
  connection->ended = 1;
  if (amqp_wolfssl_error_code(amqp_wolfssl_socket_error(connection->socket)) != AMQP_WOLFSSL_OK) {
    tls_failed(connection, doing);
  } else {
    resilient_say(connection, "%s: %s", doing, amqp_error_string2(status));
    note_refusal(connection, status_refuses(status));
  }
  return RESILIENT_LOST;
}

enum resilient_status resilient_check(struct resilient_connection *connection, amqp_rpc_reply_t reply,
                                      const char *doing) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    return RESILIENT_OK;
  }
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) {
    return resilient_check_status(connection, reply.library_error, doing);
  }
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD || reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    broker_closed(connection, &reply.reply, doing);
  } else {
    resilient_say(connection, "%s: the broker replied %s", doing, amqp_method_name(reply.reply.id));
  }
  return RESILIENT_LOST;
}

/* ---- The config -------------------------------------------------------------------------------------------------- */

static int is_set(amqp_wolfssl_code_t code) { return code == AMQP_WOLFSSL_OK; }

static int set_identity(amqp_wolfssl_config_t *config, const struct resilient_options *options) {
  if (options->secret != NULL) {
    return is_set(amqp_wolfssl_config_set_secret_folder(config, options->secret));
  }
  return options->certificate == NULL ||
         is_set(amqp_wolfssl_config_set_identity_files(config, options->certificate, options->key));
}

/* With rotation each open reads the files again, as the folder's always are. */
static int set_up(amqp_wolfssl_config_t *config, const struct resilient_options *options) {
  /* A tenth of it is chance, or else clients that started together would come back together. */
  int64_t life = options->maximum_life - resilient_random(options->maximum_life / 10 + 1);

  return is_set(amqp_wolfssl_config_set_rotation(config, 1)) &&
         (options->ca == NULL || is_set(amqp_wolfssl_config_add_ca_file(config, options->ca))) &&
         is_set(amqp_wolfssl_config_set_server_name(config, options->server_name)) && set_identity(config, options) &&
         (options->maximum_life == 0 || is_set(amqp_wolfssl_config_set_maximum_life(config, life)));
}

/* One for the whole run. What is wrong with the files at the start ends it at once. */
static enum resilient_status make_config(struct resilient_connection *connection) {
  const amqp_wolfssl_error_t *error;

  if (connection->config != NULL) {
    return RESILIENT_OK;
  }
  connection->config = amqp_wolfssl_config_new();
  if (connection->config == NULL) {
    resilient_say(connection, "out of memory");
    return RESILIENT_FAILED;
  }
  if (set_up(connection->config, connection->options)) {
    return RESILIENT_OK;
  }
  error = amqp_wolfssl_config_error(connection->config);
  resilient_say(connection, "configure: %s: %s", amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)),
                amqp_wolfssl_error_message(error));
  return RESILIENT_REFUSED;
}

/* While somebody replaces the files they may be missing or not belong together: the last good ones stay in use. */
static void say_what_is_wrong_with_files(const struct resilient_connection *connection) {
  const amqp_wolfssl_error_t *warning = amqp_wolfssl_socket_warning(connection->socket);

  if (amqp_wolfssl_error_code(warning) != AMQP_WOLFSSL_OK) {
    resilient_say(connection, "configure: %s: %s", amqp_wolfssl_code_name(amqp_wolfssl_error_code(warning)),
                  amqp_wolfssl_error_message(warning));
  }
}

/* ---- One connection ---------------------------------------------------------------------------------------------- */

/* Without these RabbitMQ neither says that it is blocked nor that it has cancelled a consumer. */
static amqp_rpc_reply_t log_in(struct resilient_connection *connection) {
  static const char *const names[] = {"connection.blocked", "consumer_cancel_notify", "basic.nack",
                                      "publisher_confirms"};
  enum { COUNT = sizeof(names) / sizeof(names[0]) };
  const struct resilient_options *options = connection->options;
  const char *password = getenv("AMQP_PASSWORD");
  amqp_table_entry_t capabilities[COUNT] = {0};
  amqp_table_entry_t property = {.key = amqp_cstring_bytes("capabilities")};
  amqp_table_t properties = {1, &property};

  for (size_t i = 0; i < COUNT; i++) {
    capabilities[i].key = amqp_cstring_bytes(names[i]);
    capabilities[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
    capabilities[i].value.value.boolean = 1;
  }
  property.value.kind = AMQP_FIELD_KIND_TABLE;
  property.value.value.table.num_entries = COUNT;
  property.value.value.table.entries = capabilities;
  if (options->user != NULL) {
    return amqp_login_with_properties(connection->amqp, options->virtual_host, 0, FRAME_MAXIMUM, options->heartbeat,
                                      &properties, AMQP_SASL_METHOD_PLAIN, options->user,
                                      password != NULL ? password : "");
  }
  /* The broker takes the user from the certificate; rabbitmq-c only requires the identity not to be empty. */
  return amqp_login_with_properties(connection->amqp, options->virtual_host, 0, FRAME_MAXIMUM, options->heartbeat,
                                    &properties, AMQP_SASL_METHOD_EXTERNAL, "certificate");
}

static enum resilient_status log_in_and_open_channel(struct resilient_connection *connection) {
  struct timeval limit = {connection->options->open_limit, 0};

  (void)amqp_set_handshake_timeout(connection->amqp, &limit);
  (void)amqp_set_rpc_timeout(connection->amqp, &limit);
  if (resilient_check(connection, log_in(connection), "login") != RESILIENT_OK) {
    return RESILIENT_LOST;
  }
  (void)amqp_channel_open(connection->amqp, RESILIENT_CHANNEL);
  return resilient_check(connection, amqp_get_rpc_reply(connection->amqp), "open a channel");
}

/* The name is looked up, the files are read and the host is verified, each time as if it were the first. */
static enum resilient_status attempt(struct resilient_connection *connection) {
  const struct resilient_host *host = &connection->hosts[connection->current];
  struct timeval limit = {connection->options->open_limit, 0};
  const char *why = "out of memory";
  enum resilient_status status = make_config(connection);
  int opened;

  connection->ended = 0;
  connection->established = 0;
  connection->blocked = 0;
  if (status != RESILIENT_OK) {
    return status;
  }
  connection->amqp = amqp_new_connection();
  if (connection->amqp != NULL) {
    connection->socket = amqp_wolfssl_socket_new(connection->amqp, connection->config);
  }
  if (connection->socket == NULL) {
    (void)amqp_wolfssl_check_runtime(&why);
    resilient_say(connection, "can't make a TLS socket: %s", why);
    return RESILIENT_FAILED;
  }
  opened = amqp_socket_open_noblock(connection->socket, host->name, host->port, &limit);
  say_what_is_wrong_with_files(connection);
  if (opened != AMQP_STATUS_OK) {
    connection->ended = 1;
    tls_failed(connection, "connect");
    return RESILIENT_LOST;
  }
  return log_in_and_open_channel(connection);
}

/* Fisher and Yates: so that not all clients of a cluster flock to the first host. */
static void shuffle(struct resilient_connection *connection) {
  for (size_t left = connection->host_count; left > 1; left--) {
    size_t chosen = (size_t)resilient_random((int64_t)left);
    struct resilient_host host = connection->hosts[chosen];

    connection->hosts[chosen] = connection->hosts[left - 1];
    connection->hosts[left - 1] = host;
  }
}

static void choose_host(struct resilient_connection *connection) {
  if (++connection->current >= connection->host_count) {
    shuffle(connection);
    connection->current = 0;
  }
}

static int all_refuse(const struct resilient_connection *connection) {
  for (size_t i = 0; i < connection->host_count; i++) {
    if (!connection->hosts[i].refuses) {
      return 0;
    }
  }
  return 1;
}

enum resilient_status resilient_connect(struct resilient_connection *connection) {
  while (!resilient_time_is_up(connection)) {
    enum resilient_status status;

    if (all_refuse(connection)) {
      connection->current = connection->host_count;
      resilient_say(connection, "every host refuses, and trying again would not help: giving up");
      return RESILIENT_REFUSED;
    }
    if (connection->failures > 0) {
      pause_for(connection, pause_after(connection));
      if (resilient_time_is_up(connection)) {
        break;
      }
    }
    choose_host(connection);
    status = attempt(connection);
    if (status == RESILIENT_OK) {
      connection->connections++;
      connection->hosts[connection->current].refuses = 0;
      resilient_say(connection, "connected: %s %s", amqp_wolfssl_socket_version(connection->socket),
                    amqp_wolfssl_socket_suite(connection->socket));
      return RESILIENT_OK;
    }
    resilient_disconnect(connection, status);
    if (status != RESILIENT_LOST) {
      return status;
    }
  }
  return RESILIENT_STOPPED;
}

enum resilient_status resilient_declare_queue(struct resilient_connection *connection) {
  amqp_table_entry_t type = {.key = amqp_cstring_bytes("x-queue-type")};
  amqp_table_t arguments = {1, &type};

  type.value.kind = AMQP_FIELD_KIND_UTF8;
  type.value.value.bytes = amqp_cstring_bytes("quorum");
  (void)amqp_queue_declare(connection->amqp, RESILIENT_CHANNEL, amqp_cstring_bytes(connection->options->queue), 0, 1, 0,
                           0, arguments);
  return resilient_check(connection, amqp_get_rpc_reply(connection->amqp), "declare the queue");
}

void resilient_established(struct resilient_connection *connection) {
  connection->established = 1;
  connection->established_at = resilient_now();
  for (size_t i = 0; i < connection->host_count; i++) {
    connection->hosts[i].refuses = 0;
  }
}

void resilient_worked(struct resilient_connection *connection) { connection->failures = 0; }

/* A connection on which nothing came for long was a good one, too. */
static int lasted(const struct resilient_connection *connection) {
  return connection->established &&
         resilient_now() - connection->established_at > (int64_t)connection->options->longest_wait * 1000;
}

void resilient_disconnect(struct resilient_connection *connection, enum resilient_status status) {
  if (status == RESILIENT_LOST) {
    connection->failures = lasted(connection) ? 1 : connection->failures + 1;
  }
  if (connection->amqp != NULL) {
    /* A broker that is blocked does not read, so it would not answer. */
    if (!connection->ended && !connection->blocked) {
      (void)amqp_connection_close(connection->amqp, AMQP_REPLY_SUCCESS);
    }
    (void)amqp_destroy_connection(connection->amqp); /* the socket goes with it */
  }
  connection->amqp = NULL;
  connection->socket = NULL;
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static enum resilient_status take_frame(struct resilient_connection *connection, const amqp_frame_t *frame) {
  if (frame->frame_type != AMQP_FRAME_METHOD) {
    return RESILIENT_OK;
  }
  switch (frame->payload.method.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const amqp_connection_blocked_t *blocked = frame->payload.method.decoded;

      connection->blocked = 1;
      resilient_say(connection, "the broker takes no messages: %.*s", (int)blocked->reason.len,
                    (const char *)blocked->reason.bytes);
      return RESILIENT_OK;
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      connection->blocked = 0;
      resilient_say(connection, "the broker takes messages again");
      return RESILIENT_OK;
    case AMQP_CONNECTION_CLOSE_METHOD:
    case AMQP_CHANNEL_CLOSE_METHOD:
      broker_closed(connection, &frame->payload.method, "closed");
      return RESILIENT_LOST;
    case AMQP_BASIC_CANCEL_METHOD:
      resilient_say(connection, "the broker has cancelled the consumer: the queue was deleted, or moved");
      return RESILIENT_LOST;
    default:
      return RESILIENT_OK;
  }
}

enum resilient_status resilient_next_frame(struct resilient_connection *connection, int64_t milliseconds,
                                           amqp_frame_t *frame) {
  struct timeval limit = {(time_t)(milliseconds / 1000), (suseconds_t)(milliseconds % 1000) * 1000};
  int status;

  frame->frame_type = 0;
  amqp_maybe_release_buffers(connection->amqp);
  status = amqp_simple_wait_frame_noblock(connection->amqp, frame, &limit);
  if (status == AMQP_STATUS_TIMEOUT) {
    frame->frame_type = 0;
    return RESILIENT_OK;
  }
  if (status != AMQP_STATUS_OK) {
    return resilient_check_status(connection, status, "receive");
  }
  return take_frame(connection, frame);
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------- */

void resilient_begin(const struct resilient_options *options, int grace, struct resilient_connection *connection) {
  sigset_t signals;

  memset(connection, 0, sizeof(*connection));
  connection->options = options;
  memcpy(connection->hosts, options->hosts, sizeof(connection->hosts));
  connection->host_count = options->host_count;
  connection->current = options->host_count;
  connection->grace = grace;
  stop_signals(&signals);
  (void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

void resilient_end(struct resilient_connection *connection) {
  amqp_wolfssl_config_free(connection->config);
  connection->config = NULL;
}

int resilient_exit_status(enum resilient_status status) {
  switch (status) {
    case RESILIENT_REFUSED:
      return 3;
    case RESILIENT_LOST:
    case RESILIENT_FAILED:
      return 1;
    case RESILIENT_OK:
    case RESILIENT_DONE:
    case RESILIENT_DUE:
    case RESILIENT_STOPPED:
    default:
      return 0;
  }
}

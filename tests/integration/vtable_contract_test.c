/* SPDX-License-Identifier: MIT */
/*
 * The contract of rabbitmq-c's six socket functions, called directly as rabbitmq-c would call them, over real TLS to a
 * peer that blocks, stalls, breaks off or corrupts. Most of it guards against answers that the core takes wrongly: 0
 * makes it spin, AMQP_STATUS_TIMEOUT passes for a partial send, and a descriptor of -1 makes it replace the real error.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_client.h"
#include "fault_vtable.h"
#include "minted_certificates.h"
#include "open_descriptors.h"
#include "peer_process.h"
#include "temporary_folder.h"
#include "time_limit.h"
#include "tls_server.h"

#define TIME_LIMIT_SECONDS 120 /* a safety net against a hang */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CORE_BUFFER ((size_t)131072) /* what rabbitmq-c receives into */

/* ---- A socket and its functions ---- */

struct contract {
  struct fault_client client;
  const struct fault_vtable *vtable;
  void *socket;
  uint64_t sends;
  uint64_t receives;
};

static void contract_new(struct contract *contract, amqp_wolfssl_version_t version) {
  amqp_wolfssl_config_t *config = fault_config_new(version, version);

  memset(contract, 0, sizeof(*contract));
  assert_non_null(config);
  assert_true(fault_client_new(&contract->client, config));
  amqp_wolfssl_config_free(config);
  contract->socket = contract->client.socket;
  contract->vtable = fault_vtable_of(contract->client.socket);
}

static void contract_open(struct contract *contract, int port) {
  if (!fault_client_open(&contract->client, port)) {
    fail_msg("%s", contract->client.problem);
  }
  assert_int_not_equal(contract->vtable->get_sockfd(contract->socket), -1);
}

static amqp_wolfssl_code_t contract_code(const struct contract *contract) {
  return amqp_wolfssl_error_code(amqp_wolfssl_socket_error(contract->client.socket));
}

/* What every answer has to keep to. */
static ssize_t checked(ssize_t result, size_t length) {
  assert_int_not_equal(result, 0);
  assert_int_not_equal(result, AMQP_STATUS_TIMEOUT);
  assert_true(result < 0 || (size_t)result <= length);
  return result;
}

static ssize_t contract_send(struct contract *contract, const void *bytes, size_t length) {
  contract->sends++;
  return checked(contract->vtable->send(contract->socket, bytes, length, FAULT_SEND_PLAIN), length);
}

static ssize_t contract_recv(struct contract *contract, void *bytes, size_t capacity) {
  contract->receives++;
  return checked(contract->vtable->recv(contract->socket, bytes, capacity, 0), capacity);
}

static bool is_waiting(ssize_t result) { return result == FAULT_NEEDREAD || result == FAULT_NEEDWRITE; }

static void wait_for(const struct contract *contract, short events) {
  struct pollfd poll_for = {.fd = contract->vtable->get_sockfd(contract->socket), .events = events};

  assert_int_not_equal(poll(&poll_for, 1, TIME_LIMIT_SECONDS * 1000), 0);
}

static void start(struct tls_server *proxy, const char *const *options) { *proxy = tls_server_start_proxy(options); }

static const amqp_wolfssl_version_t versions[] = {AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3};

static const char *version_option(amqp_wolfssl_version_t version) {
  return version == AMQP_WOLFSSL_TLS_1_3 ? "1.3" : "1.2";
}

/* The byte at a place of an endless stream, without a short period, so that a shift shows. */
static unsigned char stream_byte(size_t at) { return (unsigned char)(at * 167 + at / 251 + at / 65521); }

static void fill_stream(unsigned char *bytes, size_t at, size_t length) {
  for (size_t i = 0; i < length; i++) {
    bytes[i] = stream_byte(at + i);
  }
}

static void check_stream(const unsigned char *bytes, size_t at, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != stream_byte(at + i)) {
      fail_msg("byte %zu is wrong", at + i);
    }
  }
}

/* ---- Before and after ---- */

static void closed_socket(void **state) {
  struct tls_server proxy;
  struct contract contract;
  unsigned char byte = 0;

  (void)state;
  start(&proxy, (const char *const[]){"--echo", NULL});
  contract_new(&contract, AMQP_WOLFSSL_TLS_1_3);
  for (int round = 0; round < 3; round++) {
    assert_int_equal(contract.vtable->get_sockfd(contract.socket), -1);
    assert_int_equal(contract_send(&contract, &byte, 1), AMQP_STATUS_SOCKET_CLOSED);
    assert_int_equal(contract_recv(&contract, &byte, 1), AMQP_STATUS_SOCKET_CLOSED);
    assert_int_equal(contract.vtable->close(contract.socket, FAULT_CLOSE_BY_FORCE), AMQP_STATUS_SOCKET_CLOSED);
    assert_int_equal(contract.vtable->close(contract.socket, FAULT_CLOSE_GRACEFULLY), AMQP_STATUS_SOCKET_CLOSED);
    /* Opened again each time: what was closed can be. */
    contract_open(&contract, proxy.port);
    assert_int_equal(contract.vtable->close(contract.socket, round % 2), AMQP_STATUS_OK);
  }
  fault_client_destroy(&contract.client);
  tls_server_stop(&proxy);
}

static void never_opened(void **state) {
  struct contract contract;

  (void)state;
  contract_new(&contract, AMQP_WOLFSSL_TLS_1_3);
  fault_client_destroy(&contract.client);
}

static void open_twice(void **state) {
  struct tls_server proxy;
  struct contract contract;
  unsigned char bytes[2] = "x";

  (void)state;
  start(&proxy, (const char *const[]){"--echo", NULL});
  contract_new(&contract, AMQP_WOLFSSL_TLS_1_3);
  contract_open(&contract, proxy.port);
  assert_int_equal(contract.vtable->open(contract.socket, "localhost", proxy.port, NULL), AMQP_STATUS_SOCKET_INUSE);
  assert_int_equal(contract_send(&contract, bytes, 1), 1);
  wait_for(&contract, POLLIN);
  while (is_waiting(contract_recv(&contract, bytes, 2))) {
    wait_for(&contract, POLLIN);
  }
  assert_int_equal(bytes[0], 'x');
  fault_client_destroy(&contract.client);
  tls_server_stop(&proxy);
}

static void nothing_to_move(void **state) {
  struct tls_server proxy;
  struct contract contract;
  unsigned char byte = 0;

  (void)state;
  start(&proxy, (const char *const[]){"--echo", NULL});
  contract_new(&contract, AMQP_WOLFSSL_TLS_1_3);
  contract_open(&contract, proxy.port);
  assert_true(contract_send(&contract, &byte, 0) < 0);
  assert_true(contract_recv(&contract, &byte, 0) < 0);
  fault_client_destroy(&contract.client);
  tls_server_stop(&proxy);
}

/* ---- How it ends ---- */

/* How the client's side ended, as the server saw it. */
static void await_client_end(const struct tls_server *proxy, char how[32]) {
  const char *rest = peer_process_expect_line(proxy->process, "CLIENT-END ");

  (void)snprintf(how, 32, "%.*s", (int)strcspn(rest, "\n"), rest);
}

/* One connection, closed in the way \a end says (-1: deleted), and whether the server got a close_notify. */
static void check_client_end(int end, bool says_close_notify) {
  struct tls_server proxy;
  struct contract contract;
  char how[32];

  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    start(&proxy, (const char *const[]){"--swallow", "--tls", version_option(versions[i]), NULL});
    contract_new(&contract, versions[i]);
    contract_open(&contract, proxy.port);
    assert_int_equal(contract_send(&contract, "abc", 3), 3);
    if (end >= 0) {
      assert_int_equal(contract.vtable->close(contract.socket, end), AMQP_STATUS_OK);
    } else {
      fault_client_destroy(&contract.client);
    }
    await_client_end(&proxy, how);
    if (says_close_notify) {
      assert_string_equal(how, "close_notify");
    } else if (strcmp(how, "truncated") != 0) {
      assert_string_equal(how, "reset"); /* the kernel's word for session tickets nobody had read */
    }
    fault_client_destroy(&contract.client);
    tls_server_stop(&proxy);
  }
}

static void close_by_force_says_nothing(void **state) {
  (void)state;
  check_client_end(FAULT_CLOSE_BY_FORCE, false);
}

static void close_gracefully_says_close_notify(void **state) {
  (void)state;
  check_client_end(FAULT_CLOSE_GRACEFULLY, true);
}

static void delete_says_close_notify(void **state) {
  (void)state;
  check_client_end(-1, true);
}

/* ---- Thousands of calls ---- */

static void idle_wants_read(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct tls_server proxy;
    struct contract contract;
    unsigned char bytes[64];

    start(&proxy, (const char *const[]){"--swallow", "--tls", version_option(versions[i]), NULL});
    contract_new(&contract, versions[i]);
    contract_open(&contract, proxy.port);
    for (int call = 0; call < 5000; call++) {
      assert_int_equal(contract_recv(&contract, bytes, sizeof(bytes)), FAULT_NEEDREAD);
    }
    fault_client_destroy(&contract.client);
    tls_server_stop(&proxy);
  }
}

struct duplex {
  size_t total; /* bytes to send; SIZE_MAX while there is no end */
  size_t sent;
  size_t received;
  size_t offered; /* at least so many have to be offered again */
  unsigned char out[40000];
  unsigned char in[CORE_BUFFER];
};

/* Offers what was refused again, sometimes with more behind it. */
static ssize_t duplex_send(struct contract *contract, struct duplex *duplex, size_t length) {
  ssize_t result;

  length = length < duplex->offered ? duplex->offered : length;
  if (length > duplex->total - duplex->sent) {
    length = duplex->total - duplex->sent;
  }
  fill_stream(duplex->out, duplex->sent, length);
  result = contract_send(contract, duplex->out, length);
  if (result > 0) {
    duplex->sent += (size_t)result;
    duplex->offered = 0;
  } else {
    assert_int_equal(result, FAULT_NEEDWRITE);
    duplex->offered = length;
  }
  return result;
}

static ssize_t duplex_recv(struct contract *contract, struct duplex *duplex, size_t capacity) {
  ssize_t result = contract_recv(contract, duplex->in, capacity);

  if (result > 0) {
    check_stream(duplex->in, duplex->received, (size_t)result);
    duplex->received += (size_t)result;
  } else {
    assert_int_equal(result, FAULT_NEEDREAD);
  }
  return result;
}

static void run_to_the_end(struct contract *contract, struct duplex *duplex) {
  size_t call = 0;

  while (duplex->received < duplex->total) {
    bool moved = false;

    call++;
    if (duplex->sent < duplex->total) {
      moved = duplex_send(contract, duplex, call * 977 % 5000 + 1) > 0;
    }
    moved |= duplex_recv(contract, duplex, call % 3 == 0 ? call * 31 % 700 + 1 : CORE_BUFFER) > 0;
    if (!moved) {
      wait_for(contract, (short)(duplex->offered > 0 ? POLLIN | POLLOUT : POLLIN));
    }
  }
  assert_int_equal(duplex->received, duplex->sent);
  assert_int_equal(contract_recv(contract, duplex->in, CORE_BUFFER), FAULT_NEEDREAD);
}

static void echo_of_many_sizes(void **state) {
  static struct duplex duplex;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct tls_server proxy;
    struct contract contract;

    start(&proxy,
          (const char *const[]){"--echo", "--tls", version_option(versions[i]), "--key-update-every", "20000", NULL});
    contract_new(&contract, versions[i]);
    contract_open(&contract, proxy.port);
    memset(&duplex, 0, sizeof(duplex));
    duplex.total = 10000000;
    run_to_the_end(&contract, &duplex);
    assert_true(contract.sends > 3000 && contract.receives > 3000);
    fault_client_destroy(&contract.client);
    tls_server_stop(&proxy);
  }
}

/*
 * Sends until nothing moves any more: both kernels' buffers fill up behind each other, so that the first refusal is not
 * the last. Offered again are the same bytes, or those and more.
 */
static void fill_up(struct contract *contract, struct duplex *duplex) {
  int refused = 0;

  while (refused < 3000) {
    ssize_t result = duplex_send(contract, duplex, refused % 2 == 0 ? 20000 : sizeof(duplex->out));

    refused = result > 0 ? 0 : refused + 1;
    assert_int_equal(duplex_recv(contract, duplex, CORE_BUFFER), FAULT_NEEDREAD);
  }
}

/* A peer that does not read: NEEDWRITE, as often as it is asked; and when it reads, every byte once and in order. */
static void back_pressure(void **state) {
  static struct duplex duplex;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct tls_server proxy;
    struct contract contract;
    char name[32];
    int descriptor;

    (void)snprintf(name, sizeof(name), "go-on-%zu", i);
    start(&proxy, (const char *const[]){"--echo", "--tls", version_option(versions[i]), "--receive-buffer", "4096",
                                        "--pause-reading-until", temporary_folder_path(name), NULL});
    contract_new(&contract, versions[i]);
    contract_open(&contract, proxy.port);
    memset(&duplex, 0, sizeof(duplex));
    duplex.total = SIZE_MAX;
    fill_up(&contract, &duplex);
    descriptor = open(temporary_folder_path(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    duplex.total = duplex.sent + duplex.offered + 100000;
    run_to_the_end(&contract, &duplex);
    fault_client_destroy(&contract.client);
    tls_server_stop(&proxy);
  }
}

/* Closed while a record is stuck half way: by force at once, in order without waiting. */
static void close_under_back_pressure(void **state) {
  static struct duplex duplex;

  (void)state;
  for (int force = 0; force < 2; force++) {
    struct tls_server proxy;
    struct contract contract;

    start(&proxy, (const char *const[]){"--swallow", "--receive-buffer", "4096", "--pause-reading-until",
                                        temporary_folder_path("never-made"), NULL});
    contract_new(&contract, AMQP_WOLFSSL_TLS_1_3);
    contract_open(&contract, proxy.port);
    memset(&duplex, 0, sizeof(duplex));
    duplex.total = SIZE_MAX;
    while (duplex_send(&contract, &duplex, 20000) > 0) {
    }
    assert_int_equal(contract.vtable->close(contract.socket, force), AMQP_STATUS_OK);
    assert_int_equal(contract.vtable->get_sockfd(contract.socket), -1);
    fault_client_destroy(&contract.client);
    tls_server_stop(&proxy);
  }
}

/* ---- Opening that fails ---- */

/* A port where nobody listens: bound, so that nobody else takes it, but not listening. */
static int unused_port(int *descriptor) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(address);

  *descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(*descriptor >= 0);
  assert_int_equal(bind(*descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(getsockname(*descriptor, (struct sockaddr *)&address, &length), 0);
  return ntohs(address.sin_port);
}

static void check_failed_open(const struct contract *contract, int status, int expected, amqp_wolfssl_stage_t stage,
                              amqp_wolfssl_code_t code) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(contract->client.socket);

  assert_int_equal(status, expected);
  assert_int_equal(amqp_wolfssl_error_stage(error), stage);
  assert_string_equal(amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), amqp_wolfssl_code_name(code));
  assert_int_equal(contract->vtable->get_sockfd(contract->socket), -1);
}

static void stalled_handshake_times_out(void **state) {
  static const struct timeval limits[] = {{0, 0}, {0, 1}, {0, 300000}};
  struct tls_server stalled;
  struct tls_server good;
  struct contract contract;
  int status;

  (void)state;
  start(&stalled, (const char *const[]){"--stall-handshake", NULL});
  start(&good, (const char *const[]){"--echo", NULL});
  contract_new(&contract, AMQP_WOLFSSL_TLS_1_3);
  for (size_t i = 0; i < COUNT_OF(limits); i++) {
    size_t descriptors = open_descriptors();

    status = contract.vtable->open(contract.socket, "localhost", stalled.port, &limits[i]);
    assert_int_equal(status, AMQP_STATUS_TIMEOUT);
    assert_int_equal(contract_code(&contract), AMQP_WOLFSSL_ERROR_TIMED_OUT);
    assert_int_equal(contract.vtable->get_sockfd(contract.socket), -1);
    assert_int_equal(open_descriptors(), descriptors);
  }
  /* 0.3 seconds are enough for TCP over loopback: it was the handshake that stalled. */
  check_failed_open(&contract, status, AMQP_STATUS_TIMEOUT, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  contract_open(&contract, good.port);
  fault_client_destroy(&contract.client);
  tls_server_stop(&stalled);
  tls_server_stop(&good);
}

static void open_again_after_failure(void **state) {
  struct tls_server old;
  struct tls_server good;
  struct contract contract;
  int nobody;
  int port = unused_port(&nobody);
  const struct timeval nonsense = {-1, 0};

  (void)state;
  start(&old, (const char *const[]){"--tls", "1.2", NULL});
  start(&good, (const char *const[]){"--echo", "--tls", "1.3", NULL});
  contract_new(&contract, AMQP_WOLFSSL_TLS_1_3);
  for (int round = 0; round < 3; round++) {
    size_t descriptors = open_descriptors();

    check_failed_open(&contract, contract.vtable->open(contract.socket, "127.0.0.1", port, NULL),
                      AMQP_STATUS_SOCKET_ERROR, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED);
    check_failed_open(&contract, contract.vtable->open(contract.socket, "localhost", old.port, NULL),
                      AMQP_STATUS_SSL_CONNECTION_FAILED, AMQP_WOLFSSL_STAGE_HANDSHAKE,
                      AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION);
    check_failed_open(&contract, contract.vtable->open(contract.socket, "localhost", good.port, &nonsense),
                      AMQP_STATUS_INVALID_PARAMETER, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    assert_int_equal(open_descriptors(), descriptors);
    contract_open(&contract, good.port);
    assert_int_equal(contract_code(&contract), AMQP_WOLFSSL_OK);
    assert_int_equal(contract_send(&contract, "abc", 3), 3);
    assert_int_equal(contract.vtable->close(contract.socket, round % 2), AMQP_STATUS_OK);
    assert_int_equal(open_descriptors(), descriptors);
  }
  fault_client_destroy(&contract.client);
  (void)close(nobody);
  tls_server_stop(&old);
  tls_server_stop(&good);
}

/* ---- A peer that breaks off ---- */

#define FILE_LENGTH ((size_t)200000)

struct fault_case {
  const char *name;
  const char *option;
  const char *after;
  bool within_record;
  int status;
  amqp_wolfssl_code_t code;
  bool ends_sending;
};

/* Each after nothing, after one small record, and after more than rabbitmq-c's buffer holds. */
static const struct fault_case fault_cases[] = {
    {"truncated", "--truncate-after", "0", false, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_TRUNCATED, true},
    {"truncated", "--truncate-after", "100", false, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_TRUNCATED, true},
    {"truncated", "--truncate-after", "150000", false, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_TRUNCATED, true},
    {"cut in a record", "--truncate-after", "0", true, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_TRUNCATED, true},
    {"cut in a record", "--truncate-after", "100", true, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_TRUNCATED, true},
    {"cut in a record", "--truncate-after", "150000", true, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_TRUNCATED, true},
    {"close_notify", "--close-notify-after", "0", false, AMQP_STATUS_CONNECTION_CLOSED,
     AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER, false},
    {"close_notify", "--close-notify-after", "100", false, AMQP_STATUS_CONNECTION_CLOSED,
     AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER, false},
    {"close_notify", "--close-notify-after", "150000", false, AMQP_STATUS_CONNECTION_CLOSED,
     AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER, false},
    {"reset", "--reset-after", "100", false, AMQP_STATUS_SOCKET_ERROR, AMQP_WOLFSSL_ERROR_CONNECTION_LOST, true},
    {"reset", "--reset-after", "150000", false, AMQP_STATUS_SOCKET_ERROR, AMQP_WOLFSSL_ERROR_CONNECTION_LOST, true},
    {"reset in a record", "--reset-after", "100", true, AMQP_STATUS_SOCKET_ERROR, AMQP_WOLFSSL_ERROR_CONNECTION_LOST,
     true},
    {"corrupted", "--corrupt-after", "0", false, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT, true},
    {"corrupted", "--corrupt-after", "100", false, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT, true},
    {"corrupted", "--corrupt-after", "150000", false, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT, true},
};

static void write_stream_file(void) {
  static unsigned char bytes[FILE_LENGTH];
  FILE *file = fopen(temporary_folder_path("stream"), "we");

  assert_non_null(file);
  fill_stream(bytes, 0, sizeof(bytes));
  assert_int_equal(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
  assert_int_equal(fclose(file), 0);
}

/* Receives to the end; how many bytes came before it. */
static size_t receive_all(struct contract *contract, ssize_t *end) {
  static unsigned char bytes[CORE_BUFFER];
  size_t received = 0;

  for (;;) {
    ssize_t result = contract_recv(contract, bytes, sizeof(bytes));

    if (result > 0) {
      check_stream(bytes, received, (size_t)result);
      received += (size_t)result;
    } else if (is_waiting(result)) {
      wait_for(contract, POLLIN);
    } else {
      *end = result;
      return received;
    }
  }
}

static void check_record(const struct contract *contract, const struct fault_case *fault) {
  assert_string_equal(amqp_wolfssl_code_name(contract_code(contract)), amqp_wolfssl_code_name(fault->code));
}

/* The same answer for ever, in both directions unless the peer ended its own in order, and the descriptor stays. */
static void check_latched(struct contract *contract, const struct fault_case *fault) {
  unsigned char byte = 0;

  for (int again = 0; again < 1000; again++) {
    assert_int_equal(contract_recv(contract, &byte, 1), fault->status);
    check_record(contract, fault);
    if (fault->ends_sending) {
      assert_int_equal(contract_send(contract, &byte, 1), fault->status);
      check_record(contract, fault);
    }
    assert_int_not_equal(contract->vtable->get_sockfd(contract->socket), -1);
  }
}

static void run_fault(const struct fault_case *fault, amqp_wolfssl_version_t version) {
  struct tls_server proxy;
  struct tls_server good;
  struct contract contract;
  ssize_t end = 0;
  size_t received;

  start(&good, (const char *const[]){"--echo", "--tls", version_option(version), NULL});
  start(&proxy,
        (const char *const[]){"--send-file", temporary_folder_path("stream"), "--tls", version_option(version),
                              fault->option, fault->after, fault->within_record ? "--within-record" : NULL, NULL});
  contract_new(&contract, version);
  contract_open(&contract, proxy.port);
  received = receive_all(&contract, &end);
  if (end != fault->status || contract_code(&contract) != fault->code || received != strtoul(fault->after, NULL, 10)) {
    fail_msg("TLS %s, %s after %s bytes: status %zd, code %s, %zu bytes received", version_option(version), fault->name,
             fault->after, end, amqp_wolfssl_code_name(contract_code(&contract)), received);
  }
  check_latched(&contract, fault);
  assert_int_equal(contract.vtable->close(contract.socket, FAULT_CLOSE_BY_FORCE), AMQP_STATUS_OK);
  contract_open(&contract, good.port); /* a new connection knows nothing of the old one's end */
  assert_int_equal(contract_send(&contract, "abc", 3), 3);
  fault_client_destroy(&contract.client);
  tls_server_stop(&proxy);
  tls_server_stop(&good);
}

static void peer_breaks_off(void **state) {
  (void)state;
  write_stream_file();
  for (size_t i = 0; i < COUNT_OF(fault_cases); i++) {
    for (size_t j = 0; j < COUNT_OF(versions); j++) {
      run_fault(&fault_cases[i], versions[j]);
    }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(closed_socket),
      cmocka_unit_test(never_opened),
      cmocka_unit_test(open_twice),
      cmocka_unit_test(nothing_to_move),
      cmocka_unit_test(close_by_force_says_nothing),
      cmocka_unit_test(close_gracefully_says_close_notify),
      cmocka_unit_test(delete_says_close_notify),
      cmocka_unit_test(idle_wants_read),
      cmocka_unit_test(echo_of_many_sizes),
      cmocka_unit_test(back_pressure),
      cmocka_unit_test(close_under_back_pressure),
      cmocka_unit_test(stalled_handshake_times_out),
      cmocka_unit_test(open_again_after_failure),
      cmocka_unit_test(peer_breaks_off),
  };

  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, minted_certificates_make, minted_certificates_tear_down);
}

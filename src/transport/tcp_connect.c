/* SPDX-License-Identifier: MIT */
/* From a host and a port to a connected descriptor, with the reason of every address that did not work. */
#include "autoconfig.h"

#include "transport/tcp_connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bounded_text.h"
#include "base/shown_name.h"
#include "transport/descriptor.h"

#define ADDRESS_LENGTH 64 /* the longest IPv6 address, and the name of an interface */
#define REASON_LENGTH 128
#define HIGHEST_PORT 65535

/* Where to connect, and what became of it so far. */
struct attempt {
  const char *host;
  int port;
  const struct deadline *deadline;
  struct bounded_text failures; /* "Connection refused (::1); no answer (192.0.2.1)" */
  char failures_text[512];
  bool timed_out;
  int last_errno;
  amqp_wolfssl_error_t *error;
};

/* ---- What is said of failures ---- */

static void note_failure(struct attempt *attempt, const struct addrinfo *address, const char *reason) {
  char numeric[ADDRESS_LENGTH];
  char piece[ADDRESS_LENGTH + REASON_LENGTH];

  if (getnameinfo(address->ai_addr, address->ai_addrlen, numeric, sizeof(numeric), NULL, 0, NI_NUMERICHOST) != 0) {
    (void)snprintf(numeric, sizeof(numeric), "an address of family %d", address->ai_family);
  }
  (void)snprintf(piece, sizeof(piece), "%s%.*s", attempt->failures.needed > 0 ? "; " : "", REASON_LENGTH - 8, reason);
  bounded_text_add_string(&attempt->failures, piece);
  if (strcmp(numeric, attempt->host) != 0) { /* else the sentence has it already */
    (void)snprintf(piece, sizeof(piece), " (%s)", numeric);
    bounded_text_add_string(&attempt->failures, piece);
  }
}

static amqp_wolfssl_code_t explain_lookup(const struct attempt *attempt, int result, int system_errno) {
  if (result == EAI_MEMORY) {
    return error_set(attempt->error, AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  return error_set(attempt->error, AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_RESOLVE_FAILED,
                   "the host name \"%.200s\" can't be resolved: %.*s; check its spelling and the DNS configuration",
                   shown_name(attempt->host), REASON_LENGTH,
                   result == EAI_SYSTEM ? strerror(system_errno) : gai_strerror(result));
}

static amqp_wolfssl_code_t explain_failures(const struct attempt *attempt) {
  const char *more = attempt->failures.cut ? "; and further addresses" : "";

  if (attempt->timed_out) {
    return error_set(attempt->error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_TIMED_OUT,
                     "no TCP connection to %.200s port %d within the time limit: %s%s; check host, port and firewall",
                     shown_name(attempt->host), attempt->port, attempt->failures_text, more);
  }
  error_set(attempt->error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED,
            "can't connect to %.200s port %d: %s%s", shown_name(attempt->host), attempt->port, attempt->failures_text,
            more);
  if (attempt->last_errno == ECONNREFUSED) {
    error_append(attempt->error, "; check that the broker is running and listens on that port");
  }
  return attempt->error->code;
}

/* ---- Connecting ---- */

/* Dead peers are noticed, as with rabbitmq-c's own sockets. */
static bool keep_alive(int descriptor) {
  const int one = 1;

  return setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) == 0;
}

/* \return 0, or why not as errno has it; sets timed_out too */
static int await_connection(struct attempt *attempt, int descriptor) {
  int outcome = 0;
  socklen_t length = sizeof(outcome);

  switch (deadline_wait(attempt->deadline, descriptor, DEADLINE_WRITABLE)) {
    case DEADLINE_READY:
      break;
    case DEADLINE_PASSED:
      attempt->timed_out = true;
      return ETIMEDOUT;
    case DEADLINE_FAILED:
      return errno;
  }
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &outcome, &length) == 0 ? outcome : errno;
}

static int connect_descriptor(struct attempt *attempt, int descriptor, const struct addrinfo *address) {
  if (!descriptor_prepare(descriptor, NULL) || !keep_alive(descriptor)) {
    return errno;
  }
  if (connect(descriptor, address->ai_addr, address->ai_addrlen) == 0) {
    return 0;
  }
  return errno == EINPROGRESS || errno == EINTR ? await_connection(attempt, descriptor) : errno;
}

/* \return the descriptor, or -1 with the failure noted */
static int connect_address(struct attempt *attempt, const struct addrinfo *address) {
  const int descriptor = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
  const int failure = descriptor == -1 ? errno : connect_descriptor(attempt, descriptor, address);

  if (failure == 0) {
    return descriptor;
  }
  attempt->last_errno = failure;
  note_failure(attempt, address, attempt->timed_out ? "no answer" : strerror(failure));
  if (descriptor != -1) {
    (void)close(descriptor);
  }
  return -1;
}

static int connect_first(struct attempt *attempt, const struct addrinfo *addresses) {
  int descriptor = -1;

  for (const struct addrinfo *next = addresses; next != NULL && descriptor == -1 && !attempt->timed_out;
       next = next->ai_next) {
    descriptor = connect_address(attempt, next);
  }
  return descriptor;
}

amqp_wolfssl_code_t tcp_connect(const char *host, int port, const struct deadline *deadline, int *descriptor,
                                amqp_wolfssl_error_t *error) {
  const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
  struct attempt attempt = {.host = host, .port = port, .deadline = deadline, .error = error};
  struct addrinfo *addresses = NULL;
  char service[16];
  int result;

  *descriptor = -1;
  if (port < 1 || port > HIGHEST_PORT) { /* the C library would take the low 16 bits */
    return error_set(error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                     "%d is not a port; a port is a number from 1 to %d", port, HIGHEST_PORT);
  }
  bounded_text_init(&attempt.failures, attempt.failures_text, sizeof(attempt.failures_text));
  (void)snprintf(service, sizeof(service), "%d", port);
  result = getaddrinfo(host, service, &wanted, &addresses);
  if (result != 0) {
    return explain_lookup(&attempt, result, errno);
  }
  *descriptor = connect_first(&attempt, addresses);
  freeaddrinfo(addresses);
  return *descriptor != -1 ? AMQP_WOLFSSL_OK : explain_failures(&attempt);
}

/* SPDX-License-Identifier: MIT */
/* Waits for both sockets of a connection, moves bytes between them and TLS, and ends it as it was told. */
#include "tls_proxy_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_proxy_connection.h"
#include "tls_proxy_io.h"
#include "tls_proxy_report.h"
#include "tls_proxy_tls.h"

#define POLL_FILE_MILLISECONDS 10

static int connect_to(const struct options *options) {
  struct addrinfo *addresses = NULL;
  int descriptor = -1;
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  const int result = getaddrinfo(options->connect_host, options->connect_port, &hints, &addresses);
  if (result != 0) {
    complain("can't look up %s: %s", options->connect_host, gai_strerror(result));
    return -1;
  }
  for (const struct addrinfo *address = addresses; address != NULL && descriptor < 0; address = address->ai_next) {
    descriptor = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
    if (descriptor >= 0 && connect(descriptor, address->ai_addr, address->ai_addrlen) != 0) {
      close_descriptor(&descriptor);
    }
  }
  freeaddrinfo(addresses);
  const int on = 1;
  if (descriptor < 0) {
    complain("can't connect to %s:%s", options->connect_host, options->connect_port);
  } else if (!set_nonblocking(descriptor) || setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    complain("can't set up the socket to %s: %s", options->connect_host, strerror(errno));
    close_descriptor(&descriptor);
  }
  return descriptor;
}

/* Only after the handshake, so that clients that fail it do not bother the server behind. */
static void open_upstream(struct connection *connection) {
  const struct options *const options = connection->options;
  if (options->peer == PEER_CONNECT) {
    connection->upstream = connect_to(options);
  } else if (options->peer == PEER_SEND_FILE) {
    connection->upstream = open(options->send_file, O_RDONLY | O_CLOEXEC);
    if (connection->upstream < 0) {
      complain("can't open %s: %s", options->send_file, strerror(errno));
    }
  } else {
    return;
  }
  if (connection->upstream < 0) {
    begin_ending(connection, END_WITH_FIN);
  }
}

static bool is_paused(struct connection *connection) {
  const struct options *const options = connection->options;
  if (options->pause_until == NULL || connection->phase != PHASE_OPEN || connection->received < options->pause_after) {
    return false;
  }
  const bool paused = access(options->pause_until, F_OK) != 0;
  if (paused != connection->pause_told) {
    connection->pause_told = paused;
    report(paused ? "PAUSED" : "RESUMED");
  }
  return paused;
}

static bool wants_client_bytes(struct connection *connection) {
  switch (connection->phase) {
    case PHASE_HANDSHAKE:
    case PHASE_DRAINING:
    case PHASE_AWAIT_BYTES:
      return !connection->tcp_ended;
    case PHASE_OPEN:
      return !connection->tcp_ended && !is_paused(connection) && connection->to_upstream.length < HIGH_WATER &&
             connection->plain.length < HIGH_WATER && connection->to_client.length < HIGH_WATER;
    case PHASE_ENDING:
    case PHASE_DONE:
      return false;
  }
  return false;
}

static bool wants_upstream_bytes(const struct connection *connection) {
  return connection->options->peer == PEER_CONNECT && connection->phase == PHASE_OPEN && connection->upstream >= 0 &&
         !connection->upstream_ended && connection->plain.length < HIGH_WATER &&
         connection->to_client.length < HIGH_WATER;
}

static void take_from_client(struct connection *connection) {
  unsigned char buffer[READ_SIZE];
  const ssize_t length = recv(connection->client, buffer, sizeof buffer, 0);
  if (length > 0) {
    /* After a broken handshake nobody reads this any more. */
    if (!connection->tls_broken && BIO_write(connection->from_network, buffer, (int)length) != (int)length) {
      complain("out of memory");
      finish(connection);
    }
  } else if (length == 0) {
    connection->tcp_ended = true;
  } else if (!would_block()) {
    report_client_end(connection, "reset");
    finish(connection);
  }
}

static void take_from_upstream(struct connection *connection) {
  if (!bytes_reserve(&connection->plain, READ_SIZE)) {
    finish(connection);
    return;
  }
  unsigned char *const end = connection->plain.data + connection->plain.length;
  const ssize_t length = recv(connection->upstream, end, READ_SIZE, 0);
  if (length > 0) {
    connection->plain.length += (size_t)length;
  } else if (length == 0 || !would_block()) {
    connection->upstream_ended = true;
  }
}

static void give_to_client(struct connection *connection) {
  while (connection->to_client.length > 0) {
    const struct bytes *const bytes = &connection->to_client;
    const ssize_t length = send(connection->client, bytes->data, bytes->length, MSG_NOSIGNAL);
    if (length < 0) {
      if (!would_block()) {
        report_client_end(connection, "reset");
        finish(connection);
      }
      return;
    }
    bytes_consume(&connection->to_client, (size_t)length);
  }
}

/* Goes on until the client's socket is full or nothing is left: poll would not wake us for what is still in a file. */
static void serve_client(struct connection *connection) {
  do {
    send_plaintext(connection);
    collect_ciphertext(connection);
    give_to_client(connection);
  } while (connection->phase == PHASE_OPEN && connection->to_client.length == 0 &&
           (connection->plain.length > 0 || file_is_ready(connection)));
}

static void give_to_upstream(struct connection *connection) {
  while (connection->upstream >= 0 && connection->to_upstream.length > 0) {
    struct bytes *const bytes = &connection->to_upstream;
    const ssize_t length = send(connection->upstream, bytes->data, bytes->length, MSG_NOSIGNAL);
    if (length < 0) {
      if (!would_block()) {
        /* What the server said before it closed is still to be read. */
        bytes->length = 0;
      }
      return;
    }
    bytes_consume(bytes, (size_t)length);
  }
}

/* Resets instead of closing: what is unsent is dropped, and the client's next call fails with ECONNRESET. */
static void reset_client(struct connection *connection) {
  const struct linger linger = {.l_onoff = 1, .l_linger = 0};
  if (setsockopt(connection->client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) != 0) {
    complain("SO_LINGER: %s", strerror(errno));
  }
  close_descriptor(&connection->client);
  finish(connection);
}

static bool client_kernel_has_everything(const struct connection *connection) {
  int queued = 0;
  return ioctl(connection->client, SIOCOUTQ, &queued) != 0 || queued == 0;
}

static void carry_out_ending(struct connection *connection) {
  if (connection->to_client.length > 0) {
    return;
  }
  if (connection->tcp_ended) {
    finish(connection);
    return;
  }
  switch (connection->ending) {
    case END_WITH_FIN:
      (void)shutdown(connection->client, SHUT_WR);
      connection->phase = PHASE_DRAINING;
      break;
    case END_WITH_RESET:
      if (client_kernel_has_everything(connection)) {
        reset_client(connection);
      }
      break;
    case END_WITH_RESET_AFTER_BYTES:
      connection->phase = PHASE_AWAIT_BYTES;
      break;
  }
}

/* The alert has to be with the client before the reset, and unread bytes of the client's may already be with us. */
static void reset_once_bytes_came(struct connection *connection, bool readable) {
  if (connection->tcp_ended) {
    finish(connection);
  } else if (client_kernel_has_everything(connection) && (readable || BIO_ctrl_pending(connection->from_network) > 0)) {
    reset_client(connection);
  }
}

/* When one side has ended and all it sent has been handed on, tell the other. */
static void pass_on_ends(struct connection *connection) {
  const bool relays = connection->options->peer == PEER_CONNECT;
  if (connection->client_ended && relays && connection->to_upstream.length == 0 && !connection->upstream_ended) {
    (void)shutdown(connection->upstream, SHUT_WR);
  }
  const bool nothing_left = connection->plain.length == 0;
  if (nothing_left && (relays ? connection->upstream_ended : connection->client_ended)) {
    send_close_notify(connection);
    begin_ending(connection, END_WITH_FIN);
  }
}

static void note_end_of_tcp(struct connection *connection) {
  if (!connection->tcp_ended) {
    return;
  }
  report_client_end(connection, connection->tls_broken ? "closed" : "truncated");
  if (connection->phase == PHASE_DRAINING || connection->phase == PHASE_HANDSHAKE) {
    finish(connection);
  }
}

static int poll_timeout(struct connection *connection) {
  const bool counts_acknowledgements = connection->phase == PHASE_AWAIT_BYTES ||
                                       (connection->phase == PHASE_ENDING && connection->ending == END_WITH_RESET);
  /* Neither a file that appears nor an empty send queue wakes poll. */
  return is_paused(connection) || counts_acknowledgements ? POLL_FILE_MILLISECONDS : -1;
}

static void step(struct connection *connection, short client_events, short upstream_events) {
  const bool client_readable = (client_events & (POLLIN | POLLERR | POLLHUP)) != 0;
  if (connection->phase == PHASE_AWAIT_BYTES) {
    reset_once_bytes_came(connection, client_readable);
    return;
  }
  if (client_readable) {
    take_from_client(connection);
  }
  if ((upstream_events & (POLLIN | POLLERR | POLLHUP)) != 0) {
    take_from_upstream(connection);
  }
  if (connection->phase == PHASE_HANDSHAKE && advance_handshake(connection)) {
    open_upstream(connection);
  }
  if (!connection->tls_broken && (connection->phase == PHASE_OPEN || connection->phase == PHASE_DRAINING)) {
    read_plaintext(connection);
  }
  note_end_of_tcp(connection);
  serve_client(connection);
  if (connection->phase == PHASE_OPEN) {
    give_to_upstream(connection);
    pass_on_ends(connection);
  }
  if (connection->phase == PHASE_ENDING) {
    give_to_client(connection);
    carry_out_ending(connection);
  }
}

static bool wait_and_step(struct connection *connection) {
  const bool read_client = wants_client_bytes(connection);
  const bool read_upstream = wants_upstream_bytes(connection);
  const bool write_upstream = connection->to_upstream.length > 0 && connection->phase == PHASE_OPEN;
  struct pollfd descriptors[2] = {{.fd = connection->client}, {.fd = -1}};
  descriptors[0].events = (short)((read_client ? POLLIN : 0) | (connection->to_client.length > 0 ? POLLOUT : 0));
  if (descriptors[0].events == 0 && connection->tcp_ended) {
    descriptors[0].fd = -1; /* else the end of the stream would wake us again and again */
  }
  if (read_upstream || write_upstream) {
    descriptors[1].fd = connection->upstream;
    descriptors[1].events = (short)((read_upstream ? POLLIN : 0) | (write_upstream ? POLLOUT : 0));
  }
  if (poll(descriptors, 2, poll_timeout(connection)) < 0 && errno != EINTR) {
    complain("poll: %s", strerror(errno));
    return false;
  }
  step(connection, descriptors[0].revents, descriptors[1].revents);
  return true;
}

static void tell_summary(const struct connection *connection) {
  const char *const subject = connection->facts.certificate_subject;
  complain("%s %s, client certificate: %s, %llu bytes from the client, %llu to it", SSL_get_version(connection->ssl),
           SSL_get_cipher_name(connection->ssl), subject != NULL ? subject : "none",
           (unsigned long long)connection->received, (unsigned long long)connection->sent);
}

int run_connection(const struct options *options, SSL_CTX *context, int client) {
  int status = EXIT_FAILURE;
  struct connection connection = {.options = options, .client = client, .upstream = -1, .phase = PHASE_HANDSHAKE};
  const int on = 1;
  if (!set_nonblocking(client) || setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    complain("can't set up the client's socket: %s", strerror(errno));
  } else if (open_tls(&connection, context)) {
    if (options->stall_handshake) {
      connection.phase = PHASE_DRAINING;
      connection.tls_broken = true;
    }
    status = EXIT_SUCCESS;
    while (connection.phase != PHASE_DONE && status == EXIT_SUCCESS) {
      status = wait_and_step(&connection) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (options->verbose) {
      tell_summary(&connection);
    }
  }
  SSL_free(connection.ssl);
  free(connection.facts.certificate_subject);
  free(connection.to_client.data);
  free(connection.plain.data);
  free(connection.to_upstream.data);
  close_descriptor(&connection.client);
  close_descriptor(&connection.upstream);
  return status;
}

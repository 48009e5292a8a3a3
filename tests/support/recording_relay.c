/* SPDX-License-Identifier: MIT */
/*
 * Stands between a TLS client and its server, hands all bytes on unchanged, and writes down what the client offers: the
 * cipher suites of its ClientHello, in order. TLS libraries differ in them, so they tell which one a program uses.
 *
 *   recording_relay PORT [FOLDER]      PORT: the server's, on 127.0.0.1
 *
 * Prints a line "PORT n" when it listens, on 127.0.0.1; then for each connection "CONNECTION", and "CLIENT-HELLO" with
 * the suites in hexadecimal, or "NO-CLIENT-HELLO" when the client begins with anything else. Runs until it is killed.
 *
 * With a folder, all that connection N (from 1) carries goes to FOLDER/N-to-server and FOLDER/N-to-client, and
 * "RECORDED N-to-server", "RECORDED N-to-client" are printed when no more will come.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"

#define READ_SIZE 16384u
#define RECORD_HANDSHAKE 22u
#define MESSAGE_CLIENT_HELLO 1u
/* RFC 8446, 5.1 and 4.1.2: record header, message header, legacy_version and random stand before the session id. */
#define SESSION_ID_AT (5u + 4u + 2u + 32u)

enum hello { HELLO_INCOMPLETE, HELLO_COMPLETE, HELLO_NONE };

struct opening {
  unsigned char bytes[SESSION_ID_AT + 1u + 255u + 2u + 512u];
  size_t length;
  enum hello state;
};

/* What one direction of a connection carries. */
struct record {
  char name[32];
  int file; /* -1: not wanted */
};

struct direction {
  int from;
  int to;
  struct opening *opening; /* NULL: this is not the client's */
  struct record record;
};

static void fail(const char *what) {
  fprintf(stderr, "recording_relay: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* One write a line: several processes share the output. */
static void report(const char *line) {
  if (write(STDOUT_FILENO, line, strlen(line)) < 0) {
    fail("write");
  }
}

static size_t number_at(const struct opening *opening, size_t at) {
  return (size_t)opening->bytes[at] << 8 | opening->bytes[at + 1];
}

static void report_suites(const struct opening *opening, size_t at, size_t size) {
  char line[2048] = "CLIENT-HELLO";
  size_t used = strlen(line);

  for (size_t i = 0; i + 1 < size && used + 6 < sizeof(line); i += 2) {
    used += (size_t)snprintf(line + used, sizeof(line) - used, " %04x", (unsigned)number_at(opening, at + i));
  }
  line[used] = '\n';
  line[used + 1] = '\0';
  report(line);
}

static enum hello examine(const struct opening *opening) {
  size_t suites_at;

  if ((opening->length > 0 && opening->bytes[0] != RECORD_HANDSHAKE) ||
      (opening->length > 5 && opening->bytes[5] != MESSAGE_CLIENT_HELLO)) {
    return HELLO_NONE;
  }
  if (opening->length <= SESSION_ID_AT) {
    return HELLO_INCOMPLETE;
  }
  suites_at = SESSION_ID_AT + 1 + opening->bytes[SESSION_ID_AT] + 2;
  if (opening->length < suites_at || opening->length < suites_at + number_at(opening, suites_at - 2)) {
    return opening->length < sizeof(opening->bytes) ? HELLO_INCOMPLETE : HELLO_NONE;
  }
  report_suites(opening, suites_at, number_at(opening, suites_at - 2));
  return HELLO_COMPLETE;
}

static void record_opening(struct opening *opening, const unsigned char *bytes, size_t length) {
  const size_t space = sizeof(opening->bytes) - opening->length;
  const size_t taken = length < space ? length : space;

  if (opening->state != HELLO_INCOMPLETE) {
    return;
  }
  memcpy(opening->bytes + opening->length, bytes, taken);
  opening->length += taken;
  opening->state = examine(opening);
  if (opening->state == HELLO_NONE) {
    report("NO-CLIENT-HELLO\n");
  }
}

static struct record begin_record(const char *folder, unsigned connection, const char *direction) {
  struct record record = {.file = -1};
  char path[4096];

  (void)snprintf(record.name, sizeof(record.name), "%u-%s", connection, direction);
  if (folder != NULL) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, record.name);
    record.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (record.file < 0) {
      fail(path);
    }
  }
  return record;
}

static void record_bytes(const struct record *record, const unsigned char *bytes, size_t length) {
  while (record->file >= 0 && length > 0) {
    const ssize_t written = write(record->file, bytes, length);

    if (written < 0) {
      fail("write a recording");
    }
    bytes += written;
    length -= (size_t)written;
  }
}

static void end_record(const struct record *record) {
  char line[64];

  if (record->file >= 0) {
    (void)snprintf(line, sizeof(line), "RECORDED %s\n", record->name);
    report(line);
  }
}

/* Until one end gives no more or the other takes no more. */
static void copy(const struct direction *direction) {
  unsigned char buffer[READ_SIZE];
  ssize_t length;

  while ((length = recv(direction->from, buffer, sizeof(buffer), 0)) > 0) {
    record_bytes(&direction->record, buffer, (size_t)length);
    if (direction->opening != NULL) {
      record_opening(direction->opening, buffer, (size_t)length);
    }
    if (!loopback_send_all(direction->to, buffer, (size_t)length)) {
      break;
    }
  }
  (void)shutdown(direction->to, SHUT_WR);
  (void)shutdown(direction->from, SHUT_RD);
  end_record(&direction->record);
}

/* A process for each direction: neither can then be held up by the other. They end with the relay at the latest. */
static void start_copying(pid_t relay, const struct direction *direction) {
  const pid_t child = fork();

  if (child < 0) {
    fail("fork");
  }
  if (child > 0) {
    if (direction->record.file >= 0) {
      close(direction->record.file);
    }
    return;
  }
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    fail("prctl");
  }
  if (getppid() == relay) {
    copy(direction);
  }
  _exit(0);
}

static void relay_connection(int client, uint16_t server_port, const char *folder, unsigned number) {
  const int enable = 1;
  const int server = loopback_connect(server_port); /* -1: the client then sees its own connection closed */
  struct opening opening = {.state = HELLO_INCOMPLETE};

  report("CONNECTION\n");
  if (server >= 0) {
    const struct direction to_server = {client, server, &opening, begin_record(folder, number, "to-server")};
    const struct direction to_client = {server, client, NULL, begin_record(folder, number, "to-client")};

    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &enable, sizeof(enable));
    (void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &enable, sizeof(enable));
    start_copying(getpid(), &to_server);
    start_copying(getpid(), &to_client);
    close(server);
  }
  close(client);
}

int main(int argc, char **argv) {
  char *end = NULL;
  const long port = argc == 2 || argc == 3 ? strtol(argv[1], &end, 10) : 0;
  const char *folder = argc == 3 ? argv[2] : NULL;
  unsigned connections = 0;
  char line[32];
  unsigned listening_port;
  int listener;

  if (port < 1 || port > 65535 || *end != '\0') {
    fputs("usage: recording_relay PORT [FOLDER]\n", stderr);
    return 2;
  }
  /* No zombies: nobody asks how a copying process ended. */
  if (signal(SIGCHLD, SIG_IGN) == SIG_ERR) {
    fail("signal");
  }
  listener = loopback_listen(&listening_port);
  if (listener < 0) {
    fail("listen");
  }
  (void)snprintf(line, sizeof(line), "PORT %u\n", listening_port);
  report(line);
  for (;;) {
    const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (client >= 0) {
      relay_connection(client, (uint16_t)port, folder, ++connections);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      fail("accept");
    }
  }
}

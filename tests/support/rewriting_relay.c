/* SPDX-License-Identifier: MIT */
/*
 * Stands between a TLS client and its server, and gives one field of a Hello another value: so a server chooses what it
 * was not offered, or is offered less than the client offers. Or it changes how the server's first record comes, which
 * leaves the handshake itself as it is. All else is handed on unchanged. Writes down what the client sends.
 *
 *   rewriting_relay PORT FIELD VALUE      PORT: the server's, on 127.0.0.1; VALUE: hexadecimal; FIELD:
 *     suite, compression   of the server's first ServerHello, which may be a HelloRetryRequest
 *     second-suite         of the second
 *     versions             each version in the supported_versions of the client's first ClientHello
 *     record-version       of the server's first record
 *     longer               by how many bytes the first ServerHello grows, by an extension that nobody knows
 *     before               bytes that come before the server's first record
 *     split                AT or AT:BYTES; the server's first record comes as two, after AT bytes of its content, with
 *                          BYTES between them
 *
 * Prints a line "PORT n" when it listens, on 127.0.0.1; then for each connection, one after the other, "SERVER-HELLO
 * suite compression" as each came, "REWRITTEN suite compression" as it went on if it was changed; for each record of
 * the client "CLIENT type first second", its type and its first two bytes; "VERSIONS count", how many versions of a
 * ClientHello were changed; and "CLIENT-END". Runs until it is killed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"

#define RECORD_HEADER 5u
#define RECORD_BYTES (RECORD_HEADER + 16384u + 2048u)
#define RECORD_HANDSHAKE 22u
#define MESSAGE_SERVER_HELLO 2u
#define EXTENSION_SUPPORTED_VERSIONS 43u
/* RFC 8446, 5.1 and 4.1.3: record header, message header, legacy_version and random stand before the session id. */
#define SESSION_ID_AT (RECORD_HEADER + 4u + 2u + 32u)

struct record {
  unsigned char bytes[RECORD_BYTES];
  size_t length;
};

#define INTRUDER_BYTES 64u

enum field {
  FIELD_SUITE,
  FIELD_COMPRESSION,
  FIELD_SECOND_SUITE,
  FIELD_VERSIONS,
  FIELD_RECORD_VERSION,
  FIELD_LONGER,
  FIELD_BEFORE,
  FIELD_SPLIT,
  FIELDS
};

static const char *const field_names[FIELDS] = {"suite",          "compression", "second-suite", "versions",
                                                "record-version", "longer",      "before",       "split"};

struct change {
  enum field field;
  unsigned value;
  unsigned char intruder[INTRUDER_BYTES]; /* what comes before or between */
  size_t intruder_length;
};

/* What has passed of a connection. */
struct progress {
  unsigned client_records;
  unsigned server_records;
  unsigned server_hellos;
};

static void fail(const char *what) {
  fprintf(stderr, "rewriting_relay: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* ---- Records ---- */

static bool receive_exactly(int from, unsigned char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t count = recv(from, bytes, length, 0);

    if (count <= 0) {
      return false;
    }
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

static bool receive_record(int from, struct record *record) {
  size_t content;

  if (!receive_exactly(from, record->bytes, RECORD_HEADER)) {
    return false;
  }
  content = (size_t)record->bytes[3] << 8 | record->bytes[4];
  record->length = RECORD_HEADER + content;
  return record->length <= sizeof(record->bytes) && receive_exactly(from, record->bytes + RECORD_HEADER, content);
}

/* ---- The ServerHello ---- */

/* Where the suite stands, behind it the compression method; NULL when it is no ServerHello. */
static unsigned char *find_choice(struct record *record) {
  size_t at;

  if (record->length <= SESSION_ID_AT || record->bytes[0] != RECORD_HANDSHAKE ||
      record->bytes[RECORD_HEADER] != MESSAGE_SERVER_HELLO) {
    return NULL;
  }
  at = SESSION_ID_AT + 1 + record->bytes[SESSION_ID_AT];
  return at + 3 <= record->length ? record->bytes + at : NULL;
}

static void report_choice(const char *what, const unsigned char *choice) {
  printf("%s %02x%02x %02x\n", what, choice[0], choice[1], choice[2]);
}

static void set_number(unsigned char *at, unsigned value) {
  at[0] = (unsigned char)(value >> 8);
  at[1] = (unsigned char)value;
}

static void rewrite(unsigned char *choice, const struct change *change) {
  if (change->field == FIELD_COMPRESSION) {
    choice[2] = (unsigned char)change->value;
  } else {
    set_number(choice, change->value);
  }
  report_choice("REWRITTEN", choice);
}

static bool is_to_change(const struct change *change, unsigned hello) {
  switch (change->field) {
    case FIELD_SUITE:
    case FIELD_COMPRESSION:
      return hello == 1;
    case FIELD_SECOND_SUITE:
      return hello == 2;
    default:
      return false;
  }
}

/* ---- The server's first record ---- */

static void add_to_number(unsigned char *at, unsigned more) { set_number(at, ((unsigned)at[0] << 8 | at[1]) + more); }

/* The extensions stand at the end of the message, with their length behind the compression method (RFC 8446, 4.1.3). */
static void lengthen(struct record *record, unsigned more) {
  unsigned char *choice = find_choice(record);
  unsigned char *end = record->bytes + record->length;

  if (choice == NULL || more < 4 || record->length + more > sizeof(record->bytes) || choice + 5 > end) {
    return;
  }
  memset(end, 0, more);
  set_number(end, 0xfafa);
  set_number(end + 2, more - 4);
  add_to_number(choice + 3, more);
  add_to_number(record->bytes + RECORD_HEADER + 2, more);
  add_to_number(record->bytes + 3, more);
  record->length += more;
}

static bool send_split(int client, const struct record *record, const struct change *change) {
  unsigned char header[RECORD_HEADER];
  const size_t content = record->length - RECORD_HEADER;
  const size_t first = change->value < content ? change->value : content;

  memcpy(header, record->bytes, RECORD_HEADER);
  set_number(header + 3, (unsigned)first);
  if (!loopback_send_all(client, header, sizeof(header)) ||
      !loopback_send_all(client, record->bytes + RECORD_HEADER, first) ||
      !loopback_send_all(client, change->intruder, change->intruder_length)) {
    return false;
  }
  set_number(header + 3, (unsigned)(content - first));
  return loopback_send_all(client, header, sizeof(header)) &&
         loopback_send_all(client, record->bytes + RECORD_HEADER + first, content - first);
}

static bool send_first_record(int client, struct record *record, const struct change *change) {
  switch (change->field) {
    case FIELD_RECORD_VERSION:
      set_number(record->bytes + 1, change->value);
      break;
    case FIELD_LONGER:
      lengthen(record, change->value);
      break;
    case FIELD_BEFORE:
      if (!loopback_send_all(client, change->intruder, change->intruder_length)) {
        return false;
      }
      break;
    case FIELD_SPLIT:
      return send_split(client, record, change);
    default:
      break;
  }
  return loopback_send_all(client, record->bytes, record->length);
}

/* ---- The ClientHello ---- */

static size_t number_at(const struct record *record, size_t at) {
  return at + 2 <= record->length ? (size_t)record->bytes[at] << 8 | record->bytes[at + 1] : 0;
}

/* Where the extensions begin: behind the session identifier, the suites and the compression methods (RFC 8446, 4.1.2).
 */
static size_t find_extensions(const struct record *record) {
  size_t at = SESSION_ID_AT;

  at += 1u + (at < record->length ? record->bytes[at] : 0u);
  at += 2 + number_at(record, at);
  at += 1u + (at < record->length ? record->bytes[at] : 0u);
  return at + 2;
}

static void rewrite_versions(struct record *record, unsigned value) {
  unsigned count = 0;

  for (size_t at = find_extensions(record); at + 4 <= record->length; at += 4 + number_at(record, at + 2)) {
    if (number_at(record, at) == EXTENSION_SUPPORTED_VERSIONS) {
      for (size_t version = at + 5; version + 2 <= at + 4 + number_at(record, at + 2); version += 2) {
        set_number(record->bytes + version, value);
        count++;
      }
    }
  }
  printf("VERSIONS %u\n", count);
}

/* ---- Connections ---- */

static bool pass_from_client(int client, int server, const struct change *change, struct progress *progress) {
  static struct record record;

  if (!receive_record(client, &record)) {
    return false;
  }
  printf("CLIENT %u %u %u\n", record.bytes[0], record.length > 5 ? record.bytes[5] : 0u,
         record.length > 6 ? record.bytes[6] : 0u);
  if (progress->client_records++ == 0 && change->field == FIELD_VERSIONS) {
    rewrite_versions(&record, change->value);
  }
  (void)loopback_send_all(server, record.bytes,
                          record.length); /* it may have ended; what the client sends is of interest all the same */
  return true;
}

static bool pass_from_server(int server, int client, const struct change *change, struct progress *progress) {
  static struct record record;
  unsigned char *choice;

  if (!receive_record(server, &record)) {
    return false;
  }
  choice = find_choice(&record);
  if (choice != NULL) {
    report_choice("SERVER-HELLO", choice);
    if (is_to_change(change, ++progress->server_hellos)) {
      rewrite(choice, change);
    }
  }
  if (progress->server_records++ == 0) {
    return send_first_record(client, &record, change);
  }
  return loopback_send_all(client, record.bytes, record.length);
}

/* Until the client ends. */
static void relay(int client, int server, const struct change *change) {
  struct pollfd ends[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
  struct progress progress = {0, 0, 0};

  for (;;) {
    if (poll(ends, 2, -1) < 0) {
      fail("poll");
    }
    if (ends[1].revents != 0 && !pass_from_server(server, client, change, &progress)) {
      (void)shutdown(client, SHUT_WR);
      ends[1].fd = -1;
      ends[1].revents = 0;
    }
    if (ends[0].revents != 0 && !pass_from_client(client, server, change, &progress)) {
      break;
    }
  }
  printf("CLIENT-END\n");
}

static bool read_number(const char *text, int base, long lowest, long highest, long *number) {
  char *end = NULL;

  *number = strtol(text, &end, base);
  return end != text && *end == '\0' && *number >= lowest && *number <= highest;
}

static bool read_field(const char *name, enum field *field) {
  for (int i = 0; i < FIELDS; i++) {
    if (strcmp(name, field_names[i]) == 0) {
      *field = (enum field)i;
      return true;
    }
  }
  return false;
}

static bool read_bytes(const char *text, struct change *change) {
  for (; *text != '\0'; text += 2) {
    const char pair[3] = {text[0], text[1], '\0'};
    long byte;

    if (change->intruder_length == sizeof(change->intruder) || pair[1] == '\0' ||
        !read_number(pair, 16, 0, 0xff, &byte)) {
      return false;
    }
    change->intruder[change->intruder_length++] = (unsigned char)byte;
  }
  return true;
}

/* A number, with bytes behind a colon for a record that is split; bytes alone for those that come before. */
static bool read_value(char *text, struct change *change) {
  char *colon = strchr(text, ':');
  long number;

  if (change->field == FIELD_BEFORE) {
    return read_bytes(text, change);
  }
  if (change->field == FIELD_SPLIT && colon != NULL) {
    *colon = '\0';
    if (!read_bytes(colon + 1, change)) {
      return false;
    }
  }
  if (!read_number(text, 16, 0, change->field == FIELD_COMPRESSION ? 0xff : 0xffff, &number)) {
    return false;
  }
  change->value = (unsigned)number;
  return true;
}

int main(int argc, char **argv) {
  struct change change = {.intruder_length = 0};
  long port;
  unsigned listening_port;
  int listener;

  if (argc != 4 || !read_number(argv[1], 10, 1, 65535, &port) || !read_field(argv[2], &change.field) ||
      !read_value(argv[3], &change)) {
    fputs(
        "usage: rewriting_relay PORT "
        "suite|compression|second-suite|versions|record-version|longer|before|split VALUE\n",
        stderr);
    return 2;
  }
  (void)setvbuf(stdout, NULL, _IOLBF, 0);
  listener = loopback_listen(&listening_port);
  if (listener < 0) {
    fail("listen");
  }
  printf("PORT %u\n", listening_port);
  for (;;) {
    const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (client >= 0) {
      const int server = loopback_connect((uint16_t)port);

      if (server < 0) {
        fail("connect");
      }
      relay(client, server, &change);
      (void)close(server);
      (void)close(client);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      fail("accept");
    }
  }
}

/* SPDX-License-Identifier: MIT */
#include "resilient_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 5671

static const char help[] =
    "  --hosts LIST          HOST[:PORT],... of the same cluster; [IPv6]:PORT (default: localhost:5671)\n"
    "  --ca FILE             certificates of the trusted CAs\n"
    "  --certificate FILE    the client's certificate, with intermediates\n"
    "  --key FILE            its private key; these three are read anew for each connection\n"
    "  --secret FOLDER       in place of --certificate and --key: tls.crt, tls.key and perhaps ca.crt, as Kubernetes\n"
    "                        mounts a Secret; read anew, too\n"
    "  --server-name NAME    the name in the brokers' certificates, if it differs from the hosts\n"
    "  --user NAME           log in with PLAIN and the password in $AMQP_PASSWORD (default: EXTERNAL)\n"
    "  --virtual-host NAME   (default: /)\n"
    "  --queue NAME          a quorum queue, declared if need be (default: resilient)\n"
    "  --log FILE            append the id of each confirmed message; the consumer: \"new ID\" or \"again ID\"\n"
    "  --count NUMBER        messages to publish, or to consume and then end (default: no limit)\n"
    "  --heartbeat SECONDS   (default: 20)\n"
    "  --open-limit SECONDS  how long connecting, and each answer of the broker, may take (default: 10)\n"
    "  --longest-wait SECONDS  the longest pause between two attempts (default: 30)\n"
    "  --maximum-life SECONDS  reconnect when a connection is that old (default: as the library has it)\n"
    "  --window NUMBER       messages on their way: unconfirmed, or not acknowledged (default: 1000)\n"
    "Publisher:\n"
    "  --rate NUMBER         messages a second (default: as fast as confirms allow)\n"
    "  --size BYTES          of a message (default: 100)\n"
    "  --confirm-limit SECONDS  without a confirm in this time, try another host (default: 30)\n"
    "  --drain-limit SECONDS    after SIGTERM, wait so long for confirms (default: 10)\n"
    "Consumer:\n"
    "  --remember NUMBER     message ids kept to drop duplicates (default: 100000)\n"
    "  --help                this text\n\n"
    "Ends with 0 when all is done, 1 when messages are left unconfirmed or a file can't be written, 2 for a wrong\n"
    "command line, 3 when every host refuses for good: the last line says why.\n";

static int read_number(const char *program, const char *text, int lowest, int highest) {
  char *end;
  long number = strtol(text, &end, 10);

  if (*text == '\0' || *end != '\0' || number < lowest || number > highest) {
    fprintf(stderr, "%s: \"%s\" is not a number from %d to %d\n", program, text, lowest, highest);
    exit(2);
  }
  return (int)number;
}

static void bad_host(const char *program, const char *text, size_t length) {
  fprintf(stderr, "%s: \"%.*s\" is not HOST or HOST:PORT\n", program, (int)length, text);
  exit(2);
}

/* One "host", "host:port", "[IPv6]" or "[IPv6]:port" of the list; without brackets IPv6 has too many colons. */
static void read_host(const char *program, const char *text, size_t length, struct resilient_host *host) {
  const char *name = text;
  const char *after = memchr(text, ':', length);
  size_t name_length = after != NULL ? (size_t)(after - text) : length;

  if (length > 0 && text[0] == '[') {
    const char *bracket = memchr(text, ']', length);

    if (bracket == NULL) {
      bad_host(program, text, length);
    }
    name = text + 1;
    name_length = (size_t)(bracket - name);
    after = (size_t)(bracket + 1 - text) < length ? bracket + 1 : NULL;
  }
  if (name_length == 0 || name_length >= sizeof(host->name) || (after != NULL && *after != ':')) {
    bad_host(program, text, length);
  }
  memcpy(host->name, name, name_length);
  host->name[name_length] = '\0';
  host->port = DEFAULT_PORT;
  host->refuses = 0;
  if (after != NULL) {
    char port[8] = "";
    size_t port_length = length - (size_t)(after + 1 - text);

    if (port_length >= sizeof(port)) {
      bad_host(program, text, length);
    }
    memcpy(port, after + 1, port_length);
    host->port = read_number(program, port, 1, 65535);
  }
}

static void read_hosts(const char *text, struct resilient_options *options) {
  options->host_count = 0;
  for (;;) {
    size_t length = strcspn(text, ",");

    if (options->host_count == RESILIENT_MOST_HOSTS) {
      fprintf(stderr, "%s: more than %d hosts\n", options->program, RESILIENT_MOST_HOSTS);
      exit(2);
    }
    read_host(options->program, text, length, &options->hosts[options->host_count++]);
    if (text[length] == '\0') {
      return;
    }
    text += length + 1;
  }
}

static void set_defaults(struct resilient_options *options, const char *program) {
  memset(options, 0, sizeof(*options));
  options->program = strrchr(program, '/') != NULL ? strrchr(program, '/') + 1 : program;
  read_hosts("localhost", options);
  options->virtual_host = "/";
  options->queue = "resilient";
  options->heartbeat = 20;
  options->open_limit = 10;
  options->longest_wait = 30;
  options->drain_limit = 10;
  options->confirm_limit = 30;
  options->size = 100;
  options->window = 1000;
  options->remember = 100000;
}

static const struct option known[] = {
    {"hosts", required_argument, NULL, 'h'},
    {"ca", required_argument, NULL, 'a'},
    {"certificate", required_argument, NULL, 'c'},
    {"key", required_argument, NULL, 'k'},
    {"server-name", required_argument, NULL, 's'},
    {"user", required_argument, NULL, 'u'},
    {"secret", required_argument, NULL, 'S'},
    {"virtual-host", required_argument, NULL, 'v'},
    {"queue", required_argument, NULL, 'q'},
    {"log", required_argument, NULL, 'l'},
    {"count", required_argument, NULL, 'n'},
    {"heartbeat", required_argument, NULL, 'b'},
    {"open-limit", required_argument, NULL, 'o'},
    {"longest-wait", required_argument, NULL, 'w'},
    {"maximum-life", required_argument, NULL, 'm'},
    {"window", required_argument, NULL, 'W'},
    {"rate", required_argument, NULL, 'r'},
    {"size", required_argument, NULL, 'z'},
    {"confirm-limit", required_argument, NULL, 'C'},
    {"drain-limit", required_argument, NULL, 'd'},
    {"remember", required_argument, NULL, 'R'},
    {"help", no_argument, NULL, 'H'},
    {NULL, 0, NULL, 0},
};

/* Returns 0 if the option has a text for a value. */
static int take_text(struct resilient_options *options, int option, const char *value) {
  switch (option) {
    case 'h':
      read_hosts(value, options);
      return 0;
    case 'a':
      options->ca = value;
      return 0;
    case 'c':
      options->certificate = value;
      return 0;
    case 'k':
      options->key = value;
      return 0;
    case 'S':
      options->secret = value;
      return 0;
    case 's':
      options->server_name = value;
      return 0;
    case 'u':
      options->user = value;
      return 0;
    case 'v':
      options->virtual_host = value;
      return 0;
    case 'q':
      options->queue = value;
      return 0;
    case 'l':
      options->log = value;
      return 0;
    default:
      return -1;
  }
}

/* Returns 0 if the option has a number for a value. */
static int take_number(struct resilient_options *options, int option, const char *value) {
  const char *program = options->program;

  switch (option) {
    case 'n':
      options->count = read_number(program, value, 1, 1000000000);
      return 0;
    case 'b':
      options->heartbeat = read_number(program, value, 1, 3600);
      return 0;
    case 'o':
      options->open_limit = read_number(program, value, 1, 3600);
      return 0;
    case 'w':
      options->longest_wait = read_number(program, value, 1, 3600);
      return 0;
    case 'm':
      options->maximum_life = read_number(program, value, 1, 1000000000);
      return 0;
    case 'W':
      options->window = read_number(program, value, 1, 65535);
      return 0;
    case 'r':
      options->rate = read_number(program, value, 1, 1000000);
      return 0;
    case 'z':
      options->size = read_number(program, value, 0, 1000000);
      return 0;
    case 'C':
      options->confirm_limit = read_number(program, value, 1, 3600);
      return 0;
    case 'd':
      options->drain_limit = read_number(program, value, 0, 3600);
      return 0;
    case 'R':
      options->remember = read_number(program, value, 1, 100000000);
      return 0;
    default:
      return -1;
  }
}

void resilient_read_options(int argc, char **argv, const char *purpose, struct resilient_options *options) {
  int option;

  set_defaults(options, argv[0]);
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    if (option == 'H') {
      printf("usage: %s --ca FILE [options]\n%s\n\n%s", options->program, purpose, help);
      exit(0);
    }
    /* getopt_long() has said what is wrong with an option that neither takes. */
    if (take_text(options, option, optarg) != 0 && take_number(options, option, optarg) != 0) {
      exit(2);
    }
  }
  if ((options->ca == NULL && options->secret == NULL) || optind != argc) {
    fprintf(stderr, "%s: --ca or --secret is required, and only options are accepted; see --help\n", options->program);
    exit(2);
  }
}

/* SPDX-License-Identifier: MIT */
/*
 * The benchmark's client: one operation, many times, over one transport, and what it cost as one JSON object. All
 * transports are in this one program, so that they share the process image, librabbitmq and everything else.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "connection.h"
#include "workload.h"

#define DEFAULT_BATCH 100
#define MOST_WARM_UP 1000
#define UNSET ((unsigned)-1)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILT_WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BUILT_WITH_SANITIZER 1
#endif
#endif
#ifndef BUILT_WITH_SANITIZER
#define BUILT_WITH_SANITIZER 0
#endif
#ifdef __OPTIMIZE__
#define BUILT_OPTIMIZED 1
#else
#define BUILT_OPTIMIZED 0
#endif

static const char *const transport_names[] = {"tcp", "floor", "openssl", "wolfssl", NULL};
static const char *const operation_names[] = {"publish", "publish-corked", "consume", "connect", "idle", NULL};

static void print_help(void) {
  printf(
      "usage: client --transport tcp|floor|openssl|wolfssl --operation OPERATION --port NUMBER [options]\n"
      "Does one thing many times against an AMQP server, and prints what it cost as one JSON object.\n\n"
      "Operations: publish  publish-corked (wolfssl only)  consume  connect  idle\n\n"
      "  --host NAME         the server (default: localhost)\n"
      "  --port NUMBER       its port, a TLS one except for tcp and floor\n"
      "  --ca FILE           certificates of the CAs that are trusted; needed for TLS\n"
      "  --certificate FILE  the client's certificate, and\n"
      "  --key FILE          its private key\n"
      "  --tls 1.2|1.3       this version only (default: 1.3)\n"
      "  --groups LIST       key exchange groups of the OpenSSL backend, or \"default\" (default: P-256)\n"
      "  --aes 128|256       floor: bits of the AES key (default: 256)\n"
      "  --size BYTES        of a message's body (default: 128)\n"
      "  --count NUMBER      messages, connects or connections (default: 1000)\n"
      "  --warm-up NUMBER    as many before that aren't measured (default: a tenth, %u at most)\n"
      "  --batch NUMBER      publish-corked: publishes from cork to uncork (default: %u)\n"
      "  --prefill           consume: publish the messages first; for a broker, not for the sink\n"
      "  --separate          consume from the sink: each message a record of its own\n"
      "  --versions          print only what this program is made of\n"
      "  --help              this text\n\n"
      "Logs in with $AMQP_USER and $AMQP_PASSWORD (default: guest, guest).\n",
      (unsigned)MOST_WARM_UP, (unsigned)DEFAULT_BATCH);
}

/* ---- Options ---- */

static unsigned read_number(const char *text, unsigned long highest) {
  char *end;
  unsigned long number;

  errno = 0;
  number = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number > highest) {
    fprintf(stderr, "client: \"%s\" is no number from 0 to %lu\n", text, highest);
    exit(2);
  }
  return (unsigned)number;
}

static int read_name(const char *text, const char *const *names) {
  for (int i = 0; names[i] != NULL; i++) {
    if (strcmp(names[i], text) == 0) {
      return i;
    }
  }
  fprintf(stderr, "client: what is \"%s\"? See --help\n", text);
  exit(2);
}

static int read_tls_version(const char *text) {
  static const char *const versions[] = {"1.3", "1.2", NULL};

  return read_name(text, versions);
}

static unsigned read_aes_bits(const char *text) {
  static const char *const sizes[] = {"128", "256", NULL};

  return read_name(text, sizes) == 0 ? 128 : 256;
}

static const char *environment_or(const char *name, const char *otherwise) {
  const char *value = getenv(name);

  return value != NULL ? value : otherwise;
}

static void check_options(const struct target *target, const struct workload *workload) {
  const char *wrong = NULL;

  if (target->port == 0) {
    wrong = "--port is needed";
  } else if (connection_is_tls(target) && target->ca == NULL) {
    wrong = "TLS needs --ca";
  } else if ((target->certificate == NULL) != (target->key == NULL)) {
    wrong = "--certificate and --key go together";
  } else if (workload->operation == OPERATION_PUBLISH_CORKED && target->transport != TRANSPORT_WOLFSSL) {
    wrong = "only wolfssl has a cork";
  } else if (workload->count == 0 || workload->batch == 0) {
    wrong = "--count and --batch are at least 1";
  }
  if (wrong != NULL) {
    fprintf(stderr, "client: %s; see --help\n", wrong);
    exit(2);
  }
}

static void print_json(json_t *object);
static json_t *versions(void);

static void print_versions(void) {
  print_json(json_pack("{s:o}", "versions", versions()));
  exit(0);
}

static void read_options(int argc, char **argv, struct target *target, struct workload *workload) {
  static const struct option known[] = {
      {"transport", required_argument, NULL, 't'},
      {"operation", required_argument, NULL, 'o'},
      {"host", required_argument, NULL, 'h'},
      {"port", required_argument, NULL, 'p'},
      {"ca", required_argument, NULL, 'a'},
      {"certificate", required_argument, NULL, 'c'},
      {"key", required_argument, NULL, 'k'},
      {"tls", required_argument, NULL, 'v'},
      {"groups", required_argument, NULL, 'g'},
      {"aes", required_argument, NULL, 'A'},
      {"size", required_argument, NULL, 's'},
      {"count", required_argument, NULL, 'n'},
      {"warm-up", required_argument, NULL, 'w'},
      {"batch", required_argument, NULL, 'b'},
      {"prefill", no_argument, NULL, 'f'},
      {"separate", no_argument, NULL, 'e'},
      {"versions", no_argument, NULL, 'V'},
      {"help", no_argument, NULL, 'H'},
      {NULL, 0, NULL, 0},
  };
  static char default_groups[] = "P-256";
  int option;

  *target = (struct target){.host = "localhost", .groups = default_groups, .aes_bits = 256};
  target->user = environment_or("AMQP_USER", "guest");
  target->password = environment_or("AMQP_PASSWORD", "guest");
  *workload = (struct workload){.size = 128, .count = 1000, .warm_up = UNSET, .batch = DEFAULT_BATCH};
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
      case 't':
        target->transport = (enum transport)read_name(optarg, transport_names);
        break;
      case 'o':
        workload->operation = (enum operation)read_name(optarg, operation_names);
        break;
      case 'h':
        target->host = optarg;
        break;
      case 'p':
        target->port = (int)read_number(optarg, 65535);
        break;
      case 'a':
        target->ca = optarg;
        break;
      case 'c':
        target->certificate = optarg;
        break;
      case 'k':
        target->key = optarg;
        break;
      case 'v':
        target->tls_1_2 = read_tls_version(optarg);
        break;
      case 'g':
        target->groups = strcmp(optarg, "default") == 0 ? NULL : optarg;
        break;
      case 'A':
        target->aes_bits = read_aes_bits(optarg);
        break;
      case 's':
        workload->size = read_number(optarg, 1ul << 30);
        break;
      case 'n':
        workload->count = read_number(optarg, 100000000);
        break;
      case 'w':
        workload->warm_up = read_number(optarg, 100000000);
        break;
      case 'b':
        workload->batch = read_number(optarg, 100000000);
        break;
      case 'f':
        workload->prefill = 1;
        break;
      case 'e':
        workload->separate = 1;
        break;
      case 'V':
        print_versions();
        break;
      case 'H':
        print_help();
        exit(0);
      default: /* getopt_long has said what is wrong */
        exit(2);
    }
  }
  if (optind != argc) {
    fprintf(stderr, "client: what is \"%s\"? See --help\n", argv[optind]);
    exit(2);
  }
  if (workload->warm_up == UNSET) {
    workload->warm_up = (workload->count + 9) / 10 < MOST_WARM_UP ? (workload->count + 9) / 10 : MOST_WARM_UP;
  }
  check_options(target, workload);
}

/* ---- The result ---- */

static json_t *versions(void) {
  return json_pack("{s:s, s:s, s:s, s:b, s:b}", "librabbitmq", amqp_version(), "librabbitmq-wolfssl",
                   amqp_wolfssl_build_info(), "openssl", OpenSSL_version(OPENSSL_VERSION), "optimized", BUILT_OPTIMIZED,
                   "sanitizer", BUILT_WITH_SANITIZER);
}

/* Microseconds for each message or connect. */
static json_t *per_unit(const struct meter *meter, unsigned count) {
  return json_pack("{s:f, s:f, s:f, s:f}", "cpu_us", (meter->user + meter->system) / count, "user_us",
                   meter->user / count, "system_us", meter->system / count, "wall_us", meter->wall / count);
}

static int add_costs(json_t *object, const struct workload *workload, const struct outcome *outcome) {
  int result;

  if (workload->operation == OPERATION_IDLE) {
    return json_object_set_new(
        object, "memory",
        json_pack("{s:f, s:f, s:I}", "heap_bytes", (double)outcome->heap / workload->count, "resident_bytes",
                  (double)outcome->resident / workload->count, "shared_heap_bytes", (json_int_t)outcome->shared_heap));
  }
  result = json_object_set_new(object, "each", per_unit(&outcome->total, workload->count));
  if (result == 0) {
    result = json_object_set_new(object, "measured_wall_s", json_real(outcome->total.wall / 1e6));
  }
  if (result == 0 && workload->operation == OPERATION_CONNECT) {
    result = json_object_set_new(
        object, "parts",
        json_pack("{s:o, s:o, s:o, s:o}", "create", per_unit(&outcome->create, workload->count), "open",
                  per_unit(&outcome->open, workload->count), "login", per_unit(&outcome->login, workload->count),
                  "close", per_unit(&outcome->close, workload->count)));
  }
  return result;
}

static json_t *describe(const struct target *target, const struct workload *workload, const struct tls_facts *facts) {
  return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:{s:s, s:s, s:s}, s:o}", "transport",
                   transport_names[target->transport], "operation", operation_names[workload->operation], "size",
                   (json_int_t)workload->size, "count", (json_int_t)workload->count, "warm_up",
                   (json_int_t)workload->warm_up, "batch", (json_int_t)workload->batch, "tls", "version",
                   facts->version, "suite", facts->suite, "group", facts->group, "versions", versions());
}

static void print_json(json_t *object) {
  if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0 ||
      putchar('\n') == EOF || fflush(stdout) != 0) {
    fprintf(stderr, "client: the result can't be printed\n");
    exit(1);
  }
  json_decref(object);
}

static int print_outcome(const struct target *target, const struct workload *workload, const struct tls_facts *facts,
                         const struct outcome *outcome) {
  json_t *object = describe(target, workload, facts);

  if (object == NULL || add_costs(object, workload, outcome) != 0) {
    fprintf(stderr, "client: the result can't be put together\n");
    json_decref(object);
    return -1;
  }
  print_json(object);
  return 0;
}

/* ---- */

static void raise_descriptor_limit(void) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int main(int argc, char **argv) {
  struct target target;
  struct workload workload;
  struct tls_facts facts;
  struct outcome outcome;
  amqp_wolfssl_config_t *config;
  int result = -1;

  read_options(argc, argv, &target, &workload);
  raise_descriptor_limit();
  config = connection_make_config(&target);
  if ((config != NULL || target.transport != TRANSPORT_WOLFSSL) &&
      connection_find_facts(&target, config, &facts) == 0 && workload_run(&workload, &target, config, &outcome) == 0) {
    result = print_outcome(&target, &workload, &facts, &outcome);
  }
  amqp_wolfssl_config_free(config);
  return result == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * Gives mutated input to each reader, a bounded number of times. A child process reads; when it dies, its input, which
 * the parent sees, is kept in a file and can be given to the reader again. Prints TAP, a case for each reader.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mutation.h"
#include "path_seeds.h"
#include "paths.h"
#include "seeds.h"
#include "targets.h"

#define DEFAULT_COUNT 20000
#define SECONDS_FOR_A_THOUSAND 60

static const struct target {
  const char *name;
  int (*run)(const uint8_t *data, size_t size);
  enum seed_kind seeds;
  const char *minted_by; /* a program that is missing where there are no seeds */
  size_t fixed;          /* the input is a list of elements, of which these first ones are not mutated */
  unsigned slowness;     /* that many times fewer executions */
  bool has_corpus;
} targets[] = {
    {"broker_uri", fuzz_broker_uri, SEED_URIS, "", 0, 1, true},
    {"certificate", fuzz_certificate, SEED_CERTIFICATES, "", 0, 1, true},
    {"certificate_input", fuzz_certificate_input, SEED_CERTIFICATE_FILES, "", 0, 1, false},
    {"revocation_list", fuzz_revocation_list, SEED_LISTS, "", 0, 1, true},
    {"ocsp_response", fuzz_ocsp_response, SEED_RESPONSES, "mint_ocsp_response", 0, 1, true},
    {"path", fuzz_path, SEED_PATHS, "mint_chain", PATH_SEED_FIXED, 10, true}, /* it checks signatures */
    {"pem", fuzz_pem, SEED_TEXTS, "", 0, 1, false},
    {"peer_name", fuzz_peer_name, SEED_NAMES, "", 0, 1, false},
    {"record_stream", fuzz_record_stream, SEED_STREAMS, "", 0, 1, false},
};
#define TARGETS (sizeof(targets) / sizeof(targets[0]))

struct options {
  unsigned long count;
  uint64_t seed;
  const char *only;
  const char *input;
  const char *corpus; /* NULL: that of the sources */
};

/* What the parent knows of the child. */
struct progress {
  unsigned long kept; /* inputs of the corpus */
  unsigned long executions;
  unsigned long accepted;
  struct mutant mutant;
};

static void print_usage(FILE *stream) {
  fputs(
      "Usage: fuzz_readers [OPTION...]\n"
      "\n"
      "Mints sound input, damages it and gives it to the library's readers. To be built with sanitizers: scripts/test\n"
      "--sanitizer address,undefined does that.\n"
      "\n"
      "  --count N      executions of each reader (default: 20000), a tenth of it for paths\n"
      "  --seed N       of the pseudorandom numbers (default: 1)\n"
      "  --only NAME    this reader only\n"
      "  --input FILE   give this file to the reader of --only, once\n"
      "  --corpus DIR   first give each reader all files in DIR/NAME (default: tests/fuzz/corpus of the sources)\n"
      "  --help         this text\n"
      "\n"
      "Readers:",
      stream);
  for (size_t i = 0; i < TARGETS; i++) {
    fprintf(stream, " %s", targets[i].name);
  }
  fputs("\n", stream);
}

static void usage_error(const char *what) {
  fprintf(stderr, "fuzz_readers: %s\n", what);
  print_usage(stderr);
  exit(2);
}

static uint64_t read_number(const char *text) {
  char *end;
  unsigned long long number;

  errno = 0;
  number = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || *text == '-') {
    usage_error("a number is wanted");
  }
  return number;
}

static const struct target *find_target(const char *name) {
  for (size_t i = 0; name != NULL && i < TARGETS; i++) {
    if (strcmp(targets[i].name, name) == 0) {
      return &targets[i];
    }
  }
  return NULL;
}

static struct options read_options(int argc, char **argv) {
  static const struct option known[] = {{"count", required_argument, NULL, 'c'},
                                        {"seed", required_argument, NULL, 's'},
                                        {"only", required_argument, NULL, 'o'},
                                        {"input", required_argument, NULL, 'i'},
                                        {"corpus", required_argument, NULL, 'd'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  struct options options = {.count = DEFAULT_COUNT, .seed = 1};
  int option;

  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
      case 'c':
        options.count = (unsigned long)read_number(optarg);
        break;
      case 's':
        options.seed = read_number(optarg);
        break;
      case 'o':
        options.only = optarg;
        break;
      case 'i':
        options.input = optarg;
        break;
      case 'd':
        options.corpus = optarg;
        break;
      case 'h':
        print_usage(stdout);
        exit(0);
      default:
        usage_error("see above");
    }
  }
  if (optind < argc) {
    usage_error("no argument is wanted but options");
  }
  if ((options.only != NULL || options.input != NULL) && find_target(options.only) == NULL) {
    usage_error("--only wants the name of a reader");
  }
  return options;
}

/* ---- One input again ---- */

static bool read_input(struct mutant *mutant, const char *path) {
  FILE *file = fopen(path, "rb");

  if (file == NULL) {
    perror(path);
    return false;
  }
  mutant->length = fread(mutant->bytes, 1, sizeof(mutant->bytes), file);
  (void)fclose(file);
  return true;
}

static int replay(const struct options *options) {
  static struct mutant mutant;

  if (!read_input(&mutant, options->input)) {
    return 2;
  }
  (void)find_target(options->only)->run(mutant.bytes, mutant.length);
  printf("%s: %zu bytes, %s\n", options->only, mutant.length, fuzz_accepted > 0 ? "accepted" : "refused");
  return 0;
}

/* ---- Many ---- */

/* Inputs that are worth trying in every run: together they reach most of the reader. */
static void run_corpus(const struct target *target, const struct options *options, struct progress *progress) {
  char folder[4096];
  struct dirent *entry;
  DIR *stream;

  (void)snprintf(folder, sizeof(folder), "%s/%s",
                 options->corpus != NULL ? options->corpus : path_in_source_tree("tests/fuzz/corpus"), target->name);
  stream = opendir(folder);
  while (stream != NULL && (entry = readdir(stream)) != NULL) {
    if (entry->d_name[0] == '.') {
      continue;
    }
    if (!read_input(&progress->mutant, path_join(folder, entry->d_name))) {
      exit(99);
    }
    (void)target->run(progress->mutant.bytes, progress->mutant.length);
    progress->kept++;
  }
  if (stream != NULL) {
    (void)closedir(stream);
  }
}

/* Each seed as it is at first. */
static void make_input(struct mutant *mutant, const struct target *target, unsigned long number,
                       struct random_numbers *numbers) {
  const struct seeds *seeds = seeds_of(target->seeds);
  const struct seed *seed = &seeds->items[number % seeds->count];

  mutant->length = seed->length < MUTATION_CAPACITY ? seed->length : MUTATION_CAPACITY;
  memcpy(mutant->bytes, seed->bytes, mutant->length);
  if (number >= seeds->count) {
    const struct seed *other = &seeds->items[random_below(numbers, seeds->count)];

    if (target->fixed > 0) {
      mutate_list(mutant, numbers, other->bytes, other->length, target->fixed);
    } else {
      mutate(mutant, numbers, other->bytes, other->length);
    }
  }
}

static void run_child(const struct target *target, const struct options *options, struct progress *progress) {
  struct random_numbers numbers = {options->seed};

  run_corpus(target, options, progress);
  for (unsigned long i = 0; i < options->count / target->slowness; i++) {
    if (i % 1000 == 0) {
      (void)alarm(SECONDS_FOR_A_THOUSAND); /* one that does not end is a finding too */
    }
    make_input(&progress->mutant, target, i, &numbers);
    (void)target->run(progress->mutant.bytes, progress->mutant.length);
    progress->executions = i + 1;
    progress->accepted = fuzz_accepted;
  }
}

static void keep_input(const struct target *target, const struct mutant *mutant) {
  char path[128];
  FILE *file;

  (void)snprintf(path, sizeof(path), "fuzz_readers-%s.input", target->name);
  file = fopen(path, "wb");
  if (file == NULL || fwrite(mutant->bytes, 1, mutant->length, file) != mutant->length || fclose(file) != 0) {
    printf("# its input could not be kept in %s\n", path);
    return;
  }
  printf("# again: fuzz_readers --only %s --input %s\n", target->name, path);
}

static bool run(const struct target *target, const struct options *options, struct progress *progress) {
  int status = 0;
  pid_t pid;

  memset(progress, 0, sizeof(*progress));
  (void)fflush(NULL);
  pid = fork();
  if (pid == 0) {
    run_child(target, options, progress);
    seeds_free();
    exit(0); /* and not _exit(): the leak checker runs then */
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid) {
    perror("fork");
    return false;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    printf("# %s: ended with wait status %#x in execution %lu, after %lu of the corpus\n", target->name,
           (unsigned)status, progress->executions + 1, progress->kept);
    keep_input(target, &progress->mutant);
    return false;
  }
  return progress->executions == options->count / target->slowness;
}

/* All accepted or all refused: then the input was not what it was meant to be. */
static bool judge(const struct target *target, const struct options *options, struct progress *progress) {
  return run(target, options, progress) && (!target->has_corpus || progress->kept > 0) &&
         (options->count < 1000 || progress->accepted > 0) &&
         (options->count < 1000 || target->seeds == SEED_NAMES || progress->accepted < progress->executions);
}

static int run_all(const struct options *options, struct progress *progress) {
  unsigned cases = 0;
  unsigned failed = 0;

  for (size_t i = 0; i < TARGETS; i++) {
    const struct target *target = &targets[i];

    if (options->only != NULL && target != find_target(options->only)) {
      continue;
    }
    cases++;
    if (seeds_of(target->seeds)->count == 0) {
      printf("ok %u - %s # SKIP missing peer: %s\n", cases, target->name, target->minted_by);
    } else if (judge(target, options, progress)) {
      printf("ok %u - %s: %lu of the corpus, %lu executions, %lu accepted\n", cases, target->name, progress->kept,
             progress->executions, progress->accepted);
    } else {
      printf("not ok %u - %s: %lu executions, %lu accepted\n", cases, target->name, progress->executions,
             progress->accepted);
      failed++;
    }
  }
  printf("1..%u\n", cases);
  return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  const struct options options = read_options(argc, argv);
  struct progress *progress;
  int result;

  if (options.input != NULL) {
    return replay(&options);
  }
  (void)setvbuf(stdout, NULL, _IOLBF, 0); /* what was found before a time limit strikes is to be seen */
  progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (progress == MAP_FAILED || seeds_make() != 0) {
    fputs("fuzz_readers: nothing could be minted\n", stderr);
    return 99;
  }
  printf("# seed %" PRIu64 ", but keys and dates of what is mutated are new in each run\n", options.seed);
  result = run_all(&options, progress);
  seeds_free();
  (void)munmap(progress, sizeof(*progress));
  return result;
}

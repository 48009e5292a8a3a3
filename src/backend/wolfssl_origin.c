/* SPDX-License-Identifier: MIT */
/*
 * The loader finds a function by its name, in whichever library was loaded first. Where another libwolfssl came before
 * ours, calls go there without a word: around the FIPS module, whose own functions still answer from ours and say that
 * all is well, or with structures of another layout. So the start looks at where our calls end up.
 *
 * A release may keep the SONAME of the one before (5.7.2 has that of 5.6.6), so that a newer wolfSSL is no fault if it
 * is found where we are linked to.
 */
#include "autoconfig.h"

#include "backend/wolfssl_origin.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backend/wolfssl_headers.h"

#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/random.h>

#define ADDRESS_OF(function) ((const void *)(uintptr_t)(function))

#define MAJOR(version) ((version) >> 24)
#define MINOR(version) (((version) >> 12) & 0xfff)
#define PATCH(version) ((version)&0xfff)
#define MAJOR_AND_MINOR(version) ((version) >> 12)

#define SENTENCE_LENGTH 1024
#define REMEDY "; let only one into the process: \"ldd\" and /proc/PID/maps show which library needs the other"

/* ---- Judging ---- */

static const struct wolfssl_place *find_other(const struct wolfssl_origin *origin) {
  for (size_t i = 1; i < origin->count; i++) {
    if (origin->places[i].base != origin->places[0].base) {
      return &origin->places[i];
    }
  }
  return NULL;
}

/* A wolfSSL of which we can't tell whether it is the one we need must at least have its first two numbers. */
static bool is_another_release(const struct wolfssl_origin *origin) {
  return origin->running < origin->built ||
         (origin->needed == NULL && MAJOR_AND_MINOR(origin->running) != MAJOR_AND_MINOR(origin->built));
}

void wolfssl_origin_judge(const struct wolfssl_origin *origin, char *sentence, size_t size) {
  const struct wolfssl_place *other = find_other(origin);
  uint32_t built = origin->built;
  uint32_t running = origin->running;

  sentence[0] = '\0';
  if (origin->count == 0) {
    (void)snprintf(sentence, size,
                   "it is unknown which library wolfSSL's functions come from; link the program as a "
                   "position-independent executable (-pie)");
  } else if (other != NULL) {
    (void)snprintf(sentence, size, "wolfSSL's functions come from two libraries, %s and %s, so none is used" REMEDY,
                   origin->places[0].file, other->file);
  } else if (origin->needed != NULL && origin->needed->base != origin->places[0].base) {
    (void)snprintf(sentence, size,
                   "wolfSSL's functions come from %s, which was loaded before the wolfSSL that this library needs, "
                   "%s" REMEDY,
                   origin->places[0].file, origin->needed->file);
  } else if (is_another_release(origin)) {
    (void)snprintf(sentence, size,
                   "wolfSSL %u.%u.%u was found (%s), but this library was built for %u.%u.%u; install that one or a "
                   "newer one of the same SONAME, or rebuild this library",
                   MAJOR(running), MINOR(running), PATCH(running), origin->places[0].file, MAJOR(built), MINOR(built),
                   PATCH(built));
  }
}

/* ---- Looking ---- */

/* What takes part in a connection, one of each kind. Only functions that every build has. */
static const void *const functions[] = {
    ADDRESS_OF(&wolfSSL_Init),
    ADDRESS_OF(&wolfSSL_lib_version_hex),
    ADDRESS_OF(&wolfSSL_CTX_new),
    ADDRESS_OF(&wolfSSL_CTX_load_verify_buffer),
    ADDRESS_OF(&wolfSSL_new),
    ADDRESS_OF(&wolfSSL_connect),
    ADDRESS_OF(&wolfSSL_read),
    ADDRESS_OF(&wolfSSL_write),
    ADDRESS_OF(&wolfSSL_get_error),
    ADDRESS_OF(&wc_InitRng),
    ADDRESS_OF(&wc_AesGcmSetKey),
#ifdef HAVE_FIPS
    ADDRESS_OF(&wolfCrypt_GetStatus_fips),
#endif
};
#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static struct wolfssl_place find_place(const void *address) {
  struct wolfssl_place place = {NULL, "the program"};
  Dl_info info;

  if (dladdr(address, &info) != 0 && info.dli_fbase != NULL) {
    place.base = info.dli_fbase;
    place.file = info.dli_fname != NULL ? info.dli_fname : place.file;
  }
  return place;
}

/* A program that is not position-independent and takes a function's address has a stub of its own there, for everybody
   to see. It says nothing about where calls go. Without dladdr1() it counts as another wolfSSL. */
static bool is_stub(const void *address) {
#ifdef HAVE_DLADDR1
  Dl_info info;
  void *symbol = NULL;

  return dladdr1(address, &info, &symbol, RTLD_DL_SYMENT) != 0 && symbol != NULL &&
         ((const ElfW(Sym) *)symbol)->st_shndx == SHN_UNDEF;
#else
  (void)address;
  return false;
#endif
}

static size_t find_places(struct wolfssl_place *places) {
  size_t count = 0;

  for (size_t i = 0; i < FUNCTIONS; i++) {
    if (!is_stub(functions[i])) {
      places[count++] = find_place(functions[i]);
    }
  }
  return count;
}

/* By which the loader knows it: the headers may make the compiler put a prefix before it (build-wolfssl --private). */
static const char *find_name(const void *address) {
  Dl_info info;

  return dladdr(address, &info) != 0 && info.dli_saddr == address ? info.dli_sname : NULL;
}

/* Searched from us downwards, and not from the program as the loader does. A wolfSSL that is part of the object we are
   part of is the one we were linked with. */
static bool find_needed(const struct wolfssl_place *used, struct wolfssl_place *needed) {
  struct wolfssl_place ours = find_place(ADDRESS_OF(&wolfssl_origin_refusal));
  const char *name = find_name(ADDRESS_OF(&wolfSSL_lib_version_hex));
  const void *function = NULL;
  void *library;

  if (used->base == ours.base) {
    *needed = ours;
    return true;
  }
  library = name != NULL ? dlopen(ours.file, RTLD_LAZY | RTLD_NOLOAD) : NULL;
  if (library != NULL) {
    function = dlsym(library, name);
    (void)dlclose(library); /* stays, as it was there before */
  }
  if (function != NULL) {
    *needed = find_place(function);
  }
  return function != NULL;
}

static void judge_process(char *sentence) {
  struct wolfssl_place places[FUNCTIONS];
  struct wolfssl_place needed;
  struct wolfssl_origin origin = {.places = places, .built = LIBWOLFSSL_VERSION_HEX};

  origin.count = find_places(places);
  origin.running = wolfSSL_lib_version_hex();
  origin.needed = origin.count > 0 && find_needed(&places[0], &needed) ? &needed : NULL;
  wolfssl_origin_judge(&origin, sentence, SENTENCE_LENGTH);
}

const char *wolfssl_origin_refusal(void) {
  static pthread_mutex_t keeping = PTHREAD_MUTEX_INITIALIZER;
  static atomic_bool is_known;
  static char kept[SENTENCE_LENGTH];

  if (!atomic_load(&is_known)) {
    char sentence[SENTENCE_LENGTH];

    /* It takes the loader's lock, so none of ours may be held: a library may start us as it loads. */
    judge_process(sentence);
    (void)pthread_mutex_lock(&keeping);
    if (!atomic_load(&is_known)) {
      memcpy(kept, sentence, sizeof(kept));
      atomic_store(&is_known, true);
    }
    (void)pthread_mutex_unlock(&keeping);
  }
  return kept[0] != '\0' ? kept : NULL;
}

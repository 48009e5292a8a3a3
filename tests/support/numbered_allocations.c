/* SPDX-License-Identifier: MIT */
/* malloc() and its kin, for one program: who calls, which number it is, and whether it fails. */
/* The C library's checking wrappers would stand in the way of definitions of our own. */
#undef _FORTIFY_SOURCE

#include "numbered_allocations.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoconfig.h"

#ifdef HAVE_WOLFSSL_OPTIONS_H
#include <wolfssl/options.h>
#endif
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/memory.h>

/* ---- The real allocator: the C library's, or the sanitizer's in front of it ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#endif

#ifdef UNDER_SANITIZER
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif
extern void *REAL(malloc)(size_t size);
extern void *REAL(calloc)(size_t count, size_t size);
extern void *REAL(realloc)(void *memory, size_t size);
extern void REAL(free)(void *memory);

/* malloc() is called before the sanitizers are ready for the code they instrument. Clang's thread sanitizer notes each
   call of a function all the same, unless the function has an attribute of its own. */
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define NOT_INSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef NOT_INSTRUMENTED
#define NOT_INSTRUMENTED
#endif
#define UNCHECKED NOT_INSTRUMENTED __attribute__((no_sanitize("address", "undefined", "thread")))

/* ---- Whose allocations live ---- */

/* Open addressing with linear probing; no allocation. Far more room than there are allocations alive. */
#define TABLE_SIZE ((size_t)1 << 16)
#define TABLE_MOST (TABLE_SIZE / 2)

static struct {
  void *memory;
  enum owner owner;
} table[TABLE_SIZE];
size_t live[OWNER_COUNT];

UNCHECKED static size_t home_of(const void *memory) { return (((uintptr_t)memory >> 4) * 2654435761u) % TABLE_SIZE; }

UNCHECKED static void note_allocation(void *memory, enum owner owner) {
  size_t slot;

  if (memory == NULL) {
    return;
  }
  if (live[OWNER_LIBRARY] + live[OWNER_WOLFSSL] >= TABLE_MOST) {
    abort(); /* this test's own limit */
  }
  for (slot = home_of(memory); table[slot].memory != NULL;) {
    slot = (slot + 1) % TABLE_SIZE;
  }
  table[slot].memory = memory;
  table[slot].owner = owner;
  live[owner]++;
}

/* Entries behind the gap move up, unless that would put them before the place where a search for them begins. */
UNCHECKED static void close_gap(size_t gap) {
  for (size_t slot = (gap + 1) % TABLE_SIZE; table[slot].memory != NULL; slot = (slot + 1) % TABLE_SIZE) {
    size_t distance_from_home = (slot - home_of(table[slot].memory)) % TABLE_SIZE;
    size_t distance_from_gap = (slot - gap) % TABLE_SIZE;

    if (distance_from_home >= distance_from_gap) {
      table[gap] = table[slot];
      gap = slot;
    }
  }
  table[gap].memory = NULL;
}

UNCHECKED static void forget_allocation(const void *memory) {
  if (memory == NULL) {
    return;
  }
  for (size_t slot = home_of(memory); table[slot].memory != NULL; slot = (slot + 1) % TABLE_SIZE) {
    if (table[slot].memory == memory) {
      live[table[slot].owner]--;
      close_gap(slot);
      return;
    }
  }
}

/* ---- Which of them fail ---- */

struct allocation_fault fault;

static bool tracing;

/* ---- Where they are made: loops allocate at the same place hundreds of times ---- */

#define MOST_ALLOCATIONS 8192
#define SITE_DEPTH 32

static struct {
  bool recording;
  size_t count;
  uint64_t sites[MOST_ALLOCATIONS]; /* of each allocation a hash of the call stack; the first is number 1 */
} record;

/* FNV-1a over the return addresses. */
UNCHECKED static uint64_t hash_call_stack(void) {
  void *addresses[SITE_DEPTH];
  uint64_t hash = 14695981039346656037u;
  int depth = backtrace(addresses, SITE_DEPTH);

  for (int i = 0; i < depth; i++) {
    hash = (hash ^ (uint64_t)(uintptr_t)addresses[i]) * 1099511628211u;
  }
  return hash;
}

UNCHECKED static void record_site(void) {
  if (record.recording && record.count < MOST_ALLOCATIONS) {
    record.recording = false; /* backtrace() may allocate */
    record.sites[record.count++] = hash_call_stack();
    record.recording = true;
  }
}

void record_begin(void) {
  record.count = 0;
  record.recording = true;
}

void record_end(void) { record.recording = false; }

bool is_new_place(uint64_t at) {
  size_t earlier = 0;

  if (at > record.count) {
    return true;
  }
  for (size_t i = 0; i + 1 < at && earlier < 2; i++) {
    earlier += record.sites[i] == record.sites[at - 1] ? 1 : 0;
  }
  return earlier < 2;
}

UNCHECKED static bool strikes(enum owner owner) {
  bool hit;

  if (!fault.armed) {
    return false;
  }
  fault.count++;
  fault.count_of[owner]++;
  record_site();
  hit = fault.at != 0 && (fault.failing == FAIL_ONE ? fault.count == fault.at : fault.count >= fault.at);
  if (hit && !fault.struck) {
    fault.struck = true;
    fault.struck_owner = owner;
    if (tracing) {
      fault.armed = false; /* backtrace() may allocate */
      fault.trace_length = backtrace(fault.trace, TRACE_DEPTH);
      fault.armed = true;
    }
  }
  return hit;
}

void clear_fault(void) { memset(&fault, 0, sizeof(fault)); }

void arm(uint64_t at, enum failing failing) {
  clear_fault();
  fault.at = at;
  fault.failing = failing;
  fault.armed = true;
}

void disarm(void) { fault.armed = false; }

/* ---- Our library's allocations ---- */

static uintptr_t library_start;
static uintptr_t library_end;

static int find_library(struct dl_phdr_info *info, size_t size, void *context) {
  const char *slash = strrchr(info->dlpi_name, '/');
  const char *name = slash != NULL ? slash + 1 : info->dlpi_name;

  (void)size;
  (void)context;
  if (strncmp(name, "librabbitmq-wolfssl.so", strlen("librabbitmq-wolfssl.so")) != 0) {
    return 0;
  }
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = (uintptr_t)info->dlpi_addr + header->p_vaddr;

    if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
      library_start = start;
      library_end = start + header->p_memsz;
    }
  }
  return 1;
}

#define CALLED_BY_LIBRARY() is_library_address((uintptr_t)__builtin_return_address(0))

UNCHECKED static bool is_library_address(uintptr_t address) {
  return address >= library_start && address < library_end;
}

UNCHECKED static void *allocate(size_t size, enum owner owner) {
  void *memory = strikes(owner) ? NULL : REAL(malloc)(size);

  if (memory == NULL) {
    errno = ENOMEM;
  }
  note_allocation(memory, owner);
  return memory;
}

UNCHECKED static void *reallocate(void *memory, size_t size, enum owner owner) {
  void *grown = strikes(owner) ? NULL : REAL(realloc)(memory, size);

  if (grown == NULL) {
    errno = ENOMEM;
    return NULL;
  }
  forget_allocation(memory);
  note_allocation(grown, owner);
  return grown;
}

UNCHECKED static void release(void *memory) {
  forget_allocation(memory);
  REAL(free)(memory);
}

/* Other objects must find these, whatever the build hides. */
#pragma GCC visibility push(default)

UNCHECKED void *malloc(size_t size) { return CALLED_BY_LIBRARY() ? allocate(size, OWNER_LIBRARY) : REAL(malloc)(size); }

UNCHECKED void *calloc(size_t count, size_t size) {
  void *memory;

  if (!CALLED_BY_LIBRARY()) {
    return REAL(calloc)(count, size);
  }
  memory = strikes(OWNER_LIBRARY) ? NULL : REAL(calloc)(count, size);
  if (memory == NULL) {
    errno = ENOMEM;
  }
  note_allocation(memory, OWNER_LIBRARY);
  return memory;
}

UNCHECKED void *realloc(void *memory, size_t size) {
  return CALLED_BY_LIBRARY() ? reallocate(memory, size, OWNER_LIBRARY) : REAL(realloc)(memory, size);
}

UNCHECKED void free(void *memory) { release(memory); }

/* These allocate inside the C library, where the caller can't be seen. */
UNCHECKED char *strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = CALLED_BY_LIBRARY() ? allocate(size, OWNER_LIBRARY) : REAL(malloc)(size);

  return copy != NULL ? memcpy(copy, text, size) : NULL;
}

static int print_to_memory(char **text, bool by_library, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static int print_to_memory(char **text, bool by_library, const char *format, va_list arguments) {
  va_list again;
  int length;

  va_copy(again, arguments);
  length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  *text = NULL;
  if (length >= 0) {
    size_t size = (size_t)length + 1;

    *text = by_library ? allocate(size, OWNER_LIBRARY) : REAL(malloc)(size);
  }
  return *text != NULL ? vsnprintf(*text, (size_t)length + 1, format, arguments) : -1;
}

int asprintf(char **text, const char *format, ...) {
  va_list arguments;
  int length;

  va_start(arguments, format);
  length = print_to_memory(text, CALLED_BY_LIBRARY(), format, arguments);
  va_end(arguments);
  return length;
}

/* What asprintf() is called in a library built with _FORTIFY_SOURCE. */
int __asprintf_chk(char **text, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));

int __asprintf_chk(char **text, int flag, const char *format, ...) {
  va_list arguments;
  int length;

  (void)flag;
  va_start(arguments, format);
  length = print_to_memory(text, CALLED_BY_LIBRARY(), format, arguments);
  va_end(arguments);
  return length;
}

DIR *opendir(const char *path) {
  static DIR *(*real_opendir)(const char *);

  if (CALLED_BY_LIBRARY() && strikes(OWNER_LIBRARY)) {
    errno = ENOMEM;
    return NULL;
  }
  if (real_opendir == NULL) {
    void *found = dlsym(RTLD_NEXT, "opendir");

    memcpy(&real_opendir, &found, sizeof(found));
  }
  return real_opendir(path);
}

#pragma GCC visibility pop

/* ---- wolfSSL's allocations ---- */

static void *wolfssl_malloc(size_t size) { return allocate(size, OWNER_WOLFSSL); }

static void *wolfssl_realloc(void *memory, size_t size) { return reallocate(memory, size, OWNER_WOLFSSL); }

static void wolfssl_free(void *memory) { release(memory); }

/* ---- All of it ---- */

bool numbered_allocations_start(bool trace) {
  void *first[1];

  tracing = trace;
  (void)backtrace(first, 1); /* loads what it needs */
  (void)dl_iterate_phdr(find_library, NULL);
  return wolfSSL_SetAllocators(wolfssl_malloc, wolfssl_free, wolfssl_realloc) == 0;
}

bool library_is_found(void) { return library_start != 0; }

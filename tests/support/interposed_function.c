/* SPDX-License-Identifier: MIT */
/*
 * One function of a second wolfSSL, by the name of INTERPOSED (wolfSSL_new(), maybe with a prefix), that works by
 * handing on to the first one's.
 */
#include <dlfcn.h>
#include <stddef.h>

#define TEXT(words) #words
#define NAME_OF(function) TEXT(function)

void *INTERPOSED(void *context);

void *INTERPOSED(void *context) {
  void *(*real)(void *);

  *(void **)&real = dlsym(RTLD_NEXT, NAME_OF(INTERPOSED));
  return real != NULL ? real(context) : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * The module's major number, from the text it reports. Other numbers may stand in that text ("FIPS 140-3"), and a wrong
 * guess would let an older module pass: a version has a dot and a second number, begins a word, but for a "v", and is
 * the only one.
 */
#include "backend/fips_version.h"

#include <stdbool.h>
#include <stddef.h>

#define MAJOR_DIGITS 4

static bool is_digit(char character) { return character >= '0' && character <= '9'; }

static bool is_letter(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/* Whether a word begins at \a place, in the text from \a start on. */
static bool begins_word(const char *start, const char *place) {
  return place == start || !(is_digit(place[-1]) || is_letter(place[-1]) || place[-1] == '.');
}

static const char *skip_digits(const char *text) {
  while (is_digit(*text)) {
    text++;
  }
  return text;
}

/* The digits of the version that begins at \a place; NULL if none does. */
static const char *find_digits(const char *place) {
  const char *digits = *place == 'v' || *place == 'V' ? place + 1 : place;
  const char *end = skip_digits(digits);

  return end != digits && end[0] == '.' && is_digit(end[1]) ? digits : NULL;
}

static int read_number(const char *digits) {
  const char *end = skip_digits(digits);
  int number = 0;

  if (end - digits > MAJOR_DIGITS) {
    return 0;
  }
  for (; digits < end; digits++) {
    number = 10 * number + (*digits - '0');
  }
  return number;
}

int fips_version_major(const char *reported) {
  const char *found = NULL;

  for (const char *place = reported; *place != '\0'; place++) {
    const char *digits = begins_word(reported, place) ? find_digits(place) : NULL;

    if (digits != NULL && found != NULL) {
      return 0;
    }
    found = digits != NULL ? digits : found;
  }
  return found != NULL ? read_number(found) : 0;
}

const char *fips_version_standard(const char *reported) {
  int major = fips_version_major(reported);

  if (major == 0) {
    return "";
  }
  return major >= FIPS_VERSION_OF_140_3 ? "FIPS 140-3" : "FIPS 140-2";
}

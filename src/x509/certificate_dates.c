/* SPDX-License-Identifier: MIT */
/* Ends of certificates, and how long until then. */
#include "autoconfig.h"

#include "x509/certificate_dates.h"

#include "x509/certificate.h"

static int64_t end_of(const struct certificate_der *der) {
  struct certificate certificate;

  return certificate_read(&certificate, der->bytes, der->length) ? certificate.not_after : CERTIFICATE_NEVER_ENDS;
}

int64_t certificate_dates_leaf_end(const struct certificate_list *chain) {
  return chain->count > 0 ? end_of(&chain->items[0]) : CERTIFICATE_NEVER_ENDS;
}

int64_t certificate_dates_earliest_end(const struct certificate_list *list) {
  int64_t earliest = CERTIFICATE_NEVER_ENDS;

  for (size_t i = 0; i < list->count; i++) {
    const int64_t end = end_of(&list->items[i]);

    if (end < earliest) {
      earliest = end;
    }
  }
  return earliest;
}

/* Dates of certificates are within four-digit years, so only a clock far outside could overflow. */
int64_t certificate_dates_left(int64_t end, int64_t now) {
  if (end == CERTIFICATE_NEVER_ENDS) {
    return end;
  }
  return now < INT64_MIN / 4 || now > INT64_MAX / 4 ? 0 : end - now;
}

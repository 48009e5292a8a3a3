/* SPDX-License-Identifier: MIT */
/* The limits that are known, each with the code by which wolfSSL tells of it. */
#include "autoconfig.h"

#include "verification/wolfssl_limits.h"

#include "backend/wolfssl_headers.h"
#include "x509/certificate.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

/* Of 5.7.2; more of them in newer versions. */
#define NAMES_READ_BY_WOLFSSL 128

/* Public roots have it (Starfield's). 5.7.2 reads none, newer versions roots only. */
static bool is_root_with_serial_number_zero(const struct certificate *certificate) {
  return certificate->is_ca && certificate_names_equal(certificate->subject, certificate->issuer) &&
         certificate->serial_number.length == 1 && certificate->serial_number.bytes[0] == 0;
}

static bool has_many_names(const struct certificate *certificate) {
  struct byte_slice rest = certificate->alternative_names;
  struct byte_slice value;
  enum certificate_name_kind kind;
  size_t count = 0;

  while (certificate_next_name(&rest, &kind, &value)) {
    count++;
  }
  return count > NAMES_READ_BY_WOLFSSL;
}

bool wolfssl_limits_explain(int wolfssl_code, const struct certificate_der *der) {
  struct certificate certificate;

  if (!certificate_read(&certificate, der->bytes, der->length)) {
    return false;
  }
  switch (wolfssl_code) {
    case ASN_PARSE_E:
    case RSA_KEY_SIZE_E: /* what 5.7.2 makes of ASN_PARSE_E when it loads a CA: it has not read the key by then */
    case ECC_KEY_SIZE_E:
      return is_root_with_serial_number_zero(&certificate);
    case ASN_ALT_NAME_E:
      return has_many_names(&certificate);
    case ASN_CRIT_EXT_E: /* builds differ in what they know; certificate_read() refuses what we don't apply */
      return true;
    default:
      return false;
  }
}

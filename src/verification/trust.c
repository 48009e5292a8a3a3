/* SPDX-License-Identifier: MIT */
/*
 * Trust anchors. Depending on its build, wolfSSL would accept expired CAs, and certificates that are not CAs at all; so
 * each one is examined here, and tried in a certificate manager of its own before the config accepts it.
 */
#include "autoconfig.h"

#include "verification/trust.h"
#include "verification/wolfssl_limits.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "x509/certificate.h"
#include "x509/certificate_input.h"
#include "base/file.h"
#include "x509/pem.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/asn_public.h>

enum anchor_verdict {
  ANCHOR_USABLE,
  ANCHOR_NOT_CA,
  ANCHOR_EXPIRED,
  ANCHOR_NOT_YET_VALID,
  ANCHOR_REFUSED,
  ANCHOR_NO_MEMORY
};

/* wolfSSL parses more of a certificate than we do; what it can't load now must not fail later, when opening. */
static enum anchor_verdict try_in_wolfssl(const struct certificate_der *der) {
  enum anchor_verdict verdict;
  WOLFSSL_CERT_MANAGER *manager = wolfSSL_CertManagerNew();
  int result;

  if (manager == NULL) {
    return ANCHOR_NO_MEMORY;
  }
  result = wolfSSL_CertManagerLoadCABuffer(manager, der->bytes, (long)der->length, WOLFSSL_FILETYPE_ASN1);
  if (result == WOLFSSL_SUCCESS || wolfssl_limits_explain(result, der)) {
    verdict = ANCHOR_USABLE;
  } else {
    verdict = result == MEMORY_E ? ANCHOR_NO_MEMORY : ANCHOR_REFUSED;
  }
  wolfSSL_CertManagerFree(manager);
  return verdict;
}

static enum anchor_verdict judge(const struct certificate_der *der, struct certificate *certificate) {
  enum certificate_validity validity;
  enum anchor_verdict verdict;

  if (!certificate_read(certificate, der->bytes, der->length)) {
    return ANCHOR_REFUSED;
  }
  if (!certificate->is_ca) {
    return ANCHOR_NOT_CA;
  }
  validity = certificate_validity_at(certificate, (int64_t)time(NULL));
  if (validity != CERTIFICATE_CURRENT) {
    return validity == CERTIFICATE_EXPIRED ? ANCHOR_EXPIRED : ANCHOR_NOT_YET_VALID;
  }
  verdict = try_in_wolfssl(der);
  /* wolfSSL reports a failed allocation as a parse error now and then: only what is refused again is refused. */
  return verdict == ANCHOR_REFUSED ? try_in_wolfssl(der) : verdict;
}

static amqp_wolfssl_code_t explain_unusable(enum anchor_verdict verdict, const struct certificate *certificate,
                                            const char *origin, amqp_wolfssl_error_t *error) {
  static const char *const reasons[] = {
      [ANCHOR_USABLE] = "is usable",
      [ANCHOR_NOT_CA] =
          ("is not a CA certificate (it has no basicConstraints with CA:TRUE); use the certificate of the CA that "
           "issued the broker's, not the broker's own"),
      [ANCHOR_EXPIRED] = "has expired; use the CA's current one",
      [ANCHOR_NOT_YET_VALID] = "is not valid yet; check this machine's clock",
      [ANCHOR_REFUSED] = "can't be used by wolfSSL",
      [ANCHOR_NO_MEMORY] = "did not fit into memory",
  };
  char subject[ERROR_SUBJECT_LENGTH];

  certificate_format_name(certificate->subject, subject, sizeof(subject));
  error_configure(error, AMQP_WOLFSSL_ERROR_CA_UNUSABLE, "%s can't be used as a CA: the certificate of \"%s\" %s",
                  origin, subject, reasons[verdict]);
  error_set_certificate(error, 0, subject);
  return error->code;
}

/* Copies those of \a found that are usable and new. */
static amqp_wolfssl_code_t add_usable(struct trust *trust, const struct certificate_list *found, const char *origin,
                                      amqp_wolfssl_error_t *error) {
  size_t usable = 0;
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  for (size_t i = 0; i < found->count; i++) {
    const struct certificate_der *der = &found->items[i];
    struct certificate certificate = {0};
    enum anchor_verdict verdict = judge(der, &certificate);

    if (verdict == ANCHOR_NO_MEMORY) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
    if (verdict != ANCHOR_USABLE) {
      trust->left_out++;
      code = explain_unusable(verdict, &certificate, origin, error);
      continue;
    }
    usable++;
    if (!certificate_list_contains(&trust->anchors, der->bytes, der->length) &&
        !certificate_list_add(&trust->anchors, der->bytes, der->length)) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
  }
  return usable > 0 ? AMQP_WOLFSSL_OK : code;
}

static amqp_wolfssl_code_t add_input(struct trust *trust, const void *data, size_t length, amqp_wolfssl_format_t format,
                                     const char *origin, amqp_wolfssl_error_t *error) {
  struct certificate_list found = {0};
  amqp_wolfssl_code_t code = certificate_input_read(&found, data, length, format, origin, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = add_usable(trust, &found, origin, error);
  }
  certificate_list_free(&found);
  return code;
}

static amqp_wolfssl_code_t add_file(struct trust *trust, const char *path, amqp_wolfssl_error_t *error) {
  struct secret contents = {0};
  amqp_wolfssl_code_t code = file_read(path, &contents, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = add_input(trust, contents.bytes, contents.length, AMQP_WOLFSSL_FORMAT_AUTO, path, error);
  }
  secret_free(&contents);
  return code;
}

/* All or nothing: a source fills a set of its own, which joins the config's only when it is whole. */
static amqp_wolfssl_code_t join(struct trust *trust, struct trust *added, amqp_wolfssl_code_t code,
                                amqp_wolfssl_error_t *error) {
  if (code == AMQP_WOLFSSL_OK) {
    if (certificate_list_take(&trust->anchors, &added->anchors)) {
      trust->left_out += added->left_out;
      error_clear(error); /* what was skipped is not a failure */
    } else {
      code = error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
  }
  trust_free(added);
  return code;
}

amqp_wolfssl_code_t trust_add_file(struct trust *trust, const char *path, amqp_wolfssl_error_t *error) {
  struct trust added = {0};

  return join(trust, &added, add_file(&added, path, error), error);
}

amqp_wolfssl_code_t trust_add_memory(struct trust *trust, const void *data, size_t length, amqp_wolfssl_format_t format,
                                     amqp_wolfssl_error_t *error) {
  struct trust added = {0};

  return join(trust, &added, add_input(&added, data, length, format, "the CA certificate in memory", error), error);
}

amqp_wolfssl_code_t trust_add_contents(struct trust *trust, const void *data, size_t length, const char *origin,
                                       amqp_wolfssl_error_t *error) {
  struct trust added = {0};

  return join(trust, &added, add_input(&added, data, length, AMQP_WOLFSSL_FORMAT_AUTO, origin, error), error);
}

amqp_wolfssl_code_t trust_add_copies(struct trust *trust, const struct trust *from, size_t first, size_t count,
                                     amqp_wolfssl_error_t *error) {
  struct trust added = {0};
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  for (size_t i = first; i < first + count && code == AMQP_WOLFSSL_OK; i++) {
    if (!certificate_list_add(&added.anchors, from->anchors.items[i].bytes, from->anchors.items[i].length)) {
      code = error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
  }
  return join(trust, &added, code, error);
}

bool trust_equals(const struct trust *one, const struct trust *other) {
  return certificate_list_equals(&one->anchors, &other->anchors);
}

/* By its name: the usual endings, and the links that c_rehash makes. */
static bool is_named_as_certificate(const char *name) {
  static const char *const endings[] = {".pem", ".crt", ".cer", ".der"};
  const char *dot = strrchr(name, '.');

  for (size_t i = 0; dot != NULL && i < sizeof(endings) / sizeof(endings[0]); i++) {
    if (strcmp(dot, endings[i]) == 0) {
      return true;
    }
  }
  return strspn(name, "0123456789abcdef") == 8 && name[8] == '.';
}

/* A file in a folder counts if it is regular and starts a certificate in PEM, or is named like one in DER. */
static bool may_hold_certificate(const char *path, const struct secret *contents) {
  const char *dot = strrchr(path, '.');

  if (!pem_is_likely(contents->bytes, contents->length)) {
    return dot != NULL && (strcmp(dot, ".der") == 0 || strcmp(dot, ".cer") == 0 || strcmp(dot, ".crt") == 0);
  }
  return pem_may_hold(contents->bytes, contents->length, pem_is_certificate);
}

/* What can't be examined is not skipped: reading it says why. A dangling link is nobody's certificate. */
static bool is_to_be_read(const char *path) {
  struct stat status;

  if (stat(path, &status) == 0) {
    return S_ISREG(status.st_mode);
  }
  return errno != ENOENT && errno != ELOOP;
}

/* A CA that is out of date does not spoil a folder; a file that can't be read or parsed does. */
static bool spoils_folder(amqp_wolfssl_code_t code) {
  return code != AMQP_WOLFSSL_OK && code != AMQP_WOLFSSL_ERROR_CA_UNUSABLE && code != AMQP_WOLFSSL_ERROR_NO_CERTIFICATE;
}

static amqp_wolfssl_code_t add_folder_entry(struct trust *trust, const char *folder, const char *name,
                                            amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;
  struct secret contents = {0};
  char *path = NULL;

  if (asprintf(&path, "%s/%s", folder, name) < 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  if (is_to_be_read(path)) {
    code = file_read(path, &contents, error);
    if (code == AMQP_WOLFSSL_ERROR_FILE_UNREADABLE && !is_named_as_certificate(name)) {
      code = AMQP_WOLFSSL_OK; /* a key next to the certificates, say */
    } else if (code == AMQP_WOLFSSL_OK && may_hold_certificate(path, &contents)) {
      code = add_input(trust, contents.bytes, contents.length, AMQP_WOLFSSL_FORMAT_AUTO, path, error);
    }
  }
  secret_free(&contents);
  free(path);
  return code;
}

static amqp_wolfssl_code_t folder_unreadable(const char *path, amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "can't read the folder %s: %s", path,
                         strerror(errno));
}

static amqp_wolfssl_code_t add_entries(struct trust *trust, DIR *folder, const char *path, bool forgiving,
                                       amqp_wolfssl_error_t *error) {
  for (;;) {
    const struct dirent *entry;
    amqp_wolfssl_code_t code;

    errno = 0;
    entry = readdir(folder);
    if (entry == NULL) {
      return errno == 0 ? AMQP_WOLFSSL_OK : folder_unreadable(path, error);
    }
    code = add_folder_entry(trust, path, entry->d_name, error);
    if (code == AMQP_WOLFSSL_ERROR_NO_MEMORY || (spoils_folder(code) && !forgiving)) {
      return code;
    }
  }
}

static amqp_wolfssl_code_t explain_empty_folder(const struct trust *trust, const char *path,
                                                amqp_wolfssl_error_t *error) {
  if (trust->left_out == 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "the folder %s contains no CA certificate", path);
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_CA_UNUSABLE,
      "the folder %s contains no CA certificate that can be used (expired, not yet valid or not a CA: %zu)", path,
      trust->left_out);
}

static amqp_wolfssl_code_t add_folder(struct trust *trust, const char *path, bool forgiving,
                                      amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;
  DIR *folder = opendir(path);

  if (folder == NULL) {
    return folder_unreadable(path, error);
  }
  code = add_entries(trust, folder, path, forgiving, error);
  (void)closedir(folder);
  return code == AMQP_WOLFSSL_OK && trust->anchors.count == 0 ? explain_empty_folder(trust, path, error) : code;
}

amqp_wolfssl_code_t trust_add_folder(struct trust *trust, const char *path, amqp_wolfssl_error_t *error) {
  struct trust added = {0};

  return join(trust, &added, add_folder(&added, path, false, error), error);
}

/* The system's certificates are not ours to fix: what can't be used is left out. */
amqp_wolfssl_code_t trust_add_first_folder(struct trust *trust, const char *const *folders, size_t count,
                                           amqp_wolfssl_error_t *error) {
  struct trust added = {0};
  amqp_wolfssl_code_t code =
      error_configure(error, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE,
                      "no folder of system CA certificates that wolfSSL knows is here; name the CA file or folder");

  for (size_t i = 0; i < count; i++) {
    if (access(folders[i], F_OK) != 0 && errno == ENOENT) {
      continue; /* it is another distribution's, and not what is missing here */
    }
    code = add_folder(&added, folders[i], true, error);
    if (code == AMQP_WOLFSSL_OK || code == AMQP_WOLFSSL_ERROR_NO_MEMORY) {
      break;
    }
  }
  return join(trust, &added, code, error);
}

amqp_wolfssl_code_t trust_add_system(struct trust *trust, amqp_wolfssl_error_t *error) {
#ifdef HAVE_WOLFSSL_GET_SYSTEM_CA_DIRS
  word32 count = 0;
  const char **folders = wolfSSL_get_system_CA_dirs(&count);

  return trust_add_first_folder(trust, folders, folders != NULL ? count : 0, error);
#else
  (void)trust;
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
      "this wolfSSL was built without support for system CA certificates (--enable-sys-ca-certs); name the "
      "CA file or folder instead");
#endif
}

void trust_free(struct trust *trust) {
  certificate_list_free(&trust->anchors);
  trust->left_out = 0;
}

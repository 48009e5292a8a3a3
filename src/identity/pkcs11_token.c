/* SPDX-License-Identifier: MIT */
/*
 * A private key in a PKCS#11 token, by way of p11-kit and not of wolfSSL's own wc_Pkcs11_*(): that calls C_Initialize()
 * and C_Finalize() as if it were alone in the process (a second config with the same module fails, and takes the first
 * one's sessions with it), logs in again for every operation, and matches tokens by slot index (5.5.4). p11-kit counts
 * the users of each module.
 */
#include "autoconfig.h"

#include "identity/pkcs11_token.h"

#ifndef HAVE_PKCS11_TOKENS

bool pkcs11_token_is_supported(void) { return false; }

amqp_wolfssl_code_t pkcs11_token_check_support(amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
                         "keys in PKCS#11 tokens can't be used: this library was built without support for them (%s)",
                         PKCS11_TOKENS_MISSING);
}

amqp_wolfssl_code_t pkcs11_token_open(struct pkcs11_token **token, const char *uri, const struct certificate *leaf,
                                      const struct passphrase_source *pin, amqp_wolfssl_error_t *error) {
  (void)token;
  (void)uri;
  (void)leaf;
  (void)pin;
  return pkcs11_token_check_support(error);
}

void pkcs11_token_free(struct pkcs11_token *token) { (void)token; }

bool pkcs11_token_sign(struct pkcs11_token *token, enum pkcs11_signature kind, const uint8_t *input,
                       size_t input_length, uint8_t *signature, size_t *length) {
  (void)token;
  (void)kind;
  (void)input;
  (void)input_length;
  (void)signature;
  (void)length;
  return false;
}

const char *pkcs11_token_name(const struct pkcs11_token *token) {
  (void)token;
  return "";
}

bool pkcs11_token_is_usable(struct pkcs11_token *token) {
  (void)token;
  return false;
}

const char *pkcs11_token_failure(const struct pkcs11_token *token) {
  (void)token;
  return "this build does not support tokens";
}

#else

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "base/file.h"

#define NAME_CAPACITY 256
#define DESCRIPTION_CAPACITY 96

struct pkcs11_token {
  CK_FUNCTION_LIST **modules; /* all that were started; NULL after the last */
  CK_FUNCTION_LIST *named[2]; /* what modules points to if the URI names the module's file */
  CK_FUNCTION_LIST *module;   /* the one with the token */
  CK_SLOT_ID slot;
  CK_FLAGS flags;                       /* the token's */
  char described[DESCRIPTION_CAPACITY]; /* the token's label, manufacturer and serial number: which one it is */
  CK_SESSION_HANDLE session;            /* kept: a login ends with the program's last session */
  CK_OBJECT_HANDLE key;
  size_t curve_length; /* EC: bytes of the curve's field */
  pid_t owner;
  pthread_mutex_t signing; /* guards the session, which does one thing at a time */
  atomic_ulong failure;    /* the last signature's, a CK_RV */
  char name[NAME_CAPACITY];
};

/* A value that no module returns: all bits set, at the far end of the vendor-defined codes, which begin at
   0x80000000. */
#define FAILURE_FORKED (~0ul)

/* ---- The URI ---- */

static P11KitUri *parse_uri(const char *text, amqp_wolfssl_error_t *error) {
  P11KitUri *uri = p11_kit_uri_new();
  int result;

  if (uri == NULL) {
    error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    return NULL;
  }
  result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
  /* No part of the text goes into these sentences: there may be a PIN in it. */
  if (result != P11_KIT_URI_OK) {
    error_configure(error, AMQP_WOLFSSL_ERROR_URI_INVALID,
                    "the key's PKCS#11 URI (RFC 7512) can't be parsed: %s; it should look like "
                    "\"pkcs11:token=NAME;object=NAME\"",
                    p11_kit_uri_message(result));
  } else if (p11_kit_uri_any_unrecognized(uri)) {
    error_configure(error, AMQP_WOLFSSL_ERROR_URI_INVALID,
                    "the key's PKCS#11 URI has an attribute that RFC 7512 does not define; remove it");
  } else if (p11_kit_uri_get_pin_value(uri) != NULL && p11_kit_uri_get_pin_source(uri) != NULL) {
    error_configure(error, AMQP_WOLFSSL_ERROR_URI_INVALID,
                    "the key's PKCS#11 URI has both pin-value and pin-source; give only one (RFC 7512, section 2.4)");
  } else {
    return uri;
  }
  p11_kit_uri_free(uri);
  return NULL;
}

/* p11-kit frees the PIN without wiping it. */
static void free_uri(P11KitUri *uri) {
  const char *pin = uri != NULL ? p11_kit_uri_get_pin_value(uri) : NULL;

  if (pin != NULL) {
    secret_wipe((void *)(uintptr_t)pin, strlen(pin));
  }
  p11_kit_uri_free(uri);
}

static bool wants_private_key(P11KitUri *uri) {
  const CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri, CKA_CLASS);
  CK_OBJECT_CLASS wanted = CKO_PRIVATE_KEY;

  return class == NULL || (class->ulValueLen == sizeof(wanted) && memcmp(class->pValue, &wanted, sizeof(wanted)) == 0);
}

/* Names the key in sentences: token, slot and object, never the query, which may hold a PIN. */
static amqp_wolfssl_code_t name_key(struct pkcs11_token *token, P11KitUri *uri, amqp_wolfssl_error_t *error) {
  char *text = NULL;

  if (!wants_private_key(uri)) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_URI_INVALID,
                           "the key's PKCS#11 URI names an object that is not a private key; leave \"type\" out");
  }
  if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN | P11_KIT_URI_FOR_SLOT, &text) != P11_KIT_URI_OK) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  (void)snprintf(token->name, sizeof(token->name), "%.*s", (int)strcspn(text, "?"), text);
  secret_wipe(text, strlen(text));
  free(text);
  return AMQP_WOLFSSL_OK;
}

/* ---- The module ---- */

static amqp_wolfssl_code_t refuse_module(const char *path, const char *reason, amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_TOKEN_MODULE_UNUSABLE, "the PKCS#11 module %s can't be used: %s",
                         path, reason != NULL ? reason : "p11-kit gives no reason");
}

static amqp_wolfssl_code_t start_named_module(struct pkcs11_token *token, const char *path,
                                              amqp_wolfssl_error_t *error) {
  CK_FUNCTION_LIST *module = p11_kit_module_load(path, 0);
  CK_RV result;

  if (module == NULL) {
    return refuse_module(path, p11_kit_message(), error);
  }
  result = p11_kit_module_initialize(module);
  if (result != CKR_OK) {
    p11_kit_module_release(module);
    return refuse_module(path, p11_kit_strerror(result), error);
  }
  token->named[0] = module;
  token->modules = token->named;
  return AMQP_WOLFSSL_OK;
}

/* Without a path: every module that p11-kit is configured for, which is what its proxy module offers, and that one
   can't be loaded from here. */
static amqp_wolfssl_code_t start_modules(struct pkcs11_token *token, P11KitUri *uri, amqp_wolfssl_error_t *error) {
  const char *path = p11_kit_uri_get_module_path(uri);

  if (path != NULL) {
    return start_named_module(token, path, error);
  }
  token->modules = p11_kit_modules_load_and_initialize(0);
  return token->modules != NULL ? AMQP_WOLFSSL_OK
                                : refuse_module("listed in p11-kit's configuration", p11_kit_message(), error);
}

static void stop_modules(struct pkcs11_token *token) {
  if (token->modules == token->named) {
    (void)p11_kit_module_finalize(token->named[0]);
    p11_kit_module_release(token->named[0]);
  } else if (token->modules != NULL) {
    p11_kit_modules_finalize_and_release(token->modules);
  }
}

static bool module_matches(CK_FUNCTION_LIST *module, P11KitUri *uri) {
  const char *wanted = p11_kit_uri_get_module_name(uri);
  char *name;
  CK_INFO info;
  bool matches = true;

  if (wanted != NULL) {
    name = p11_kit_module_get_name(module);
    matches = name != NULL && strcmp(name, wanted) == 0;
    free(name);
  }
  return matches && module->C_GetInfo(&info) == CKR_OK && p11_kit_uri_match_module_info(uri, &info) == 1;
}

/* ---- The token ---- */

/* PKCS#11's texts are padded with blanks, and have no NUL. */
static void describe(char described[DESCRIPTION_CAPACITY], const CK_TOKEN_INFO *info) {
  (void)snprintf(described, DESCRIPTION_CAPACITY, "%.32s/%.32s/%.16s", (const char *)info->label,
                 (const char *)info->manufacturerID, (const char *)info->serialNumber);
}

static bool slot_matches(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, P11KitUri *uri, CK_FLAGS *flags,
                         char described[DESCRIPTION_CAPACITY]) {
  CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
  CK_SLOT_INFO slot_info;
  CK_TOKEN_INFO token_info;

  if ((wanted != (CK_SLOT_ID)-1 && wanted != slot) || module->C_GetSlotInfo(slot, &slot_info) != CKR_OK ||
      p11_kit_uri_match_slot_info(uri, &slot_info) != 1 || module->C_GetTokenInfo(slot, &token_info) != CKR_OK ||
      (token_info.flags & CKF_TOKEN_INITIALIZED) == 0) {
    return false;
  }
  *flags = token_info.flags;
  describe(described, &token_info);
  return p11_kit_uri_match_token_info(uri, &token_info) == 1;
}

/* \a found counts the tokens that match; the first is kept. \return false if out of memory */
static bool look_in_module(struct pkcs11_token *token, CK_FUNCTION_LIST *module, P11KitUri *uri, size_t *found) {
  CK_ULONG count = 0;
  CK_SLOT_ID *slots;

  if (!module_matches(module, uri) || module->C_GetSlotList(CK_TRUE, NULL, &count) != CKR_OK || count == 0) {
    return true;
  }
  slots = calloc(count, sizeof(*slots));
  if (slots == NULL) {
    return false;
  }
  if (module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) {
    count = 0;
  }
  for (CK_ULONG i = 0; i < count; i++) {
    char described[DESCRIPTION_CAPACITY];
    CK_FLAGS flags;

    if (slot_matches(module, slots[i], uri, &flags, described) && (*found)++ == 0) {
      token->module = module;
      token->slot = slots[i];
      token->flags = flags;
      memcpy(token->described, described, sizeof(described));
    }
  }
  free(slots);
  return true;
}

static amqp_wolfssl_code_t find_token(struct pkcs11_token *token, P11KitUri *uri, amqp_wolfssl_error_t *error) {
  size_t found = 0;

  for (CK_FUNCTION_LIST **module = token->modules; *module != NULL; module++) {
    if (!look_in_module(token, *module, uri, &found)) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
  }
  if (found == 1) {
    return AMQP_WOLFSSL_OK;
  }
  if (found > 1) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND,
                           "%zu tokens match %s; add \"serial\" or \"slot-id\" to the URI, so that only one does",
                           found, token->name);
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND, "no token matches %s%s", token->name,
      token->modules[0] == NULL
          ? "; p11-kit has no module configured, so name one with \"?module-path=FILE\""
          : "; check that it is plugged in and that its module is configured (\"p11tool --list-tokens\" or "
            "\"pkcs11-tool -L\" lists the tokens)");
}

/* ---- Login ---- */

static amqp_wolfssl_code_t token_failed(const struct pkcs11_token *token, const char *doing, CK_RV result,
                                        amqp_wolfssl_error_t *error) {
  if (result == CKR_HOST_MEMORY) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  return error_configure(error, AMQP_WOLFSSL_ERROR_TOKEN_FAILED, "the token of %s failed %s: %s (PKCS#11: 0x%lx)",
                         token->name, doing, p11_kit_strerror(result), result);
}

/* A path, or a file: URI without a host. RFC 7512 also allows "|program": no program is run here. */
static const char *pin_path(const char *source) {
  if (strncmp(source, "file:", 5) == 0) {
    source += 5;
    if (strncmp(source, "///", 3) == 0) {
      source += 2;
    }
  }
  return source[0] == '/' && source[1] != '/' ? source : NULL;
}

static amqp_wolfssl_code_t read_pin_file(struct secret *pin, const char *source, amqp_wolfssl_error_t *error) {
  const char *path = pin_path(source);
  amqp_wolfssl_code_t code;

  if (path == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_URI_INVALID,
                           "pin-source in the key's PKCS#11 URI must be the absolute path of a file");
  }
  code = file_read(path, pin, error);
  while (code == AMQP_WOLFSSL_OK && pin->length > 0 &&
         (pin->bytes[pin->length - 1] == '\n' || pin->bytes[pin->length - 1] == '\r')) {
    pin->bytes[--pin->length] = 0;
  }
  return code;
}

/* \a pin stays empty if the token has its own keypad and no PIN was given. */
static amqp_wolfssl_code_t get_pin(const struct pkcs11_token *token, P11KitUri *uri,
                                   const struct passphrase_source *source, struct secret *pin,
                                   amqp_wolfssl_error_t *error) {
  const char *value = p11_kit_uri_get_pin_value(uri);

  if (value != NULL) {
    return secret_copy(pin, value, strlen(value)) == 0
               ? AMQP_WOLFSSL_OK
               : error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  if (p11_kit_uri_get_pin_source(uri) != NULL) {
    return read_pin_file(pin, p11_kit_uri_get_pin_source(uri), error);
  }
  switch (passphrase_ask(source, pin)) {
    case PASSPHRASE_GIVEN:
      return AMQP_WOLFSSL_OK;
    case PASSPHRASE_NO_MEMORY:
      return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    case PASSPHRASE_REFUSED:
      return error_configure(error, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING,
                             "the token of %s requires a PIN, and the passphrase callback gave none", token->name);
    case PASSPHRASE_NOT_SET:
      break;
  }
  if ((token->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0) {
    return AMQP_WOLFSSL_OK;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING,
      "the token of %s requires a PIN; set it as the passphrase before the identity, or add a pin-source to the URI",
      token->name);
}

static amqp_wolfssl_code_t log_in_with(const struct pkcs11_token *token, const struct secret *pin,
                                       struct pkcs11_login *rejected, amqp_wolfssl_error_t *error) {
  CK_RV result;

  if (!pkcs11_login_may_try(rejected, token->described, pin)) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
        "the token of %s has rejected this PIN before, or too many others; it was not tried again, because tokens lock "
        "after a few wrong ones: make a new config with the right one",
        token->name);
  }
  result = token->module->C_Login(token->session, CKU_USER, pin->bytes, pin->length);
  switch (result) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN: /* a login belongs to the process: another config has already logged in */
      return AMQP_WOLFSSL_OK;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
      pkcs11_login_rejected(rejected, token->described, pin);
      return error_configure(
          error, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
          "the token of %s rejected the PIN; it was tried only once, because tokens lock after a few wrong ones: "
          "correct it before the next try",
          token->name);
    case CKR_PIN_LOCKED:
      return error_configure(error, AMQP_WOLFSSL_ERROR_TOKEN_PIN_LOCKED,
                             "the token of %s is locked after too many wrong PINs; unlock it with its own tool",
                             token->name);
    default:
      return token_failed(token, "to log in", result, error);
  }
}

static amqp_wolfssl_code_t log_in(const struct pkcs11_token *token, P11KitUri *uri,
                                  const struct passphrase_source *source, amqp_wolfssl_error_t *error) {
  struct secret pin = {0};
  amqp_wolfssl_code_t code;

  if ((token->flags & CKF_LOGIN_REQUIRED) == 0) {
    return AMQP_WOLFSSL_OK;
  }
  /* A service that is restarted again and again must not use up the last try. */
  if ((token->flags & (CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY)) != 0) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_TOKEN_PIN_LOCKED,
        "the token of %s is locked after wrong PINs, or would be after one more; log in to it with its own tool first",
        token->name);
  }
  code = get_pin(token, uri, source, &pin, error);
  if (code == AMQP_WOLFSSL_OK) {
    code = log_in_with(token, &pin, source->rejected, error);
  }
  secret_free(&pin);
  return code;
}

static amqp_wolfssl_code_t open_session(struct pkcs11_token *token, amqp_wolfssl_error_t *error) {
  CK_RV result = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &token->session);

  return result == CKR_OK ? AMQP_WOLFSSL_OK : token_failed(token, "to open a session", result, error);
}

/* ---- The key ---- */

static amqp_wolfssl_code_t find_key(struct pkcs11_token *token, P11KitUri *uri, amqp_wolfssl_error_t *error) {
  static const CK_ATTRIBUTE_TYPE described_by[] = {CKA_ID, CKA_LABEL};
  CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE wanted[3] = {{CKA_CLASS, &class, sizeof(class)}};
  CK_ULONG wanted_count = 1;
  CK_OBJECT_HANDLE keys[2];
  CK_ULONG found = 0;
  CK_RV result;

  for (size_t i = 0; i < sizeof(described_by) / sizeof(described_by[0]); i++) {
    const CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute(uri, described_by[i]);

    if (attribute != NULL) {
      wanted[wanted_count++] = *attribute;
    }
  }
  result = token->module->C_FindObjectsInit(token->session, wanted, wanted_count);
  if (result == CKR_OK) {
    result = token->module->C_FindObjects(token->session, keys, 2, &found);
    (void)token->module->C_FindObjectsFinal(token->session);
  }
  if (result != CKR_OK) {
    return token_failed(token, "to look for the key", result, error);
  }
  if (found != 1) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND,
        "%s private key in the token matches %s; use \"object\" (its label) and \"id\" to select one",
        found == 0 ? "no" : "more than one", token->name);
  }
  token->key = keys[0];
  return AMQP_WOLFSSL_OK;
}

static bool key_asks_every_time(const struct pkcs11_token *token) {
  CK_BBOOL always = CK_FALSE;
  CK_ATTRIBUTE attribute = {CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always)};

  /* Tokens that don't know the attribute have no such keys. */
  return token->module->C_GetAttributeValue(token->session, token->key, &attribute, 1) == CKR_OK && always != CK_FALSE;
}

static amqp_wolfssl_code_t check_key(struct pkcs11_token *token, const struct certificate *leaf,
                                     amqp_wolfssl_error_t *error) {
  CK_KEY_TYPE type = 0;
  CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof(type)};
  CK_RV result = token->module->C_GetAttributeValue(token->session, token->key, &attribute, 1);

  if (result != CKR_OK) {
    return token_failed(token, "to report the key's type", result, error);
  }
  if (type != CKK_RSA && type != CKK_EC) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED, "the private key %s is neither RSA nor EC",
                           token->name);
  }
  if ((type == CKK_RSA) != (leaf->key_kind == CERTIFICATE_KEY_RSA)) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_KEY_MISMATCH,
                           "the private key %s is an %s key, but the certificate's key is not", token->name,
                           type == CKK_RSA ? "RSA" : "EC");
  }
  if (key_asks_every_time(token)) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED,
        "the private key %s requires the PIN for every signature (CKA_ALWAYS_AUTHENTICATE), which is not supported "
        "because the PIN is not kept",
        token->name);
  }
  token->curve_length = ((size_t)leaf->key_bits + 7) / 8;
  return AMQP_WOLFSSL_OK;
}

/* ---- Opening a token ---- */

static amqp_wolfssl_code_t open_by_uri(struct pkcs11_token *token, P11KitUri *uri, const struct certificate *leaf,
                                       const struct passphrase_source *pin, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = name_key(token, uri, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = start_modules(token, uri, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = find_token(token, uri, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = open_session(token, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = log_in(token, uri, pin, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = find_key(token, uri, error);
  }
  return code == AMQP_WOLFSSL_OK ? check_key(token, leaf, error) : code;
}

static struct pkcs11_token *new_token(void) {
  struct pkcs11_token *token = calloc(1, sizeof(*token));

  if (token == NULL) {
    return NULL;
  }
  if (pthread_mutex_init(&token->signing, NULL) != 0) {
    free(token);
    return NULL;
  }
  token->session = CK_INVALID_HANDLE;
  token->owner = getpid();
  atomic_init(&token->failure, CKR_OK);
  return token;
}

bool pkcs11_token_is_supported(void) { return true; }

amqp_wolfssl_code_t pkcs11_token_check_support(amqp_wolfssl_error_t *error) {
  (void)error;
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t pkcs11_token_open(struct pkcs11_token **token, const char *uri, const struct certificate *leaf,
                                      const struct passphrase_source *pin, amqp_wolfssl_error_t *error) {
  P11KitUri *parsed = parse_uri(uri, error);
  struct pkcs11_token *made;
  amqp_wolfssl_code_t code;

  if (parsed == NULL) {
    return error->code;
  }
  made = new_token();
  code = made == NULL ? error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory")
                      : open_by_uri(made, parsed, leaf, pin, error);
  free_uri(parsed);
  if (code != AMQP_WOLFSSL_OK) {
    pkcs11_token_free(made);
    return code;
  }
  *token = made;
  return AMQP_WOLFSSL_OK;
}

void pkcs11_token_free(struct pkcs11_token *token) {
  if (token == NULL) {
    return;
  }
  /* No C_Logout(): it would log out the other configs of this process. The last session's end does it. */
  if (token->session != CK_INVALID_HANDLE && token->owner == getpid()) {
    (void)token->module->C_CloseSession(token->session);
  }
  stop_modules(token);
  (void)pthread_mutex_destroy(&token->signing);
  free(token);
}

/* ---- Signing ---- */

static bool choose_pss(size_t digest_length, CK_RSA_PKCS_PSS_PARAMS *parameters) {
  static const struct {
    CK_ULONG length;
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mask;
  } hashes[] = {
      {32, CKM_SHA256, CKG_MGF1_SHA256}, {48, CKM_SHA384, CKG_MGF1_SHA384}, {64, CKM_SHA512, CKG_MGF1_SHA512}};

  for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
    if (hashes[i].length == digest_length) {
      /* RFC 8446, section 4.2.3: the salt is as long as the digest */
      *parameters = (CK_RSA_PKCS_PSS_PARAMS){hashes[i].hash, hashes[i].mask, hashes[i].length};
      return true;
    }
  }
  return false;
}

/* Into a buffer that any signature fits in: after CKR_BUFFER_TOO_SMALL the session would stay in the operation and
   expect another call. */
static CK_RV sign(struct pkcs11_token *token, CK_MECHANISM *mechanism, const uint8_t *input, size_t input_length,
                  uint8_t *signature, size_t *length) {
  CK_BYTE made[PKCS11_SIGNATURE_CAPACITY];
  CK_ULONG made_length = sizeof(made);
  CK_RV result;

  if (pthread_mutex_lock(&token->signing) != 0) {
    return CKR_CANT_LOCK;
  }
  result = token->module->C_SignInit(token->session, mechanism, token->key);
  if (result == CKR_OK) {
    result = token->module->C_Sign(token->session, (CK_BYTE *)(uintptr_t)input, input_length, made, &made_length);
  }
  (void)pthread_mutex_unlock(&token->signing);
  if (result == CKR_OK && made_length > *length) {
    return CKR_BUFFER_TOO_SMALL;
  }
  if (result == CKR_OK) {
    memcpy(signature, made, made_length);
    *length = made_length;
  }
  return result;
}

bool pkcs11_token_sign(struct pkcs11_token *token, enum pkcs11_signature kind, const uint8_t *input,
                       size_t input_length, uint8_t *signature, size_t *length) {
  CK_RSA_PKCS_PSS_PARAMS pss;
  CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
  CK_RV result;

  if (token->owner != getpid()) {
    atomic_store(&token->failure, FAILURE_FORKED);
    return false;
  }
  if (kind == PKCS11_SIGNATURE_RSA_PSS) {
    if (!choose_pss(input_length, &pss)) {
      atomic_store(&token->failure, CKR_DATA_LEN_RANGE);
      return false;
    }
    mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof(pss)};
  } else if (kind == PKCS11_SIGNATURE_ECDSA) {
    mechanism.mechanism = CKM_ECDSA;
    /* FIPS 186-5, section 6.4.1: the leftmost bits count; not every token cuts off the rest itself. */
    input_length = input_length > token->curve_length ? token->curve_length : input_length;
  }
  result = sign(token, &mechanism, input, input_length, signature, length);
  if (result != CKR_OK) {
    atomic_store(&token->failure, result);
  }
  return result == CKR_OK;
}

const char *pkcs11_token_name(const struct pkcs11_token *token) { return token->name; }

bool pkcs11_token_is_usable(struct pkcs11_token *token) {
  CK_SESSION_INFO info;
  CK_RV result;

  if (token->owner != getpid() || pthread_mutex_lock(&token->signing) != 0) {
    return false;
  }
  result = token->module->C_GetSessionInfo(token->session, &info);
  (void)pthread_mutex_unlock(&token->signing);
  return result == CKR_OK && ((token->flags & CKF_LOGIN_REQUIRED) == 0 || info.state == CKS_RO_USER_FUNCTIONS ||
                              info.state == CKS_RW_USER_FUNCTIONS);
}

const char *pkcs11_token_failure(const struct pkcs11_token *token) {
  unsigned long failure = atomic_load(&token->failure);

  return failure == FAILURE_FORKED
             ? "the identity was set before fork(), and a child process can't use its parent's token"
             : p11_kit_strerror(failure);
}

#endif

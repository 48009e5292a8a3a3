/* SPDX-License-Identifier: MIT */
/*
 * Reads the administrator's file. Anything that is not understood is an error: a line that is skipped would be a
 * restriction that nobody enforces.
 */
#include "autoconfig.h"

#include "config/site_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define LINE_LENGTH_MAX 4096
#define LIFE_SECONDS_MAX ((int64_t)10 * 365 * 86400)
#define BLANKS " \t\r"

enum value_result { VALUE_READ, VALUE_MEANS_NOTHING, VALUE_WITHOUT_MEMORY };

/* Each reads the value of one key. */
typedef enum value_result (*read_value_fn)(const char *value, struct site_settings *settings);

static enum value_result read_policy(const char *value, struct site_settings *settings) {
  static const struct {
    const char *name;
    amqp_wolfssl_policy_t policy;
  } policies[] = {
      {"fips", AMQP_WOLFSSL_POLICY_FIPS}, {"cnsa", AMQP_WOLFSSL_POLICY_CNSA}, {"modern", AMQP_WOLFSSL_POLICY_MODERN}};

  for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
    if (strcmp(value, policies[i].name) == 0) {
      settings->policy = policies[i].policy;
      return VALUE_READ;
    }
  }
  return VALUE_MEANS_NOTHING;
}

static enum value_result read_minimum_version(const char *value, struct site_settings *settings) {
  if (strcmp(value, "1.2") == 0) {
    settings->minimum_version = AMQP_WOLFSSL_TLS_1_2;
  } else if (strcmp(value, "1.3") == 0) {
    settings->minimum_version = AMQP_WOLFSSL_TLS_1_3;
  } else {
    return VALUE_MEANS_NOTHING;
  }
  return VALUE_READ;
}

static enum value_result read_crl_file(const char *value, struct site_settings *settings) {
  if (value[0] != '/') {
    return VALUE_MEANS_NOTHING; /* a relative path would mean a different file in each program */
  }
  settings->crl_file = strdup(value);
  return settings->crl_file != NULL ? VALUE_READ : VALUE_WITHOUT_MEMORY;
}

static enum value_result read_stapling(const char *value, struct site_settings *settings) {
  settings->require_stapling = strcmp(value, "require") == 0;
  return settings->require_stapling ? VALUE_READ : VALUE_MEANS_NOTHING;
}

static enum value_result read_extended_master_secret(const char *value, struct site_settings *settings) {
  settings->extended_master_secret_optional = strcmp(value, "optional") == 0;
  return settings->extended_master_secret_optional ? VALUE_READ : VALUE_MEANS_NOTHING;
}

static int64_t unit_seconds(const char *unit) {
  static const struct {
    const char *unit;
    int64_t seconds;
  } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
    if (strcmp(unit, units[i].unit) == 0) {
      return units[i].seconds;
    }
  }
  return 0;
}

/* "24h": a whole number above 0 and its unit. */
static enum value_result read_maximum_life(const char *value, struct site_settings *settings) {
  const size_t digits = strspn(value, "0123456789");
  const int64_t unit = unit_seconds(value + digits);
  const long long number = digits > 0 && digits < 10 ? strtoll(value, NULL, 10) : 0;

  if (unit == 0 || number <= 0 || number > LIFE_SECONDS_MAX / unit) {
    return VALUE_MEANS_NOTHING;
  }
  settings->maximum_life = number * unit;
  return VALUE_READ;
}

static const struct {
  const char *key;
  read_value_fn read;
  const char *accepts;
} keys[] = {
    {"policy", read_policy, "fips, cnsa or modern"},
    {"minimum-version", read_minimum_version, "1.2 or 1.3"},
    {"crl-file", read_crl_file, "an absolute path"},
    {"stapling", read_stapling, "require"},
    {"maximum-connection-life", read_maximum_life, "a number and a unit (s, m, h or d), such as 24h"},
    {"extended-master-secret", read_extended_master_secret, "optional"},
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

struct reader {
  const char *path;
  size_t line;
  bool seen[KEY_COUNT];
  struct site_settings *settings;
  amqp_wolfssl_error_t *error;
};

#define REFUSE(reader, ...) error_configure((reader)->error, AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID, __VA_ARGS__)

static char *trim(char *text) {
  size_t length;

  text += strspn(text, BLANKS);
  length = strlen(text);
  while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL) {
    text[--length] = '\0';
  }
  return text;
}

static amqp_wolfssl_code_t read_value(struct reader *reader, size_t which, const char *value) {
  switch (keys[which].read(value, reader->settings)) {
    case VALUE_READ:
      return AMQP_WOLFSSL_OK;
    case VALUE_WITHOUT_MEMORY:
      return error_configure(reader->error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    case VALUE_MEANS_NOTHING:
      break;
  }
  return REFUSE(reader, "%s, line %zu: \"%s\" takes %s, not \"%.100s\"", reader->path, reader->line, keys[which].key,
                keys[which].accepts, value);
}

static amqp_wolfssl_code_t use_setting(struct reader *reader, const char *key, const char *value) {
  for (size_t i = 0; i < KEY_COUNT; i++) {
    if (strcmp(key, keys[i].key) != 0) {
      continue;
    }
    if (reader->seen[i]) {
      return REFUSE(reader, "%s, line %zu: \"%s\" appears twice", reader->path, reader->line, key);
    }
    reader->seen[i] = true;
    return read_value(reader, i, value);
  }
  return REFUSE(reader, "%s, line %zu: there is no setting \"%.100s\"", reader->path, reader->line, key);
}

static amqp_wolfssl_code_t read_line(struct reader *reader, const char *bytes, size_t length) {
  char line[LINE_LENGTH_MAX + 1];
  char *key;
  char *value;

  if (length > LINE_LENGTH_MAX || memchr(bytes, '\0', length) != NULL) {
    return REFUSE(reader, "%s, line %zu: too long, or not text", reader->path, reader->line);
  }
  memcpy(line, bytes, length);
  line[length] = '\0';
  key = trim(line);
  if (*key == '\0' || *key == '#') {
    return AMQP_WOLFSSL_OK;
  }
  value = strchr(key, '=');
  if (value == NULL) {
    return REFUSE(reader, "%s, line %zu: not of the form \"key = value\"", reader->path, reader->line);
  }
  *value++ = '\0';
  return use_setting(reader, trim(key), trim(value));
}

static amqp_wolfssl_code_t read_lines(struct reader *reader, const char *bytes, size_t length) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  while (length > 0 && code == AMQP_WOLFSSL_OK) {
    const char *end = memchr(bytes, '\n', length);
    const size_t line_length = end != NULL ? (size_t)(end - bytes) : length;
    const size_t taken = end != NULL ? line_length + 1 : line_length;

    reader->line++;
    code = read_line(reader, bytes, line_length);
    bytes += taken;
    length -= taken;
  }
  return code;
}

/* What makes a connection less safe must come from someone who could do so anyway: root, or who runs the program. */
static amqp_wolfssl_code_t check_exception(struct reader *reader, const struct stat *status) {
  if (!reader->settings->extended_master_secret_optional) {
    return AMQP_WOLFSSL_OK;
  }
  if (reader->settings->policy == AMQP_WOLFSSL_POLICY_CNSA) {
    return REFUSE(reader, "%s: the policy \"cnsa\" admits no exception; leave \"extended-master-secret\" out",
                  reader->path);
  }
  if ((status->st_uid != 0 && status->st_uid != geteuid()) || (status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return REFUSE(reader,
                  "%s makes an exception (\"extended-master-secret\"), so it must belong to root or to this program's "
                  "user, and group and others must not be able to write to it (chown root, chmod 644)",
                  reader->path);
  }
  return AMQP_WOLFSSL_OK;
}

static bool leads_nowhere(const char *path) {
  struct stat status;

  return lstat(path, &status) == 0 && stat(path, &status) != 0;
}

/* A dangling link, also among the folders above, does not count as missing: its target may just not be mounted. */
static bool is_missing(const char *path) {
  char way[PATH_MAX];
  struct stat status;

  if (lstat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR) || strlen(path) >= sizeof(way)) {
    return false;
  }
  for (const char *end = strchr(path, '/'); end != NULL; end = strchr(end + 1, '/')) {
    memcpy(way, path, (size_t)(end - path));
    way[end - path] = '\0';
    if (leads_nowhere(way)) {
      return false;
    }
  }
  return true;
}

amqp_wolfssl_code_t site_file_read(const char *path, struct site_settings *settings, amqp_wolfssl_error_t *error) {
  struct reader reader = {.path = path, .settings = settings, .error = error};
  struct secret contents = {0};
  amqp_wolfssl_code_t code;
  struct stat status;

  memset(settings, 0, sizeof(*settings));
  if (is_missing(path)) {
    return AMQP_WOLFSSL_OK;
  }
  code = file_read_with_status(path, &contents, &status, error);
  if (code == AMQP_WOLFSSL_OK) {
    code = read_lines(&reader, (const char *)contents.bytes, contents.length);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = check_exception(&reader, &status);
  }
  if (code != AMQP_WOLFSSL_OK) {
    site_settings_free(settings);
  }
  secret_free(&contents);
  return code;
}

void site_settings_free(struct site_settings *settings) {
  free(settings->crl_file);
  memset(settings, 0, sizeof(*settings));
}

void site_settings_except(const struct site_settings *settings, struct policy_limits *limits) {
  if (settings->extended_master_secret_optional && limits->policy != policy_find(AMQP_WOLFSSL_POLICY_CNSA)) {
    limits->extended_master_secret = false;
  }
}

static unsigned strictness(amqp_wolfssl_policy_t policy) {
  switch (policy) {
    case AMQP_WOLFSSL_POLICY_MODERN:
      return 1;
    case AMQP_WOLFSSL_POLICY_FIPS:
      return 2;
    case AMQP_WOLFSSL_POLICY_CNSA:
      return 3;
  }
  return 0;
}

amqp_wolfssl_policy_t site_stricter_policy(amqp_wolfssl_policy_t one, amqp_wolfssl_policy_t other) {
  return strictness(one) >= strictness(other) ? one : other;
}

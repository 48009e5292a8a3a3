/* SPDX-License-Identifier: MIT */
/*
 * Records of our own by their length: all else is encrypted. An alert has two bytes and a KeyUpdate five before
 * encryption; then come the type of the content and a tag, and wolfSSL adds no padding. An empty Certificate, the
 * shortest reply to a CertificateRequest, has eight.
 */
#include "tls/reply_gate.h"

#include "tls/record_framing.h"

#define ALERT ((size_t)2)
#define KEY_UPDATE ((size_t)5)
#define ADDED (1 + TLS_RECORD_TAG)

static bool may_leave(const uint8_t *header, size_t content) {
  return header[0] == TLS_RECORD_APPLICATION_DATA && (content == ALERT + ADDED || content == KEY_UPDATE + ADDED);
}

bool reply_gate_passes(const uint8_t *bytes, size_t length) {
  while (length > 0) {
    size_t content;

    if (length < TLS_RECORD_HEADER) {
      return false;
    }
    content = (size_t)bytes[3] << 8 | bytes[4];
    if (!may_leave(bytes, content) || length - TLS_RECORD_HEADER < content) {
      return false;
    }
    bytes += TLS_RECORD_HEADER + content;
    length -= TLS_RECORD_HEADER + content;
  }
  return true;
}

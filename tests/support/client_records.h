/* SPDX-License-Identifier: MIT */
/*
 * The records that a client sends, by their headers: whether each is encrypted that has to be. Once it has begun to
 * encrypt nothing may be in clear but a ChangeCipherSpec, and least of all an alert, which anybody could forge or read.
 */
#ifndef TESTS_CLIENT_RECORDS_H
#define TESTS_CLIENT_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

struct client_records {
  unsigned char header[5];
  size_t header_length; /**< 0: between two records */
  size_t left;          /**< bytes of the content still to come */
  bool is_1_3;
  bool is_encrypted; /**< from now on records have to be */
  unsigned encrypted;
  size_t longest;    /**< bytes of content in the longest of these */
  unsigned in_clear; /**< that had to be encrypted */
};

void client_records_init(struct client_records *records, bool is_1_3);

/** Takes the next bytes, in pieces of any size. A record in clear that may not be so is written to standard output. */
void client_records_take(struct client_records *records, const unsigned char *bytes, size_t length);

/** Says that what comes from now on has to be encrypted: the client knows the keys, if it has sent nothing yet. */
void client_records_expect_encryption(struct client_records *records);

/**
 * Writes down how many records were encrypted, how long the longest of them was, and how many should have been. What is
 * no whole record counts too.
 */
void client_records_report(const struct client_records *records);

#endif

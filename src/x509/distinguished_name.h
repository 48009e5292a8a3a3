/* SPDX-License-Identifier: MIT */
/*
 * Compares distinguished names as in RFC 5280, section 7.1: two CAs' tools may write the same name with different
 * string types, case or spacing. Such a comparison finds a candidate; a signature proves it. Pure: no memory of its
 * own.
 *
 * Strings are compared by their characters, whatever their type. Case is folded for ASCII letters only, where RFC 4518
 * folds all of Unicode. White space at the ends is ignored, and a run of it within a string counts as one space.
 */
#ifndef AMQP_WOLFSSL_DISTINGUISHED_NAME_H
#define AMQP_WOLFSSL_DISTINGUISHED_NAME_H

#include "base/byte_slice.h"

/** Takes a Name off the front of \a rest. \return false if the front is not a Name, or is malformed */
bool distinguished_name_take(struct byte_slice *rest, struct byte_slice *name);

/** Names are passed with tag and length, as they are in struct certificate. */
bool distinguished_names_equal(struct byte_slice one, struct byte_slice other);

/** Whether \a name is \a base or below it: it begins with all of its relative names. */
bool distinguished_name_is_within(struct byte_slice name, struct byte_slice base);

/**
 * The same, but a value that can't be read (no string, of an unknown type, not encoded as its type wants) may be any,
 * and so may relative names of too many attributes to compare: for what must not be within.
 */
bool distinguished_name_may_be_within(struct byte_slice name, struct byte_slice base);

bool distinguished_name_is_empty(struct byte_slice name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is fuzzed: each function reads one input with one reader and all that is done with the result. It aborts when
 * the result contradicts itself; reads out of bounds are for a sanitizer to see, so the input is copied into a block of
 * exactly its size. The shape is that of libFuzzer's LLVMFuzzerTestOneInput.
 */
#ifndef TESTS_FUZZ_TARGETS_H
#define TESTS_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

/** Counts the inputs that their reader has accepted: a run without any has shown little. */
extern unsigned long fuzz_accepted;

/** The URI of a broker, up to its first NUL. \return 0 */
int fuzz_broker_uri(const uint8_t *data, size_t size);
/** A certificate in DER: what is read from it, its names as text. \return 0 */
int fuzz_certificate(const uint8_t *data, size_t size);
/** A file of certificates, PEM or DER. \return 0 */
int fuzz_certificate_input(const uint8_t *data, size_t size);
/** A revocation list in DER, and looking for serial numbers in it. \return 0 */
int fuzz_revocation_list(const uint8_t *data, size_t size);
/** An OCSP response in DER, and what it says of each certificate. \return 0 */
int fuzz_ocsp_response(const uint8_t *data, size_t size);
/** What a broker sends, with whom we trust and what was really issued, searched for a path. \return 0 */
int fuzz_path(const uint8_t *data, size_t size);
/** A PEM text, block by block. \return 0 */
int fuzz_pem(const uint8_t *data, size_t size);
/** The content of GeneralNames, matched with names of servers. \return 0 */
int fuzz_peer_name(const uint8_t *data, size_t size);
/** What a server sends, framed in pieces of several sizes. \return 0 */
int fuzz_record_stream(const uint8_t *data, size_t size);

#endif

# SPDX-License-Identifier: MIT

# One program that gives mutated input to each reader of what peers and files bring. Linked as unit tests are.
fuzz_programs = tests/fuzz/fuzz_readers
# Inputs that it starts with, in a folder for each reader.
fuzz_corpus = tests/fuzz/corpus
tests_fuzz_fuzz_readers_SOURCES = \
	tests/fuzz/fuzz_readers.c \
	tests/fuzz/broker_uri_target.c \
	tests/fuzz/certificate_input_target.c \
	tests/fuzz/certificate_target.c \
	tests/fuzz/mutation.c tests/fuzz/mutation.h \
	tests/fuzz/ocsp_response_target.c \
	tests/fuzz/path_seeds.c tests/fuzz/path_seeds.h \
	tests/fuzz/path_target.c \
	tests/fuzz/peer_name_target.c \
	tests/fuzz/pem_target.c \
	tests/fuzz/properties.c tests/fuzz/properties.h \
	tests/fuzz/record_stream_target.c \
	tests/fuzz/revocation_list_target.c \
	tests/fuzz/seeds.c tests/fuzz/seeds.h \
	tests/fuzz/targets.h

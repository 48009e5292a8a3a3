# SPDX-License-Identifier: MIT
# Whether this is the broker that was meant.

library_sources += \
	src/verification/certificate_fitness.c src/verification/certificate_fitness.h \
	src/verification/certificate_policies.c src/verification/certificate_policies.h \
	src/verification/expected_identity.c src/verification/expected_identity.h \
	src/verification/name_constraints.c src/verification/name_constraints.h \
	src/verification/ocsp_check.c src/verification/ocsp_check.h \
	src/verification/path.c src/verification/path.h \
	src/verification/path_failure.c \
	src/verification/path_issuers.c \
	src/verification/path_limits.c \
	src/verification/path_question.h \
	src/verification/path_search.h \
	src/verification/peer_name.c src/verification/peer_name.h \
	src/verification/peer_uri.c src/verification/peer_uri.h \
	src/verification/peer_verification.c src/verification/peer_verification.h \
	src/verification/remembered_paths.c src/verification/remembered_paths.h \
	src/verification/revocation.c src/verification/revocation.h \
	src/verification/revocation_lists.c src/verification/revocation_lists.h \
	src/verification/revocation_sources.c src/verification/revocation_sources.h \
	src/verification/signer_check.c src/verification/signer_check.h \
	src/verification/stapled_status.c src/verification/stapled_status.h \
	src/verification/trust.c src/verification/trust.h \
	src/verification/trust_sources.c src/verification/trust_sources.h \
	src/verification/unread_chain.c src/verification/unread_chain.h \
	src/verification/wolfssl_limits.c src/verification/wolfssl_limits.h \
	src/verification/wolfssl_opinion.c src/verification/wolfssl_opinion.h

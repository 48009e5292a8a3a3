# SPDX-License-Identifier: MIT
# WolfSSL itself: its start, its state, its words.

library_sources += \
	src/backend/aes_hardware.c src/backend/aes_hardware.h \
	src/backend/build_info.c src/backend/build_info.h \
	src/backend/fips_module.c src/backend/fips_module.h \
	src/backend/fips_version.c src/backend/fips_version.h \
	src/backend/point_cache.c src/backend/point_cache.h \
	src/backend/wolfssl_error.c src/backend/wolfssl_error.h \
	src/backend/wolfssl_headers.h \
	src/backend/wolfssl_key.h \
	src/backend/wolfssl_origin.c src/backend/wolfssl_origin.h

# SPDX-License-Identifier: MIT
# What may be negotiated.

library_sources += \
	src/policy/policy.c src/policy/policy.h \
	src/policy/tls_settings.h

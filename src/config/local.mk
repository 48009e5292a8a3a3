# SPDX-License-Identifier: MIT
# Options: set, checked, frozen.

library_sources += \
	src/config/broker_uri.c src/config/broker_uri.h \
	src/config/config.c src/config/config.h \
	src/config/connection_life.c \
	src/config/identity_names.c \
	src/config/identity_options.c \
	src/config/options.h \
	src/config/policy_options.c \
	src/config/rotation.c src/config/rotation.h \
	src/config/rotation_options.c \
	src/config/rotation_state.h \
	src/config/setter.c src/config/setter.h \
	src/config/site_file.c src/config/site_file.h \
	src/config/uri_options.c \
	src/config/uri_parts.c \
	src/config/verification_options.c

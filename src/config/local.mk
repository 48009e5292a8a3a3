# SPDX-License-Identifier: MIT
# Options: set, checked, frozen.

library_sources += \
	src/config/config.c src/config/config.h \
	src/config/site_file.c src/config/site_file.h

# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/transport/publish_coalescer_test \
	tests/unit/transport/transport_test

# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/policy/policy_test

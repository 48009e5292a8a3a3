# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/config/broker_uri_test \
	tests/unit/config/config_site_test \
	tests/unit/config/config_test \
	tests/unit/config/file_rotation_test \
	tests/unit/config/identity_names_test \
	tests/unit/config/rotation_options_test \
	tests/unit/config/site_file_test \
	tests/unit/config/system_authorities_test \
	tests/unit/config/uri_options_test \
	tests/unit/config/uri_parts_test

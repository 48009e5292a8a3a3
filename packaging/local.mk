# SPDX-License-Identifier: MIT

# For scripts/build-packages: the project's own Debian packages, and the one that takes librabbitmq4's place.
debian_files = \
	debian/changelog debian/control debian/copyright debian/librabbitmq-wolfssl-compat0.docs \
	debian/librabbitmq-wolfssl-compat0.install debian/librabbitmq-wolfssl-compat0.symbols \
	debian/librabbitmq-wolfssl-dev.docs debian/librabbitmq-wolfssl-dev.examples \
	debian/librabbitmq-wolfssl-dev.install debian/librabbitmq-wolfssl0.docs debian/librabbitmq-wolfssl0.install \
	debian/librabbitmq-wolfssl0.symbols debian/not-installed \
	debian/private-wolfssl.lintian-overrides debian/rules debian/source/format \
	debian/source/lintian-overrides debian/tests/control debian/tests/mutual-tls
replacement_files = \
	packaging/librabbitmq4-wolfssl/debian/clean packaging/librabbitmq4-wolfssl/debian/control \
	packaging/librabbitmq4-wolfssl/debian/copyright \
	packaging/librabbitmq4-wolfssl/debian/librabbitmq4-wolfssl.install \
	packaging/librabbitmq4-wolfssl/debian/librabbitmq4-wolfssl.lintian-overrides \
	packaging/librabbitmq4-wolfssl/debian/not-installed packaging/librabbitmq4-wolfssl/debian/rules \
	packaging/librabbitmq4-wolfssl/debian/source/format \
	packaging/librabbitmq4-wolfssl/debian/source/lintian-overrides
package_tests = tests/packages/build_info.c tests/packages/large_messages.c tests/packages/life_cycle.sh \
	tests/packages/php_amqp.php tests/packages/private.sh tests/packages/replacement.sh \
	tests/packages/two_wolfssls.c
# For scripts/test-rpm, and a layer for Yocto.
rpm_files = packaging/librabbitmq-wolfssl.spec packaging/rpmlint.toml
yocto_files = \
	packaging/yocto/README.md packaging/yocto/conf/layer.conf \
	packaging/yocto/recipes-connectivity/librabbitmq-wolfssl/librabbitmq-wolfssl_$(PACKAGE_VERSION).bb \
	packaging/yocto/recipes-connectivity/rabbitmq-c/rabbitmq-c_%.bbappend \
	packaging/yocto/recipes-wolfssl/wolfssl/wolfssl_%.bbappend
packaging = $(debian_files) $(replacement_files) $(package_tests) $(rpm_files) $(yocto_files)

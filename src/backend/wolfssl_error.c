/* SPDX-License-Identifier: MIT */
/*
 * wolfSSL's error codes in our terms. They are spread over two headers and differ between builds (some exist only with
 * CRL or OCSP); every other file should deal in causes, not numbers.
 */
#include "autoconfig.h"

#include "backend/wolfssl_error.h"

#include "backend/wolfssl_headers.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

struct numbered_cause {
  int wolfssl_code;
  struct wolfssl_cause cause;
};

#define VERIFY AMQP_WOLFSSL_STAGE_VERIFY
#define HANDSHAKE AMQP_WOLFSSL_STAGE_HANDSHAKE

static const struct numbered_cause causes[] = {
    {ASN_AFTER_DATE_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED,
      "the broker's certificate has expired; renew it on the broker, or correct this machine's clock"}},
    {ASN_BEFORE_DATE_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID,
      "the broker's certificate is not valid yet; check its dates and this machine's clock"}},
    {ASN_NO_SIGNER_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_UNKNOWN_CA,
      "the broker's certificate does not lead to a CA that is trusted here; add the CA that issued it, or have the "
      "broker send the intermediate certificates"}},
    {ASN_SELF_SIGNED_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_SELF_SIGNED,
      "the broker's certificate is self-signed and not among the trusted CAs; have a CA issue it"}},
    {CRL_CERT_REVOKED,
     {VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED,
      "a certificate in the broker's chain is revoked, according to its CA's CRL; give the broker a new certificate"}},
    {OCSP_CERT_REVOKED,
     {VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED,
      "the broker's certificate is revoked, according to its CA's OCSP response; give the broker a new certificate"}},
    {CRL_MISSING,
     {VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "no CRL was given for an issuer in the broker's chain; add its CRL"}},
    {CRL_CERT_DATE_ERR,
     {VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the CRL of an issuer in the broker's chain is out of date; fetch a newer one"}},
    {OCSP_CERT_UNKNOWN,
     {VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the broker stapled no OCSP response to its certificate, and one is required; turn stapling on there, or only "
      "request it here"}},
    {OCSP_LOOKUP_FAIL,
     {VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the broker announced an OCSP response but stapled none; check stapling on the broker"}},
    {OCSP_INVALID_STATUS,
     {VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the broker sent an OCSP response that is not valid; check stapling on the broker"}},
    {BAD_CERTIFICATE_STATUS_ERROR,
     {VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the OCSP response that the broker stapled is not valid: it is out of date, about another certificate, damaged, "
      "or not signed on behalf of the certificate's issuer; \"openssl s_client -status\" shows it"}},
    {ASN_SIG_CONFIRM_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE,
      "the signature on a certificate in the broker's chain is wrong; it was not issued by the CA that it names"}},
    {ASN_SIG_HASH_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE,
      "a certificate in the broker's chain is signed with a hash that is not allowed; have it reissued with SHA-256 "
      "or SHA-384"}},
    {ASN_SIG_KEY_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE,
      "a certificate in the broker's chain is signed with a kind of key that is not allowed; have it issued by "
      "another CA"}},
    {RSA_KEY_SIZE_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_WEAK_KEY,
      "an RSA key in the broker's chain is too short; have that certificate reissued with a longer key"}},
    {ECC_KEY_SIZE_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_WEAK_KEY,
      "an EC key in the broker's chain is too short; have that certificate reissued with a longer key"}},
    {ASN_PATHLEN_SIZE_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
      "the broker's chain is longer than a CA in it allows (path length); have the broker's certificate issued by "
      "another CA"}},
    {ASN_PATHLEN_INV_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
      "the broker's chain is longer than a CA in it allows (path length); have the broker's certificate issued by "
      "another CA"}},
    {ASN_NAME_INVALID_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
      "a name in the broker's certificate is outside its CA's name constraints; have it reissued with names that the "
      "CA may certify"}},
    {MAX_CHAIN_ERROR,
     {VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
      "the broker's certificate chain is too long; have the broker send only the certificates up to its CA"}},
    {EXTKEYUSE_AUTH_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
      "the broker's certificate is not meant for servers (its extended key usage lacks serverAuth); have it reissued "
      "for a server"}},
    {KEYUSE_SIGNATURE_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
      "the broker's certificate may not be used to sign (its key usage lacks digitalSignature); have it reissued"}},
    {NO_PEER_CERT, {VERIFY, AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING, "the broker presented no certificate"}},
    {ASN_PARSE_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID, "wolfSSL can't parse a certificate that the broker sent"}},
    {ASN_ALT_NAME_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
      "wolfSSL can't read the names of a certificate that the broker sent; some versions read 128 names at most: have "
      "it reissued with fewer"}},
    {ASN_CRIT_EXT_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
      "a certificate in the broker's chain has a critical extension that wolfSSL does not support"}},
    {VERIFY_CERT_ERROR, {VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID, "the broker's certificate was not accepted"}},
    {VERSION_ERROR,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION,
      "the broker and this client share no TLS version; enable TLS 1.2 or 1.3 on the broker (ssl_options.versions)"}},
    {MATCH_SUITE_ERROR,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE,
      "the broker and this client share no cipher suite; enable one of this client's suites on the broker"}},
    {ECC_CURVETYPE_ERROR,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE, "the broker chose a key exchange group that was not offered"}},
    {ECC_CURVE_ERROR,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE, "the broker chose a key exchange group that was not offered"}},
    {BAD_KEY_SHARE_DATA,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE, "the broker chose a key exchange group that was not offered"}},
    {INVALID_PARAMETER,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED,
      "the broker's handshake contains a parameter that is not allowed"}},
    {VERIFY_SIGN_ERROR,
     {VERIFY, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE, "the broker did not prove that it holds its certificate's key"}},
    {SIG_VERIFY_E,
     {VERIFY, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE, "the broker did not prove that it holds its certificate's key"}},
    {VERIFY_FINISHED_ERROR, {HANDSHAKE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT, "the handshake was altered in transit"}},
    {VERIFY_MAC_ERROR,
     {AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT,
      "a record failed its integrity check: something between here and the broker altered it"}},
    {DECRYPT_ERROR,
     {AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT,
      "a record failed its integrity check: something between here and the broker altered it"}},
    {AES_GCM_AUTH_E,
     {AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT,
      "a record failed its integrity check: something between here and the broker altered it"}},
    {MAC_CMP_FAILED_E,
     {AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT,
      "a record failed its integrity check: something between here and the broker altered it"}},
    {UNKNOWN_RECORD_TYPE,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the peer sent a record of a type that TLS does not have"}},
    {OUT_OF_ORDER_E,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the peer sent a handshake message out of order"}},
    {SANITY_MSG_E,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the peer sent a handshake message out of order"}},
    {DUPLICATE_MSG_E,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION,
      "the peer sent a handshake message a second time (or, after the handshake, another HelloRequest)"}},
    {ALERT_COUNT_E, {HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the peer sent too many warning alerts"}},
    {BUFFER_ERROR,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the peer sent a message with an invalid length"}},
    {LENGTH_ERROR, {HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the peer sent a record with an invalid length"}},
    {SECURE_RENEGOTIATION_E,
     {AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION,
      "the peer asked for a renegotiation, which is not allowed"}},
    {FIPS_NOT_ALLOWED_E,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_FIPS_MODULE,
      "wolfSSL's FIPS module refused an operation; restart the program, and if that does not help, reinstall wolfSSL"}},
    {IN_CORE_FIPS_E,
     {HANDSHAKE, AMQP_WOLFSSL_ERROR_FIPS_MODULE,
      "the integrity check of wolfSSL's FIPS module failed; reinstall wolfSSL and restart the program"}},
    {MEMORY_E, {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory"}},
    {MEMORY_ERROR, {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory"}},
};

#undef VERIFY
#undef HANDSHAKE

const struct wolfssl_cause *wolfssl_error_find_cause(int wolfssl_code) {
  for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
    if (causes[i].wolfssl_code == wolfssl_code) {
      return &causes[i].cause;
    }
  }
  return NULL;
}

amqp_wolfssl_code_t wolfssl_error_set(amqp_wolfssl_error_t *error, int wolfssl_code,
                                      const struct wolfssl_cause *fallback) {
  const struct wolfssl_cause *cause = wolfssl_error_find_cause(wolfssl_code);

  if (cause != NULL) {
    error_set(error, cause->stage, cause->code, "%s", cause->sentence);
  } else {
    char reason[WOLFSSL_MAX_ERROR_SZ];

    wolfSSL_ERR_error_string_n((unsigned long)wolfssl_code, reason, sizeof(reason));
    error_set(error, fallback->stage, fallback->code, "%s (wolfSSL: %s, %d)", fallback->sentence, reason, wolfssl_code);
  }
  error->wolfssl_code = wolfssl_code;
  return error->code;
}
